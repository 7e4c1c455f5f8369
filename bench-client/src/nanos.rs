//! Instants and spans of the load generator, in nanoseconds of one clock.

use std::ops::{Add, Sub};

/// Nanoseconds: an instant on the generator's clock, or a span of it.
///
/// The clock is one for all threads of the process, so instants of different threads compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all; also the start of the clock.
    pub const ZERO: Self = Self(0);
    /// Later than any instant.
    pub const FOREVER: Self = Self(u64::MAX);
    /// A second.
    pub const SECOND: Self = Self(1_000_000_000);

    /// So many milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// So many seconds; 0 if they are none, or no number.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Self {
        let span = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Self(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }

    /// As seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The span from `earlier` to this instant, 0 if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Nanos {
    type Output = Self;

    /// Stops at [`Nanos::FOREVER`].
    fn add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Nanos {
    type Output = Self;

    /// Stops at 0.
    fn sub(self, span: Self) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}
