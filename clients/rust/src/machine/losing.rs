//! Losing holds, giving up calls, and settling both with the server.

use super::call::{CallId, HoldId};
use super::canary::{self, Canary};
use super::event::{Ended, Event, LostReason, Outcome};
use super::holds::{HoldState, Standing};
use super::instant::Instant;
use super::reclaiming::question;
use super::request::{Body, ReleaseFor, RenewTo, Request};
use super::state::Machine;
use super::timers::Timer;

impl Machine {
    /// The hold has ended. Tells it once; a hold being released tells it as the release's outcome.
    pub(super) fn lose(&mut self, id: HoldId, reason: LostReason) {
        let Some(state) = self.holds.hold(id).map(|hold| hold.state) else {
            return;
        };
        if matches!(state, HoldState::Lost(_)) {
            return;
        }
        self.disarm_hold(id);
        self.holds.set_state(id, HoldState::Lost(reason));
        if state == HoldState::Held {
            self.events.push_back(Event::HoldLost { hold: id, reason });
        }
    }

    /// Declares the hold lost if it may not be believed in any more, and settles it.
    pub(super) fn lose_if_past(&mut self, now: Instant, id: HoldId) {
        let Some(hold) = self.holds.hold(id) else {
            return;
        };
        if hold.state != HoldState::Held || now < self.held_until(id) {
            return;
        }
        let is_here = hold.standing == Standing::Here && self.is_attached();
        if canary::is(Canary::LateGrantAccepted) && !is_here {
            return;
        }
        let reason = if now >= hold.lease_end() {
            LostReason::Lease
        } else {
            LostReason::Session
        };
        self.lose(id, reason);
        self.settle(id);
    }

    /// Gives back a hold that the server may still have. Goes out ahead of every acquire.
    pub(super) fn settle(&mut self, id: HoldId) {
        if self.withdraw(id) {
            return;
        }
        let hold = self
            .holds
            .hold(id)
            .expect("a hold is settled while its owner knows of it");
        let (token, key) = (hold.token, hold.key.clone());
        let why = ReleaseFor::Settling;
        self.queue(Request::unheard(Body::Release {
            hold: id,
            token,
            key,
            why,
        }));
    }

    /// The server says that a hold has ended. One unknown here was given up before.
    pub(super) fn on_lost(&mut self, owner: u64, token: u64, reason: locker_protocol::LostReason) {
        let id = HoldId(owner);
        if self.holds.hold(id).is_some_and(|hold| hold.token == token) {
            self.lose(id, reason.into());
        }
    }

    /// Ends a call for its caller; what the server may do about it is undone.
    pub(super) fn give_up(&mut self, call: CallId, outcome: Outcome) {
        let Some(request) = self.requests.request(call) else {
            return;
        };
        if !request.heard {
            return;
        }
        let is_sent = request.sent.is_some();
        match &request.body {
            Body::Acquire { .. } if is_sent => self.cancel_acquire(call),
            // What its owner gave back is given back, heard or not.
            Body::Release { .. } | Body::Close => self.unhear(call),
            Body::Renew { .. } | Body::ForceRelease(_) if is_sent => self.unhear(call),
            _ => {
                self.take(call);
            }
        }
        self.report(call, outcome);
    }

    fn cancel_acquire(&mut self, call: CallId) {
        self.unhear(call);
        let request = self.requests.request(call).expect("it is being given up");
        let Body::Acquire { acquire, .. } = &request.body else {
            unreachable!("only acquires are cancelled")
        };
        let acquire_id = request.sent.expect("it was sent").id;
        let body = Body::Cancel {
            acquire: call,
            acquire_id,
            key: acquire.key.clone(),
        };
        let cancel_call = self.queue(Request::unheard(body));
        if let Some(Request {
            body: Body::Acquire { cancel, .. },
            ..
        }) = self.requests.request_mut(call)
        {
            *cancel = Some(cancel_call);
        }
    }

    /// The request runs on, and nobody waits for it.
    fn unhear(&mut self, call: CallId) {
        let request = self
            .requests
            .request_mut(call)
            .expect("it is being given up");
        request.heard = false;
        let at = request.timer_at;
        request.timer_at = Instant::NEVER;
        self.timers.cancel(at, Timer::Call(call));
    }

    /// Ends a call without asking the server: the machine is finished.
    pub(super) fn finish(&mut self, call: CallId, outcome: Outcome) {
        let Some(request) = self.take(call) else {
            return;
        };
        if request.heard {
            self.report(call, outcome);
        }
    }

    /// The session of a request is no more: what it asked for is void, answered, or asked again.
    pub(super) fn outlive_session(&mut self, call: CallId) {
        let Some(request) = self.requests.request(call) else {
            return;
        };
        let heard = request.heard;
        match &request.body {
            Body::Read(_) => {}
            // Nobody heard of a grant, and the session's end undid it: it is asked anew.
            Body::Acquire { .. } if heard => {}
            Body::ForceRelease(_) if request.sent.is_none() => {}
            Body::Release {
                hold,
                why: ReleaseFor::Owner,
                ..
            } => {
                let id = *hold;
                if canary::is(Canary::ReclaimAfterRelease)
                    && let Some(hold) = self.holds.hold(id)
                {
                    let body = Body::Reclaim(Box::new(question(id, hold)));
                    self.queue(Request::unheard(body));
                }
                // The hold was believed in when it was given back, so it stood until then.
                let hold = self.holds.remove(id);
                let outcome = match hold.map(|hold| hold.state) {
                    Some(HoldState::Lost(reason)) => Outcome::Lost(reason),
                    _ => Outcome::Released,
                };
                self.finish(call, outcome);
            }
            Body::Renew {
                hold,
                to: RenewTo::Lease(_),
                ..
            } => {
                let state = self.holds.hold(*hold).map(|hold| hold.state);
                // Asked again behind the hold's reclaim, which decides.
                if !heard || state != Some(HoldState::Held) {
                    self.finish(call, Outcome::Lost(LostReason::Session));
                }
            }
            Body::Close => {
                self.finish(call, Outcome::Closed);
                self.end(Ended::Closed);
            }
            _ => self.finish(call, Outcome::NoAnswer),
        }
    }

    /// Cancels every timer of a hold.
    pub(super) fn disarm_hold(&mut self, id: HoldId) {
        self.disarm_deadline(id);
        if let Some(hold) = self.holds.hold_mut(id) {
            let at = hold.renew_at;
            hold.renew_at = Instant::NEVER;
            self.timers.cancel(at, Timer::HoldRenew(id));
        }
    }

    /// Cancels the timer of a hold's deadline.
    pub(super) fn disarm_deadline(&mut self, id: HoldId) {
        if let Some(hold) = self.holds.hold(id) {
            self.timers.cancel(hold.timer_at, Timer::HoldDeadline(id));
        }
    }

    /// Arms the timer of a hold's deadline for what that is now.
    pub(super) fn arm_deadline(&mut self, id: HoldId) {
        if let Some(hold) = self.holds.hold_mut(id) {
            hold.timer_at = hold.deadline();
            self.timers.arm(hold.timer_at, Timer::HoldDeadline(id));
        }
    }
}

impl From<locker_protocol::LostReason> for LostReason {
    fn from(reason: locker_protocol::LostReason) -> Self {
        match reason {
            locker_protocol::LostReason::Lease => Self::Lease,
            locker_protocol::LostReason::Session => Self::Session,
            locker_protocol::LostReason::Forced => Self::Forced,
            // It had ended before the restart; how, nobody knows any more.
            locker_protocol::LostReason::Conflict => Self::Unknown,
        }
    }
}
