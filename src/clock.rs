//! A shard's two clocks: the raw one that everybody is told, and the wheel's, which stalls hold
//! back. The locks' timers and the sessions' have one each.
//!
//! `wheel = raw in whole ms - stalled`. A process that stood still for a while finds everything due
//! at once, before its clients could have said a word. So the wheel's clock passes over at most
//! [`WHEEL_STEP_MS_MAX`] beyond what was due anyway in one turn, and every deadline moves later by
//! the rest. It never runs ahead of the raw clock: a deadline that is rounded up to a millisecond
//! of the wheel is read back without loss, and nothing ends early.

use crate::limits::WHEEL_STEP_MS_MAX;
use crate::time::Instant;
use crate::wheel::low32;

/// Both clocks.
#[derive(Clone, Copy, Debug)]
pub struct WheelClock {
    raw_now: Instant,
    now_ms: u64,
    stalled_ms: u64,
}

impl WheelClock {
    /// Both clocks at one instant.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            raw_now: now,
            now_ms: now.as_millis(),
            stalled_ms: 0,
        }
    }

    /// The raw clock, as read in this turn.
    #[must_use]
    pub const fn raw_now(&self) -> Instant {
        self.raw_now
    }

    /// Whole seconds of the raw clock.
    ///
    /// # Panics
    /// After 136 years.
    #[must_use]
    pub fn raw_seconds(&self) -> u32 {
        let seconds = self.raw_now.as_micros() / 1_000_000;
        u32::try_from(seconds).expect("a run ends within 136 years")
    }

    /// The wheel's milliseconds: up to where the wheel may advance in this turn.
    #[must_use]
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Milliseconds that stalls took: by how much deadlines were moved later so far.
    #[must_use]
    pub const fn stalled_ms(&self) -> u64 {
        self.stalled_ms
    }

    /// Takes in a new reading of the raw clock. One that steps back is taken as standing still.
    ///
    /// `idle_until_ms` is the wheel's millisecond up to which nothing was to be done, as a shard
    /// sleeps until then: only what lies behind it counts as a stall. `None` = nothing is armed.
    pub fn advance(&mut self, now: Instant, idle_until_ms: Option<u64>) {
        self.raw_now = self.raw_now.max(now);
        let told = self.raw_now.as_millis() - self.stalled_ms;
        let at_most = idle_until_ms.map_or(told, |idle| {
            self.now_ms.max(idle.saturating_add(WHEEL_STEP_MS_MAX))
        });
        self.stalled_ms += told.saturating_sub(at_most);
        self.now_ms = told.min(at_most);
    }

    /// The wheel's millisecond for a raw instant, rounded up.
    #[must_use]
    pub const fn wheel_ms(&self, instant: Instant) -> u64 {
        instant
            .as_micros()
            .div_ceil(1_000)
            .saturating_sub(self.stalled_ms)
    }

    /// When the wheel's clock shows `wheel_ms`, on the raw clock, if nothing stalls.
    #[must_use]
    pub const fn raw(&self, wheel_ms: u64) -> Instant {
        Instant((wheel_ms + self.stalled_ms) * 1_000)
    }

    /// The raw instant of a deadline kept as its low 32 bits, at most 2^31 ms from the wheel's
    /// clock either way.
    ///
    /// # Panics
    /// If it lies before the start.
    #[must_use]
    pub fn deadline(&self, low: u32) -> Instant {
        let ahead = low.wrapping_sub(low32(self.now_ms)).cast_signed();
        let due_ms = self.now_ms.checked_add_signed(i64::from(ahead));
        self.raw(due_ms.expect("deadlines lie after the start"))
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
        assert_eq!(clock.raw_now(), Instant(30_000_000));
        clock.advance(Instant(30_001_000), Some(2_000));
        assert_eq!(clock.now_ms(), 1_051);
    }

    #[test]
    fn an_idle_shard_without_deadlines_does_not_stall() {
        let mut clock = WheelClock::new(Instant(0));
        clock.advance(Instant(30_000_000), None);
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (30_000, 0));
    }

    #[test]
    fn work_left_behind_holds_the_clock_but_never_turns_it_back() {
        let mut clock = WheelClock::new(Instant(0));
        clock.advance(Instant(1_000_000), Some(1_000));
        clock.advance(Instant(1_200_000), Some(960));
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (1_010, 190));
        clock.advance(Instant(1_201_000), Some(10));
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (1_010, 191));
    }

    #[test]
    fn a_raw_clock_that_steps_back_stands_still() {
        let mut clock = WheelClock::new(Instant(5_000_000));
        clock.advance(Instant(4_000_000), None);
        assert_eq!(clock.raw_now(), Instant(5_000_000));
        assert_eq!((clock.now_ms(), clock.stalled_ms()), (5_000, 0));
    }

    #[test]
    fn a_deadline_is_rounded_up_and_read_back_whole() {
        let mut clock = WheelClock::new(Instant(0));
        clock.advance(Instant(5_000_000_000_000), None);
        clock.advance(Instant(5_000_000_300_000), Some(5_000_000_000));
        assert_eq!(clock.stalled_ms(), 250);
        let wheel_ms = clock.wheel_ms(Instant(5_000_007_000_001));
        assert_eq!(wheel_ms, 5_000_006_751);
        assert_eq!(clock.deadline(low32(wheel_ms)), Instant(5_000_007_001_000));
    }
}
