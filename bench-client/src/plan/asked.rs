//! What the flags of a run ask for, before it is known to make sense. Pure.

use super::spelling::{Rate, Span};
use super::{Checks, Hold, KeyDist, Mode};
use crate::nanos::Nanos;

/// The flags of a run: `None` where the user said nothing, so that defaults can depend on the
/// mode and contradictions can be told from defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// Generator threads.
    pub threads: Option<u16>,
    /// Cores that the generator may use: so many threads are started if none are asked for.
    pub cores: u16,
    /// Connections.
    pub connections: Option<u32>,
    /// Clients per connection.
    pub inflight: Option<u16>,
    /// Length of the measured time, or of one trial of a search.
    pub duration: Option<Nanos>,
    /// Cycles in the measured time.
    pub operations: Option<u64>,
    /// Rate of an open loop, or where a search begins.
    pub rate: Option<Rate>,
    /// Time in which the rate grows.
    pub ramp: Option<Nanos>,
    /// Whether the highest rate is searched for.
    pub find_max: bool,
    /// Whether bounds were given that the run is judged by.
    pub slo: bool,
    /// Load before the measured time.
    pub warmup: Option<Nanos>,
    /// Seed of every random choice.
    pub seed: u64,
    /// What the clients do.
    pub mode: Mode,
    /// Keys.
    pub keys: Option<u64>,
    /// Which keys are drawn.
    pub key_dist: Option<KeyDist>,
    /// Bytes of a key.
    pub key_bytes: Option<u16>,
    /// Time between grant and release.
    pub hold: Option<Hold>,
    /// Lease of each hold.
    pub lease: Option<Span>,
    /// Wait of each acquire.
    pub wait: Option<Span>,
    /// Whether pairs go in one write.
    pub one_write: bool,
    /// Whether connections keep to their shard.
    pub shard_aware: bool,
    /// Locks held in the background.
    pub held: Option<u64>,
    /// How long the server may be away.
    pub survive: Option<Nanos>,
    /// What is checked.
    pub checks: Option<Checks>,
}
