//! The connections of one shard, in the slots that the shell gave them.

use crate::lock::input::Peer;
use crate::lock::op::{SessionRef, ShardId};
use crate::shard::io::ConnectionId;
use crate::time::Instant;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No connection in this slot.
    Vacant,
    /// Its preface and Hello are awaited.
    Greeting,
    /// Its session is opened, its HelloOk withheld until the session's TTL is durable.
    Withheld(SessionRef),
    /// Greeted without a session: pings and reads only.
    Bare,
    /// It carries a session.
    Attached(SessionRef),
    /// Its session ends at its own word; what it sends is dropped, the last answer is to come.
    Closing(SessionRef),
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Generation of the slot.
    pub generation: u32,
    /// How far it has come.
    pub phase: Phase,
    /// Came in on an admin listener.
    pub admin: bool,
    /// Its client knows Reclaim.
    pub reclaims: bool,
    /// The other end.
    pub peer: Peer,
    /// The request id of the Hello, while it waits for its answer.
    pub hello_id: u64,
    /// It may send one message to that shard in this turn: its room is pledged.
    pub pass: Option<ShardId>,
    /// It waited too long for that shard: what may be refused is, until the end of this turn.
    pub overdue: Option<ShardId>,
    /// Since when it waits, while it does.
    pub waits_since: Instant,
}

impl Connection {
    /// The session that it carries, or carried to its end.
    #[must_use]
    pub const fn session(&self) -> Option<SessionRef> {
        match self.phase {
            Phase::Vacant | Phase::Greeting | Phase::Bare => None,
            Phase::Withheld(session) | Phase::Attached(session) | Phase::Closing(session) => {
                Some(session)
            }
        }
    }
}

/// All connections of a shard, by slot.
#[derive(Debug)]
pub struct ConnectionTable {
    slots: Vec<Connection>,
    open: u32,
}

const VACANT: Connection = Connection {
    generation: 0,
    phase: Phase::Vacant,
    admin: false,
    reclaims: false,
    peer: Peer {
        ip: [0; 16],
        port: 0,
    },
    hello_id: 0,
    pass: None,
    overdue: None,
    waits_since: Instant::START,
};

impl ConnectionTable {
    /// A table of so many slots.
    #[must_use]
    pub fn new(slots: u32) -> Self {
        Self {
            slots: vec![VACANT; slots as usize],
            open: 0,
        }
    }

    /// Connections open.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.open
    }

    /// Whether none is open.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Slots in all.
    #[must_use]
    pub fn slots(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("built from a u32")
    }

    /// Notes a fresh connection.
    ///
    /// # Panics
    /// If the slot is beyond the table or not vacant: the shell frees a slot before it reuses it.
    pub fn open(&mut self, id: ConnectionId, peer: Peer, admin: bool) {
        let slot = &mut self.slots[id.slot as usize];
        assert_eq!(slot.phase, Phase::Vacant, "a slot carries one connection");
        *slot = Connection {
            generation: id.generation,
            phase: Phase::Greeting,
            admin,
            peer,
            ..VACANT
        };
        self.open += 1;
    }

    /// The connection, if it is still open.
    #[must_use]
    pub fn find(&self, id: ConnectionId) -> Option<&Connection> {
        let found = self.slots.get(id.slot as usize)?;
        (found.generation == id.generation && found.phase != Phase::Vacant).then_some(found)
    }

    /// The connection, if it is still open, to change.
    pub fn find_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let found = self.slots.get_mut(id.slot as usize)?;
        (found.generation == id.generation && found.phase != Phase::Vacant).then_some(found)
    }

    /// The connection in a slot.
    #[must_use]
    pub fn in_slot(&self, slot: u32) -> Option<(ConnectionId, &Connection)> {
        let found = self.slots.get(slot as usize)?;
        let id = ConnectionId {
            slot,
            generation: found.generation,
        };
        (found.phase != Phase::Vacant).then_some((id, found))
    }

    /// Frees the slot; what the connection was.
    pub fn close(&mut self, id: ConnectionId) -> Option<Connection> {
        let found = self.find_mut(id)?;
        let was = *found;
        found.phase = Phase::Vacant;
        self.open -= 1;
        Some(was)
    }
}
