//! Answers of the server: to whom they belong and what follows.

use std::time::Duration;

use locker_protocol::{Granted, Refusal as WireRefusal, Renewed, Reply, Status};

use super::attach::{Broken, Farewell};
use super::call::{Acquire, CallId, HoldId, Read, Wait, lease_ms};
use super::canary::{self, Canary};
use super::event::{Ended, LostReason, Outcome};
use super::holds::{Hold, HoldState, Standing};
use super::instant::Instant;
use super::request::{Body, ReleaseFor, RenewTo, Request, Sent};
use super::state::Machine;
use super::view::{CounterPage, KeyView, LockPage, SessionPage};

impl Machine {
    /// Handles the answer to the request of that id. An id that nothing runs under belongs to a
    /// read that was given up.
    pub(super) fn on_reply(
        &mut self,
        now: Instant,
        id: u64,
        reply: Reply<'_>,
    ) -> Result<(), Broken> {
        let Some(call) = self.requests.by_id(id) else {
            return Ok(());
        };
        let request = self.requests.request(call).expect("found by its id");
        let sent = request.sent.expect("found by its id");
        if !fits(&request.body, &reply) {
            // It stays without answer: it is sent again after a resume, or its time runs out.
            return Err(Broken::Malformed(format!(
                "request {id:#x} is answered by another kind of reply"
            )));
        }
        let session = self.session.as_mut().expect("attached means a session");
        let sent_at = match canary::is(Canary::DeadlineFromReceipt) {
            true => now,
            false => sent.first_at,
        };
        session.proven(sent_at);
        if let Some(server_now) = server_now(&reply) {
            session.observe(sent_at, server_now);
        }
        if let Body::Acquire { .. } = request.body {
            self.on_acquire_answer(now, call, reply);
            return Ok(());
        }
        let request = self.take(call).expect("found by its id");
        let outcome = match request.body {
            Body::Acquire { .. } => unreachable!("handled above"),
            Body::Cancel { acquire, .. } => self.on_cancel_answer(acquire, &reply),
            Body::Release { hold, why, .. } => self.on_release_answer(hold, why, &reply),
            Body::Renew { hold, to, .. } => self.on_renew_answer(now, hold, to, &reply),
            Body::Reclaim(reclaim) => self.on_reclaim_answer(now, &reclaim, &reply),
            Body::ForceRelease(_) => forced(&reply),
            Body::Read(_) => read_outcome(&reply),
            Body::Close => closed(&reply),
            Body::Keepalive => {
                self.keepalive_sent_at = None;
                read_outcome(&reply)
            }
        };
        let outcome = outcome.expect("the reply fits the request");
        let is_closed = outcome == Outcome::Closed;
        if request.heard {
            self.report(call, outcome);
        }
        if is_closed {
            self.end(Ended::Closed);
            return Err(Broken::Ended);
        }
        Ok(())
    }

    fn on_acquire_answer(&mut self, now: Instant, call: CallId, reply: Reply<'_>) {
        let granted = match reply {
            Reply::Granted(granted) => Some(granted),
            Reply::Refused(_) => None,
            _ => unreachable!("the reply fits an acquire"),
        };
        let request = self.requests.request(call).expect("found by its id");
        if !request.heard {
            self.on_given_up_answer(call, granted);
            return;
        }
        if let Reply::Refused(refusal) = reply
            && refusal.status == Status::Draining
            && self.waits_for_restart(now, call)
        {
            return;
        }
        let request = self.take(call).expect("found by its id");
        let Body::Acquire { acquire, .. } = request.body else {
            unreachable!("the caller looked")
        };
        let outcome = match (granted, reply) {
            (Some(_), _) if self.is_closing => Outcome::Lost(LostReason::Session),
            (Some(granted), _) => self.on_granted(now, HoldId(call.0), &acquire, granted),
            (None, Reply::Refused(refusal)) => match refusal.status {
                Status::Timeout => Outcome::Timeout,
                Status::Cancelled => Outcome::Cancelled,
                Status::Lost => Outcome::Lost(LostReason::Unknown),
                _ => Outcome::Refused(refusal.into()),
            },
            (None, _) => unreachable!("granted or refused"),
        };
        self.report(call, outcome);
    }

    /// A server that is about to restart grants nothing more. Who is ready to wait goes on waiting,
    /// in the next session, unless its wait is over. Whether it does.
    fn waits_for_restart(&mut self, now: Instant, call: CallId) -> bool {
        let request = self.requests.request(call).expect("found by its id");
        let Body::Acquire {
            acquire,
            wait_until,
            ..
        } = &request.body
        else {
            unreachable!("the caller looked")
        };
        let waits = acquire.wait != Wait::Try && now < *wait_until;
        if !waits || self.farewell == Farewell::Shutdown {
            return false;
        }
        // A refusal may come ahead of the notice.
        self.farewell = Farewell::Restart;
        self.requests.requeue(call);
        true
    }

