//! What the core asks of its connections: only marks, see [`Connections::settle`].

use super::connection::{Ended, Stage};
use super::{Connections, FLUSH_MS_MAX};
use crate::lock::op::ShardId;
use crate::net::chunk::PoolEmpty;
use crate::net::flow::{self, Verdict};
use crate::shard::io::{CloseHow, ConnectionId, Reading};

impl<S> Connections<S> {
    /// See [`crate::shard::io::Io::write`].
    pub fn write(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        if connection.stage != Stage::Open || bytes.is_empty() {
            return;
        }
        self.touch(id.slot);
        if self.append_output(id, bytes).is_err() {
            self.close_largest();
            if self.append_output(id, bytes).is_err() {
                self.ended(id, Ended::Broken);
            }
        }
    }

    /// Appends to the output of an open connection and closes it if that is too much.
    fn append_output(&mut self, id: ConnectionId, bytes: &[u8]) -> Result<(), PoolEmpty> {
        let connection = &mut self.table[id.slot as usize];
        if connection.stage != Stage::Open {
            return Ok(());
        }
        connection.output.append(&mut self.pool, bytes)?;
        if flow::judge(connection.output.len(), &self.pool) == Verdict::Close {
            // Should the client read on it learns why; an empty pool only costs it that.
            let _ = connection
                .output
                .append(&mut self.pool, &self.slow_reader_words);
            connection.untold = Some(Ended::Broken);
            self.overruns += 1;
            self.ended.push_back(id);
            self.begin_close(id, CloseHow::Flush);
        }
        Ok(())
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
    #[must_use]
    pub fn output_full(&self, id: ConnectionId) -> bool {
        self.known(id).is_some_and(|connection| {
            flow::judge(connection.output.len(), &self.pool) != Verdict::Read
        })
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
