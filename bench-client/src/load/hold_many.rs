//! Filling the table: each client acquires the keys of its slice in order and keeps them.

use locker_protocol::Status;

use super::fleet::Fleet;
use crate::nanos::Nanos;
use crate::traffic::Io;
use crate::verify::Want;

impl Fleet {
    pub(super) fn begin_hold(&mut self, client: usize, now: Nanos, io: &mut Io) {
        match self.next_in_slice(client) {
            Some(key) => self.acquire(client, key, Want::Exclusive, now, io),
            None => self.retire(client),
        }
    }

    /// A key was denied: a full table is the end, anything else is tried no more.
    pub(super) fn hold_denied(&mut self, client: usize, status: u16, now: Nanos, io: &mut Io) {
        if status == Status::TableFull.code() {
            let intended = self.clients[client].intended;
            self.record.cycle_over(intended, now);
            self.retire(client);
        } else {
            self.cycle_over(client, now, io);
        }
    }
}
