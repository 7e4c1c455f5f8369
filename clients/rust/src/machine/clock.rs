//! What the client may believe about the server's clock, and the deadlines that follow.
//!
//! An [`Anchor`] pairs an instant of the client's clock with a later instant of the server's: the
//! client read its clock *before* the first byte of a request left for the first time, the server
//! stamped its own *after* it had the request. So whatever the network did, the server's stamp was
//! taken no earlier than `sent_at`, and a server deadline that lies `d` behind the stamp comes no
//! earlier than `sent_at + d`, less what the two clocks' rates may differ by: the [`Margin`].
//!
//! Every anchor is therefore a safe lower bound, and the best is the one that yields the latest
//! deadline. Anchors end with the server run, because its clock starts anew.

use super::instant::Instant;

/// By how much a deadline is taken earlier than the arithmetic says: a share of the time that it
/// lies ahead, for what two clocks' rates may differ by, and a fixed time, for rounding.
///
/// The front around a machine says which one its clock needs; a server may ask for more. A margin
/// too small for the clock breaks exclusion, one too great costs some of each lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    permille: u16,
    ms: u16,
}

/// One answered request's evidence about the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The client's clock before the first byte of the first transmission.
    pub sent_at: Instant,
    /// The server's clock after it had the request, in microseconds since its run began.
    pub server_now: u64,
}

/// The best evidence of this server run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerClock {
    anchor: Anchor,
    margin: Margin,
}

impl Margin {
    /// 1 % + 2 ms: for a clock that shows the greater of what `CLOCK_MONOTONIC_RAW` and
    /// `CLOCK_BOOTTIME` advanced, so that it is neither slewed nor stopped by a suspension.
    pub const TWO_CLOCKS: Self = Self {
        permille: 10,
        ms: 2,
    };
    /// 10 % + 2 ms: for a client that has one monotonic clock, which may be slewed.
    pub const ONE_CLOCK: Self = Self {
        permille: 100,
        ms: 2,
    };

    /// A margin of so many thousandths and so many milliseconds; no less than
    /// [`TWO_CLOCKS`](Self::TWO_CLOCKS), which every clock needs.
    #[must_use]
    pub fn at_least(permille: u16, ms: u16) -> Self {
        Self::TWO_CLOCKS.raised_to(permille, ms)
    }

    /// This margin, raised in either part to what a server demands.
    #[must_use]
    pub fn raised_to(self, permille: u16, ms: u16) -> Self {
        Self {
            permille: self.permille.max(permille),
            ms: self.ms.max(ms),
        }
    }

    /// The end of a period of `micros` that began no earlier than `start`, less the margin.
    #[must_use]
    pub fn end_of(self, start: Instant, micros: u64) -> Instant {
        let end = start
            .0
            .saturating_add(micros.saturating_sub(self.drift(micros)));
        Instant(end.saturating_sub(self.fixed()))
    }

    /// What `micros` of one clock may differ by on the other, rounded up.
    fn drift(self, micros: u64) -> u64 {
        (micros / 1_000)
            .saturating_add(1)
            .saturating_mul(u64::from(self.permille))
    }

    fn fixed(self) -> u64 {
        u64::from(self.ms) * 1_000
    }
}

impl ServerClock {
    /// Starts with the anchor that the answer to Hello gives.
    #[must_use]
    pub const fn new(anchor: Anchor, margin: Margin) -> Self {
        Self { anchor, margin }
    }

    /// The margin in force.
    #[must_use]
    pub const fn margin(&self) -> Margin {
        self.margin
    }

    /// Keeps `anchor` if it yields later deadlines than the best so far.
    ///
    /// Which of two anchors is better does not depend on the deadline: the newer one gains what
    /// the client's clock advanced between them, and loses what the server's did less the margin.
    pub fn observe(&mut self, anchor: Anchor) {
        let (older, newer, newer_is_offer) = if anchor.server_now >= self.anchor.server_now {
            (self.anchor, anchor, true)
        } else {
            (anchor, self.anchor, false)
        };
        let apart = newer.server_now - older.server_now;
        let cost = apart.saturating_sub(self.margin.drift(apart));
        let newer_is_better = newer.sent_at.0 > older.sent_at.0.saturating_add(cost);
        if newer_is_better == newer_is_offer {
            self.anchor = anchor;
        }
    }

