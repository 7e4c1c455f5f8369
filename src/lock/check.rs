//! Checks the invariants of the whole engine: O(blocks + buckets + stubs), for tests.
//!
//! Numbers are those of the module's page.

use crate::lock::block::{Block, Handle, Kind, Role};
use crate::lock::engine::{Drain, Engine, Key};
use crate::lock::op::Mode;
use crate::lock::stubs::STUB_NONE;

/// What a walk over all blocks counts, to be compared with the engine's own counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Census {
    free: u32,
    locks: u32,
    holds: u32,
    closures: u32,
    waiters: u32,
    in_rings: u32,
    ring_members: u32,
    continuations: u32,
    continuations_needed: u32,
    pending: u32,
    ready: u32,
    in_sessions: u32,
    index_entries: u32,
}

impl Engine {
    /// Asserts every invariant that one moment can show.
    ///
    /// # Panics
    /// If one is broken.
    pub fn check_invariants(&mut self) {
        let mut census = Census::default();
        for at in 1..self.pool.fresh() {
            self.check_block(Handle(at), &mut census);
        }
        let used = self.pool.fresh() - 1 - census.free;
        assert_eq!(used, self.pool.used(), "6: blocks in use are counted");
        assert_eq!(self.free_list_len(), census.free, "6: no free block leaks");
        assert_eq!(
            census.in_rings, census.ring_members,
            "6: no further block leaks"
        );
        assert_eq!(
            census.continuations, census.continuations_needed,
            "6: a chain is as long as its bytes need"
        );
        assert_eq!(census.locks, self.counters.locks, "6: keys are counted");
        assert_eq!(census.holds, self.counters.holds, "6: holds are counted");
        assert_eq!(
            census.closures, self.counters.closures,
            "9: forced holds that may be believed in are counted"
        );
        assert_eq!(
            census.waiters, self.counters.waiters,
            "4: waiters are counted"
        );
        assert_eq!(census.ready, self.ready.len, "10: the ready list is whole");
        assert_eq!(
            census.pending,
            self.pending.len(),
            "4: effects that wait are counted"
        );
        assert_eq!(self.check_pending(), census.pending, "4: and none is lost");
        assert_eq!(
            census.index_entries,
            self.index.entries(),
            "6: the index is exact"
        );
        self.index.check_invariants();
        self.wheel.check_invariants(&self.pool, self.pool.fresh());
        self.check_sessions(census.in_sessions);
    }

    fn check_block(&mut self, handle: Handle, census: &mut Census) {
        let block = *self.pool.at(handle);
        match block.kind() {
            Kind::Free => census.free += 1,
            Kind::Continuation => census.continuations += 1,
            Kind::Lock => {
                census.locks += 1;
                census.ready += u32::from(block.is_ready());
                self.check_lock(handle, census);
            }
            Kind::Extra => self.check_extra(handle, &block, census),
        }
        if matches!(block.kind(), Kind::Free | Kind::Continuation) {
            return;
        }
        let bytes = block.key_len() + block.metadata_len();
        census.continuations_needed += self.pool.continuations_for(bytes);
        census.holds += u32::from(block.role() == Role::Hold);
        census.closures += u32::from(block.role() == Role::Closure);
        census.waiters += u32::from(block.role() == Role::Waiter);
        census.pending += u32::from(block.is_pending());
        let owned = block.role() != Role::Vacant && { block.stub } != STUB_NONE;
        census.in_sessions += u32::from(owned);
        if self.wheel.is_armed(&self.pool, handle.0) {
            let timed = matches!(block.role(), Role::Hold | Role::Waiter | Role::Closure);
            assert!(
                timed && !block.is_pending(),
                "8: a timer belongs to a live thing"
            );
        }
    }

    fn check_extra(&mut self, handle: Handle, block: &Block, census: &mut Census) {
        let noted = block.role() == Role::AnswerNote;
        assert_ne!(
            block.role(),
            Role::Vacant,
            "6: a further block stands for something"
        );
        assert!(!noted || block.is_pending(), "6: a note waits for its lane");
        census.ring_members += u32::from(!noted);
        if matches!(block.role(), Role::Hold | Role::Waiter) {
            census.index_entries += 1;
            let key = self.key_of(handle);
            let hash = self.entry_hash(key.hash, handle);
            assert!(
                self.index.contains(hash, handle),
                "6: holds and waiters are indexed"
            );
        }
    }

    fn check_lock(&mut self, lock: Handle, census: &mut Census) {
        census.index_entries += 1;
        let key = self.key_of(lock);
        assert!(self.index.contains(key.hash, lock), "6: a key is indexed");
        let block = *self.pool.at(lock);
        assert_ne!(
            block.role(),
            Role::Waiter,
            "a waiter has a block of its own"
        );
        let waiters = self.check_ring(lock, block.queue(), |block| block.role() == Role::Waiter);
        assert_eq!(waiters, block.waiters(), "4: a key's waiters are counted");
        let held =
            |block: &Block| matches!(block.role(), Role::Hold | Role::Closure | Role::LostNote);
        census.in_rings += waiters + self.check_ring(lock, block.holds(), held);
        self.check_holds(lock);
        self.check_progress(key);
    }

