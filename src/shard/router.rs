//! Which shard owns a key, and whether a message may go there now.
//!
//! A lane's bytes are divided so that neither side ever waits for the other with its own lane full:
//!
//! ```text
//!  lane B -> A    |<------- requests and later events of B ------->|<-- answers of B to A -->|
//!                  B keeps the answers' part free when it sends     A counts what it asked for
//! ```
//!
//! A forwards a request to B only if the longest immediate answer fits the answers' part of the
//! lane back, beside all answers still out: so B answers without looking. What A counted is freed
//! when the answer, or the word that the acquire queued, arrives. `Lost` with a closure is asked
//! the other way round: B reserves the room of the word that A must send back.
//!
//! Acquires and reads go up to 7/8 of a part; everything else may fill it up. What finds no room
//! waits with its connection, which is not read: acquires for a bounded time, see `waiting.rs`.
//! Reads are refused.

use crate::lock::op::ShardId;
use crate::session::SeatOp;
use crate::shard::io::Io;
use crate::shard::io::record_bytes;
use crate::shard::message::{ANSWER_BYTES, REQUEST_BYTES, SESSION_OPEN_BYTES};
use locker_protocol::{shard_of_slot, slot_of};

/// What a message is to the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Reads: refused when the lane is nearly full.
    Refusable,
    /// Acquires: the same, once they waited for some time.
    Patient,
    /// Everything else.
    Required,
}

/// Whether a message may go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It may.
    Free,
    /// Refuse it.
    Busy,
    /// Keep it, and the connection it came from.
    Wait,
}

/// The routes from one shard.
#[derive(Debug)]
pub struct Router {
    here: ShardId,
    shards: u16,
    lane_bytes: usize,
    /// Bytes of answers that may come back from each shard.
    awaited: Vec<usize>,
    /// Messages to each shard that connections may send in this turn, whatever else does.
    pledged: Vec<usize>,
    /// What is pledged for each: the longest message that waits for room, and its answer.
    pledge: Pledge,
}

/// The room of one message that waited.
#[derive(Clone, Copy, Debug)]
struct Pledge {
    message_bytes: usize,
    answer_bytes: usize,
}

impl Router {
    /// The routes of shard `here`, over lanes of `lane_bytes` each, for keys and metadata of so
    /// many bytes together at most.
    ///
    /// # Panics
    /// If there is no such shard, or a request could take more than an eighth of a lane: it might
    /// then find no room in a lane that is far from full.
    #[must_use]
    pub fn new(here: ShardId, shards: u16, lane_bytes: usize, payload_bytes_max: usize) -> Self {
        assert!(u16::from(here.0) < shards, "a shard is one of all");
        let longest = record_bytes(REQUEST_BYTES + payload_bytes_max);
        assert!(
            shards == 1 || longest <= lane_bytes / 8,
            "a request takes an eighth of a lane at most"
        );
        Self {
            here,
            shards,
            lane_bytes,
            awaited: vec![0; usize::from(shards)],
            pledged: vec![0; usize::from(shards)],
            pledge: Pledge {
                message_bytes: record_bytes(SESSION_OPEN_BYTES)
                    + record_bytes(REQUEST_BYTES + payload_bytes_max),
                answer_bytes: reserved_bytes(ANSWER_BYTES),
            },
        }
    }

    /// This shard.
    #[must_use]
    pub const fn here(&self) -> ShardId {
        self.here
    }

    /// Shards in all.
    #[must_use]
    pub const fn shards(&self) -> u16 {
        self.shards
    }

    /// The slot of a request's key, as its seat notes it. On one shard 0 will do: no token is
    /// granted twice there, and only holds of before a restart may have come from several.
    #[must_use]
    pub fn key_slot(&self, op: SeatOp, key: &[u8]) -> u16 {
        if self.shards == 1 && op != SeatOp::Reclaim {
            return 0;
        }
        slot_of(key)
    }