    /// The client's instant before which the server's clock cannot have reached `until`.
    #[must_use]
    pub fn deadline(&self, until: u64) -> Instant {
        let Anchor {
            sent_at,
            server_now,
        } = self.anchor;
        if until >= server_now {
            return self.margin.end_of(sent_at, until - server_now);
        }
        let past = server_now - until;
        let past = past
            .saturating_add(self.margin.drift(past))
            .saturating_add(self.margin.fixed());
        Instant(sent_at.0.saturating_sub(past))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Margin = Margin::TWO_CLOCKS;

    fn anchor(sent_at_ms: u64, server_ms: u64) -> Anchor {
        Anchor {
            sent_at: Instant(sent_at_ms * 1_000),
            server_now: server_ms * 1_000,
        }
    }

    #[test]
    fn a_deadline_counts_from_before_the_send_and_loses_one_percent_and_two_ms() {
        let clock = ServerClock::new(anchor(1_000, 50_000), MARGIN);
        // 10 s lie between the stamp and the deadline: 100 ms of drift, rounded up by 10 us.
        assert_eq!(
            clock.deadline(60_000_000),
            Instant(1_000_000 + 9_900_000 - 10 - 2_000)
        );
    }

    #[test]
    fn a_deadline_before_the_stamp_lies_before_the_send() {
        let clock = ServerClock::new(anchor(10_000, 50_000), MARGIN);
        assert!(clock.deadline(49_000_000) < Instant(9_000_000));
    }

    #[test]
    fn a_server_margin_below_ours_is_raised_and_one_above_is_kept() {
        assert_eq!(Margin::at_least(0, 0), MARGIN);
        assert_eq!(MARGIN.raised_to(100, 0), Margin::ONE_CLOCK);
        let both = Margin {
            permille: 100,
            ms: 5,
        };
        assert_eq!(Margin::ONE_CLOCK.raised_to(10, 5), both);
    }

    #[test]
    fn a_newer_anchor_of_the_same_delay_is_better() {
        let mut clock = ServerClock::new(anchor(0, 5), MARGIN);
        clock.observe(anchor(1_000, 1_005));
        assert_eq!(clock.anchor, anchor(1_000, 1_005));
    }

    #[test]
    fn a_newer_anchor_that_was_long_under_way_is_worse() {
        let mut clock = ServerClock::new(anchor(1_000, 1_001), MARGIN);
        // Sent 10 ms later, stamped 800 ms later: a request that queued.
        clock.observe(anchor(1_010, 1_801));
        assert_eq!(clock.anchor, anchor(1_000, 1_001));
    }

    #[test]
    fn an_anchor_that_arrives_late_does_not_displace_a_better_newer_one() {
        let mut clock = ServerClock::new(anchor(2_000, 2_001), MARGIN);
        clock.observe(anchor(1_000, 1_001));
        assert_eq!(clock.anchor, anchor(2_000, 2_001));
    }

    #[test]
    fn an_older_anchor_of_a_shorter_delay_displaces_a_newer_one() {
        let mut clock = ServerClock::new(anchor(2_000, 2_900), MARGIN);
        clock.observe(anchor(1_990, 1_991));
        assert_eq!(clock.anchor, anchor(1_990, 1_991));
    }

    #[test]
    fn no_anchor_ever_yields_a_deadline_after_the_true_one() {
        // Both clocks run true; delays vary. The true deadline on the client's clock is known.
        let offset_ms = 70_000;
        let until_ms = 100_000 + offset_ms;
        let mut clock = ServerClock::new(anchor(0, offset_ms), MARGIN);
        for step in 1..100_u64 {
            let sent = step * 997;
            let delay = (step * 7_919) % 450;
            clock.observe(anchor(sent, sent + offset_ms + delay));
            assert!(clock.deadline(until_ms * 1_000) <= Instant(100_000 * 1_000));
        }
        assert!(
            clock.deadline(until_ms * 1_000) > Instant(99_000 * 1_000),
            "and it is close"
        );
    }
}
