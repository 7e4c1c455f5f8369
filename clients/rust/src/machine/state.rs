//! The machine's state and the calls into it.

use std::collections::VecDeque;
use std::mem::swap;
use std::time::Duration;

use super::attach::{Farewell, Transport};
use super::call::{Acquire, CallId, ForceRelease, HoldId, Lease, Read, Wait, lease_ms};
use super::canary::{self, Canary};
use super::check;
use super::encode;
use super::event::{Ended, Event, LostReason, Outcome};
use super::frames::Frames;
use super::holds::{HoldState, Holds};
use super::instant::Instant;
use super::request::{Body, ReleaseFor, RenewTo, Request};
use super::requests::Requests;
use super::session::Session;
use super::settings::{Purpose, ServerInfo, Settings};
use super::timers::{Timer, Timers};

/// One client of one server; see the module's page.
#[derive(Debug)]
pub struct Machine {
    pub(super) settings: Settings,
    pub(super) transport: Transport,
    pub(super) farewell: Farewell,
    pub(super) session: Option<Session>,
    pub(super) info: Option<ServerInfo>,
    pub(super) ended: Option<Ended>,
    /// The session was asked to end.
    pub(super) is_closing: bool,
    pub(super) requests: Requests,
    pub(super) holds: Holds,
    pub(super) timers: Timers,
    /// When the keepalive ping under way was sent.
    pub(super) keepalive_sent_at: Option<Instant>,
    pub(super) inbox: Vec<u8>,
    pub(super) outbox: Vec<u8>,
    pub(super) events: VecDeque<Event>,
    pub(super) frames: Frames,
    last_call: u64,
}