    /// The shard that owns the keys of a slot.
    #[must_use]
    pub fn owner_of_slot(&self, key_slot: u16) -> ShardId {
        if self.shards == 1 {
            return self.here;
        }
        let shard = shard_of_slot(key_slot, self.shards);
        ShardId(u8::try_from(shard).expect("256 shards at most"))
    }

    /// The shard that owns a key.
    #[must_use]
    pub fn owner_of(&self, key: &[u8]) -> ShardId {
        if self.shards == 1 {
            return self.here;
        }
        self.owner_of_slot(slot_of(key))
    }

    /// Whether a message of so many bytes may go to that shard, its answer being at most
    /// `answer_bytes` long; 0 = it has none.
    #[must_use]
    pub fn room(
        &self,
        io: &impl Io,
        to: ShardId,
        message_bytes: usize,
        answer_bytes: usize,
        urgency: Urgency,
    ) -> Room {
        let answers = self.answers_bytes();
        let others = self.lane_bytes - answers;
        let pledged = self.pledged[usize::from(to.0)];
        let kept = answers + pledged * self.pledge.message_bytes;
        let free = io.lane_room(to).saturating_sub(kept);
        let asked = self.awaited[usize::from(to.0)]
            + pledged * self.pledge.answer_bytes
            + reserved_bytes(answer_bytes);
        if free < record_bytes(message_bytes) || asked > answers {
            return match urgency {
                Urgency::Refusable | Urgency::Patient => Room::Busy,
                Urgency::Required => Room::Wait,
            };
        }
        let nearly_full = free < others / 8 || asked > answers / 8 * 7;
        if nearly_full && urgency != Urgency::Required {
            return Room::Busy;
        }
        Room::Free
    }

    /// Pledges room for one message that waited, if there is any: until [`Router::unpledge`], or
    /// the end of the turn.
    pub fn pledge(&mut self, io: &impl Io, to: ShardId, urgency: Urgency) -> bool {
        let Pledge {
            message_bytes,
            answer_bytes,
        } = self.pledge;
        let room = self.room(io, to, message_bytes, answer_bytes, urgency);
        let free = room == Room::Free;
        self.pledged[usize::from(to.0)] += usize::from(free);
        free
    }

    /// The message that room was pledged for goes now.
    pub fn unpledge(&mut self, to: ShardId) {
        let pledged = &mut self.pledged[usize::from(to.0)];
        *pledged = pledged.checked_sub(1).expect("a pledge is kept once");
    }

    /// Notes that an answer of at most so many bytes is to come from that shard.
    pub fn reserve(&mut self, from: ShardId, answer_bytes: usize) {
        self.awaited[usize::from(from.0)] += reserved_bytes(answer_bytes);
    }

    /// The answer came, or will never come.
    ///
    /// # Panics
    /// If it was not awaited.
    pub fn release(&mut self, from: ShardId, answer_bytes: usize) {
        let awaited = &mut self.awaited[usize::from(from.0)];
        *awaited = awaited
            .checked_sub(reserved_bytes(answer_bytes))
            .expect("an answer is awaited before it comes");
    }

    /// Whether any answer is still to come.
    #[must_use]
    pub fn is_awaiting(&self) -> bool {
        self.awaited.iter().any(|bytes| *bytes > 0)
    }

    /// Bytes of answers that are still to come from that shard.
    #[must_use]
    pub fn awaited_bytes(&self, from: ShardId) -> usize {
        self.awaited[usize::from(from.0)]
    }

    /// The part of a lane that is kept for answers.
    ///
    /// Below half, so that a lane that only looks at its reader's index when half of it seems used
    /// tells the truth where it matters.
    const fn answers_bytes(&self) -> usize {
        self.lane_bytes / 8 * 3
    }
}

const fn reserved_bytes(answer_bytes: usize) -> usize {
    match answer_bytes {
        0 => 0,
        bytes => record_bytes(bytes),
    }
}
