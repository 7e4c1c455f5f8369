//! How holds end: released, lost, forced, or with their session.

use crate::lock::block::{Handle, Kind, Role};
use crate::lock::effect::{Effects, LostReason};
use crate::lock::engine::{Engine, Key};
use crate::lock::op::Mode;
use crate::lock::ring::{Counted, End};

/// Dead holds that one request ends on the spot at most; the rest is swept.
const DEAD_HOLDS_MET_MAX: usize = 64;

impl Engine {
    /// The lock that a hold or waiter belongs to.
    pub(super) fn lock_of(&self, handle: Handle) -> Handle {
        let block = self.pool.at(handle);
        if block.kind() == Kind::Lock {
            handle
        } else {
            block.lock()
        }
    }

    /// The lock that a hold or waiter belongs to, and the hash of its key: reads the whole key.
    pub(super) fn key_of(&mut self, handle: Handle) -> Key {
        let lock = self.lock_of(handle);
        let key = self.pool.copy_key(lock, &mut self.scratch);
        let hash = self.hasher.key(key);
        Key { lock, hash }
    }

    /// Enters a further hold or a waiter in the index.
    pub(super) fn enter_index(&mut self, key_hash: u64, extra: Handle) {
        let hash = self.entry_hash(key_hash, extra);
        self.index.insert(hash, extra);
    }

    /// Takes a further hold or a waiter out of the index.
    pub(super) fn leave_index(&mut self, key_hash: u64, extra: Handle) {
        let hash = self.entry_hash(key_hash, extra);
        self.index.remove(hash, extra);
    }

    pub(super) fn entry_hash(&self, key_hash: u64, extra: Handle) -> u64 {
        let block = self.pool.at(extra);
        let session = self.stubs.at(block.stub).session();
        self.hasher.entry(key_hash, session.id.0, block.owner)
    }

    /// Ends a hold; nobody is told. The caller settles the key.
    pub(super) fn end_hold(&mut self, key: Key, hold: Handle) {
        if self.pool.at(hold).is_pending() {
            self.unpend(hold);
        } else {
            self.disarm(hold);
        }
        self.uncount_hold(key.lock, hold);
        if hold != key.lock {
            self.leave_index(key.hash, hold);
            self.pool.holds_remove(key.lock, hold, Counted::Yes);
        }
        self.vacate(hold);
    }

    /// Ends a hold and tells its holder, at once or as soon as the lane has room.
    pub(super) fn lose_hold(
        &mut self,
        key: Key,
        hold: Handle,
        reason: LostReason,
        effects: &mut impl Effects,
    ) {
        if self.lane_is_clear(hold) && self.tell_lost(hold, reason, None, effects) {
            return self.end_hold(key, hold);
        }
        self.retire_hold(key, hold, Role::LostNote);
        self.pool.at_mut(hold).deadline = reason as u32;
        self.pend_lost(hold);
    }

    /// Makes a note wait for its lane; until it left, the session hears no answer.
    pub(super) fn pend_lost(&mut self, hold: Handle) {
        self.pend(hold);
        let stub = self.pool.at(hold).stub;
        self.stubs.at_mut(stub).lost_pending += 1;
    }

    /// Turns a settled hold in place into a closure or a note: it counts no more.
    pub(super) fn retire_hold(&mut self, key: Key, hold: Handle, role: Role) {
        self.disarm(hold);
        self.uncount_hold(key.lock, hold);
        if hold != key.lock {
            self.leave_index(key.hash, hold);
            self.pool.holds_remove(key.lock, hold, Counted::Yes);
            let end = if role == Role::Closure {
                End::Front
            } else {
                End::Back
            };
            self.pool.holds_push(key.lock, hold, end, Counted::No);
        }
        self.counters.closures += u32::from(role == Role::Closure);
        self.pool.drop_metadata(hold);
        self.pool.at_mut(hold).set_role(role);
    }

    /// A note whose Lost has left: its block goes, and the key with it if it is free.
    pub(super) fn drop_lost_note(&mut self, note: Handle, effects: &mut impl Effects) {
        let key = self.key_of(note);
        if note != key.lock {
            self.pool.holds_remove(key.lock, note, Counted::No);
        }
        self.vacate(note);
        self.settle(key, effects);
    }

    /// Gives back what a hold, closure or note took: the block, or in a lock's block its first
    /// part.
    pub(super) fn vacate(&mut self, handle: Handle) {
        if self.pool.at(handle).stub != crate::lock::stubs::STUB_NONE {
            self.stubs.unlink(&mut self.pool, handle);
        }
        if self.pool.at(handle).kind() == Kind::Extra {
            return self.pool.give_back_all(handle);
        }
        self.pool.drop_metadata(handle);
        let block = self.pool.at_mut(handle);
        block.set_role(Role::Vacant);
        block.generation = block.generation.wrapping_add(1);
    }

    /// Ends the holds of ended sessions on a key that a request meets, as many as are bounded.
    pub(super) fn end_dead_holds(&mut self, key: Key) {
        if self.is_dead_hold(key.lock) {
            self.count_lost_session();
            self.end_hold(key, key.lock);
        }
        let mut at = self.pool.at(key.lock).holds();
        if at.is_none() {
            return;
        }
        let last = self.pool.at(at).previous();
        for _ in 0..DEAD_HOLDS_MET_MAX {
            let next = self.pool.at(at).next();
            if self.is_dead_hold(at) {
                self.count_lost_session();
                self.end_hold(key, at);
            }
            if at == last {
                return;
            }
            at = next;
        }
    }

    pub(super) fn count_lost_session(&mut self) {
        self.counters.lost_session += 1;
    }

    fn is_dead_hold(&self, handle: Handle) -> bool {
        let block = self.pool.at(handle);
        block.role() == Role::Hold && self.stubs.at(block.stub).is_dead()
    }

    fn uncount_hold(&mut self, lock: Handle, hold: Handle) {
        self.counters.holds -= 1;
        let block = self.pool.at(hold);
        if block.mode() == Mode::Permit {
            let permits = block.permits;
            let lock = self.pool.at_mut(lock);
            lock.set_permits_used(lock.permits_used() - permits);
        }
    }
}
