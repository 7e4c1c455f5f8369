//! What is due at an instant: ends of holds, keepalives, connections to be tried again.
//!
//! A heap, because holds of random length need one; a hold of length 0 never comes here, so no
//! request pays for it. Nothing is taken out early: who set a timer knows if it still matters.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::nanos::Nanos;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The hold of a client's acquire of this count ends.
    HoldEnd { client: usize, count: u64 },
    /// A connection was perhaps silent for long.
    Keepalive { connection: usize, life: u32 },
    /// A client that was refused for a while may go on.
    Rest { client: usize },
    /// A connection is to be tried again.
    Reconnect { connection: usize },
}

/// Timers of one thread.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Nanos, Due)>>,
}

impl Timers {
    /// Sets one. O(log n).
    pub(super) fn set(&mut self, at: Nanos, due: Due) {
        self.heap.push(Reverse((at, due)));
    }

    /// Takes the earliest if it is due. O(log n).
    pub(super) fn pop(&mut self, now: Nanos) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, due))| due)
    }

    /// When the earliest is due.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}
