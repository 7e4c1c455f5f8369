//! Each request goes its way; here those that speak of a hold or waiter that is there: Release,
//! Renew, Cancel.

use crate::lock::acquire::{Ask, lease_ms, refusal};
use crate::lock::batch::Hint;
use crate::lock::block::{Block, Handle, Role};
use crate::lock::effect::{Answer, CancelOutcome, Effects, Refusal};
use crate::lock::engine::{Engine, Key};
use crate::lock::op::{IfGranted, Mode, Op, RenewTo, ReplyTo, Seat, Wait};
use crate::time::Instant;
use crate::wheel::low32;
use locker_protocol::Status;

/// Who asks about which key.
#[derive(Clone, Copy, Debug)]
struct Caller {
    to: ReplyTo,
    owner: u64,
    stub: u32,
    key: Key,
}

impl Engine {
    /// Executes one request.
    pub(super) fn request(
        &mut self,
        to: ReplyTo,
        op: &Op,
        key: &[u8],
        metadata: &[u8],
        hint: Hint,
        effects: &mut impl Effects,
    ) {
        let stub = self.stubs.find(to.session);
        let ask = |owner, want, wait, lease| Ask {
            to,
            owner,
            want,
            wait,
            lease,
            key,
            metadata,
            hint,
            stub,
        };
        match *op {
            Op::Acquire {
                owner,
                want,
                wait,
                lease,
            } => {
                self.acquire(&ask(owner, want, wait, lease), effects);
            }
            Op::Reclaim {
                owner,
                token,
                want,
                lease,
            } => {
                self.reclaim(&ask(owner, want, Wait::Try, lease), token, effects);
            }
            Op::ForceRelease { token, closed } => {
                self.force_release(to, token, closed, key, hint, effects);
            }
            Op::Release { owner, token } => {
                let caller = self.caller(to, owner, stub, key, hint);
                self.release(to, caller, token, effects);
            }
            Op::Renew {
                owner,
                token,
                to: until,
            } => {
                let caller = self.caller(to, owner, stub, key, hint);
                self.renew(to, caller, token, until, effects);
            }
            Op::Cancel {
                owner,
                acquire_seat,
                token,
                if_granted,
            } => {
                self.counters.cancels += 1;
                let caller = self.caller(to, owner, stub, key, hint);
                let (outcome, token) = caller.map_or((CancelOutcome::NotFound, 0), |caller| {
                    self.cancel(caller, acquire_seat, token, if_granted, effects)
                });
                self.answer(to, Answer::CancelDone { outcome, token }, effects);
            }
        }
    }

    /// Answers a request; a session with a Lost on its way must not hear it before that.
    pub(super) fn answer(&mut self, to: ReplyTo, answer: Answer, effects: &mut impl Effects) {
        effects.answer(to, answer, self.lost_pending(to.session));
    }

    /// The caller with the key it speaks of, if there is such a key.
    fn caller(&self, to: ReplyTo, owner: u64, stub: u32, key: &[u8], hint: Hint) -> Option<Caller> {
        let lock = self.find(hint, key)?;
        let hash = hint.hash;
        let key = Key { lock, hash };
        Some(Caller {
            to,
            owner,
            stub,
            key,
        })
    }

    fn release(
        &mut self,
        to: ReplyTo,
        caller: Option<Caller>,
        token: u64,
        effects: &mut impl Effects,
    ) {
        let is_meant =
            |block: &Block| block.token == token || token == 0 && block.mode() != Mode::Permit;
        let hold = caller.and_then(|caller| Some((caller, self.find_hold(&caller, is_meant)?)));
        let Some((caller, hold)) = hold else {
            return self.refuse(to, refusal(Status::NotHeld, 0, token), effects);
        };
        self.counters.releases += 1;
        self.end_hold(caller.key, hold);
        self.answer(to, Answer::Released, effects);
        self.settle(caller.key, effects);
    }

    fn renew(
        &mut self,
        to: ReplyTo,
        caller: Option<Caller>,
        token: u64,
        until: RenewTo,
        effects: &mut impl Effects,
    ) {
        let is_meant = |block: &Block| block.token == token;
        let Some(hold) = caller.and_then(|caller| self.find_hold(&caller, is_meant)) else {
            return self.refuse(to, refusal(Status::NotHeld, 0, token), effects);
        };
        self.counters.renewals += 1;
        let until = match until {
            RenewTo::Keep => self.deadline_of(hold),
            RenewTo::Lease(lease) => {
                let end = self.lease_end(lease_ms(lease));
                self.move_deadline(hold, end);
                end
            }
        };
        self.answer(to, Answer::Renewed { until }, effects);
    }

