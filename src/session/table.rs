//! The sessions of one home shard: a table of fixed capacity, and the seats beside it.
//!
//! Nothing is allocated after [`SessionTable::new`]. The seats are one zeroed array, which the
//! kernel backs with memory page by page as seats are first used, so that a session with one seat
//! in use costs one page at most, whatever number is configured.
//!
//! A session id names its slot in its low bits and a number never used before above them: it is
//! found in O(1) and never given twice.

use crate::lock::input::Peer;
use crate::lock::op::{SessionId, SessionRef, ShardId};
use crate::session::seat::{Record, RecordWords};
use crate::shard::io::ConnectionId;
use crate::shard::shard_set::ShardSet;
use crate::time::{Instant, Millis};
use locker_protocol::OnDisconnect;
use slab::Slab;
use std::hint::black_box;

/// Bits of a session id's counter part.
const COUNTER_BITS: u32 = 56;

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Allocated; its HelloOk waits until its TTL is durable.
    Opening,
    /// Carried by a connection.
    Attached,
    /// Without a connection, until a resume or the end of its TTL.
    Detached,
    /// Over: the owner shards are letting go of what it had.
    Ending,
}

/// A session's name for people: at most 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; crate::limits::NAME_BYTES_MAX],
    length: u8,
}

impl Name {
    /// Keeps a name.
    ///
    /// # Panics
    /// If it is too long: frames are checked before.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = [0; crate::limits::NAME_BYTES_MAX];
        bytes[..name.len()].copy_from_slice(name);
        Self {
            bytes,
            length: u8::try_from(name.len()).expect("at most 32"),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// What a client says when it opens a session, and what the server adds.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// From the operating system's generator.
    pub secret: [u8; 16],
    /// Within the configured bounds.
    pub ttl: Millis,
    /// What an orderly end of the connection means.
    pub on_disconnect: OnDisconnect,
    /// For people.
    pub name: Name,
    /// Ties one client's sessions together; zeros = none.
    pub group: [u8; 16],
    /// Where it comes from.
    pub peer: Peer,
    /// When.
    pub at: Instant,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    /// Its name for ever.
    pub id: SessionId,
    /// What the client said.
    pub opening: Opening,
    /// Where it is in its life.
    pub life: Life,
    /// The connection that carries it; while ending, the one that waits for the end.
    pub connection: Option<ConnectionId>,
    /// The number of the last resume; 0 = none yet.
    pub attach: u32,
    /// When bytes last arrived.
    pub seen_at: Instant,
    /// Shards that were told of the session and have not said that it is gone.
    pub touched: ShardSet,
    /// Shards that are still to be told of its end.
    pub end_owed: ShardSet,
    /// The seat of the Close that waits for the end.
    pub close_seat: Option<u16>,
    /// Requests that wait for their answers.
    pub running: u32,
    /// Requests at other shards whose immediate answers are to come.
    pub owed: u32,
    /// Holds that this home shard saw granted and not yet ended.
    pub holds: u32,
    /// Seats below this may have been used.
    seats_used: u16,
}

/// The sessions of one home shard.
#[derive(Debug)]
pub struct SessionTable {
    home: ShardId,
    sessions: Slab<Session>,
    capacity: u32,
    seats_each: u16,
    seats: Vec<RecordWords>,
    slot_bits: u32,
    opened: u64,
}

impl SessionTable {
    /// A table for at most `capacity` sessions of `seats_each` seats.
    ///
    /// # Panics
    /// If either is 0, or a slot would need more than 24 bits.
    #[must_use]
    pub fn new(home: ShardId, capacity: u32, seats_each: u16) -> Self {
        assert!(capacity > 0, "a table holds a session");
        assert!(seats_each > 0, "a session has a seat");
        assert!(capacity <= 1 << 24, "a slot has 24 bits at most");
        let records = capacity as usize * usize::from(seats_each);
        Self {
            home,
            sessions: Slab::with_capacity(capacity as usize),
            capacity,
            seats_each,
            seats: vec![[0; 4]; records],
            slot_bits: capacity.next_power_of_two().trailing_zeros(),
            opened: 0,
        }
    }

    /// Sessions in the table, the ending ones too.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.sessions.len()).expect("at most the capacity")
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Sessions at most.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Seats of each session.
    #[must_use]
    pub const fn seats_each(&self) -> u16 {
        self.seats_each
    }

