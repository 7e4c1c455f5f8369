//! What happens when: the simulator's queue of events.

use crate::moment::Moment;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A connection of a client to the server, by number; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The client's.
    Client,
    /// The server's.
    Server,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Something that is due.
///
/// What concerns the server names its run: what is due for a dead run is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// A shard takes its next step.
    Step {
        /// Of this run.
        run: u32,
        /// Which.
        shard: u8,
    },
    /// The timer that a shard sleeps under may fire.
    Timer {
        /// Of this run.
        run: u32,
        /// Which.
        shard: u8,
    },
    /// The control thread takes a turn.
    Control {
        /// Of this run.
        run: u32,
    },
    /// What the control thread wrote is on the disk, and what it says comes out.
    Written {
        /// Of this run.
        run: u32,
    },
    /// The server starts.
    Start,
    /// The server falls once more, soon after it started.
    Again {
        /// If it is still this run.
        run: u32,
    },
    /// Bytes come out of the network.
    Segment {
        /// On this connection.
        link: LinkId,
        /// At this end.
        to: Side,
    },
    /// A connection's first packet arrives at the server.
    Knock {
        /// Which.
        link: LinkId,
    },
    /// The server's answer to that arrives.
    Opened {
        /// Which.
        link: LinkId,
        /// It took the connection.
        taken: bool,
    },
    /// A client looks at its socket and its clock.
    Client {
        /// Which.
        client: u8,
    },
    /// A client's program does something.
    Act {
        /// Whose.
        client: u8,
    },
    /// A fault strikes.
    Fault,
    /// The random part is over.
    Calm,
    /// The last look.
    Rest,
}

/// The queue. Of what is due at one moment, what was added first comes first.
#[derive(Debug, Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<(Moment, u64, Due)>>,
    added: u64,
}

impl Agenda {
    /// Adds an event.
    pub fn add(&mut self, at: Moment, due: Due) {
        if at != Moment::NEVER {
            self.added += 1;
            self.heap.push(Reverse((at, self.added, due)));
        }
    }

    /// Takes the next.
    pub fn take(&mut self) -> Option<(Moment, Due)> {
        self.heap.pop().map(|Reverse((at, _, due))| (at, due))
    }
}