    /// Replaces a hold's deadline. A later one costs a store: the timer finds out when it fires.
    pub(super) fn move_deadline(&mut self, hold: Handle, end: Option<Instant>) {
        let Some(end) = end else {
            return self.disarm(hold);
        };
        if self.deadline_of(hold).is_some_and(|armed| armed <= end) {
            self.pool.at_mut(hold).deadline = low32(self.clock.wheel_ms(end));
            return;
        }
        self.disarm(hold);
        self.arm(hold, end);
    }

    /// The caller's hold that `is_meant`, of those that it knows of; the oldest if there are
    /// several.
    fn find_hold(&self, caller: &Caller, is_meant: impl Fn(&Block) -> bool) -> Option<Handle> {
        let lock = self.pool.at(caller.key.lock);
        let own = lock.stub == caller.stub && lock.owner == caller.owner;
        let first = own && lock.is_settled_hold() && is_meant(lock);
        let mut oldest = first.then_some((lock.token, caller.key.lock));
        if lock.holds().is_some() {
            self.each_own(caller, |handle, block| {
                let older = oldest.is_none_or(|(token, _)| block.token < token);
                if older && block.is_settled_hold() && is_meant(block) {
                    oldest = Some((block.token, handle));
                }
            });
        }
        oldest.map(|(_, hold)| hold)
    }

    /// Ends an acquire, whether it waits still or holds; tells what became of it.
    fn cancel(
        &mut self,
        caller: Caller,
        seat: Seat,
        token: u64,
        if_granted: IfGranted,
        effects: &mut impl Effects,
    ) -> (CancelOutcome, u64) {
        if let Some(waiter) = self.find_unsettled(&caller, seat) {
            return self.cancel_unsettled(caller.key, waiter, effects);
        }
        let Some(hold) = self.find_granted(&caller, seat, token) else {
            return (CancelOutcome::NotFound, 0);
        };
        let token = self.pool.at(hold).token;
        if if_granted == IfGranted::Keep {
            return (CancelOutcome::Kept, token);
        }
        self.counters.releases += 1;
        self.end_hold(caller.key, hold);
        self.settle(caller.key, effects);
        (CancelOutcome::Released, token)
    }

    /// The waiter of that seat, or the hold whose Granted has not left yet.
    fn find_unsettled(&self, caller: &Caller, seat: Seat) -> Option<Handle> {
        let mut found = None;
        self.each_own(caller, |handle, block| {
            let unsettled = match block.role() {
                Role::Waiter => true,
                Role::Hold => block.is_pending(),
                _ => false,
            };
            if unsettled && block.seat == seat.0 {
                found = Some(handle);
            }
        });
        found
    }

    /// A grant that nobody has heard of is taken back even if it were to be kept: its token, told
    /// ahead of it, would be refused until it had left.
    fn cancel_unsettled(
        &mut self,
        key: Key,
        handle: Handle,
        effects: &mut impl Effects,
    ) -> (CancelOutcome, u64) {
        let cancelled = refusal(Status::Cancelled, 0, 0);
        if self.pool.at(handle).role() == Role::Waiter {
            self.refuse_waiter(key, handle, cancelled, effects);
        } else {
            self.revoke_unsettled(key, handle, cancelled);
        }
        self.settle(key, effects);
        (CancelOutcome::Cancelled, 0)
    }

    /// Takes back a hold whose Granted has not left: a refusal leaves in its place.
    pub(super) fn revoke_unsettled(&mut self, key: Key, hold: Handle, refusal: Refusal) {
        assert!(self.pool.at(hold).is_pending(), "its Granted has not left");
        self.retire_hold(key, hold, Role::AnswerNote);
        self.pool
            .holds_remove(key.lock, hold, crate::lock::ring::Counted::No);
        self.count_refusal(refusal.status);
        self.note_refusal(hold, refusal);
    }

    /// The hold of that token; without a token the one that the seat's last acquire was granted.
    fn find_granted(&self, caller: &Caller, seat: Seat, token: u64) -> Option<Handle> {
        if token == 0 {
            return self.find_hold(caller, |block| block.seat == seat.0);
        }
        self.find_hold(caller, |block| block.token == token)
    }

    fn each_own(&self, caller: &Caller, mut visit: impl FnMut(Handle, &Block)) {
        let session = caller.to.session.id.0;
        self.each_entry(caller.key, session, caller.stub, caller.owner, |handle| {
            visit(handle, self.pool.at(handle));
        });
    }
}
