//! The wheel's clock of one shard: the raw clock, less the time that stalls took.
//!
//! A process that stood still for a while finds everything due at once, before its clients could
//! have said a word. So the wheel's clock passes over at most [`WHEEL_STEP_MS_MAX`] beyond what was
//! due next in one turn, and every deadline moves later by the rest. It never runs ahead of the raw
//! clock: nothing ends early.

use crate::limits::WHEEL_STEP_MS_MAX;
use crate::time::Instant;

/// A clock in milliseconds that forgives stalls.
#[derive(Clone, Copy, Debug)]
pub struct WheelClock {
    now_ms: u64,
    stalled_ms: u64,
}

impl WheelClock {
    /// A clock that shows the raw clock's milliseconds.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            now_ms: now.as_millis(),
            stalled_ms: 0,
        }
    }

    /// The clock's milliseconds.
    #[must_use]
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Milliseconds that stalls took so far.
    #[must_use]
    pub const fn stalled_ms(&self) -> u64 {
        self.stalled_ms
    }

    /// Advances to the raw clock. `next_ms` is when something is due next on this clock: a shard
    /// sleeps until then, so only what lies behind it counts as a stall.
    pub fn advance(&mut self, now: Instant, next_ms: Option<u64>) {
        let told = now.as_millis().saturating_sub(self.stalled_ms);
        let Some(next_ms) = next_ms else {
            self.now_ms = self.now_ms.max(told);
            return;
        };
        let at_most = self.now_ms.max(next_ms) + WHEEL_STEP_MS_MAX;
        self.stalled_ms += told.saturating_sub(at_most);
        self.now_ms = self.now_ms.max(told.min(at_most));
    }

    /// When this clock will show `at_ms`, on the raw clock, if nothing stalls.
    #[must_use]
    pub const fn raw(&self, at_ms: u64) -> Instant {
        Instant((at_ms + self.stalled_ms) * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_until_what_is_due_is_no_stall() {
        let mut clock = WheelClock::new(Instant(0));
        clock.advance(Instant(9_030_000), Some(9_000));
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (9_030, 0));
    }

    #[test]
    fn a_stall_moves_every_deadline_later() {
        let mut clock = WheelClock::new(Instant(0));
        clock.advance(Instant(30_000_000), Some(1_000));
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (1_050, 28_950));
        assert_eq!(clock.raw(2_000), Instant(30_950_000));
        clock.advance(Instant(30_001_000), Some(2_000));
        assert_eq!(clock.now_ms(), 1_051);
    }

    #[test]
    fn an_idle_shard_without_deadlines_does_not_stall() {
        let mut clock = WheelClock::new(Instant(0));
        clock.advance(Instant(30_000_000), None);
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (30_000, 0));
    }
}
