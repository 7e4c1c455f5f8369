//! Effects that go to their home later than their cause: those of waiters, holders, the forced.
//!
//! Each is offered to the lane at once unless others for that home wait already; what finds no
//! room waits in [`super::pending`].

use crate::lock::block::{Handle, Role};
use crate::lock::effect::{Answer, ClosureRef, Effects, Event, LostReason, Refusal};
use crate::lock::engine::Engine;
use crate::lock::op::{ReplyTo, Seat, ShardId};
use crate::lock::stubs::Stub;
use locker_protocol::Status;

impl Engine {
    /// Whether effects for the home of this block's session may leave at once.
    pub(super) fn lane_is_clear(&self, handle: Handle) -> bool {
        self.pending.is_empty(self.home_of(handle))
    }

    /// Puts a block behind the others that wait for the lane to its home.
    pub(super) fn pend(&mut self, handle: Handle) {
        let home = self.home_of(handle);
        self.pending.push(&mut self.pool, home, handle);
        self.counters.deferred += 1;
    }

    /// Takes a block out of its home's list.
    pub(super) fn unpend(&mut self, handle: Handle) {
        let home = self.home_of(handle);
        self.pending.remove(&mut self.pool, home, handle);
    }

    /// The home shard of this block's session.
    fn home_of(&self, handle: Handle) -> ShardId {
        self.stubs.at(self.pool.at(handle).stub).home()
    }

    /// Offers what waits, each home in order until its lane is full again.
    pub(super) fn offer_pending(&mut self, effects: &mut impl Effects) {
        if self.pending.len() == 0 {
            return;
        }
        for home in 0..self.pending.homes() {
            let mut first = self.pending.first(home);
            while first.is_some() && self.offer(first, effects) {
                first = self.pending.first(home);
            }
        }
    }

    /// Offers one waiting effect; `false` if the lane is still full.
    fn offer(&mut self, handle: Handle, effects: &mut impl Effects) -> bool {
        let left = match self.pool.at(handle).role() {
            Role::Hold => self.send_granted(handle, effects),
            Role::AnswerNote => self.send_refusal(handle, effects),
            Role::LostNote | Role::Closure => self.send_lost(handle, effects),
            role => panic!("a {role:?} waits for no effect"),
        };
        if !left {
            return false;
        }
        self.unpend(handle);
        match self.pool.at(handle).role() {
            Role::Hold => self.start_lease(handle),
            Role::AnswerNote => {
                self.stubs.unlink(&mut self.pool, handle);
                self.pool.give_back_all(handle);
            }
            Role::Closure => self.count_lost_told(handle),
            _ => {
                self.count_lost_told(handle);
                self.drop_lost_note(handle, effects);
            }
        }
        true
    }

    fn count_lost_told(&mut self, handle: Handle) {
        let stub = self.pool.at(handle).stub;
        self.stubs.at_mut(stub).lost_pending -= 1;
    }

    /// Whether the Granted of a hold that was a waiter left.
    pub(super) fn send_granted(&mut self, handle: Handle, effects: &mut impl Effects) -> bool {
        let block = self.pool.at(handle);
        let answer = Answer::Granted {
            token: block.token,
            until: self.lease_end(block.lease_ms()),
        };
        let stub = self.stubs.at(block.stub);
        let to = reply_to(stub, block.seat);
        effects
            .later(stub.home(), Event::Settled { to, answer })
            .is_ok()
    }

    fn send_refusal(&mut self, handle: Handle, effects: &mut impl Effects) -> bool {
        let block = self.pool.at(handle);
        let refusal = kept_refusal(block.deadline, block.token);
        let stub = self.stubs.at(block.stub);
        let (to, answer) = (reply_to(stub, block.seat), Answer::Refused(refusal));
        effects
            .later(stub.home(), Event::Settled { to, answer })
            .is_ok()
    }

    /// Whether the Lost of a note or closure left.
    fn send_lost(&mut self, handle: Handle, effects: &mut impl Effects) -> bool {
        let block = self.pool.at(handle);
        let closure = (block.role() == Role::Closure).then_some(ClosureRef {
            block: handle.0,
            generation: block.generation,
        });
        let reason = match closure {
            Some(_) => LostReason::Forced,
            None => LostReason::from_number(block.deadline),
        };
        self.tell_lost(handle, reason, closure, effects)
    }

    /// Whether a Lost left.
    pub(super) fn tell_lost(
        &mut self,
        handle: Handle,
        reason: LostReason,
        closure: Option<ClosureRef>,
        effects: &mut impl Effects,
    ) -> bool {
        let lock = self.lock_of(handle);
        let key = self.pool.copy_key(lock, &mut self.scratch);
        let block = self.pool.at(handle);
        let stub = self.stubs.at(block.stub);
        let event = Event::Lost {
            to: reply_to(stub, block.seat),
            owner: block.owner,
            token: block.token,
            reason,
            key,
            closure,
        };
        effects.later(stub.home(), event).is_ok()
    }
}

pub(super) fn reply_to(stub: &Stub, seat: u16) -> ReplyTo {
    ReplyTo {
        session: stub.session(),
        seat: Seat(seat),
    }
}

/// A refusal as an answer note keeps it.
pub(super) fn keep_refusal(refusal: Refusal) -> (u32, u64) {
    let half = |value: u64| u64::from(u32::try_from(value).unwrap_or(u32::MAX));
    let values = if refusal.status == Status::Lost {
        refusal.value
    } else {
        half(refusal.limit) << 32 | half(refusal.value)
    };
    (u32::from(refusal.status.code()), values)
}

fn kept_refusal(status: u32, values: u64) -> Refusal {
    let code = u16::try_from(status).expect("a status code has 16 bits");
    let status = Status::from_code(code).expect("it was one when it was kept");
    if status == Status::Lost {
        return Refusal {
            status,
            limit: 0,
            value: values,
        };
    }
    Refusal {
        status,
        limit: values >> 32,
        value: values & u64::from(u32::MAX),
    }
}
