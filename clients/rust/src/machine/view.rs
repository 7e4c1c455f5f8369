//! What the server tells about its locks, sessions and counters, as owned values.

use std::time::Duration;

use locker_protocol as wire;

pub use locker_protocol::{CounterId, Mode as ModeName, SessionState};

use super::peer::Peer;
use super::settings::OnDisconnect;

/// `u32::MAX` milliseconds: no limit of its own.
const NO_LIMIT_MS: u32 = u32::MAX;

/// One key as its owner shard sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// The server's clock when it looked, in microseconds since its run began.
    pub server_now: u64,
    /// How it is held or wanted; `None` = nobody holds or waits.
    pub mode: Option<ModeName>,
    /// Nobody is granted for this long, after a forced release.
    pub closed: Option<Duration>,
    /// Keys are closed after a server restart.
    pub grace: bool,
    /// Permits of the key; 0 unless the mode is permit.
    pub limit: u32,
    /// Permits in use.
    pub permits_used: u32,
    /// Holders in all; `holders` has at most the first 16.
    pub holders_total: u32,
    /// Waiters in all; `waiters` has at most the first 8.
    pub waiters_total: u32,
    /// The first holders.
    pub holders: Vec<HolderView>,
    /// The first waiters, next one first.
    pub waiters: Vec<WaiterView>,
}

/// Who holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderView {
    /// The holder's session.
    pub session_id: u64,
    /// The holder's number in its session.
    pub owner: u64,
    /// The fencing token.
    pub token: u64,
    /// Held for this long, in whole seconds.
    pub age: Duration,
    /// Time left of the lease; `None` = as long as the session.
    pub lease_left: Option<Duration>,
    /// Permits held; 0 unless the mode is permit.
    pub permits: u32,
    /// How the key is shared.
    pub mode: ModeName,
    /// Where the session is connected from.
    pub peer: Peer,
    /// The session's name.
    pub name: String,
    /// What the holder wrote.
    pub metadata: Vec<u8>,
}

/// Who waits for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiterView {
    /// The waiter's session.
    pub session_id: u64,
    /// The waiter's number in its session.
    pub owner: u64,
    /// Waiting for this long, in whole seconds.
    pub age: Duration,
    /// Time left to wait; `None` = forever.
    pub wait_left: Option<Duration>,
    /// Permits wanted; 0 unless the mode is permit.
    pub permits: u32,
    /// How the key would be shared.
    pub mode: ModeName,
    /// Where the session is connected from.
    pub peer: Peer,
    /// The session's name.
    pub name: String,
}

/// A page of the keys in use. A page may be empty before the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockPage {
    /// Where the next page starts; 0 = this was the last.
    pub cursor: u64,
    /// The keys, in no order.
    pub locks: Vec<LockView>,
}

/// One key in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockView {
    /// The key.
    pub key: Vec<u8>,
    /// How it is held or wanted; `None` = only closed.
    pub mode: Option<ModeName>,
    /// How many hold it.
    pub holders: u32,
    /// How many wait for it.
    pub waiters: u32,
    /// Nobody is granted for a while, after a forced release.
    pub closed: bool,
    /// Keys are closed after a server restart.
    pub grace: bool,
}

/// A page of the sessions. A page may be empty before the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// Where the next page starts; 0 = this was the last.
    pub cursor: u64,
    /// The sessions, in no order.
    pub sessions: Vec<SessionView>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its id.
    pub session_id: u64,
    /// What ties the sessions of one program together; zeros = nothing.
    pub group: [u8; 16],
    /// How long it may be silent.
    pub ttl: Duration,
    /// How long it has been silent.
    pub silent: Duration,
    /// How long ago it was opened, in whole seconds.
    pub age: Duration,
    /// Holds and waiters of it.
    pub holds: u32,
    /// Requests of it that are under way.
    pub running: u32,
    /// How often it was resumed.
    pub attach: u32,
    /// Whether it has a connection.
    pub state: SessionState,
    /// What the end of its connection means.
    pub on_disconnect: OnDisconnect,
    /// The shard that serves it.
    pub home: u8,
    /// Where it is or was last connected from.
    pub peer: Peer,
    /// Its name.
    pub name: String,
}

