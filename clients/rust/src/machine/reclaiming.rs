//! Taking holds back after a restart of the server.
//!
//! A server that was restarted knows no session. What a holder was promised before stands all the
//! same until its deadline, and the server grants nothing to anybody until every such deadline has
//! passed: that is its grace window. Inside it a hold can be had back, with its token:
//!
//! ```text
//!   Resume ─▶ NoSession      each hold is believed in to its old deadline, and no further
//!   Open   ─▶ HelloOk        the same server, another run, a window left: ask for each hold
//!   Reclaim ─▶ Reclaimed     the old deadline lies ahead: held on, by the new deadlines
//!                            it has passed: released, before the key is used again
//!           ─▶ refused       lost; for want of room: asked again while the old deadline lies ahead
//! ```
//!
//! A hold that its owner gave back is never asked for: the release takes the question back, or goes
//! behind it. A crash inside the window begins all this anew, with the run that last said yes.

use locker_protocol::{HelloOk, Reclaimed, Reply, StatusClass};

use super::attach::Transport;
use super::call::{CallId, HoldId};
use super::canary::{self, Canary};
use super::event::{Event, LostReason, Outcome};
use super::holds::{Hold, HoldState, Standing};
use super::instant::Instant;
use super::request::{Body, Reclaim, RenewTo, Request};
use super::settings::ServerInfo;
use super::state::Machine;
use super::timers::Timer;

/// Between two questions for one hold at least, in microseconds.
const ASK_AGAIN_MICROS: u64 = 10_000;

impl Machine {
    /// The server does not know the session. Its acquires queue again in the next one; its holds
    /// may be had back if the server was restarted, and are lost if it cannot remember anything.
    pub(super) fn outlive_server(&mut self) {
        let remembers = self.info.as_ref().is_some_and(|info| !info.ephemeral);
        if remembers {
            self.leave_session();
        } else {
            self.forget_session(LostReason::Session);
        }
    }

    /// A hold outlives its session: it is believed in as far as before, and no further.
    pub(super) fn orphan(&mut self, id: HoldId, session_deadline: Instant) {
        self.disarm_deadline(id);
        let hold = self.holds.hold_mut(id).expect("listed a moment ago");
        // Of a renewal under way it will not be known whether the old server had it.
        hold.unconfirmed_deadline = hold.deadline().min(session_deadline);
        hold.renewing_deadline = Instant::NEVER;
        hold.renewals = 0;
        hold.standing = Standing::Former;
        self.arm_deadline(id);
    }

    /// In a new session: asks for each hold of the former one, or loses it if that is vain.
    pub(super) fn reclaim_holds(&mut self, now: Instant, can_reclaim: bool) {
        let run = self.session.as_ref().map_or(0, |session| session.run);
        for id in self.holds.held() {
            self.lose_if_past(now, id);
            let Some(hold) = self.holds.hold(id) else {
                continue;
            };
            if hold.state != HoldState::Held {
                continue;
            }
            assert_eq!(
                hold.standing,
                Standing::Former,
                "a new session has no holds"
            );
            // The run that granted it ended this session; an older one cannot know of it.
            if !can_reclaim || run <= hold.run {
                self.lose(id, LostReason::Session);
                continue;
            }
            self.ask(id);
        }
    }

    /// Asks for a hold of the former session.
    fn ask(&mut self, id: HoldId) {
        let hold = self.holds.hold(id).expect("it is believed in");
        let call = self.queue(Request::unheard(Body::Reclaim(Box::new(question(
            id, hold,
        )))));
        let hold = self.holds.hold_mut(id).expect("found above");
        hold.standing = Standing::Asked(call);
    }

    /// The server has no room just now, and the hold may be believed in all the same: it is asked
    /// for again after a quarter of the time that is left.
    fn ask_later(&mut self, now: Instant, id: HoldId) {
        let hold = self.holds.hold_mut(id).expect("it is believed in");
        hold.standing = Standing::Former;
        let left = hold.deadline().0.saturating_sub(now.0);
        let at = Instant(now.0 + (left / 4).max(ASK_AGAIN_MICROS));
        let before = std::mem::replace(&mut hold.renew_at, at);
        self.timers.cancel(before, Timer::HoldRenew(id));
        self.timers.arm(at, Timer::HoldRenew(id));
    }

    /// Asks for a hold again that the present session was refused for want of room. Without contact
    /// it is asked for once the session has been resumed.
    pub(super) fn ask_if_due(&mut self, now: Instant, id: HoldId) {
        let hold = self.holds.hold(id).expect("its timer is armed");
        let is_due = hold.state == HoldState::Held && now >= hold.renew_at;
        if is_due && self.transport == Transport::Up {
            self.ask(id);
        }
    }

