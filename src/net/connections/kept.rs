//! Input that was received and not consumed: partial frames, and what a pause leaves over.

use super::connection::{Ended, Stage};
use super::{Connections, KEPT_BYTES_MAX};
use crate::shard::io::{ConnectionId, Reading};

impl<S> Connections<S> {
    /// Whether received bytes may go to the core as they are: it wants them and none wait in front.
    #[must_use]
    pub fn offers_directly(&self, id: ConnectionId) -> bool {
        self.is_read(id) && self.kept_count(id) == 0
    }

    /// Whether the core still has the connection.
    #[must_use]
    pub fn is_open(&self, id: ConnectionId) -> bool {
        self.known(id)
            .is_some_and(|connection| connection.stage == Stage::Open)
    }

    /// Whether the core wants what arrives on the connection.
    #[must_use]
    pub fn is_read(&self, id: ConnectionId) -> bool {
        self.known(id).is_some_and(|connection| {
            connection.stage == Stage::Open && connection.reading != Reading::Paused
        })
    }

    /// Keeps bytes that arrived and were not consumed, behind those kept before.
    ///
    /// A connection over the limit, or with the pool empty, is closed as broken.
    pub fn keep(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        match connection.stage {
            Stage::Open => {}
            Stage::Leaving => {
                if let Some(leaving) = &mut connection.leaving {
                    leaving.1.extend_from_slice(bytes);
                }
                return;
            }
            Stage::Flushing | Stage::Lingering | Stage::Closing => return,
        }
        if connection.kept.len() + bytes.len() > KEPT_BYTES_MAX {
            self.ended(id, Ended::Broken);
        } else if connection.kept.append(&mut self.pool, bytes).is_err() {
            self.close_largest();
            let connection = &mut self.table[id.slot as usize];
            let open = connection.stage == Stage::Open;
            if open && connection.kept.append(&mut self.pool, bytes).is_err() {
                self.ended(id, Ended::Broken);
            }
        }
    }

    /// Bytes kept for the connection.
    #[must_use]
    pub fn kept_count(&self, id: ConnectionId) -> usize {
        self.known(id).map_or(0, |connection| connection.kept.len())
    }

    /// Copies the first kept bytes to `target` and tells how many.
    pub fn kept_copy(&self, id: ConnectionId, target: &mut [u8]) -> usize {
        self.known(id)
            .map_or(0, |connection| connection.kept.copy_to(&self.pool, target))
    }

    /// Drops the first `count` kept bytes: the core consumed them.
    pub fn kept_consumed(&mut self, id: ConnectionId, count: usize) {
        if let Some(connection) = Self::find(&mut self.table, id) {
            let count = count.min(connection.kept.len());
            connection.kept.consume(&mut self.pool, count);
        }
    }

    /// Asks that kept bytes be offered to the core: by [`Connections::next_offer`].
    pub fn offer(&mut self, id: ConnectionId) {
        if let Some(connection) = Self::find(&mut self.table, id)
            && !connection.offered
            && !connection.kept.is_empty()
        {
            connection.offered = true;
            self.offers.push_back(id);
        }
    }

    /// Connections waiting in [`Connections::next_offer`].
    #[must_use]
    pub fn offer_count(&self) -> usize {
        self.offers.len()
    }

    /// The next connection whose kept bytes the core should be offered now.
    pub fn next_offer(&mut self) -> Option<ConnectionId> {
        while let Some(id) = self.offers.pop_front() {
            let Some(connection) = Self::find(&mut self.table, id) else {
                continue;
            };
            connection.offered = false;
            if connection.stage == Stage::Open && connection.reading != Reading::Paused {
                self.touch(id.slot);
                return Some(id);
            }
        }
        None
    }
}
