//! What a client has said and heard, and in how many system calls.

use std::iter::Sum;

/// Frames and system calls of a client since it was made, all its sessions together.
///
/// Frames per write tell how well the requests of many threads travel together: 1 is one thread at
/// a time, and each write costs some microseconds at both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, greetings and keepalives included.
    pub frames_sent: u64,
    /// Writes to sockets that these took.
    pub writes: u64,
    /// Answers and notices received.
    pub frames_received: u64,
    /// Reads from sockets that these took.
    pub reads: u64,
}

impl Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            frames_sent: sum.frames_sent + one.frames_sent,
            writes: sum.writes + one.writes,
            frames_received: sum.frames_received + one.frames_received,
            reads: sum.reads + one.reads,
        })
    }
}