    /// The session was resumed and may not have had this hold back yet. Whether that is so; then
    /// it is asked for, if it is not already.
    pub(super) fn resume_asking(&mut self, id: HoldId) -> bool {
        match self.holds.hold(id).map(|hold| hold.standing) {
            Some(Standing::Former) => self.ask(id),
            Some(Standing::Asked(_)) => {}
            _ => return false,
        }
        true
    }

    /// Takes back the question for a hold, if it has not been put. Whether the server surely does
    /// not have the hold, so that there is nothing to release.
    pub(super) fn withdraw(&mut self, id: HoldId) -> bool {
        match self.holds.hold(id).map(|hold| hold.standing) {
            Some(Standing::Former) => true,
            Some(Standing::Asked(call)) if self.is_unsent(call) => {
                self.take(call);
                true
            }
            _ => false,
        }
    }

    fn is_unsent(&self, call: CallId) -> bool {
        let request = self.requests.request(call);
        request.is_some_and(|request| request.sent.is_none())
    }

    /// Notes on which connection a question is put for the first time.
    pub(super) fn reclaim_sent(&mut self, call: CallId) {
        let attach = self.session.as_ref().map_or(0, |session| session.attach);
        if let Some(Request {
            body: Body::Reclaim(reclaim),
            ..
        }) = self.requests.request_mut(call)
        {
            reclaim.attach = attach;
        }
    }

    /// What the answer to a question makes of its hold; nothing for an answer of another kind.
    pub(super) fn on_reclaim_answer(
        &mut self,
        now: Instant,
        reclaim: &Reclaim,
        reply: &Reply<'_>,
    ) -> Option<Outcome> {
        let id = reclaim.hold;
        let is_had = match reply {
            Reply::Reclaimed(_) => true,
            Reply::Refused(_) => false,
            _ => return None,
        };
        if let Some(hold) = self.holds.hold_mut(id) {
            hold.standing = if is_had {
                Standing::Here
            } else {
                Standing::Refused
            };
        }
        match reply {
            Reply::Reclaimed(reclaimed) => self.on_reclaimed(now, reclaim, *reclaimed),
            // One that is being released was held until then: its release says so.
            _ if !self.is_believed(id) => {}
            Reply::Refused(refusal) if refusal.status.class() == StatusClass::TryAgain => {
                self.ask_later(now, id);
            }
            _ => self.lose(id, LostReason::Session),
        }
        Some(Outcome::Renewed)
    }

    fn on_reclaimed(&mut self, now: Instant, reclaim: &Reclaim, reclaimed: Reclaimed) {
        let id = reclaim.hold;
        // By its old deadline: only until then was nobody else granted the key for certain.
        if !canary::is(Canary::LateGrantAccepted) {
            self.lose_if_past(now, id);
        }
        if !self.is_believed(id) {
            return;
        }
        let session = self.session.as_ref().expect("attached means a session");
        let (run, attach) = (session.run, session.attach);
        let lease_deadline = session.deadline_of(reclaimed.until);
        self.disarm_deadline(id);
        let hold = self.holds.hold_mut(id).expect("it is believed in");
        hold.lease_deadline = lease_deadline;
        hold.run = run;
        if reclaim.attach == attach {
            hold.unconfirmed_deadline = Instant::NEVER;
        } else {
            // The answer may be a record of before the connection broke.
            let body = confirmation(id, hold, attach);
            self.queue(Request::unheard(body));
        }
        self.arm_deadline(id);
        let lease_micros = reclaimed.until.saturating_sub(reclaimed.server_now);
        self.schedule_renewal(now, id, lease_micros);
        self.events.push_back(Event::HoldReclaimed { hold: id });
    }

    fn is_believed(&self, id: HoldId) -> bool {
        let state = self.holds.hold(id).map(|hold| hold.state);
        state == Some(HoldState::Held)
    }
}

/// Whether a new session's server may have kept what a former one's gave: the same data directory,
/// a server that takes questions, and time left to put them.
pub(super) fn can_reclaim(former: Option<&ServerInfo>, hello: &HelloOk<'_>) -> bool {
    let is_same = former.is_some_and(|former| former.server_id == hello.server_id);
    is_same
        && !hello.ephemeral
        && hello.features & locker_protocol::FEATURES_RECLAIM != 0
        && hello.grace_left_ms > 0
}

/// The question whether a hold stands on the present connection.
pub(super) fn confirmation(id: HoldId, hold: &Hold, attach: u32) -> Body {
    Body::Renew {
        hold: id,
        token: hold.token,
        key: hold.key.clone(),
        to: RenewTo::Confirm { attach },
    }
}

pub(super) fn question(id: HoldId, hold: &Hold) -> Reclaim {
    Reclaim {
        hold: id,
        token: hold.token,
        run: hold.run,
        key: hold.key.clone(),
        mode: hold.mode,
        lease_ms: hold.lease_ms,
        metadata: hold.metadata.clone(),
        attach: 0,
    }
}
