//! What one engine counts for Stats; names as in the protocol's table.

/// Counters since start, and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests applied.
    pub requests: u64,
    /// Acquires among them.
    pub acquires: u64,
    /// Holds granted.
    pub grants: u64,
    /// Acquires that queued.
    pub queued: u64,
    /// Acquires not granted within their wait.
    pub timeouts: u64,
    /// Requests refused otherwise.
    pub refusals: u64,
    /// Holds released by their holders.
    pub releases: u64,
    /// Renewals.
    pub renewals: u64,
    /// Cancels.
    pub cancels: u64,
    /// Holds ended by their lease.
    pub lost_lease: u64,
    /// Holds ended with their session.
    pub lost_session: u64,
    /// Holds ended by force.
    pub forced: u64,
    /// Holds taken back after a restart.
    pub reclaims: u64,
    /// Holds taken back, and ended since because one of a higher token was.
    pub lost_conflict: u64,
    /// Effects that found a lane full at first.
    pub deferred: u64,
    /// Gauge: keys in the table.
    pub locks: u32,
    /// Gauge: holds.
    pub holds: u32,
    /// Gauge: forced holds whose key is closed still: their holders may believe in them.
    pub closures: u32,
    /// Gauge: waiters.
    pub waiters: u32,
    /// Gauge: blocks in use.
    pub blocks_used: u32,
    /// Gauge: blocks in all.
    pub blocks: u32,
    /// Greatest time by which something expired late, in microseconds, stalls not counted.
    pub expiry_late_us_max: u64,
    /// Time by which stalls of the server moved deadlines later, in all.
    pub stall_ms: u64,
}
