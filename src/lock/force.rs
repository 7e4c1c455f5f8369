//! Force release: ends holds over their holders' heads and keeps the key closed for a while.
//!
//! A forced hold's block becomes a closure in place, incompatible with everything. Its delay starts
//! when the home shard sends word that the holder was told, or that its session is over.

use crate::limits::LEASE_MS_MAX;
use crate::lock::acquire::refusal;
use crate::lock::batch::Hint;
use crate::lock::block::{Handle, Kind, Role};
use crate::lock::effect::{Answer, ClosureRef, Effects, LostReason};
use crate::lock::engine::{Engine, Key};
use crate::lock::op::{ClosedFor, ReplyTo};
use crate::lock::stubs::STUB_NONE;
use crate::time::Millis;
use locker_protocol::Status;

/// Holds that one request ends at most; who wants more asks again. The key is closed meanwhile.
pub const FORCED_PER_REQUEST_MAX: u32 = 4_096;
/// Holds, and notes of holds, that one request looks at most: some milliseconds.
pub(super) const FORCE_LOOKS_MAX: u32 = 65_536;

/// What one force release came to so far.
#[derive(Clone, Copy, Debug, Default)]
struct Forced {
    ended: u32,
    closed_ms: u32,
    looks: u32,
}

impl Forced {
    /// Whether one request does no more.
    const fn is_enough(&self, token: u64) -> bool {
        let found = token != 0 && self.ended > 0;
        found || self.ended == FORCED_PER_REQUEST_MAX || self.looks == FORCE_LOOKS_MAX
    }
}

impl Engine {
    /// Ends the hold of a token, or all holds for token 0. Looks at the key's holds one by one, the
    /// oldest first and not at more than [`FORCE_LOOKS_MAX`]: only for operators.
    pub(super) fn force_release(
        &mut self,
        to: ReplyTo,
        token: u64,
        closed: ClosedFor,
        key: &[u8],
        hint: Hint,
        effects: &mut impl Effects,
    ) {
        let mut forced = Forced::default();
        let lock = self.find_live(hint, key, effects);
        let hash = hint.hash;
        if let Some(lock) = lock {
            let key = Key { lock, hash };
            forced = self.force_holds(key, token, closed, effects);
        }
        let Forced {
            ended, closed_ms, ..
        } = forced;
        if ended == 0 && forced.looks == FORCE_LOOKS_MAX {
            let limit = u64::from(FORCE_LOOKS_MAX);
            return self.refuse(to, refusal(Status::Busy, limit, 0), effects);
        }
        if ended == 0 {
            return self.refuse(to, refusal(Status::NotHeld, 0, token), effects);
        }
        self.answer(to, Answer::Forced { ended, closed_ms }, effects);
        if let Some(lock) = lock {
            self.settle(Key { lock, hash }, effects);
        }
    }

    fn force_holds(
        &mut self,
        key: Key,
        token: u64,
        closed: ClosedFor,
        effects: &mut impl Effects,
    ) -> Forced {
        let mut forced = Forced::default();
        self.force_if_meant(key, key.lock, token, closed, &mut forced, effects);
        let first = self.pool.at(key.lock).holds();
        if first.is_none() {
            return forced;
        }
        // From the back: notes, then holds. Closures stand in front, those made here too, and are
        // not looked at.
        let mut at = self.pool.at(first).previous();
        while self.pool.holds_count(key.lock) > 0 && !forced.is_enough(token) {
            let previous = self.pool.at(at).previous();
            self.force_if_meant(key, at, token, closed, &mut forced, effects);
            if at == first {
                break;
            }
            at = previous;
        }
        forced
    }

    fn force_if_meant(
        &mut self,
        key: Key,
        hold: Handle,
        token: u64,
        closed: ClosedFor,
        forced: &mut Forced,
        effects: &mut impl Effects,
    ) {
        forced.looks += 1;
        let block = self.pool.at(hold);
        if block.role() != Role::Hold || token != 0 && block.token != token {
            return;
        }
        let closed_ms = self.force_hold(key, hold, closed, effects);
        forced.ended += 1;
        forced.closed_ms = forced.closed_ms.max(closed_ms);
        self.counters.forced += 1;
    }

    /// Ends one hold by force; returns how long it closes the key.
    fn force_hold(
        &mut self,
        key: Key,
        hold: Handle,
        closed: ClosedFor,
        effects: &mut impl Effects,
    ) -> u32 {
        let block = self.pool.at(hold);
        let stub = self.stubs.at(block.stub);
        if stub.is_dead() {
            self.end_hold(key, hold);
            return 0;
        }
        let delay_ms = match closed {
            ClosedFor::For(length) => length.0.min(LEASE_MS_MAX),
            ClosedFor::HolderTtl => stub.ttl_ms + stub.ttl_ms.div_ceil(50) + 50,
        };
        if block.is_pending() {
            // Its client never heard of the hold, so nobody has to be waited for.
            let lost = refusal(Status::Lost, 0, block.token);
            self.revoke_unsettled(key, hold, lost);
            return 0;
        }
        if delay_ms == 0 {
            self.lose_hold(key, hold, LostReason::Forced, effects);
            return 0;
        }
        self.retire_hold(key, hold, Role::Closure);
        let block = self.pool.at_mut(hold);
        block.permits = delay_ms;
        let closure = ClosureRef {
            block: hold.0,
            generation: block.generation,
        };
        let told = self.lane_is_clear(hold)
            && self.tell_lost(hold, LostReason::Forced, Some(closure), effects);
        if !told {
            self.pend_lost(hold);
        }
        delay_ms
    }

    /// The holder was told, or its session is detached: the delay begins. Stale word is ignored.
    pub(super) fn lost_told(&mut self, closure: ClosureRef) {
        let handle = Handle(closure.block);
        if handle.is_none() || handle.0 >= self.pool.fresh() {
            return;
        }
        let block = self.pool.at(handle);
        let is_block = matches!(block.kind(), Kind::Lock | Kind::Extra);
        if is_block && block.role() == Role::Closure && block.generation == closure.generation {
            self.begin_delay(handle);
        }
    }

    /// Starts a closure's delay, unless it runs already or its Lost has not left yet.
    fn begin_delay(&mut self, closure: Handle) {
        let block = self.pool.at(closure);
        if block.is_pending() || self.wheel.is_armed(&self.pool, closure.0) {
            return;
        }
        let end = self.clock.raw_now() + Millis(block.permits);
        self.arm(closure, end);
    }

    /// A closure whose holder's session is over: it stands alone until its delay has passed.
    pub(super) fn orphan_closure(&mut self, closure: Handle) {
        if self.pool.at(closure).is_pending() {
            self.unpend_lost(closure);
        }
        self.stubs.unlink(&mut self.pool, closure);
        self.pool.at_mut(closure).stub = STUB_NONE;
        self.begin_delay(closure);
    }

    /// Forgets a Lost that waits for its lane.
    pub(super) fn unpend_lost(&mut self, handle: Handle) {
        self.unpend(handle);
        let stub = self.pool.at(handle).stub;
        self.stubs.at_mut(stub).lost_pending -= 1;
    }

    /// A closure's delay has passed.
    pub(super) fn open_closure(&mut self, closure: Handle, effects: &mut impl Effects) {
        self.counters.closures -= 1;
        self.drop_lost_note(closure, effects);
    }
}