    fn on_granted(
        &mut self,
        now: Instant,
        id: HoldId,
        acquire: &Acquire,
        granted: Granted,
    ) -> Outcome {
        let session = self.session.as_ref().expect("attached means a session");
        let hold = Hold {
            key: acquire.key.clone(),
            mode: acquire.mode,
            metadata: acquire.metadata.clone(),
            token: granted.token,
            state: HoldState::Held,
            standing: Standing::Here,
            run: session.run,
            lease_deadline: session.deadline_of(granted.until),
            unconfirmed_deadline: Instant::NEVER,
            renewing_deadline: Instant::NEVER,
            renewals: 0,
            lease_ms: lease_ms(acquire.lease),
            granted_at: now,
            auto_renew: acquire.auto_renew,
            renew_at: Instant::NEVER,
            timer_at: Instant::NEVER,
        };
        self.holds.insert(id, hold);
        self.arm_deadline(id);
        self.schedule_renewal(now, id, granted.until.saturating_sub(granted.server_now));
        Outcome::Granted {
            hold: id,
            token: granted.token,
        }
    }

    /// The answer to an acquire that was given up: its cancel undoes a grant, or a release does if
    /// the cancel has not gone out yet.
    fn on_given_up_answer(&mut self, call: CallId, granted: Option<Granted>) {
        let request = self.requests.request(call).expect("found by its id");
        let Body::Acquire {
            acquire, cancel, ..
        } = &request.body
        else {
            unreachable!("the caller looked")
        };
        let (key, cancel) = (acquire.key.clone(), *cancel);
        let cancel_is_sent = cancel
            .and_then(|cancel| self.requests.request(cancel))
            .is_some_and(|cancel| cancel.sent.is_some());
        if cancel_is_sent {
            // The cancel names this id, so its seat is not used again before that is answered.
            self.mark_answered(call);
            return;
        }
        self.take(call);
        if let Some(cancel) = cancel {
            self.take(cancel);
        }
        if let Some(granted) = granted {
            let (hold, token) = (HoldId(call.0), granted.token);
            let body = Body::Release {
                hold,
                token,
                key,
                why: ReleaseFor::Settling,
            };
            self.queue(Request::unheard(body));
        }
    }

    fn mark_answered(&mut self, call: CallId) {
        let request = self.requests.request_mut(call).expect("found by its id");
        if let Some(Sent { answered, .. }) = &mut request.sent {
            *answered = true;
        }
    }

    fn on_cancel_answer(&mut self, acquire: CallId, reply: &Reply<'_>) -> Option<Outcome> {
        if !matches!(reply, Reply::CancelDone(_) | Reply::Refused(_)) {
            return None;
        }
        let Some(request) = self.requests.request_mut(acquire) else {
            return Some(Outcome::Cancelled);
        };
        if request.sent.is_some_and(|sent| sent.answered) {
            self.take(acquire);
        } else if let Body::Acquire { cancel, .. } = &mut request.body {
            *cancel = None;
        }
        Some(Outcome::Cancelled)
    }

    fn on_release_answer(
        &mut self,
        hold: HoldId,
        why: ReleaseFor,
        reply: &Reply<'_>,
    ) -> Option<Outcome> {
        let hold = match why {
            ReleaseFor::Owner => self.holds.remove(hold),
            ReleaseFor::Settling => None,
        };
        let state = hold.as_ref().map(|hold| hold.state);
        let stood = hold.is_some_and(|hold| {
            hold.state == HoldState::Releasing && hold.standing == Standing::Refused
        });
        match reply {
            Reply::Released(_) => Some(Outcome::Released),
            // Given back while it was asked for: it was held until then.
            Reply::Refused(refusal) if refusal.status == Status::NotHeld && stood => {
                Some(Outcome::Released)
            }
            Reply::Refused(refusal) if refusal.status == Status::NotHeld => {
                Some(Outcome::Lost(match state {
                    Some(HoldState::Lost(reason)) => reason,
                    _ => LostReason::Unknown,
                }))
            }
            Reply::Refused(refusal) => Some(Outcome::Refused((*refusal).into())),
            _ => None,
        }
    }

    fn on_renew_answer(
        &mut self,
        now: Instant,
        hold: HoldId,
        to: RenewTo,
        reply: &Reply<'_>,
    ) -> Option<Outcome> {
        if matches!(to, RenewTo::Lease(_)) {
            self.renewal_answered(hold);
        }
        match reply {
            Reply::Renewed(renewed) => Some(self.on_renewed(now, hold, to, *renewed)),
            Reply::Refused(refusal) => Some(self.on_renew_refused(hold, to, *refusal)),
            _ => None,
        }
    }

