//! What the engine says: immediate answers, and events that follow later.
//!
//! An immediate answer always has room: the home shard reserved it before it forwarded the request.
//! A later event may find the lane full; the engine then keeps it as a mark on the block that it
//! speaks of, and offers it first in the next turn.

use crate::lock::op::{ReaderRef, ReplyTo, SessionRef, ShardId};
use crate::time::Instant;
use locker_protocol::Status;

/// How one request came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The key is held from now on.
    Granted {
        /// Fencing token, greater than every earlier one of the key.
        token: u64,
        /// End of the lease on the raw clock; `None` = as long as the session.
        until: Option<Instant>,
    },
    /// The hold ended at its holder's word.
    Released,
    /// The hold stands.
    Renewed {
        /// End of the lease on the raw clock; `None` = as long as the session.
        until: Option<Instant>,
    },
    /// A hold of before the restart stands again.
    Reclaimed {
        /// Its token, the old one.
        token: u64,
        /// End of the lease on the raw clock; `None` = as long as the session.
        until: Option<Instant>,
    },
    /// The answer to Cancel.
    CancelDone {
        /// What became of the acquire.
        outcome: CancelOutcome,
        /// The hold's token where there was one, else 0.
        token: u64,
    },
    /// The answer to ForceRelease.
    Forced {
        /// Holds ended.
        ended: u32,
        /// How long the key stays closed at most, counted from the holders being told, in ms.
        closed_ms: u32,
    },
    /// Nothing changed. Also how an acquire's wait ends without a grant.
    Refused(Refusal),
}

/// What became of a cancelled acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It was queued, and is answered `Cancelled`.
    Cancelled,
    /// It held, and was released.
    Released,
    /// It holds, and keeps.
    Kept,
    /// It neither waits nor holds.
    NotFound,
}

/// A refusal: status, the limit it met and the value that met it (see the status table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Any status but `Ok`.
    pub status: Status,
    /// Meaning per status.
    pub limit: u64,
    /// Meaning per status.
    pub value: u64,
}

/// Why the server ended a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostReason {
    /// Its lease ran out.
    Lease,
    /// Somebody forced it.
    Forced,
    /// It had been reclaimed, and then another hold of a higher token was that it cannot stand
    /// beside.
    Conflict,
}

impl LostReason {
    /// All reasons, by their numbers.
    const ALL: [Self; 3] = [Self::Lease, Self::Forced, Self::Conflict];

    /// The reason of that number, as notes and lane messages carry it.
    ///
    /// # Panics
    /// If no reason has it.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|reason| *reason as u32 == number);
        found.unwrap_or_else(|| panic!("no reason {number} is ever kept or sent"))
    }
}

/// A force-released hold whose key stays closed until the home shard's word came. Opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosureRef {
    /// The block.
    pub block: u32,
    /// The block's generation.
    pub generation: u16,
}

/// Something that happened after a request was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A queued acquire came to its one answer: `Granted`, or `Refused`: Timeout, Cancelled, ...
    Settled {
        /// The acquire.
        to: ReplyTo,
        /// Its answer.
        answer: Answer,
    },
    /// A hold ended without its holder's word.
    Lost {
        /// The holder's session, and the seat of the acquire that was granted.
        to: ReplyTo,
        /// The holder within the session.
        owner: u64,
        /// The hold's token.
        token: u64,
        /// Why.
        reason: LostReason,
        /// The key.
        key: &'a [u8],
        /// Set if the home shard must send word ([`crate::lock::Input::LostTold`]) once the Lost is
        /// on the connection or the session is detached.
        closure: Option<ClosureRef>,
    },
    /// All that the session had here is gone; its slot may be used again.
    SessionGone {
        /// The session.
        session: SessionRef,
    },
}

/// The lane to that shard has no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneFull;

/// Where the engine's words go.
pub trait Effects {
    /// The immediate answer to an input.
    ///
    /// `lost_pending` tells that a Lost for this session could not leave yet: the home shard keeps
    /// the answer in the seat's record but shuts the connection instead of sending it, so that no
    /// answer overtakes a Lost.
    fn answer(&mut self, to: ReplyTo, answer: Answer, lost_pending: bool);

    /// The acquire queued: its answer comes as [`Event::Settled`]; the reservation is free again.
    fn queued(&mut self, to: ReplyTo);

    /// The body of a read's reply, status `Ok`, at most [`crate::limits::READ_REPLY_BYTES_MAX`].
    fn read_reply(&mut self, to: ReaderRef, body: &[u8]);

    /// Something later, for a session whose home is `home`.
    ///
    /// # Errors
    /// The lane is full: keep the event and offer it again next turn.
    fn later(&mut self, home: ShardId, event: Event<'_>) -> Result<(), LaneFull>;
}
