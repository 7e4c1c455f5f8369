//! What the core asks of its connections: only marks, see [`Connections::settle`].

use super::connection::{Ended, Stage};
use super::{Connections, FLUSH_MS_MAX};
use crate::lock::op::ShardId;
use crate::net::flow::{self, Verdict};
use crate::shard::io::{CloseHow, ConnectionId, Reading};

impl<S> Connections<S> {
    /// See [`crate::shard::io::Io::write`].
    #[inline]
    pub fn write(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        if connection.stage != Stage::Open || bytes.is_empty() {
            return;
        }
        if connection.output.append(&mut self.pool, bytes).is_err() {
            self.write_without_room(id, bytes);
            return;
        }
        if !connection.touched {
            connection.touched = true;
            self.touched.push(id.slot);
        }
        if flow::is_overrun(connection.output.len()) {
            self.overrun(id);
        }
    }

    /// The pool is empty: somebody must go, perhaps the one that is written to.
    #[cold]
    fn write_without_room(&mut self, id: ConnectionId, bytes: &[u8]) {
        self.close_largest();
        let connection = &mut self.table[id.slot as usize];
        if connection.stage != Stage::Open {
            return;
        }
        if connection.output.append(&mut self.pool, bytes).is_err() {
            self.ended(id, Ended::Broken);
        }
        self.touch(id.slot);
    }

    /// A client does not take its output. Should it read on, it learns why it was closed.
    #[cold]
    fn overrun(&mut self, id: ConnectionId) {
        self.overruns += 1;
        let connection = &mut self.table[id.slot as usize];
        // An empty pool costs the client the explanation only.
        let _ = connection
            .output
            .append(&mut self.pool, &self.slow_reader_words);
        connection.untold = Some(Ended::Broken);
        self.ended.push_back(id);
        self.begin_close(id, CloseHow::Flush);
    }

    /// The pool is empty: the open connection with most output is closed, and what of its output is
    /// not in the kernel's hands is freed at once. O(connections), once per connection lost.
    pub(super) fn close_largest(&mut self) {
        let largest = self
            .table
            .iter()
            .filter(|(_, connection)| connection.stage == Stage::Open)
            .max_by_key(|(_, connection)| connection.output.len() + connection.kept.len());
        self.overruns += 1;
        if let Some((slot, connection)) = largest {
            let id = connection.id(u32::try_from(slot).expect("slots were made from u32"));
            self.ended(id, Ended::Broken);
        }
    }

    /// See [`crate::shard::io::Io::output_full`].
    ///
    /// A connection that was told so is offered again what it left, even if its output leaves
    /// before this turn ends.
    #[must_use]
    pub fn output_full(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return false;
        };
        let full = flow::judge(connection.output.len(), &self.pool) != Verdict::Read;
        if full {
            connection.starved = true;
            self.touch(id.slot);
        }
        full
    }

    /// See [`crate::shard::io::Io::close`].
    pub fn close(&mut self, id: ConnectionId, how: CloseHow) {
        if let Some(connection) = Self::find(&mut self.table, id) {
            connection.untold = None;
            self.begin_close(id, how);
        }
    }

    pub(super) fn begin_close(&mut self, id: ConnectionId, how: CloseHow) {
        let connection = &mut self.table[id.slot as usize];
        connection.kept.clear(&mut self.pool);
        match (connection.stage, how) {
            (Stage::Open, CloseHow::Flush) => {
                connection.stage = Stage::Flushing;
                self.closing.push_back((self.now + FLUSH_MS_MAX, id));
            }
            (_, CloseHow::Now) => {
                connection.stage = Stage::Closing;
                connection.leaving = None;
                // What the kernel is sending must stay in place.
                connection
                    .output
                    .truncate(&mut self.pool, connection.sending);
            }
            (_, CloseHow::Flush) => {}
        }
        self.touch(id.slot);
    }

    /// See [`crate::shard::io::Io::read`].
    pub fn set_reading(&mut self, id: ConnectionId, how: Reading) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        let resumed = connection.reading == Reading::Paused && how != Reading::Paused;
        connection.reading = how;
        self.touch(id.slot);
        if resumed {
            self.offer(id);
        }
    }

    /// See [`crate::shard::io::Io::hand_over`]; the socket comes out of
    /// [`Connections::next_departure`].
    pub fn hand_over(&mut self, id: ConnectionId, to: ShardId, bytes: &[u8]) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        if connection.stage != Stage::Open {
            return;
        }
        assert!(
            connection.reading == Reading::Single,
            "a socket is handed over only before its HelloOk"
        );
        connection.kept.clear(&mut self.pool);
        connection.stage = Stage::Leaving;
        connection.leaving = Some(Box::new((to, bytes.to_vec())));
        self.touch(id.slot);
    }
}
