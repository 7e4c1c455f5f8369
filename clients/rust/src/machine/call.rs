//! What the machine is asked to do, and the request that each call becomes.

use std::sync::Arc;
use std::time::Duration;

use super::instant::Instant;

/// Names one call into the machine; its outcome carries it. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Names one hold of this client; the owner number that the server knows it by.
///
/// Every acquire has a fresh owner, so that no two holds of a client can be taken for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

/// How a hold shares its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Alone on the key.
    Exclusive,
    /// With other shared holds.
    Shared,
    /// Some of the key's permits.
    Permit {
        /// Permits wanted, 1..=`limit`.
        permits: u32,
        /// How many permits the key has, 1..=2^31.
        limit: u32,
        /// Change the key's limit to this one instead of being refused for another.
        resize: bool,
    },
}

/// How long an acquire may queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Try,
    /// At most this long, counted from the call; a part of a millisecond counts as a whole one.
    For(Duration),
    /// Until it is granted, cancelled or refused.
    Forever,
}

/// How long a hold lasts unless it is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// As long as the session.
    Session,
    /// This long from the grant or renewal; the server clamps it to its bounds.
    For(Duration),
}

/// Renewing a lease without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoRenew {
    /// Renewing ends this long after the grant; `None` renews until the release.
    pub cap: Option<Duration>,
}

/// One acquisition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquire {
    /// The key, 1..=`key_max` bytes.
    pub key: Arc<[u8]>,
    /// How it shares the key.
    pub mode: Mode,
    /// How long to queue.
    pub wait: Wait,
    /// How long to hold.
    pub lease: Lease,
    /// Renews the lease at a third of it. Without effect on a session lease.
    pub auto_renew: Option<AutoRenew>,
    /// Shown to whoever inspects the key.
    pub metadata: Arc<[u8]>,
}

/// A forced release of other sessions' holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForceRelease {
    /// The key.
    pub key: Arc<[u8]>,
    /// Only the hold with this token; `None` ends every hold of the key.
    pub token: Option<u64>,
    /// How long nobody else is granted.
    pub delay: ForceDelay,
    /// Why: logged by the server.
    pub reason: String,
}

/// How long a key stays closed after a forced release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForceDelay {
    /// Until the ended holder's own deadline has passed for certain.
    HolderTtl,
    /// This long. Zero breaks exclusion unless the holder is known to be dead.
    For(Duration),
}

/// A question about the server's state; changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// One key: mode, holders, waiters.
    Get {
        /// The key.
        key: Arc<[u8]>,
    },
    /// One page of the keys in use.
    List {
        /// Where to go on; 0 starts.
        cursor: u64,
        /// Only keys that begin with this.
        prefix: Arc<[u8]>,
    },
    /// One page of the sessions.
    Sessions {
        /// Where to go on; 0 starts.
        cursor: u64,
    },
    /// One shard's counters.
    Stats {
        /// Where to go on; 0 starts.
        cursor: u64,
    },
    /// Whether the server answers, and its clock.
    Ping,
}

/// The lease as the wire has it: 0 is the session, 1..=`u32::MAX - 1` milliseconds.
pub(super) fn lease_ms(lease: Lease) -> u32 {
    match lease {
        Lease::Session => locker_protocol::LEASE_SESSION,
        Lease::For(length) => whole_millis(length).max(1),
    }
}

/// Whole milliseconds, rounded up, below the value that has a meaning of its own.
pub(super) fn whole_millis(length: Duration) -> u32 {
    Instant(0).plus(length).millis_since(Instant(0))
}
