//! Connections that wait for room in a lane, or for their next share: how they get it in order.
//!
//! A connection that finds no room, or others waiting for the same lane, goes behind them and is
//! not read. At the end of a turn room is pledged to as many as fit, from the first; they are read
//! again, and their next message to that lane finds its room whatever the others sent before it.
//! A pledge lasts one turn: one whose client does not read its output keeps nobody waiting.

use crate::lock::op::ShardId;
use crate::shard::home::Home;
use crate::shard::io::{ConnectionId, Io, Reading};
use crate::shard::paused::{PASSES_PER_TURN_MAX, WaitsFor};
use crate::shard::router::{Room, Urgency};

impl Home {
    /// Whether a message of that connection may go to that shard now.
    pub(super) fn room_for(
        &mut self,
        io: &impl Io,
        connection: ConnectionId,
        to: ShardId,
        bytes: (usize, usize),
        urgency: Urgency,
    ) -> Room {
        let (message_bytes, answer_bytes) = bytes;
        let state = self.connections.find_mut(connection);
        let state = state.expect("it just spoke");
        if state.pass == Some(to) {
            state.pass = None;
            self.router.unpledge(to);
        } else if urgency == Urgency::Required && self.paused.first(WaitsFor::Lane(to)).is_some() {
            return Room::Wait;
        }
        self.router
            .room(io, to, message_bytes, answer_bytes, urgency)
    }

    /// Stops reading a connection until what it waits for is there.
    pub(super) fn pause(
        &mut self,
        io: &mut impl Io,
        connection: ConnectionId,
        waits_for: WaitsFor,
    ) {
        self.counters.reads_paused += 1;
        self.paused.push(connection.slot, waits_for);
        io.read(connection, Reading::Paused);
    }

    /// Reads connections again whose turn it is.
    pub(super) fn read_again(&mut self, io: &mut impl Io) {
        self.withdraw_passes();
        if self.paused.is_empty() {
            return;
        }
        for _ in 0..PASSES_PER_TURN_MAX {
            let Some(slot) = self.paused.first(WaitsFor::Turn) else {
                break;
            };
            self.read_slot_again(io, slot, None);
        }
        // Another lane is first each turn, so that a busy one does not take all passes for ever.
        self.first_lane = (self.first_lane + 1) % self.config.shards;
        for step in 0..self.config.shards {
            let shard = (self.first_lane + step) % self.config.shards;
            let shard = ShardId(u8::try_from(shard).expect("256 shards at most"));
            while self.passes.len() < PASSES_PER_TURN_MAX
                && let Some(slot) = self.paused.first(WaitsFor::Lane(shard))
                && self.router.pledge(io, shard)
            {
                self.read_slot_again(io, slot, Some(shard));
            }
        }
    }

    /// Whether a connection waits for room in a lane: nobody wakes this shard when there is some.
    pub(super) fn waits_for_room(&self) -> bool {
        !self.ends_owed.is_empty()
            || (0..self.config.shards)
                .filter_map(|shard| u8::try_from(shard).ok())
                .any(|shard| self.paused.first(WaitsFor::Lane(ShardId(shard))).is_some())
    }

    fn read_slot_again(&mut self, io: &mut impl Io, slot: u32, pass: Option<ShardId>) {
        self.paused.remove(slot);
        let (connection, _) = self.connections.in_slot(slot).expect("it waits");
        let state = self.connections.find_mut(connection).expect("it waits");
        state.pass = pass;
        if let Some(session) = state.session() {
            // It was silent for want of our room.
            self.seen(session);
        }
        if pass.is_some() {
            self.passes.push(connection);
        }
        self.reads_resumed = true;
        io.read(connection, Reading::Multishot);
    }

    fn withdraw_passes(&mut self) {
        while let Some(connection) = self.passes.pop() {
            if let Some(state) = self.connections.find_mut(connection)
                && let Some(shard) = state.pass.take()
            {
                self.router.unpledge(shard);
            }
        }
    }
}
