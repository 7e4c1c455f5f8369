//! What the clients of a run do. Pure.

use std::ops::RangeInclusive;

use crate::nanos::Nanos;

/// Bytes that a key may have: room for every number, and not more than the protocol's.
pub const KEY_BYTES: RangeInclusive<u16> = 8..=1_024;

/// What a client's cycle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Acquire and release keys that no other client asks for.
    #[default]
    Uncontended,
    /// Acquire, hold and release keys that all clients share, exclusively.
    Contended,
    /// As contended, so many of 100 acquires shared, the others exclusive.
    ReadWrite {
        /// Shared acquires of 100.
        shared_percent: u8,
    },
    /// As contended, one permit of a key's `limit`.
    Permit {
        /// Holds of a key at once.
        limit: u32,
    },
    /// Renew holds that were acquired before the measured time.
    Renew,
    /// Connect, open a session, acquire, and cut the connection.
    Churn,
    /// All clients wait for one key, which goes from hand to hand; then again.
    Herd,
    /// Acquire ever new keys and keep them, until the keys are used up or the table is full.
    HoldMany,
}

/// Which keys are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyDist {
    /// Each as often as any other.
    Uniform,
    /// Zipf's law with this exponent, above 0.
    Zipf(f64),
    /// Nine of ten draws from the first so many keys, the others from all.
    Hot(u32),
    /// One after the other.
    Sequential,
}

/// How long a lock is held before it is released.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hold {
    /// Not at all.
    None,
    /// So long.
    For(Nanos),
    /// Exponential with this mean.
    Exponential(Nanos),
}

/// How an acquire and its release are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairStyle {
    /// The release is sent when the grant is there: two round trips.
    TwoTrips,
    /// A try and a release with token 0 go in one write, on two seats.
    OneWrite,
}

/// What the clients do.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The cycle.
    pub mode: Mode,
    /// Keys in all, numbered from 0.
    pub keys: u32,
    /// Which of them are drawn.
    pub key_dist: KeyDist,
    /// Bytes of a key, within [`KEY_BYTES`].
    pub key_bytes: u16,
    /// Time between grant and release.
    pub hold: Hold,
    /// Lease of each hold in milliseconds, 0 = as long as its session.
    pub lease_ms: u32,
    /// Wait of each acquire in milliseconds: 0 = try, `u32::MAX` = as long as its session.
    pub wait_ms: u32,
    /// How pairs are sent.
    pub pair: PairStyle,
    /// Each connection asks only for keys of the shard it is connected to.
    pub shard_aware: bool,
}