    /// Opens a session; `None` if the table is full, or all ids are used up.
    pub fn open(&mut self, opening: Opening) -> Option<SessionRef> {
        let number = self.opened + 1;
        if self.len() == self.capacity || number >> (COUNTER_BITS - self.slot_bits) != 0 {
            return None;
        }
        self.opened = number;
        let entry = self.sessions.vacant_entry();
        let slot = u32::try_from(entry.key()).expect("below the capacity");
        let counter = number << self.slot_bits | u64::from(slot);
        let id = SessionId::new(self.home, counter);
        entry.insert(Session {
            id,
            opening,
            life: Life::Opening,
            connection: None,
            attach: 0,
            seen_at: opening.at,
            touched: ShardSet::default(),
            end_owed: ShardSet::default(),
            close_seat: None,
            running: 0,
            owed: 0,
            holds: 0,
            seats_used: 0,
        });
        Some(SessionRef { id, slot })
    }

    /// The session of that id.
    #[must_use]
    pub fn find(&self, id: SessionId) -> Option<SessionRef> {
        let mask = (1_u64 << self.slot_bits) - 1;
        let slot = u32::try_from(id.0 & mask).expect("24 bits at most");
        let session = self.sessions.get(slot as usize)?;
        (session.id == id).then_some(SessionRef { id, slot })
    }

    /// The session of that id if the secret is its own; the same work whether it exists or not.
    #[must_use]
    pub fn authenticate(&self, id: SessionId, secret: &[u8; 16]) -> Option<SessionRef> {
        let found = self.find(id);
        let kept = found.map_or([0; 16], |session| self.at(session).opening.secret);
        let same = equal_in_constant_time(&kept, secret);
        found.filter(|_| same)
    }

    /// The session itself.
    ///
    /// # Panics
    /// If it is gone: a slot is only given up when nobody speaks of it any more.
    #[must_use]
    pub fn at(&self, session: SessionRef) -> &Session {
        let found = &self.sessions[session.slot as usize];
        assert_eq!(
            found.id, session.id,
            "a session is spoken of while it lives"
        );
        found
    }

    /// The session itself, to change.
    ///
    /// # Panics
    /// As [`SessionTable::at`].
    pub fn at_mut(&mut self, session: SessionRef) -> &mut Session {
        let found = &mut self.sessions[session.slot as usize];
        assert_eq!(
            found.id, session.id,
            "a session is spoken of while it lives"
        );
        found
    }

    /// The session in a slot, if one is there.
    #[must_use]
    pub fn in_slot(&self, slot: u32) -> Option<(SessionRef, &Session)> {
        let session = self.sessions.get(slot as usize)?;
        Some((
            SessionRef {
                id: session.id,
                slot,
            },
            session,
        ))
    }

    /// The record of a seat; `None` if that seat is not granted.
    pub fn record(&mut self, session: SessionRef, seat: u16) -> Option<Record<'_>> {
        self.seat(session, seat).map(|(_, record)| record)
    }

    /// A live session and the record of one of its seats, by one look-up; `None` if it was not
    /// granted that seat.
    ///
    /// # Panics
    /// If the session is not alive.
    #[inline]
    pub fn seat(&mut self, session: SessionRef, seat: u16) -> Option<(&mut Session, Record<'_>)> {
        if seat >= self.seats_each {
            return None;
        }
        let kept = &mut self.sessions[session.slot as usize];
        assert_eq!(kept.id, session.id, "a session is spoken of while it lives");
        kept.seats_used = kept.seats_used.max(seat + 1);
        let first = session.slot as usize * usize::from(self.seats_each);
        let words = &mut self.seats[first + usize::from(seat)];
        Some((kept, Record::new(words)))
    }

    /// Seats of the session that may have been used are below this.
    #[must_use]
    pub fn seats_used(&self, session: SessionRef) -> u16 {
        self.at(session).seats_used
    }

    /// Gives a slot up and wipes its seats; O(seats used).
    ///
    /// # Panics
    /// If a shard still knows the session.
    pub fn remove(&mut self, session: SessionRef) {
        let gone = self.sessions.remove(session.slot as usize);
        assert_eq!(gone.id, session.id, "a session is removed once");
        assert!(gone.touched.is_empty(), "no shard knows the session");
        let first = session.slot as usize * usize::from(self.seats_each);
        self.seats[first..first + usize::from(gone.seats_used)].fill([0; 4]);
    }
}

/// Compares without telling by its time where the first difference is.
fn equal_in_constant_time(left: &[u8; 16], right: &[u8; 16]) -> bool {
    let difference = left
        .iter()
        .zip(right)
        .fold(0, |seen, (left, right)| seen | (left ^ right));
    black_box(difference) == 0
}

#[cfg(test)]
mod tests;
