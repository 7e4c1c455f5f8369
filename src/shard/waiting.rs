//! Connections that wait for room in a lane, or for their next share: how they get it in order.
//!
//! A connection that finds no room, or others waiting for the same lane, goes behind them and is
//! not read. At the end of a turn room is pledged to as many as fit, from the first; they are read
//! again, and their next message to that lane finds its room whatever the others sent before it.
//! A pledge lasts one turn: one whose client does not read its output keeps nobody waiting.
//!
//! Connections with an acquire in front stand in a line of their own, behind the others: renewals
//! and releases go first. Room comes within a turn or two of the owner shard, so ordinary load is
//! slowed down to what that shard takes and nothing is refused; only when it takes nothing for
//! [`LANE_WAIT_MS_MAX`], being stalled or overrun, the acquires that waited so long are.

use crate::limits::LANE_WAIT_MS_MAX;
use crate::lock::op::ShardId;
use crate::shard::home::Home;
use crate::shard::io::{ConnectionId, Io, Reading};
use crate::shard::paused::{PASSES_PER_TURN_MAX, WaitsFor};
use crate::shard::router::{Room, Urgency};
use crate::time::Millis;

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
        let overdue = state.overdue == Some(to);
        let mut urgency = urgency;
        if state.pass == Some(to) {
            state.pass = None;
            self.router.unpledge(to);
            if urgency == Urgency::Patient {
                urgency = Urgency::Required;
            }
        } else if !overdue && self.has_line(to, urgency) {
            return Room::Wait;
        }
        let room = self
            .router
            .room(io, to, message_bytes, answer_bytes, urgency);
        match room {
            Room::Busy if urgency == Urgency::Patient && !overdue => Room::Wait,
            room => room,
        }
    }

    /// Whether others wait for that lane, behind whom a message belongs.
    fn has_line(&self, to: ShardId, urgency: Urgency) -> bool {
        let before = |waits_for| self.paused.first(waits_for).is_some();
        match urgency {
            Urgency::Refusable => false,
            Urgency::Required => before(WaitsFor::Lane(to)),
            Urgency::Patient => before(WaitsFor::Lane(to)) || before(WaitsFor::LaneOrBusy(to)),
        }
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
        if let Some(state) = self.connections.find_mut(connection) {
            state.waits_since = self.now;
        }
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
            self.pledge_to_first(io, shard);
            self.give_up_on(io, shard);
        }
    }

    /// Pledges the room there is to those that wait for it.
    fn pledge_to_first(&mut self, io: &mut impl Io, shard: ShardId) {
        let lines = [
            (WaitsFor::Lane(shard), Urgency::Required),
            (WaitsFor::LaneOrBusy(shard), Urgency::Patient),
        ];
        for (line, urgency) in lines {
            while self.passes.len() < PASSES_PER_TURN_MAX
                && let Some(slot) = self.paused.first(line)
            {
                if !self.router.pledge(io, shard, urgency) {
                    return;
                }
                self.read_slot_again(io, slot, Some(shard));
            }
        }
    }

    /// Reads those again that waited too long: their acquires are refused.
    fn give_up_on(&mut self, io: &mut impl Io, shard: ShardId) {
        while self.passes.len() < PASSES_PER_TURN_MAX
            && let Some(slot) = self.paused.first(WaitsFor::LaneOrBusy(shard))
            && let Some((connection, state)) = self.connections.in_slot(slot)
            && state.waits_since + Millis(LANE_WAIT_MS_MAX) <= self.now
        {
            self.read_slot_again(io, slot, None);
            if let Some(state) = self.connections.find_mut(connection) {
                state.overdue = Some(shard);
            }
            self.passes.push(connection);
        }
    }

    /// Whether a connection waits for room in a lane: nobody wakes this shard when there is some.
    pub(super) fn waits_for_room(&self) -> bool {
        !self.ends_owed.is_empty()
            || (0..self.config.shards)
                .filter_map(|shard| u8::try_from(shard).ok())
                .any(|shard| self.has_line(ShardId(shard), Urgency::Patient))
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
            let Some(state) = self.connections.find_mut(connection) else {
                continue;
            };
            state.overdue = None;
            if let Some(shard) = state.pass.take() {
                self.router.unpledge(shard);
            }
        }
    }
}
