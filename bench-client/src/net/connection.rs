//! One numbered connection of the loop: its socket and what of it is unfinished.

use std::os::fd::OwnedFd;

/// Generations start over after so many: the highest bit of epoll's data is not theirs.
pub(super) const GENERATION_MASK: u32 = u32::MAX >> 1;

/// Where a connection stands.
#[derive(Debug, Default)]
pub(super) enum State {
    /// Not wished for, or gone.
    #[default]
    Absent,
    /// The connect is not over.
    Connecting(OwnedFd),
    /// Open.
    Open(Stream),
}

/// An open socket.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) socket: OwnedFd,
    /// The socket had no room for all output: epoll tells when it has.
    pub(super) blocked: bool,
    /// A send failed with this: what can still be read is read, then it is told.
    pub(super) broken: Option<i32>,
}

impl Stream {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            blocked: false,
            broken: None,
        }
    }
}

/// A connection's slot.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) state: State,
    /// Grows with each socket of this slot: events of an earlier socket are known by it.
    pub(super) generation: u32,
    /// Bytes that were offered and not taken: the front of a frame.
    pub(super) rest: Vec<u8>,
}

impl Connection {
    /// Empties the slot; the socket, if there was one.
    pub(super) fn vacate(&mut self) -> Option<OwnedFd> {
        self.rest.clear();
        self.generation = (self.generation + 1) & GENERATION_MASK;
        match std::mem::take(&mut self.state) {
            State::Absent => None,
            State::Connecting(socket) => Some(socket),
            State::Open(stream) => Some(stream.socket),
        }
    }

    /// The open stream of this slot.
    #[inline]
    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.state {
            State::Open(stream) => Some(stream),
            _ => None,
        }
    }
}
