//! What a server said, owned.

use locker_protocol::*;

/// A refusal without its detail text, which nobody may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: Status,
    pub limit: u64,
    pub value: u64,
}

/// A key as Get tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    pub mode: Option<Mode>,
    pub closed: bool,
    pub grace: bool,
    pub limit: u32,
    pub permits_used: u32,
    pub holders_total: u32,
    pub waiters_total: u32,
    /// Session, owner, token, metadata.
    pub holders: Vec<(u64, u64, u64, Vec<u8>)>,
    /// Session, owner.
    pub waiters: Vec<(u64, u64)>,
}

/// Any frame of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Welcome(Welcome),
    Pong(Pong),
    Closed,
    Granted(Granted),
    CancelDone(CancelDone),
    Released,
    Renewed(Renewed),
    Reclaimed(Reclaimed),
    Key(KeyView),
    /// The next cursor, and keys with holders and waiters.
    Keys(u64, Vec<(Vec<u8>, u32, u32)>),
    /// The next cursor, and ids, names, holds.
    Sessions(u64, Vec<(u64, String, u32)>),
    /// The next cursor, and counters.
    Stats(u64, Vec<(u16, u64)>),
    Forced(Forced),
    Refused(Refused),
    Lost {
        token: u64,
        owner: u64,
        reason: LostReason,
        key: Vec<u8>,
    },
    SessionEnded(EndReason),
    GoAway(GoAway),
    Fault(Refused),
}

/// What tests use of HelloOk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Welcome {
    pub shard: u16,
    pub shards: u16,
    /// The port of each shard, or none.
    pub ports: Vec<u16>,
    pub seats: u16,
    pub features: u64,
    pub run: u64,
    pub session_id: u64,
    pub secret: [u8; 16],
    pub attach: u32,
    pub ttl_ms: u32,
    pub grace_left_ms: u32,
    pub server_now: u64,
    pub frame_max: u32,
    pub key_max: u16,
    pub metadata_max: u16,
    pub lease_min_ms: u32,
    pub lease_max_ms: u32,
    pub ephemeral: bool,
    pub admin: bool,
    pub resumed: bool,
    pub draining: bool,
}

impl Message {
    /// Reads a whole frame; a server that sends nonsense fails the test.
    pub fn read(frame: &Frame<'_>) -> Self {
        match FromServer::decode(frame).expect("a server's frame follows the protocol") {
            FromServer::Reply(reply) => Self::of_reply(reply),
            FromServer::Push(push) => Self::of_push(push),
        }
    }

    fn of_reply(reply: Reply<'_>) -> Self {
        match reply {
            Reply::HelloOk(hello) => Self::Welcome(Welcome::of(&hello)),
            Reply::Pong(pong) => Self::Pong(pong),
            Reply::Closed(_) => Self::Closed,
            Reply::Granted(granted) => Self::Granted(granted),
            Reply::CancelDone(done) => Self::CancelDone(done),
            Reply::Released(_) => Self::Released,
            Reply::Renewed(renewed) => Self::Renewed(renewed),
            Reply::Reclaimed(reclaimed) => Self::Reclaimed(reclaimed),
            Reply::GetReply(key) => Self::Key(KeyView::of(&key)),
            Reply::ListReply(page) => {
                let keys = page.locks.iter();
                let keys = keys.map(|lock| (lock.key.to_vec(), lock.holders, lock.waiters));
                Self::Keys(page.cursor, keys.collect())
            }
            Reply::SessionsReply(page) => {
                let sessions = page.sessions.iter();
                let sessions = sessions.map(|one| (one.session_id, one.name.to_owned(), one.holds));
                Self::Sessions(page.cursor, sessions.collect())
            }
            Reply::StatsReply(page) => {
                let counters = page.counters.iter().map(|one| (one.id, one.value));
                Self::Stats(page.cursor, counters.collect())
            }
            Reply::Forced(forced) => Self::Forced(forced),
            Reply::Refused(refusal) => Self::Refused(Refused::of(&refusal)),
        }
    }

    fn of_push(push: Push<'_>) -> Self {
        match push {
            Push::Lost(lost) => Self::Lost {
                token: lost.token,
                owner: lost.owner,
                reason: lost.reason,
                key: lost.key.to_vec(),
            },
            Push::SessionEnded(ended) => Self::SessionEnded(ended.reason),
            Push::GoAway(go_away) => Self::GoAway(go_away),
            Push::Fault(refusal) => Self::Fault(Refused::of(&refusal)),
        }
    }

    /// The grant; anything else fails the test.
    #[track_caller]
    pub fn granted(self) -> Granted {
        match self {
            Self::Granted(granted) => granted,
            other => panic!("not granted but {other:?}"),
        }
    }

    /// The renewal; anything else fails the test.
    #[track_caller]
    pub fn renewed(self) -> Renewed {
        match self {
            Self::Renewed(renewed) => renewed,
            other => panic!("not renewed but {other:?}"),
        }
    }

    /// The reclaim; anything else fails the test.
    #[track_caller]
    pub fn reclaimed(self) -> Reclaimed {
        match self {
            Self::Reclaimed(reclaimed) => reclaimed,
            other => panic!("not reclaimed but {other:?}"),
        }
    }

    /// The refusal; anything else fails the test.
    #[track_caller]
    pub fn refused(self) -> Refused {
        match self {
            Self::Refused(refused) => refused,
            other => panic!("not refused but {other:?}"),
        }
    }

    /// The status of a refusal or fault; anything else fails the test.
    #[track_caller]
    pub fn status(self) -> Status {
        match self {
            Self::Refused(refused) | Self::Fault(refused) => refused.status,
            other => panic!("not refused but {other:?}"),
        }
    }
}

impl Refused {
    fn of(refusal: &Refusal<'_>) -> Self {
        Self {
            status: refusal.status,
            limit: refusal.limit,
            value: refusal.value,
        }
    }
}

impl KeyView {
    fn of(key: &GetReply<'_>) -> Self {
        let holders = key.holders.iter();
        let holders = holders.map(|one| {
            let metadata = one.metadata.to_vec();
            (one.session_id, one.owner, one.token, metadata)
        });
        let waiters = key.waiters.iter().map(|one| (one.session_id, one.owner));
        Self {
            mode: key.mode,
            closed: key.closed,
            grace: key.grace,
            limit: key.limit,
            permits_used: key.permits_used,
            holders_total: key.holders_total,
            waiters_total: key.waiters_total,
            holders: holders.collect(),
            waiters: waiters.collect(),
        }
    }
}

impl Welcome {
    fn of(hello: &HelloOk<'_>) -> Self {
        Self {
            shard: hello.shard,
            shards: hello.shards,
            ports: hello.ports.iter().collect(),
            seats: hello.seats,
            features: hello.features,
            run: hello.run,
            session_id: hello.session_id,
            secret: hello.secret,
            attach: hello.attach,
            ttl_ms: hello.ttl_ms,
            grace_left_ms: hello.grace_left_ms,
            server_now: hello.server_now,
            frame_max: hello.frame_max,
            key_max: hello.key_max,
            metadata_max: hello.metadata_max,
            lease_min_ms: hello.lease_min_ms,
            lease_max_ms: hello.lease_max_ms,
            ephemeral: hello.ephemeral,
            admin: hello.admin,
            resumed: hello.resumed,
            draining: hello.draining,
        }
    }
}