    fn on_renewed(&mut self, now: Instant, id: HoldId, to: RenewTo, renewed: Renewed) -> Outcome {
        let session = self.session.as_ref().expect("attached means a session");
        let (lease_deadline, attach) = (session.deadline_of(renewed.until), session.attach);
        self.disarm_deadline(id);
        let outcome = match self.holds.hold_mut(id) {
            None => return Outcome::NotHeld,
            Some(hold) => match hold.state {
                HoldState::Lost(reason) => return Outcome::Lost(reason),
                HoldState::Releasing => return Outcome::NotHeld,
                HoldState::Held => {
                    hold.lease_deadline = lease_deadline;
                    match to {
                        RenewTo::Lease(lease_ms) => hold.lease_ms = lease_ms,
                        RenewTo::Confirm { attach: asked } if asked == attach => {
                            hold.unconfirmed_deadline = Instant::NEVER;
                        }
                        RenewTo::Confirm { .. } => {}
                    }
                    Outcome::Renewed
                }
            },
        };
        self.arm_deadline(id);
        match to {
            RenewTo::Lease(_) => {
                let lease_micros = renewed.until.saturating_sub(renewed.server_now);
                self.schedule_renewal(now, id, lease_micros);
            }
            RenewTo::Confirm { .. } => self.renew_if_due(now, id),
        }
        outcome
    }

    fn on_renew_refused(&mut self, id: HoldId, to: RenewTo, refusal: WireRefusal<'_>) -> Outcome {
        let is_unheld = refusal.status == Status::NotHeld;
        let hold = self.holds.hold(id);
        let state = hold.map(|hold| hold.state);
        let is_here = hold.is_some_and(|hold| hold.standing == Standing::Here);
        match (state, to) {
            // It passed the hold's question, which decides: that one was refused for want of room.
            (Some(HoldState::Held), _) if is_unheld && !is_here => Outcome::NoAnswer,
            (Some(HoldState::Held), _) if is_unheld => {
                self.lose(id, LostReason::Unknown);
                Outcome::Lost(LostReason::Unknown)
            }
            (Some(HoldState::Held), RenewTo::Confirm { .. }) => {
                // Not confirmed is not held; whatever the server has of it is given back.
                self.lose(id, LostReason::Unknown);
                self.settle(id);
                Outcome::Lost(LostReason::Unknown)
            }
            (Some(HoldState::Lost(reason)), _) => Outcome::Lost(reason),
            _ if is_unheld => Outcome::NotHeld,
            _ => Outcome::Refused(refusal.into()),
        }
    }
}

/// Whether the reply is of the kind that answers such a request.
fn fits(body: &Body, reply: &Reply<'_>) -> bool {
    if let Reply::Refused(_) = reply {
        return true;
    }
    match body {
        Body::Acquire { .. } => matches!(reply, Reply::Granted(_)),
        Body::Cancel { .. } => matches!(reply, Reply::CancelDone(_)),
        Body::Release { .. } => matches!(reply, Reply::Released(_)),
        Body::Renew { .. } => matches!(reply, Reply::Renewed(_)),
        Body::Reclaim(_) => matches!(reply, Reply::Reclaimed(_)),
        Body::ForceRelease(_) => matches!(reply, Reply::Forced(_)),
        Body::Close => matches!(reply, Reply::Closed(_)),
        Body::Keepalive | Body::Read(Read::Ping) => matches!(reply, Reply::Pong(_)),
        Body::Read(Read::Get { .. }) => matches!(reply, Reply::GetReply(_)),
        Body::Read(Read::List { .. }) => matches!(reply, Reply::ListReply(_)),
        Body::Read(Read::Sessions { .. }) => matches!(reply, Reply::SessionsReply(_)),
        Body::Read(Read::Stats { .. }) => matches!(reply, Reply::StatsReply(_)),
    }
}

fn server_now(reply: &Reply<'_>) -> Option<u64> {
    match reply {
        Reply::Granted(granted) => Some(granted.server_now),
        Reply::Renewed(renewed) => Some(renewed.server_now),
        Reply::Reclaimed(reclaimed) => Some(reclaimed.server_now),
        Reply::Pong(pong) => Some(pong.server_now),
        _ => None,
    }
}

fn forced(reply: &Reply<'_>) -> Option<Outcome> {
    match reply {
        Reply::Forced(forced) => Some(Outcome::Forced {
            ended: forced.ended,
            closed: Duration::from_millis(u64::from(forced.closed_ms)),
        }),
        Reply::Refused(refusal) if refusal.status == Status::NotHeld => Some(Outcome::NotHeld),
        Reply::Refused(refusal) => Some(Outcome::Refused((*refusal).into())),
        _ => None,
    }
}

fn closed(reply: &Reply<'_>) -> Option<Outcome> {
    match reply {
        Reply::Closed(_) => Some(Outcome::Closed),
        Reply::Refused(refusal) => Some(Outcome::Refused((*refusal).into())),
        _ => None,
    }
}

fn read_outcome(reply: &Reply<'_>) -> Option<Outcome> {
    Some(match reply {
        Reply::Pong(pong) => Outcome::Pong {
            server_now: pong.server_now,
        },
        Reply::GetReply(reply) => Outcome::Key(Box::new(KeyView::of(reply))),
        Reply::ListReply(reply) => Outcome::Locks(LockPage::of(reply)),
        Reply::SessionsReply(reply) => Outcome::Sessions(SessionPage::of(reply)),
        Reply::StatsReply(reply) => Outcome::Counters(CounterPage::of(reply)),
        Reply::Refused(refusal) => Outcome::Refused((*refusal).into()),
        _ => return None,
    })
}
