//! The shell's side of the seam: `Io` over the connection table, the lanes and the mail.

use super::bell::{Arrival, Bell, Mail};
use crate::agenda::LinkId;
use crate::dice::Dice;
use locker::driver::lane;
use locker::lock::op::ShardId;
use locker::net::connections::Connections;
use locker::shard::io::{CloseHow, ConnectionId, Io, Reading, ShellCounters, ToControl};
use std::rc::Rc;

/// What one shard's core reaches of the world; as `driver::shell`.
pub(super) struct Shell {
    pub(super) me: ShardId,
    pub(super) connections: Connections<LinkId>,
    pub(super) lanes: Vec<Option<lane::Sender>>,
    pub(super) bells: Vec<Rc<Bell>>,
    pub(super) to_control: Vec<ToControl>,
    pub(super) counters: ShellCounters,
    pub(super) input_waits: bool,
    pub(super) dice: Dice,
}

impl Shell {
    /// Shows the other shards what was sent to them this turn and wakes those that sleep.
    pub(super) fn publish_lanes(&mut self) {
        for (lane, bell) in self.lanes.iter_mut().zip(&self.bells) {
            let published = lane.as_mut().is_some_and(lane::Sender::publish);
            if published && bell.ring() {
                self.counters.lane_wakes += 1;
            }
        }
    }

    /// Posts the sockets that are ready to go to their new homes.
    pub(super) fn post_departures(&mut self) {
        while let Some(departure) = self.connections.next_departure() {
            self.bells[usize::from(departure.to.0)].post(Mail::Arrival(Arrival {
                link: departure.socket,
                peer: departure.peer,
                admin: departure.admin,
                accepted: false,
                bytes: departure.bytes,
            }));
        }
    }
}

impl Io for Shell {
    fn write(&mut self, to: ConnectionId, bytes: &[u8]) {
        self.connections.write(to, bytes);
    }

    fn cork(&mut self, connection: ConnectionId) {
        self.connections.cork(connection);
    }

    fn uncork(&mut self, connection: ConnectionId) {
        self.connections.uncork(connection);
    }

    fn close(&mut self, connection: ConnectionId, how: CloseHow) {
        self.connections.close(connection, how);
    }

    fn read(&mut self, connection: ConnectionId, how: Reading) {
        self.connections.set_reading(connection, how);
    }

    fn hand_over(&mut self, connection: ConnectionId, to: ShardId, bytes: &[u8]) {
        assert!(to != self.me, "a socket that stays is not handed over");
        self.connections.hand_over(connection, to, bytes);
    }

    fn lane_room(&self, to: ShardId) -> usize {
        let lane = self.lanes.get(usize::from(to.0)).and_then(Option::as_ref);
        lane.map_or(0, lane::Sender::room)
    }

    fn lane_send(&mut self, to: ShardId, message: &[u8]) {
        let lane = self.lanes[usize::from(to.0)].as_mut();
        lane.expect("no shard sends to itself").push(message);
        self.counters.lane_messages += 1;
    }

    fn control(&mut self, message: ToControl) {
        self.to_control.push(message);
    }

    fn output_full(&mut self, connection: ConnectionId) -> bool {
        self.connections.output_full(connection)
    }

    fn input_waits(&self) -> bool {
        self.input_waits
    }

    fn shell_counters(&self) -> ShellCounters {
        ShellCounters {
            watchdog_wakes: self.bells[usize::from(self.me.0)].rouses.get(),
            output_overruns: self.connections.overrun_count(),
            ..self.counters
        }
    }

    fn secret(&mut self) -> [u8; 16] {
        let words = [self.dice.draw(), self.dice.draw()];
        let mut secret = [0; 16];
        secret[..8].copy_from_slice(&words[0].to_le_bytes());
        secret[8..].copy_from_slice(&words[1].to_le_bytes());
        secret
    }
}
