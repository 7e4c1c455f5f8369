//! What a key does once something about it changed: grants from the head of its queue, in order,
//! and gives its block back when nobody holds it, waits for it or is still to be told of it.

use crate::canary::{self, Canary};
use crate::limits::{GRANTS_PER_TURN_MAX, KEYS_OPENED_PER_TURN_MAX};
use crate::lock::block::{Handle, Role};
use crate::lock::effect::{Answer, Effects, Event, Refusal};
use crate::lock::engine::{Drain, Engine, Key};
use crate::lock::offer::{keep_refusal, reply_to};
use crate::lock::op::Mode;
use crate::lock::ring::{Counted, End};
use crate::time::{Instant, Millis};
use crate::wheel::low32;
use locker_protocol::Status;

/// Steps of continued grants in one turn at most, over all keys.
const CONTINUE_STEPS_MAX: u32 = 4 * GRANTS_PER_TURN_MAX;

/// What the head of a queue comes to.
enum Head {
    Dead,
    Refused(Refusal),
    Granted,
    Waits,
}

impl Engine {
    /// Grants what can be granted and frees the key if it is free; returns the steps taken.
    ///
    /// At most [`GRANTS_PER_TURN_MAX`] steps; the rest goes first next turn, and until then new
    /// requests queue behind.
    pub(super) fn settle(&mut self, key: Key, effects: &mut impl Effects) -> u32 {
        let mut steps = 0;
        if self.pool.at(key.lock).is_ready() {
            self.free_if_empty(key);
            return steps;
        }
        loop {
            let head = self.pool.at(key.lock).queue();
            if head.is_none() || !self.grants_go_on() {
                break;
            }
            if steps == GRANTS_PER_TURN_MAX {
                self.mark_ready(key.lock);
                return steps;
            }
            steps += 1;
            match self.judge_head(key.lock, head) {
                Head::Dead => self.drop_waiter(key, head),
                Head::Refused(refusal) => self.refuse_waiter(key, head, refusal, effects),
                Head::Granted => self.grant_waiter(key.lock, head, effects),
                Head::Waits => break,
            }
        }
        self.free_if_empty(key);
        steps
    }

    /// Whether waiters are granted at all: not inside the grace window, nor once all are refused.
    fn grants_go_on(&self) -> bool {
        self.grace.is_none() && !matches!(self.drain, Drain::Over(_))
    }

    fn judge_head(&self, lock: Handle, head: Handle) -> Head {
        let waiter = self.pool.at(head);
        let granted_dead = canary::is(Canary::DeadWaiterGranted);
        if self.stubs.at(waiter.stub).is_dead() && !granted_dead {
            return Head::Dead;
        }
        let limit = self.pool.at(lock).limit();
        let (mode, permits) = (waiter.mode(), waiter.permits);
        if mode == Mode::Permit && permits > limit {
            return Head::Refused(Refusal {
                status: Status::LimitMismatch,
                limit: u64::from(limit),
                value: u64::from(permits),
            });
        }
        if self.is_compatible(lock, mode, permits, limit) {
            if canary::is(Canary::GrantAllocates) && self.pool.free_count() == 0 {
                return Head::Dead;
            }
            Head::Granted
        } else {
            Head::Waits
        }
    }

    /// Whether a newcomer may hold the key beside those who do: the one table of compatibility.
    pub(super) fn is_compatible(&self, lock: Handle, mode: Mode, permits: u32, limit: u32) -> bool {
        if self.pool.is_closed(lock) {
            return false;
        }
        let Some(first) = self.pool.first_hold(lock) else {
            return true;
        };
        match (self.pool.at(first).mode(), mode) {
            (Mode::Shared, Mode::Shared) => true,
            (Mode::Permit, Mode::Permit) => {
                let used = self.pool.at(lock).permits_used();
                u64::from(used) + u64::from(permits) <= u64::from(limit)
            }
            _ => false,
        }
    }

