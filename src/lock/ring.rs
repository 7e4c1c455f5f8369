//! The two rings of a lock: its queue of waiters, and its further holds.
//!
//! Rings are circular, so that the last is the first's predecessor and both ends cost one look. The
//! further holds stand in the order closures, holds, notes: the first tells what the key is to a
//! newcomer. It also carries the number of holds in the ring, moved on when another becomes first.

use crate::lock::block::{Handle, Role};
use crate::lock::pool::Pool;

/// Where a block joins a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Front,
    Back,
}

/// Whether a block that joins or leaves the further holds is one of the holds counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Yes,
    No,
}

impl Pool {
    /// Queues a waiter behind the others.
    pub(super) fn queue_push(&mut self, lock: Handle, waiter: Handle) {
        let head = self.ring_insert(self.at(lock).queue(), waiter, End::Back);
        let block = self.at_mut(lock);
        block.set_queue(head);
        block.set_waiters(block.waiters() + 1);
    }

    /// Takes a waiter out of the queue.
    pub(super) fn queue_remove(&mut self, lock: Handle, waiter: Handle) {
        let head = self.ring_remove(self.at(lock).queue(), waiter);
        let block = self.at_mut(lock);
        block.set_queue(head);
        block.set_waiters(block.waiters() - 1);
    }

    /// Holds among the further ones.
    pub(super) fn holds_count(&self, lock: Handle) -> u32 {
        let head = self.at(lock).holds();
        if head.is_none() {
            0
        } else {
            self.at(head).list_count()
        }
    }

    /// Adds a block to the further holds: closures and holds in front, notes at the back.
    pub(super) fn holds_push(&mut self, lock: Handle, extra: Handle, end: End, counted: Counted) {
        let count = self.holds_count(lock) + u32::from(counted == Counted::Yes);
        let head = self.ring_insert(self.at(lock).holds(), extra, end);
        self.at_mut(lock).set_holds(head);
        self.at_mut(head).set_list_count(count);
    }

    /// Takes a block out of the further holds.
    pub(super) fn holds_remove(&mut self, lock: Handle, extra: Handle, counted: Counted) {
        let count = self.holds_count(lock) - u32::from(counted == Counted::Yes);
        let head = self.ring_remove(self.at(lock).holds(), extra);
        self.at_mut(lock).set_holds(head);
        if head.is_some() {
            self.at_mut(head).set_list_count(count);
        }
    }

    /// A hold of the key that tells its mode; `None` if nobody holds it.
    ///
    /// Of a closed key it may be `None` though somebody does.
    pub(super) fn first_hold(&self, lock: Handle) -> Option<Handle> {
        let block = self.at(lock);
        if block.role() == Role::Hold {
            return Some(lock);
        }
        let head = block.holds();
        if head.is_none() || self.at(head).role() != Role::Hold {
            return None;
        }
        Some(head)
    }

    /// Whether a forced hold keeps the key closed.
    pub(super) fn is_closed(&self, lock: Handle) -> bool {
        self.first_closure(lock).is_some()
    }

    /// A forced hold that keeps the key closed.
    #[inline]
    pub(super) fn first_closure(&self, lock: Handle) -> Option<Handle> {
        let block = self.at(lock);
        if block.role() == Role::Closure {
            return Some(lock);
        }
        let head = block.holds();
        let closed = head.is_some() && self.at(head).role() == Role::Closure;
        closed.then_some(head)
    }

    fn ring_insert(&mut self, head: Handle, handle: Handle, end: End) -> Handle {
        if head.is_none() {
            let block = self.at_mut(handle);
            block.set_next(handle);
            block.set_previous(handle);
            return handle;
        }
        let tail = self.at(head).previous();
        let block = self.at_mut(handle);
        block.set_next(head);
        block.set_previous(tail);
        self.at_mut(tail).set_next(handle);
        self.at_mut(head).set_previous(handle);
        if end == End::Front { handle } else { head }
    }

    fn ring_remove(&mut self, head: Handle, handle: Handle) -> Handle {
        let block = self.at(handle);
        let (next, previous) = (block.next(), block.previous());
        if next == handle {
            return Handle::NONE;
        }
        self.at_mut(previous).set_next(next);
        self.at_mut(next).set_previous(previous);
        if head == handle { next } else { head }
    }
}
