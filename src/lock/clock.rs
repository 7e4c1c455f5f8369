//! The engine's two clocks: the raw one that everybody is told, and the wheel's, which a stall
//! holds back.
//!
//! `wheel = raw in whole ms - skew`. After a stall the wheel advances at most 50 ms beyond what was
//! due anyway; the excess is added to the skew, which moves every deadline later by as much, so
//! that clients that were as silent as the server was stopped find their locks. A deadline is
//! rounded up to the wheel's millisecond and read back without loss, so nothing ends early.

use crate::limits::WHEEL_STEP_MS_MAX;
use crate::time::Instant;
use crate::wheel::Wheel;

/// Both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    now: Instant,
    skew_ms: u64,
    target_ms: u64,
}

impl Clock {
    /// Both clocks at one instant.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            now,
            skew_ms: 0,
            target_ms: now.as_millis(),
        }
    }

    /// The raw clock, as read in this turn.
    pub(super) const fn now(&self) -> Instant {
        self.now
    }

    /// Whole seconds of the raw clock.
    pub(super) fn seconds(&self) -> u32 {
        u32::try_from(self.now.as_micros() / 1_000_000).expect("a run ends within 136 years")
    }

    /// By how much deadlines were moved later so far.
    pub(super) const fn skew_ms(&self) -> u64 {
        self.skew_ms
    }

    /// Up to where the wheel may advance in this turn.
    pub(super) const fn target_ms(&self) -> u64 {
        self.target_ms
    }

    /// Takes in a new reading. A clock that steps back is taken as standing still.
    pub(super) fn advance(&mut self, now: Instant, wheel: &Wheel) {
        self.now = self.now.max(now);
        let target = self.now.as_millis() - self.skew_ms;
        // Nothing is due before the next wake-up: sleeping until then is no stall.
        let due = wheel
            .next_wake()
            .map_or(target, |wake| wake.max(wheel.cursor_ms()));
        let furthest = due.saturating_add(WHEEL_STEP_MS_MAX);
        if target > furthest {
            self.skew_ms += target - furthest;
        }
        self.target_ms = target.min(furthest);
    }

    /// The wheel's millisecond for a raw instant, rounded up.
    pub(super) const fn wheel_ms(&self, instant: Instant) -> u64 {
        instant
            .as_micros()
            .div_ceil(1_000)
            .saturating_sub(self.skew_ms)
    }

    /// The raw instant of a wheel's millisecond.
    pub(super) const fn raw(&self, wheel_ms: u64) -> Instant {
        Instant((wheel_ms + self.skew_ms) * 1_000)
    }

    /// The raw instant of a deadline kept as its low 32 bits, at most 2^31 ms from the wheel's
    /// target either way.
    pub(super) fn deadline(&self, low: u32) -> Instant {
        let ahead = low.wrapping_sub(low32(self.target_ms)).cast_signed();
        let due_ms = self.target_ms.checked_add_signed(i64::from(ahead));
        self.raw(due_ms.expect("deadlines lie after the start"))
    }
}

/// The low 32 bits of a wheel's millisecond: how blocks keep deadlines.
pub(super) fn low32(ms: u64) -> u32 {
    let [a, b, c, d, ..] = ms.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