    /// A waiter's block becomes its hold's block in place: nothing is allocated, nothing can fail.
    fn grant_waiter(&mut self, lock: Handle, waiter: Handle, effects: &mut impl Effects) {
        let wait_end = self.deadline_of(waiter);
        self.unqueue(lock, waiter);
        self.count_grant(lock, waiter);
        self.pool.holds_push(lock, waiter, End::Front, Counted::Yes);
        let sent = self.lane_is_clear(waiter) && self.send_granted(waiter, effects);
        if sent || canary::is(Canary::GrantDropped) {
            self.start_lease(waiter);
            self.spoil_grant(waiter, wait_end);
        } else {
            self.pend(waiter);
        }
    }

    /// What canaries do to a hold that was a waiter.
    #[inline]
    fn spoil_grant(&mut self, hold: Handle, wait_end: Option<Instant>) {
        let block = self.pool.at(hold);
        if canary::is(Canary::DeadWaiterGranted) && self.stubs.at(block.stub).is_dead() {
            self.stubs.unlink(&mut self.pool, hold);
        }
        let leased = self.pool.at(hold).lease_ms() > 0;
        if canary::is(Canary::StaleTimer)
            && !leased
            && let Some(end) = wait_end
        {
            self.arm(hold, end);
        }
    }

    /// Gives the block a fresh token and counts its permits.
    #[inline]
    pub(super) fn count_grant(&mut self, lock: Handle, handle: Handle) -> u64 {
        let token = self.tokens.take();
        self.count_hold(lock, handle, token);
        self.counters.grants += 1;
        token
    }

    /// Makes the block a hold of that token and counts its permits.
    #[inline]
    pub(super) fn count_hold(&mut self, lock: Handle, handle: Handle, token: u64) {
        let since_s = self.clock.raw_seconds();
        let block = self.pool.at_mut(handle);
        block.set_role(Role::Hold);
        block.token = token;
        block.since_s = since_s;
        if block.mode() == Mode::Permit {
            let permits = block.permits;
            let lock = self.pool.at_mut(lock);
            lock.set_permits_used(lock.permits_used() + permits);
        }
        self.counters.holds += 1;
    }

    /// Arms the lease of a hold that was a waiter: it counts from when Granted left.
    pub(super) fn start_lease(&mut self, handle: Handle) {
        if let Some(end) = self.lease_end(self.pool.at(handle).lease_ms()) {
            self.arm(handle, end);
        }
    }

    /// The end of a lease that begins now; 0 = as long as the session.
    pub(super) fn lease_end(&self, lease_ms: u32) -> Option<Instant> {
        (lease_ms > 0).then(|| self.clock.raw_now() + Millis(lease_ms))
    }

    /// Arms the timer of a block.
    pub(super) fn arm(&mut self, handle: Handle, at: Instant) {
        let deadline = self.clock.wheel_ms(at);
        self.pool.at_mut(handle).deadline = low32(deadline);
        self.wheel.arm(&mut self.pool, handle.0, deadline);
    }

    /// Disarms the timer of a block, if it is armed.
    pub(super) fn disarm(&mut self, handle: Handle) {
        self.wheel.disarm(&mut self.pool, handle.0);
    }

    /// The deadline of a block on the raw clock, if its timer is armed.
    pub(super) fn deadline_of(&self, handle: Handle) -> Option<Instant> {
        let armed = self.wheel.is_armed(&self.pool, handle.0);
        armed.then(|| self.clock.deadline(self.pool.at(handle).deadline))
    }

    /// Takes a waiter out of its queue; its wait is over.
    fn unqueue(&mut self, lock: Handle, waiter: Handle) {
        self.disarm(waiter);
        self.pool.queue_remove(lock, waiter);
        self.counters.waiters -= 1;
    }

    /// Takes a waiter out for good, unanswered: its session is over.
    pub(super) fn drop_waiter(&mut self, key: Key, waiter: Handle) {
        self.unqueue(key.lock, waiter);
        self.leave_index(key.hash, waiter);
        self.stubs.unlink(&mut self.pool, waiter);
        self.pool.give_back_all(waiter);
    }