/// One shard's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterPage {
    /// Where the next shard's page starts; 0 = this was the last.
    pub cursor: u64,
    /// The shard.
    pub shard: u16,
    /// Number and value; numbers unknown to this client are kept, [`CounterId`] names the others.
    pub counters: Vec<(u16, u64)>,
}

impl KeyView {
    pub(super) fn of(reply: &wire::GetReply<'_>) -> Self {
        Self {
            server_now: reply.server_now,
            mode: reply.mode,
            closed: reply.closed.then(|| millis(reply.closed_ms)),
            grace: reply.grace,
            limit: reply.limit,
            permits_used: reply.permits_used,
            holders_total: reply.holders_total,
            waiters_total: reply.waiters_total,
            holders: reply.holders.iter().map(HolderView::of).collect(),
            waiters: reply.waiters.iter().map(WaiterView::of).collect(),
        }
    }
}

impl HolderView {
    fn of(holder: wire::Holder<'_>) -> Self {
        Self {
            session_id: holder.session_id,
            owner: holder.owner,
            token: holder.token,
            age: seconds(holder.age_s),
            lease_left: limited(holder.lease_left_ms),
            permits: holder.permits,
            mode: holder.mode,
            peer: Peer::of(holder.peer_ip, holder.peer_port),
            name: holder.name.to_owned(),
            metadata: holder.metadata.to_vec(),
        }
    }
}

impl WaiterView {
    fn of(waiter: wire::Waiter<'_>) -> Self {
        Self {
            session_id: waiter.session_id,
            owner: waiter.owner,
            age: seconds(waiter.age_s),
            wait_left: limited(waiter.wait_left_ms),
            permits: waiter.permits,
            mode: waiter.mode,
            peer: Peer::of(waiter.peer_ip, waiter.peer_port),
            name: waiter.name.to_owned(),
        }
    }
}

impl LockPage {
    pub(super) fn of(reply: &wire::ListReply<'_>) -> Self {
        let view = |lock: wire::LockSummary<'_>| LockView {
            key: lock.key.to_vec(),
            mode: lock.mode,
            holders: lock.holders,
            waiters: lock.waiters,
            closed: lock.closed,
            grace: lock.grace,
        };
        Self {
            cursor: reply.cursor,
            locks: reply.locks.iter().map(view).collect(),
        }
    }
}

impl SessionPage {
    pub(super) fn of(reply: &wire::SessionsReply<'_>) -> Self {
        let sessions = reply.sessions.iter().map(SessionView::of).collect();
        Self {
            cursor: reply.cursor,
            sessions,
        }
    }
}

impl SessionView {
    fn of(session: wire::SessionSummary<'_>) -> Self {
        Self {
            session_id: session.session_id,
            group: session.group,
            ttl: millis(session.ttl_ms),
            silent: millis(session.silent_ms),
            age: seconds(session.age_s),
            holds: session.holds,
            running: session.running,
            attach: session.attach,
            state: session.state,
            on_disconnect: match session.on_disconnect {
                wire::OnDisconnect::Grace => OnDisconnect::Grace,
                wire::OnDisconnect::Release => OnDisconnect::Release,
            },
            home: session.home,
            peer: Peer::of(session.peer_ip, session.peer_port),
            name: session.name.to_owned(),
        }
    }
}

impl CounterPage {
    pub(super) fn of(reply: &wire::StatsReply<'_>) -> Self {
        let counters = reply
            .counters
            .iter()
            .map(|counter| (counter.id, counter.value))
            .collect();
        Self {
            cursor: reply.cursor,
            shard: reply.shard,
            counters,
        }
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

fn millis(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}

fn limited(left_ms: u32) -> Option<Duration> {
    (left_ms != NO_LIMIT_MS).then(|| millis(left_ms))
}
