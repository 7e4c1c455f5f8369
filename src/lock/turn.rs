//! What a turn does besides its inputs, in bounded steps: expiry, the sweep of ended sessions, and
//! the refusal of all waiters when a drain is over.

use crate::limits::SWEEP_PER_TURN_MAX;
use crate::lock::acquire::refusal;
use crate::lock::block::{Handle, Kind, Role};
use crate::lock::effect::{Effects, Event, LostReason};
use crate::lock::engine::{Drain, Engine};
use crate::lock::op::SessionRef;
use locker_protocol::Status;

/// Timers and slots looked at in one turn at most: a timer among 10 M costs up to 0.8 us, cold.
const EXPIRY_STEPS_MAX: u32 = 1_024;
/// Blocks looked at in one turn at most once a drain is over.
const DRAIN_BLOCKS_MAX: u32 = 16_384;

impl Engine {
    /// Ends what is due: waits, leases, closures.
    pub(super) fn expire(&mut self, effects: &mut impl Effects) {
        let target = self.clock.now_ms();
        let mut budget = EXPIRY_STEPS_MAX;
        while let Some(id) = self.wheel.poll(&mut self.pool, target, &mut budget) {
            self.fire(Handle(id), effects);
        }
    }

    fn fire(&mut self, handle: Handle, effects: &mut impl Effects) {
        let block = self.pool.at(handle);
        let due = self.clock.deadline(block.deadline);
        let late_us = self.clock.raw_now().micros_since(due);
        self.counters.expiry_late_us_max = self.counters.expiry_late_us_max.max(late_us);
        let dead = block.role() != Role::Closure && self.stubs.at(block.stub).is_dead();
        let role = block.role();
        if role == Role::Closure {
            return self.open_closure(handle, effects);
        }
        let wait_ms = block.token;
        let key = self.key_of(handle);
        match role {
            Role::Waiter if dead => self.drop_waiter(key, handle),
            Role::Waiter => {
                let timeout = refusal(Status::Timeout, wait_ms, 0);
                self.refuse_waiter(key, handle, timeout, effects);
            }
            Role::Hold if dead => {
                self.count_lost_session();
                self.end_hold(key, handle);
            }
            Role::Hold => {
                self.counters.lost_lease += 1;
                self.lose_hold(key, handle, LostReason::Lease, effects);
            }
            other => panic!("a {other:?} has no timer"),
        }
        self.settle(key, effects);
    }

    /// The session is over: from now on its waiters are passed over and its holds end when met.
    pub(super) fn end_session(&mut self, session: SessionRef) {
        let stub = self.stubs.find(session);
        self.stubs.mark_dead(stub);
        self.push_sweep(stub);
    }

    /// [`Engine::end_session`] ahead of what the session still asks.
    pub(crate) fn end_overtaking(&mut self, session: SessionRef, effects: &mut impl Effects) {
        if self.stubs.is_known(session) {
            return self.end_session(session);
        }
        let gone = Event::SessionGone { session };
        let sent = effects.later(session.id.home(), gone);
        sent.expect("canaries need not mind full lanes");
    }

    /// Frees blocks of ended sessions, and sends `SessionGone` for those that have none left.
    pub(super) fn sweep_sessions(&mut self, effects: &mut impl Effects) {
        let mut blocks = SWEEP_PER_TURN_MAX;
        let mut sessions = self.sweep.len;
        while sessions > 0 && blocks > 0 {
            let stub = self.take_sweep();
            sessions -= 1;
            while blocks > 0 && self.stubs.at(stub).blocks.is_some() {
                blocks -= 1;
                self.sweep_block(self.stubs.at(stub).blocks, effects);
            }
            let swept = self.stubs.at(stub).blocks.is_none();
            if !swept || !self.send_gone(stub, effects) {
                self.push_sweep(stub);
            }
        }
    }

    /// Whether all ended sessions are swept and only wait for lanes.
    pub(super) fn sweep_waits(&self) -> bool {
        let mut at = self.sweep.first;
        // A session that is being swept stands first or last; a few looks tell.
        for _ in 0..self.sweep.len.min(64) {
            let stub = self.stubs.at(at - 1);
            if stub.blocks.is_some() {
                return false;
            }
            at = stub.sweep_next;
        }
        self.sweep.len > 0 && self.sweep.len <= 64
    }

    fn sweep_block(&mut self, handle: Handle, effects: &mut impl Effects) {
        let block = self.pool.at(handle);
        let next = block.session_next;
        if next.is_some() {
            self.pool.prefetch(next);
        }
        match block.role() {
            Role::Hold => {
                let key = self.key_of(handle);
                self.count_lost_session();
                self.end_hold(key, handle);
                self.settle(key, effects);
            }
            Role::Waiter => {
                let key = self.key_of(handle);
                self.drop_waiter(key, handle);
                self.settle(key, effects);
            }
            Role::Closure => self.orphan_closure(handle),
            Role::LostNote => {
                self.unpend_lost(handle);
                self.drop_lost_note(handle, effects);
            }
            Role::AnswerNote => {
                self.unpend(handle);
                self.stubs.unlink(&mut self.pool, handle);
                self.pool.give_back_all(handle);
            }
            Role::Vacant => panic!("a vacant part belongs to no session"),
        }
    }

    /// Whether the last word about a swept session left.
    fn send_gone(&mut self, stub: u32, effects: &mut impl Effects) -> bool {
        let session = self.stubs.at(stub).session();
        let home = session.id.home();
        let event = Event::SessionGone { session };
        if !self.pending.is_empty(home) || effects.later(home, event).is_err() {
            return false;
        }
        self.stubs.close(stub);
        true
    }

    fn push_sweep(&mut self, stub: u32) {
        self.stubs.at_mut(stub).sweep_next = 0;
        let last = std::mem::replace(&mut self.sweep.last, stub + 1);
        if last == 0 {
            self.sweep.first = stub + 1;
        } else {
            self.stubs.at_mut(last - 1).sweep_next = stub + 1;
        }
        self.sweep.len += 1;
    }

    fn take_sweep(&mut self) -> u32 {
        let stub = self.sweep.first - 1;
        self.sweep.first = self.stubs.at(stub).sweep_next;
        if self.sweep.first == 0 {
            self.sweep.last = 0;
        }
        self.sweep.len -= 1;
        stub
    }

    /// Answers waiters `Draining` once the drain is over, block by block.
    pub(super) fn refuse_drained(&mut self, effects: &mut impl Effects) {
        let Drain::Over(from) = self.drain else {
            return;
        };
        let end = self
            .pool
            .fresh()
            .min(from.0.saturating_add(DRAIN_BLOCKS_MAX));
        for at in from.0..end {
            if self.counters.waiters == 0 {
                return;
            }
            let handle = Handle(at);
            let block = self.pool.at(handle);
            if block.kind() != Kind::Extra || block.role() != Role::Waiter {
                continue;
            }
            let key = self.key_of(handle);
            if self.stubs.at(self.pool.at(handle).stub).is_dead() {
                self.drop_waiter(key, handle);
            } else {
                self.refuse_waiter(key, handle, refusal(Status::Draining, 0, 0), effects);
            }
            self.settle(key, effects);
        }
        self.drain = Drain::Over(Handle(end));
    }
}
