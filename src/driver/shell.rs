//! The shell's side of the seam: [`Io`] over the connection table, the lanes and the mail.

use crate::driver::lane;
use crate::driver::mail::{Arrival, Mail, MailBox, Origin, post};
use crate::lock::op::ShardId;
use crate::net::connections::Connections;
use crate::shard::io::{CloseHow, ConnectionId, Io, Reading, ShellCounters, ToControl};
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

/// What one shard's core reaches of the world.
pub(super) struct Shell {
    pub(super) me: ShardId,
    pub(super) connections: Connections<OwnedFd>,
    /// Outbound lanes by shard; none to ourselves.
    pub(super) lanes: Vec<Option<lane::Sender>>,
    pub(super) boxes: Vec<MailBox>,
    pub(super) to_control: Sender<(ShardId, ToControl)>,
    pub(super) counters: ShellCounters,
    /// Input that has arrived was left for the next turn.
    pub(super) input_waits: bool,
}

impl Shell {
    /// Shows the other shards what was sent to them this turn and wakes those that sleep.
    pub(super) fn publish_lanes(&mut self) {
        for (lane, shard) in self.lanes.iter_mut().zip(&self.boxes) {
            let published = lane.as_mut().is_some_and(lane::Sender::publish);
            if published && shard.signal().ring() {
                self.counters.lane_wakes += 1;
            }
        }
    }

    /// Posts the sockets that are ready to go to their new homes.
    pub(super) fn post_departures(&mut self) {
        while let Some(departure) = self.connections.next_departure() {
            let to = departure.to;
            let arrival = Arrival {
                socket: departure.socket,
                peer: departure.peer,
                admin: departure.admin,
                origin: Origin::HandedOver,
                bytes: departure.bytes,
            };
            post(&self.boxes, to, Mail::Arrival(arrival));
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
        // Control ends after the shards; should it be gone, nobody is left to ask.
        let _ = self.to_control.send((self.me, message));
    }

    fn output_full(&mut self, connection: ConnectionId) -> bool {
        self.connections.output_full(connection)
    }

    fn input_waits(&self) -> bool {
        self.input_waits
    }

    fn shell_counters(&self) -> ShellCounters {
        let signal = self.boxes[usize::from(self.me.0)].signal();
        ShellCounters {
            watchdog_wakes: signal.watchdog_wakes(),
            output_overruns: self.connections.overrun_count(),
            ..self.counters
        }
    }

    fn secret(&mut self) -> [u8; 16] {
        let mut secret = [0; 16];
        let filled = rustix::rand::getrandom(&mut secret, rustix::rand::GetRandomFlags::empty());
        assert!(
            filled == Ok(secret.len()),
            "the generator gives up to 256 bytes at once"
        );
        secret
    }
}
