//! Instants and durations of the server, as newtypes that cannot be mixed.
//!
//! The server knows one clock: `CLOCK_MONOTONIC_RAW`, counted in microseconds from the moment the
//! process started, common to all shards. Pure code never reads it; the shell reads it once a turn,
//! after the sockets were reaped and the lanes drained, and passes it in.

use std::ops::Add;

/// An instant on the server's raw clock: microseconds since the server run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

/// A length of time in milliseconds, as it travels on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u32);

impl Instant {
    /// The start of the server run.
    pub const START: Self = Self(0);

    /// Microseconds since the run began: what the wire calls `server_now`.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the run began, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Time from `earlier` to `self` in microseconds, 0 if `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Millis {
    /// The same length in microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 as u64 * 1_000
    }
}

impl Add<Millis> for Instant {
    type Output = Self;

    fn add(self, length: Millis) -> Self {
        Self(self.0 + length.as_micros())
    }
}