    /// Answers a waiter with a refusal and takes it out.
    pub(super) fn refuse_waiter(
        &mut self,
        key: Key,
        waiter: Handle,
        refusal: Refusal,
        effects: &mut impl Effects,
    ) {
        self.unqueue(key.lock, waiter);
        self.leave_index(key.hash, waiter);
        self.count_refusal(refusal.status);
        let block = self.pool.at(waiter);
        let stub = self.stubs.at(block.stub);
        let (to, answer) = (reply_to(stub, block.seat), Answer::Refused(refusal));
        let event = Event::Settled { to, answer };
        if self.lane_is_clear(waiter) && effects.later(stub.home(), event).is_ok() {
            self.stubs.unlink(&mut self.pool, waiter);
            self.pool.give_back_all(waiter);
        } else {
            self.note_refusal(waiter, refusal);
            self.pend(waiter);
        }
    }

    /// Makes a block the note of a refusal that is still to leave.
    pub(super) fn note_refusal(&mut self, handle: Handle, refusal: Refusal) {
        let (status, values) = keep_refusal(refusal);
        self.pool.drop_metadata(handle);
        let block = self.pool.at_mut(handle);
        block.set_role(Role::AnswerNote);
        block.deadline = status;
        block.token = values;
    }

    pub(super) fn count_refusal(&mut self, status: Status) {
        match status {
            Status::Timeout => self.counters.timeouts += 1,
            _ => self.counters.refusals += 1,
        }
    }

    /// The key is free once nobody holds it or waits: then its limit is forgotten; and its block
    /// goes once nobody is to be told of it either
    /// and it stands in no list.
    fn free_if_empty(&mut self, key: Key) {
        let block = self.pool.at(key.lock);
        if block.queue().is_some() || self.pool.first_hold(key.lock).is_some() {
            return;
        }
        if self.pool.is_closed(key.lock) {
            return;
        }
        let told = block.role() == Role::Vacant && block.holds().is_none();
        let gone = told && !block.is_ready();
        self.pool.at_mut(key.lock).set_limit(0);
        if gone {
            self.index.remove(key.hash, key.lock);
            self.pool.give_back_all(key.lock);
            self.counters.locks -= 1;
        }
    }

    /// Puts a lock behind the others whose grants go on next turn.
    pub(super) fn mark_ready(&mut self, lock: Handle) {
        let block = self.pool.at_mut(lock);
        if block.is_ready() {
            return;
        }
        block.set_ready(true);
        block.set_ready_next(Handle::NONE);
        let last = std::mem::replace(&mut self.ready.last, lock.0);
        if last == 0 {
            self.ready.first = lock.0;
        } else {
            self.pool.at_mut(Handle(last)).set_ready_next(lock);
        }
        self.ready.len += 1;
    }

    fn take_ready(&mut self) -> Handle {
        let lock = Handle(self.ready.first);
        let block = self.pool.at_mut(lock);
        let next = block.ready_next();
        block.set_ready(false);
        block.set_ready_next(Handle::NONE);
        self.ready.first = next.0;
        if next.is_none() {
            self.ready.last = 0;
        }
        self.ready.len -= 1;
        lock
    }

    /// Goes on with the grants that the last turn left over.
    ///
    /// Inside the grace window the list holds every key with waiters; a few are looked at each turn
    /// so that keys whose waiters went give their blocks back.
    pub(super) fn continue_grants(&mut self, effects: &mut impl Effects) {
        let keys_max = if self.grace.is_some() {
            64
        } else {
            KEYS_OPENED_PER_TURN_MAX
        };
        let keys = self.ready.len.min(keys_max);
        let mut steps = 0;
        for _ in 0..keys {
            if steps >= CONTINUE_STEPS_MAX {
                return;
            }
            let lock = self.take_ready();
            if self.grace.is_some() && self.pool.at(lock).queue().is_some() {
                self.mark_ready(lock);
                continue;
            }
            let key = self.key_of(lock);
            steps += 1 + self.settle(key, effects);
        }
    }
}
