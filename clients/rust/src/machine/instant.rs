//! The client's clock as the machine sees it: a count, never read here.

use std::time::Duration;

/// An instant on the client's own clock: microseconds since an arbitrary zero of that clock.
///
/// The machine is handed these and never reads a clock. The clock must not run slower than real
/// time by more than 1 % and must not stop while the machine sleeps; the blocking front uses the
/// greater of `CLOCK_MONOTONIC_RAW` and `CLOCK_BOOTTIME`. Readings are rounded down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// Later than every reading: a deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `millis` milliseconds later; stays at [`NEVER`](Self::NEVER) once there.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000)))
    }

    /// The instant `length` later, rounded up to a microsecond.
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        let micros = length.as_nanos().div_ceil(1_000);
        Self(
            self.0
                .saturating_add(u64::try_from(micros).unwrap_or(u64::MAX)),
        )
    }

    /// Time from `earlier` to `self`, zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The first whole number of milliseconds that reaches from `earlier` to `self`, as the wire
    /// counts them: at most `u32::MAX - 1`, because `u32::MAX` has a meaning of its own.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u32 {
        let millis = self.0.saturating_sub(earlier.0).div_ceil(1_000);
        u32::try_from(millis).unwrap_or(u32::MAX).min(u32::MAX - 1)
    }
}
