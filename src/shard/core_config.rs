//! What one shard's core is built from: plain values, checked by `config` and by the start-up.

use crate::lock::op::ShardId;
use crate::time::{Instant, Millis};

/// The configuration of a [`crate::shard::core::Core`].
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// This shard.
    pub shard: ShardId,
    /// Shards in all, 1..=256.
    pub shards: u16,
    /// Connections of this shard at most: slots in its connection table.
    pub connections_max: u32,
    /// Sessions whose home is this shard at most.
    pub sessions_max: u32,
    /// Seats of each session, 1..=4,096.
    pub seats: u16,
    /// Bytes of the lane to each other shard.
    pub lane_bytes: usize,
    /// Longest key taken, <= [`crate::limits::KEY_BYTES_MAX`].
    pub key_bytes_max: u16,
    /// Longest metadata taken, <= [`crate::limits::METADATA_BYTES_MAX`].
    pub metadata_bytes_max: u16,
    /// Longest frame body taken.
    pub frame_bytes_max: u32,
    /// Leases are clamped to at least this.
    pub lease_min: Millis,
    /// Leases are clamped to at most this.
    pub lease_max: Millis,
    /// The TTL of a session that asks for none.
    pub ttl_default: Millis,
    /// The longest TTL granted.
    pub ttl_max: Millis,
    /// Sessions with TTLs up to this may open at once; longer ones ask for a durable bound first.
    /// 0 at start with a data dir, the maximum without one.
    pub ttl_durable: Millis,
    /// No data dir: no exclusion across a restart.
    pub ephemeral: bool,
    /// Names this server.
    pub server_id: [u8; 16],
    /// The epoch of this server run.
    pub run: u64,
    /// The oldest run whose holds may be reclaimed in this run's grace window.
    pub floor: u64,
    /// Until when the keys stay closed after a restart; `None` = no grace window.
    pub grace_until: Option<Instant>,
    /// The length of that window; 0 = none.
    pub grace: Millis,
    /// The port of each shard, or none; told to clients that came by TCP.
    pub ports: Vec<u16>,
}
