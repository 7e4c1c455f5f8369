//! One direction of a connection.

use super::Found;
use crate::moment::Moment;
use std::collections::VecDeque;

/// What travels.
#[derive(Debug)]
pub(super) enum Parcel {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// Bytes under way, and those that arrived and were not read.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    flying: VecDeque<(Moment, Parcel)>,
    flying_bytes: usize,
    last_at: Moment,
    arrived: VecDeque<u8>,
    ended: bool,
    broken: bool,
    /// The reader closed its end.
    closed: bool,
    /// Nothing passes before this moment.
    pub(super) closed_until: Moment,
    /// The sender ended its stream.
    pub(super) is_finished: bool,
    /// The sender found no room for all.
    pub(super) wants_room: bool,
}

impl Pipe {
    /// Bytes in the sender's, the network's and the reader's hands.
    pub(super) fn load(&self) -> usize {
        self.flying_bytes + self.arrived.len()
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// When what was dispatched last arrives.
    pub(super) const fn last_at(&self) -> Moment {
        self.last_at
    }

    pub(super) fn is_readable(&self) -> bool {
        !self.arrived.is_empty() || self.ended || self.broken
    }

    /// Puts a parcel on its way, behind those before it.
    pub(super) fn dispatch(&mut self, parcel: Parcel, at: Moment) {
        let at = at.max(self.last_at).max(self.closed_until);
        self.last_at = at;
        if let Parcel::Bytes(bytes) = &parcel {
            self.flying_bytes += bytes.len();
        }
        self.flying.push_back((at, parcel));
    }

    /// Takes in what has arrived by now; whether the reader's end is closed and something came.
    pub(super) fn arrive(&mut self, now: Moment) -> bool {
        let mut rejected = false;
        while let Some((at, _)) = self.flying.front()
            && (*at).max(self.closed_until) <= now
        {
            let (_, parcel) = self.flying.pop_front().expect("it was looked at");
            match parcel {
                Parcel::Bytes(bytes) => {
                    self.flying_bytes -= bytes.len();
                    if self.closed {
                        rejected = true;
                    } else if !self.broken && !self.ended {
                        self.arrived.extend(bytes);
                    }
                }
                Parcel::End => self.ended = true,
                Parcel::Reset => self.broken = true,
            }
        }
        rejected
    }

    /// Reads at most so many bytes.
    pub(super) fn take(&mut self, most: usize) -> Found {
        if !self.arrived.is_empty() {
            let count = most.min(self.arrived.len());
            return Found::Bytes(self.arrived.drain(..count).collect());
        }
        if self.broken {
            Found::Broken
        } else if self.ended {
            Found::End
        } else {
            Found::Nothing
        }
    }

    /// The reader closes its end; whether bytes were left.
    pub(super) fn close(&mut self) -> bool {
        self.closed = true;
        let was_unread = !self.arrived.is_empty();
        self.arrived.clear();
        was_unread
    }

    /// Keeps so many of the bytes under way, and no end or reset.
    pub(super) fn lose_tail(&mut self, mut keep: usize) {
        for (_, parcel) in &mut self.flying {
            if let Parcel::Bytes(bytes) = parcel {
                bytes.truncate(keep);
                keep -= bytes.len();
            }
        }
        self.flying.retain(|(_, parcel)| match parcel {
            Parcel::Bytes(bytes) => !bytes.is_empty(),
            Parcel::End | Parcel::Reset => true,
        });
        let bytes = self.flying.iter().map(|(_, parcel)| match parcel {
            Parcel::Bytes(bytes) => bytes.len(),
            Parcel::End | Parcel::Reset => 0,
        });
        self.flying_bytes = bytes.sum();
    }
}
