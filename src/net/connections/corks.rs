//! Output that waits for more: one send instead of two where answers of another shard follow soon.
//!
//! A client that multiplexes sends requests for several shards in one write. The answers of its
//! home shard are there at once, those of the others a lane's round trip later. Sent apart they
//! cost two sends here and two reads there, and the client's next requests come in two halves, each
//! answered in two parts again: its batches crumble to single requests. So the first part waits,
//! for a bounded time and only while the shard is awake.

use super::Connections;
use crate::net::flow::CORK_MICROS_MAX;
use crate::shard::io::ConnectionId;
use crate::time::Instant;

impl<S> Connections<S> {
    /// See [`crate::shard::io::Io::cork`].
    pub fn cork(&mut self, id: ConnectionId) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        if connection.corked {
            return;
        }
        connection.corked = true;
        connection.corked_until = Instant(self.now.as_micros() + CORK_MICROS_MAX);
        if !connection.cork_listed {
            connection.cork_listed = true;
            self.corks.push_back(id);
        }
    }

    /// See [`crate::shard::io::Io::uncork`].
    pub fn uncork(&mut self, id: ConnectionId) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        if connection.corked {
            connection.corked = false;
            self.touch(id.slot);
        }
    }

    /// Lets all output go; whether there was any that waited. O(connections corked of late).
    pub fn uncork_all(&mut self) -> bool {
        let mut waited = false;
        while let Some(id) = self.corks.pop_front() {
            if let Some(connection) = Self::find(&mut self.table, id) {
                connection.cork_listed = false;
                waited |= connection.corked && !connection.output.is_empty();
                self.uncork(id);
            }
        }
        waited
    }

    /// Lets go what has waited long enough.
    pub(super) fn uncork_overdue(&mut self) {
        while let Some(&id) = self.corks.front() {
            if let Some(connection) = Self::find(&mut self.table, id) {
                if connection.corked && connection.corked_until > self.now {
                    return;
                }
                connection.cork_listed = false;
                self.uncork(id);
            }
            self.corks.pop_front();
        }
    }
}