    /// Walks a ring both ways; returns its length.
    fn check_ring(&self, lock: Handle, head: Handle, is_member: impl Fn(&Block) -> bool) -> u32 {
        if head.is_none() {
            return 0;
        }
        let (mut at, mut length) = (head, 0);
        loop {
            let block = self.pool.at(at);
            assert_eq!(
                block.kind(),
                Kind::Extra,
                "7: a ring has further blocks only"
            );
            assert_eq!(block.lock(), lock, "7: of its own key");
            assert!(is_member(block), "a ring has its own kind of members");
            assert_eq!(self.pool.at(block.next()).previous(), at, "a ring closes");
            length += 1;
            at = block.next();
            if at == head {
                return length;
            }
        }
    }

    /// Invariant 1, and the order of the further holds: closures, holds, notes.
    fn check_holds(&self, lock: Handle) {
        let block = self.pool.at(lock);
        let first = self.pool.first_hold(lock);
        let (mut mode, mut holds, mut permits) = (None, 0_u32, 0_u64);
        let mut count = |block: &Block| {
            if block.role() == Role::Hold {
                let first = *mode.get_or_insert(block.mode());
                assert_eq!(block.mode(), first, "1: holds are compatible");
                holds += 1;
                permits += u64::from(block.permits);
            }
        };
        count(block);
        let (mut at, mut rank, mut listed) = (block.holds(), 0, 0);
        while at.is_some() {
            let member = self.pool.at(at);
            let its = match member.role() {
                Role::Closure => 0,
                Role::Hold => 1,
                _ => 2,
            };
            assert!(its >= rank, "closures, then holds, then notes");
            rank = its;
            listed += u32::from(its == 1);
            count(member);
            at = member.next();
            if at == block.holds() {
                break;
            }
        }
        if !self.pool.is_closed(lock) {
            assert_eq!(first.is_none(), holds == 0, "the first hold is found");
            assert!(
                mode != Some(Mode::Exclusive) || holds == 1,
                "1: exclusive is alone"
            );
        }
        assert_eq!(
            self.pool.holds_count(lock),
            listed,
            "further holds are counted"
        );
        if mode == Some(Mode::Permit) {
            assert_eq!(
                u64::from(block.permits_used()),
                permits,
                "1: permits are counted"
            );
        } else if holds == 0 {
            assert_eq!(block.permits_used(), 0, "1: nobody has permits");
        }
    }

    /// Invariants 6 and 10: a free key has no block, and no head waits that could be granted.
    fn check_progress(&self, key: Key) {
        let block = self.pool.at(key.lock);
        if block.is_ready() || matches!(self.drain, Drain::Over(_)) {
            return;
        }
        let empty = block.role() == Role::Vacant && block.holds().is_none();
        assert!(
            !empty || block.queue().is_some(),
            "6: a free key has no block"
        );
        if block.queue().is_none() || self.grace.is_some() {
            return;
        }
        let head = self.pool.at(block.queue());
        let dead = self.stubs.at(head.stub).is_dead();
        let free = self.is_compatible(key.lock, head.mode(), head.permits, block.limit());
        assert!(dead || !free, "10: a head that could be granted is");
    }

    fn check_sessions(&self, in_sessions: u32) {
        let (mut listed, mut open, mut dead) = (0, 0, 0);
        for index in 0..self.stubs.count() {
            let index = u32::try_from(index).expect("a stub's index has 32 bits");
            let stub = self.stubs.at(index);
            open += u32::from(stub.is_open());
            dead += u32::from(stub.is_dead());
            let (mut at, mut previous, mut lost) = (stub.blocks, Handle::NONE, 0);
            while at.is_some() {
                let block = self.pool.at(at);
                assert_eq!({ block.stub }, index, "7: a session's block is its own");
                assert_eq!(block.session_prev, previous, "a session's list is whole");
                let is_lost = matches!(block.role(), Role::LostNote | Role::Closure);
                lost += u32::from(is_lost && block.is_pending());
                listed += 1;
                (previous, at) = (at, block.session_next);
            }
            assert_eq!(
                lost, stub.lost_pending,
                "4: Lost events that wait are counted"
            );
        }
        assert_eq!(
            listed, in_sessions,
            "6: every hold and waiter has a session"
        );
        assert_eq!(open, self.stubs.open_count(), "sessions are counted");
        assert_eq!(dead, self.stubs.dead_count(), "ended sessions are counted");
        assert_eq!(dead, self.sweep.len, "10: every ended session is swept");
    }

    /// Walks the lists of effects that wait; returns their length.
    fn check_pending(&self) -> u32 {
        let mut length = 0;
        for home in 0..usize::from(self.config.shards) {
            for handle in self.pending.walk(home, &self.pool) {
                assert!(self.pool.at(handle).is_pending(), "4: what waits is marked");
                length += 1;
            }
        }
        length
    }

    fn free_list_len(&self) -> u32 {
        let (mut at, mut length) = (self.pool.next_free(), 0);
        while at.is_some() {
            length += 1;
            at = self.pool.at(at).link;
        }
        length
    }
}
