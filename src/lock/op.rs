//! What a home shard asks of the owner shard of a key: the engine's inputs.
//!
//! An [`Op`] is plain data of fixed size; key and metadata bytes travel beside it. The same values
//! are applied directly when home and owner are one shard, and are framed into a lane otherwise.

use crate::time::Millis;

/// Index of a shard, 0..256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u8);

/// A session's name for ever: home shard in the top 8 bits, a counter never reused below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// One request slot of a session: the low 16 bits of its request ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u16);

impl SessionId {
    /// The id of the `counter`-th session opened at `home`.
    ///
    /// # Panics
    /// If `counter` needs more than 56 bits.
    #[must_use]
    pub const fn new(home: ShardId, counter: u64) -> Self {
        assert!(counter < 1 << 56, "a session counter has 56 bits");
        Self((home.0 as u64) << 56 | counter)
    }

    /// The shard that keeps this session.
    #[must_use]
    pub const fn home(self) -> ShardId {
        ShardId((self.0 >> 56) as u8)
    }
}

/// A session as the owner shard addresses it: its id and its slot in the home's session table.
///
/// The slot makes the owner's look-up of the session's stub an array access; the id proves that the
/// slot was not reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionRef {
    /// Identity, and by it the home shard.
    pub id: SessionId,
    /// Index in the home shard's session table, below the configured number of sessions per shard.
    pub slot: u32,
}

/// Where the answer to a request goes; opaque to the engine but for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyTo {
    /// The session that asked.
    pub session: SessionRef,
    /// The request slot that is answered.
    pub seat: Seat,
}

/// Where the answer to a read goes: reads use no seat, and their connection may carry no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReaderRef {
    /// The shard that reads the connection.
    pub home: ShardId,
    /// The connection in that shard's table, and the generation of its slot.
    pub connection: u32,
    /// Generation of the connection's slot.
    pub generation: u32,
    /// The request id to echo.
    pub request_id: u64,
    /// The opcode of the reply; opaque to the engine.
    pub op: u8,
}

/// How a hold shares its key with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// Alone on the key.
    Exclusive = 1,
    /// With other shared holds.
    Shared = 2,
    /// With other permit holds while the permits in use stay within the key's limit.
    Permit = 3,
}

/// What is wanted of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The mode asked for.
    pub mode: Mode,
    /// Permits wanted, 1.. in mode permit, else 0.
    pub permits: u32,
    /// The key's limit, 1..=2^31 in mode permit, else 0.
    pub limit: u32,
    /// Changes the key's limit instead of being refused for another one.
    pub resize: bool,
}

/// How long a request may queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Try,
    /// At most this long.
    For(Millis),
    /// As long as the session lives.
    Forever,
}

/// How long a hold lasts; already clamped to the configured bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// As long as the session lives.
    Session,
    /// This long from the grant or renewal, 10 ms..24 d.
    For(Millis),
}

/// What Renew does to the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewTo {
    /// Leaves it: only asks whether the hold still stands, and until when.
    Keep,
    /// Replaces it by now + lease.
    Lease(Lease),
}

/// What Cancel does when the acquire was granted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfGranted {
    /// The hold stays.
    Keep,
    /// The hold is released.
    Release,
}

/// How long a force-released key stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedFor {
    /// This long, counted from the home shard's word that the holder was told; 0 = not at all.
    For(Millis),
    /// The ended holder's TTL x 1.02 + 50 ms, counted likewise.
    HolderTtl,
}

/// A request on one key by one session, answered exactly once through its [`ReplyTo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Grants, queues or refuses. Metadata travels beside the key.
    Acquire {
        /// Chosen by the client; holder identity is (session, owner).
        owner: u64,
        /// Mode, permits, limit.
        want: Want,
        /// How long to queue.
        wait: Wait,
        /// How long to hold.
        lease: Lease,
    },
    /// Ends the wait of the acquire on `acquire_seat`, or its hold.
    Cancel {
        /// The acquire's owner.
        owner: u64,
        /// The acquire's seat.
        acquire_seat: Seat,
        /// The token that the home shard has in the acquire's record, 0 if it saw no grant.
        token: u64,
        /// What happens to a hold.
        if_granted: IfGranted,
    },
    /// Ends a hold. Token 0 = the one exclusive or shared hold of (session, owner).
    Release {
        /// The holder.
        owner: u64,
        /// The hold's token, or 0.
        token: u64,
    },
    /// Moves or asks a hold's deadline.
    Renew {
        /// The holder.
        owner: u64,
        /// The hold's token.
        token: u64,
        /// The new deadline.
        to: RenewTo,
    },
    /// Takes a hold of an earlier run back. Metadata travels beside the key.
    Reclaim {
        /// The holder.
        owner: u64,
        /// The hold's token: below every token of this run.
        token: u64,
        /// As in the acquire; `resize` is not set.
        want: Want,
        /// How long to hold, from now.
        lease: Lease,
    },
    /// Ends the hold of that token, or all holds of the key for token 0, whoever has them.
    ForceRelease {
        /// The hold's token, or 0 for all.
        token: u64,
        /// How long nobody else is granted.
        closed: ClosedFor,
    },
}