impl Machine {
    /// A machine that wants a connection. Ends at once if the settings cannot be sent.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let refused = check::settings(&settings).err();
        let mut machine = Self {
            settings,
            transport: Transport::Down,
            farewell: Farewell::None,
            session: None,
            info: None,
            ended: None,
            is_closing: false,
            requests: Requests::default(),
            holds: Holds::default(),
            timers: Timers::default(),
            keepalive_sent_at: None,
            inbox: Vec::new(),
            outbox: Vec::new(),
            events: VecDeque::new(),
            frames: Frames::default(),
            last_call: 0,
        };
        if let Some(refusal) = refused {
            machine.end(Ended::Rejected(refusal));
        }
        machine
    }

    /// Asks for a lock. Outcomes: `Granted`, `Timeout`, `Cancelled`, `Lost`, `Refused`, `NoAnswer`,
    /// `Ended`.
    pub fn acquire(&mut self, now: Instant, acquire: Acquire) -> CallId {
        if let Err(refusal) = check::acquire(&acquire) {
            return self.answer_at_once(Outcome::Refused(refusal));
        }
        let (wait_until, give_up_at) = match acquire.wait {
            Wait::Try => (now, now.plus(self.settings.answer_timeout)),
            Wait::For(wait) => {
                let until = now.plus(wait);
                (until, until.plus(self.settings.answer_timeout))
            }
            Wait::Forever => (Instant::NEVER, Instant::NEVER),
        };
        let timer_at = if acquire.wait == Wait::Try {
            give_up_at
        } else {
            wait_until
        };
        let body = Body::Acquire {
            acquire,
            wait_until,
            cancel: None,
        };
        self.submit(now, Request::new(body, true, timer_at, give_up_at))
    }

    /// Gives up a call. It ends `Cancelled` now unless it ended before; an acquire that reached the
    /// server is undone there, whether it was granted or not.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        self.give_up(call, Outcome::Cancelled);
        self.flush(now);
    }

    /// Gives a hold back. Outcomes: `Released`, `Lost`, `NotHeld`, `NoAnswer`, `Ended`. From now on
    /// the hold is not believed in, and no loss of it is reported but as this call's outcome.
    pub fn release(&mut self, now: Instant, hold: HoldId) -> CallId {
        self.lose_if_past(now, hold);
        match self.holds.hold(hold).map(|hold| hold.state) {
            None | Some(HoldState::Releasing) => self.answer_at_once(Outcome::NotHeld),
            Some(HoldState::Lost(reason)) => {
                self.holds.remove(hold);
                self.answer_at_once(Outcome::Lost(reason))
            }
            Some(HoldState::Held) if self.withdraw(hold) => {
                // It stood until now, and no server has it to be released.
                self.disarm_hold(hold);
                self.holds.remove(hold);
                self.answer_at_once(Outcome::Released)
            }
            Some(HoldState::Held) => {
                self.disarm_hold(hold);
                let held = self
                    .holds
                    .set_state(hold, HoldState::Releasing)
                    .expect("just found");
                let (token, key) = (held.token, held.key.clone());
                let body = Body::Release {
                    hold,
                    token,
                    key,
                    why: ReleaseFor::Owner,
                };
                self.submit_heard(now, body)
            }
        }
    }

    /// Replaces a hold's lease: it ends `lease` after the server has the request. Outcomes:
    /// `Renewed`, `Lost`, `NotHeld`, `NoAnswer`, `Ended`.
    pub fn renew(&mut self, now: Instant, hold: HoldId, lease: Lease) -> CallId {
        self.lose_if_past(now, hold);
        let Some(held) = self.holds.hold(hold) else {
            return self.answer_at_once(Outcome::NotHeld);
        };
        match held.state {
            HoldState::Releasing => self.answer_at_once(Outcome::NotHeld),
            HoldState::Lost(reason) => self.answer_at_once(Outcome::Lost(reason)),
            HoldState::Held => {
                let to = RenewTo::Lease(lease_ms(lease));
                let body = Body::Renew {
                    hold,
                    token: held.token,
                    key: held.key.clone(),
                    to,
                };
                self.submit_heard(now, body)
            }
        }
    }

    /// Ends holds of other sessions. Outcomes: `Forced`, `NotHeld`, `Refused`, `NoAnswer`, `Ended`.
    pub fn force_release(&mut self, now: Instant, force: ForceRelease) -> CallId {
        match check::force(&force) {
            Err(refusal) => self.answer_at_once(Outcome::Refused(refusal)),
            Ok(()) => self.submit_heard(now, Body::ForceRelease(force)),
        }
    }

    /// Asks a question. Outcomes: the answer, `Refused`, `NoAnswer`, `Ended`.
    pub fn read(&mut self, now: Instant, read: Read) -> CallId {
        match check::read(&read) {
            Err(refusal) => self.answer_at_once(Outcome::Refused(refusal)),
            Ok(()) => self.submit_heard(now, Body::Read(read)),
        }
    }

    /// Ends the session and every hold of it. Outcomes: `Closed`, `NoAnswer`, `Ended`. From now on
    /// no hold is believed in, and none is begun: the server may end the session as soon as it
    /// hears of this. After the answer the machine is ended; without a session it is ended at once.
    pub fn close(&mut self, now: Instant) -> CallId {
        if self.session.is_none() && self.ended.is_none() {
            let call = self.answer_at_once(Outcome::Closed);
            self.end(Ended::Closed);
            return call;
        }
        self.is_closing = true;
        for hold in self.holds.held() {
            self.lose(hold, LostReason::Session);
        }
        self.submit_heard(now, Body::Close)
    }

    /// Whether the hold stands, as far as may be believed at `now`. O(log holds).
    #[must_use]
    pub fn is_held(&self, now: Instant, hold: HoldId) -> bool {
        now < self.held_until(hold)
    }

    /// Until when the hold may be believed in unless something is heard of it before: the nearer of
    /// its own deadline and the session's; [`Instant`] 0 if it is not held. O(log holds).
    #[must_use]
    pub fn held_until(&self, hold: HoldId) -> Instant {
        let session = self.session.as_ref();
        match self.holds.hold(hold) {
            Some(hold) if hold.state == HoldState::Held => {
                // Between two sessions its own deadline has the former session's in it.
                hold.deadline()
                    .min(session.map_or(Instant::NEVER, Session::deadline))
            }
            _ => Instant(0),
        }
    }

    /// Until when the hold's own lease lasts, whatever becomes of the session; `None` if it has
    /// none, [`Instant`] 0 if it is not held.
    #[must_use]
    pub fn lease_until(&self, hold: HoldId) -> Option<Instant> {
        match self.holds.hold(hold) {
            Some(hold) if hold.state == HoldState::Held => {
                Some(hold.lease_end()).filter(|&deadline| deadline != Instant::NEVER)
            }
            _ => Some(Instant(0)),
        }
    }

    /// Moves the bytes to send into `out`, which must be empty. Its allocation is kept for reuse.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        debug_assert!(out.is_empty(), "what was taken before is sent before");
        swap(&mut self.outbox, out);
    }

    /// Whether there are bytes to send.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The next thing that happened.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether a connection should be made: there is none, and the machine is not finished.
    #[must_use]
    pub fn wants_connection(&self) -> bool {
        self.ended.is_none() && self.transport == Transport::Down
    }

    /// Whether the server is in contact: calls go out at once.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.transport == Transport::Up
    }

    /// Why the machine is finished, if it is.
    #[must_use]
    pub const fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// What the server said of itself when it last greeted.
    #[must_use]
    pub const fn server(&self) -> Option<&ServerInfo> {
        self.info.as_ref()
    }

    /// Whether the machine is for locking or for looking.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.settings.purpose
    }

    /// Ends the machine without telling the server; for one that has no session.
    pub fn abandon(&mut self) {
        self.end(Ended::Closed);
    }

    /// How many frames were written and read.
    #[must_use]
    pub const fn frames(&self) -> Frames {
        self.frames
    }

    /// How long past its wait a call waits for an answer.
    #[must_use]
    pub const fn answer_timeout(&self) -> Duration {
        self.settings.answer_timeout
    }

    fn submit_heard(&mut self, now: Instant, body: Body) -> CallId {
        let give_up_at = now.plus(self.settings.answer_timeout);
        self.submit(now, Request::new(body, true, give_up_at, give_up_at))
    }

    /// Queues a request and sends what can be sent.
    pub(super) fn submit(&mut self, now: Instant, request: Request) -> CallId {
        if let Some(ended) = self.ended.clone() {
            return self.answer_at_once(Outcome::Ended(ended));
        }
        let call = self.queue(request);
        self.flush(now);
        call
    }

    /// Queues a request without sending.
    pub(super) fn queue(&mut self, request: Request) -> CallId {
        let call = self.next_call();
        self.timers.arm(request.timer_at, Timer::Call(call));
        self.requests.push(call, request);
        call
    }

    /// Removes a request with its timer and its seat.
    pub(super) fn take(&mut self, call: CallId) -> Option<Request> {
        let request = self.requests.remove(call)?;
        self.timers.cancel(request.timer_at, Timer::Call(call));
        Some(request)
    }

    /// Sends queued requests while there is contact and a seat.
    pub(super) fn flush(&mut self, now: Instant) {
        while self.transport == Transport::Up {
            let waits_go = self.farewell != Farewell::Restart;
            let Some(call) = self.requests.send_next(now, waits_go) else {
                return;
            };
            self.renewal_sent(now, call);
            self.reclaim_sent(call);
            self.transmit(now, call);
        }
    }

    /// Appends the frame of a request that has its id.
    pub(super) fn transmit(&mut self, now: Instant, call: CallId) {
        if canary::is(Canary::DeadlineFromResend)
            && let Some(Request {
                sent: Some(sent), ..
            }) = self.requests.request_mut(call)
        {
            sent.first_at = now;
        }
        let request = self
            .requests
            .request(call)
            .expect("a sent call has its request");
        let sent = request.sent.expect("it has its id");
        self.frames.sent += 1;
        encode::request(
            &request.body,
            HoldId(call.0),
            sent.id,
            now,
            &mut self.outbox,
        );
    }

    pub(super) fn report(&mut self, call: CallId, outcome: Outcome) {
        self.events.push_back(Event::Answered { call, outcome });
    }

    fn answer_at_once(&mut self, outcome: Outcome) -> CallId {
        let call = self.next_call();
        self.report(call, outcome);
        call
    }

    fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }
}
