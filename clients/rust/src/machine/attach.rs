//! The connection: greeting, resuming, cutting bytes into frames, losing it again.

use std::mem::take;
use std::time::Duration;

use locker_protocol::{
    FEATURES_RECLAIM, FRAME_BYTES_MAX, FromServer, GoAwayReason, HelloOk, Push, Reply, Status,
    StatusClass, split_frame,
};
use thiserror::Error;

use super::clock::Anchor;
use super::encode;
use super::event::{Ended, Event, LostReason, Outcome};
use super::instant::Instant;
use super::reclaiming::{can_reclaim, confirmation};
use super::refusal::Refusal;
use super::request::{Body, Request};
use super::session::Session;
use super::settings::{Purpose, ServerInfo};
use super::state::Machine;

/// Whether there is a connection, and how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Down,
    Greeting { sent_at: Instant },
    Up,
}

/// What the server said of its own end on the present connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    None,
    /// It stops and will be back: what waits, waits for that.
    Restart,
    /// It stops for good.
    Shutdown,
}

/// Why a connection is of no more use. The machine has let go of it already; the caller closes it
/// and, if [`Machine::wants_connection`], makes another.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Silent,
    /// The peer sent what no locker server sends.
    #[error("the peer breaks the protocol: {0}")]
    Malformed(String),
    /// The server refused the connection.
    #[error("the server refused: {0}")]
    Refused(Refusal),
    /// The server ended the session; a new one is opened on the next connection.
    #[error("the session ended")]
    SessionEnded,
    /// The machine is finished.
    #[error("the session is finished")]
    Ended,
}

impl Machine {
    /// A connection was made: the greeting is ready to be sent.
    ///
    /// # Panics
    /// If the machine did not want one.
    pub fn connected(&mut self, now: Instant) {
        assert!(
            self.wants_connection(),
            "a machine has one connection at a time"
        );
        if let Some(session) = &mut self.session {
            session.attach += 1;
        }
        self.transport = Transport::Greeting { sent_at: now };
        self.farewell = Farewell::None;
        self.frames.sent += 1;
        let session = self.session.as_ref();
        let reclaiming = session.is_none() && self.holds.held_count() > 0;
        encode::hello(&self.settings, session, reclaiming, &mut self.outbox);
    }

    /// The connection ended, or was closed. Bytes not yet taken or received count for nothing.
    pub fn disconnected(&mut self) {
        if self.transport == Transport::Down {
            return;
        }
        self.transport = Transport::Down;
        self.inbox.clear();
        self.outbox.clear();
        if self.keepalive_sent_at.take().is_some() {
            self.drop_keepalives();
        }
        if self.settings.purpose == Purpose::Inspect {
            self.forget_session(LostReason::Session);
        }
    }

    /// Bytes arrived.
    ///
    /// # Errors
    /// The connection is of no more use.
    pub fn received(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Broken> {
        let mut inbox = take(&mut self.inbox);
        inbox.extend_from_slice(bytes);
        let mut used = 0;
        let mut result = Ok(());
        while result.is_ok() && self.transport != Transport::Down {
            match self.take_frame(now, &inbox[used..]) {
                Ok(0) => break,
                Ok(length) => {
                    used += length;
                    self.frames.received += 1;
                }
                Err(broken) => result = Err(broken),
            }
        }
        if result.is_err() {
            self.disconnected();
            return result;
        }
        inbox.drain(..used);
        self.inbox = inbox;
        self.flush(now);
        result
    }

    /// Handles the first frame of `bytes` and gives its length, 0 if it is not whole.
    fn take_frame(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Broken> {
        let frame_max = u32::try_from(FRAME_BYTES_MAX).expect("a small constant");
        let split = split_frame(bytes, frame_max).map_err(malformed)?;
        let Some((frame, length)) = split else {
            return Ok(0);
        };
        match FromServer::decode(&frame).map_err(malformed)? {
            FromServer::Push(push) => self.on_push(push)?,
            FromServer::Reply(reply) => match self.transport {
                Transport::Greeting { sent_at } => self.on_greeting(now, sent_at, reply)?,
                _ => self.on_reply(now, frame.header.request_id, reply)?,
            },
        }
        Ok(length)
    }

    fn on_push(&mut self, push: Push<'_>) -> Result<(), Broken> {
        match push {
            Push::Lost(lost) => {
                self.on_lost(lost.owner, lost.token, lost.reason);
                Ok(())
            }
            Push::SessionEnded(_) => {
                self.forget_session(LostReason::Session);
                Err(Broken::SessionEnded)
            }
            // The machine has one connection: what arrives on one that was replaced is never read.
            Push::GoAway(go_away) if go_away.reason == GoAwayReason::TakenOver => {
                self.end(Ended::TakenOver);
                Err(Broken::Ended)
            }
            // The connection serves until the server closes it.
            Push::GoAway(go_away) => {
                match go_away.reason {
                    GoAwayReason::Restart => self.farewell = Farewell::Restart,
                    GoAwayReason::Shutdown => self.farewell = Farewell::Shutdown,
                    GoAwayReason::TakenOver | GoAwayReason::SlowReader => {}
                }
                Ok(())
            }
            Push::Fault(refusal) => Err(self.on_fault(refusal.into())),
        }
    }

    fn on_greeting(
        &mut self,
        now: Instant,
        sent_at: Instant,
        reply: Reply<'_>,
    ) -> Result<(), Broken> {
        match reply {
            Reply::HelloOk(hello) => self.on_hello_ok(now, sent_at, &hello),
            Reply::Refused(refusal) => Err(self.on_fault(refusal.into())),
            _ => Err(Broken::Malformed(
                "an answer before the greeting".to_owned(),
            )),
        }
    }

    /// The server will not go on with this connection.
    fn on_fault(&mut self, refusal: Refusal) -> Broken {
        match refusal.status {
            // Who asked for none would ask again at once, and for ever.
            Status::NoSession if self.session.is_none() => {
                return Broken::Malformed("a session is unknown that was not named".to_owned());
            }
            Status::NoSession => self.outlive_server(),
            Status::StaleResume => self.end(Ended::TakenOver),
            Status::HelloTimeout | Status::SlowReader => {}
            status if status.class() == StatusClass::TryAgain => {}
            _ => self.end(Ended::Rejected(refusal.clone())),
        }
        Broken::Refused(refusal)
    }

    fn on_hello_ok(
        &mut self,
        now: Instant,
        sent_at: Instant,
        hello: &HelloOk<'_>,
    ) -> Result<(), Broken> {
        let resumed = self.session.is_some();
        let anchor = Anchor {
            sent_at,
            server_now: hello.server_now,
        };
        let can_reclaim = can_reclaim(self.info.as_ref(), hello);
        self.info = Some(server_info(hello));
        if let Some(session) = &mut self.session {
            if hello.session_id != session.id || hello.run != session.run {
                return Err(Broken::Malformed("a resume of another session".to_owned()));
            }
            let deadline = session.deadline();
            session.observe(anchor.sent_at, anchor.server_now);
            session.proven(sent_at);
            self.doubt_holds(deadline);
        } else {
            let margin = self.settings.margin;
            let margin = margin.raised_to(hello.margin_permille, hello.margin_ms);
            self.session = Some(Session::opened(
                hello.session_id,
                hello.secret,
                hello.run,
                (hello.ttl_ms, hello.keepalive_ms),
                anchor,
                margin,
            ));
            self.requests.seats_granted(hello.seats);
        }
        self.transport = Transport::Up;
        if hello.draining {
            self.farewell = Farewell::Restart;
        }
        self.events.push_back(Event::Attached { resumed });
        if !resumed {
            self.reclaim_holds(now, can_reclaim);
        }
        for call in self.requests.to_resend() {
            self.transmit(now, call);
        }
        self.flush(now);
        Ok(())
    }

    /// After a resume: believes in each hold only as far as before it, and asks for each.
    fn doubt_holds(&mut self, deadline: Instant) {
        let attach = self.session.as_ref().map_or(0, |session| session.attach);
        for id in self.holds.held() {
            if self.resume_asking(id) {
                continue;
            }
            self.disarm_deadline(id);
            let hold = self.holds.hold_mut(id).expect("listed a moment ago");
            // A hold whose confirmation was itself interrupted keeps the older, nearer limit.
            hold.unconfirmed_deadline = hold.unconfirmed_deadline.min(deadline);
            let body = confirmation(id, hold, attach);
            self.arm_deadline(id);
            self.queue(Request::unheard(body));
        }
    }

    /// The session is no more: its holds are lost, its acquires queue again for the next one.
    pub(super) fn forget_session(&mut self, reason: LostReason) {
        for hold in self.holds.held() {
            self.lose(hold, reason);
        }
        self.leave_session();
    }

    /// The session is no more: its holds are of a former one, its acquires queue again.
    pub(super) fn leave_session(&mut self) {
        let session = self.session.take();
        let deadline = session.map_or(Instant(0), |session| session.deadline());
        for hold in self.holds.held() {
            self.orphan(hold, deadline);
        }
        for call in self.requests.calls() {
            self.outlive_session(call);
        }
        self.requests.unsend_all();
    }

    /// The machine is finished: every hold is lost, every call ends.
    pub(super) fn end(&mut self, ended: Ended) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(ended.clone());
        self.transport = Transport::Down;
        self.session = None;
        self.outbox.clear();
        self.keepalive_sent_at = None;
        for hold in self.holds.held() {
            self.lose(hold, LostReason::Session);
        }
        for call in self.requests.calls() {
            self.finish(call, Outcome::Ended(ended.clone()));
        }
        self.events.push_back(Event::Ended(ended));
    }

    fn drop_keepalives(&mut self) {
        for call in self.requests.calls() {
            let request = self.requests.request(call).expect("listed a moment ago");
            if matches!(request.body, Body::Keepalive) {
                self.requests.remove(call);
            }
        }
    }
}

fn server_info(hello: &HelloOk<'_>) -> ServerInfo {
    let millis = |count: u32| Duration::from_millis(u64::from(count));
    ServerInfo {
        server_id: hello.server_id,
        run: hello.run,
        session_id: hello.session_id,
        ttl: millis(hello.ttl_ms),
        seats: hello.seats,
        shards: hello.shards,
        shard: hello.shard,
        ports: hello.ports.iter().collect(),
        admin: hello.admin,
        ephemeral: hello.ephemeral,
        reclaim: hello.features & FEATURES_RECLAIM != 0,
        grace_left: millis(hello.grace_left_ms),
        key_max: hello.key_max,
        metadata_max: hello.metadata_max,
        lease_min: millis(hello.lease_min_ms),
        lease_max: millis(hello.lease_max_ms),
    }
}

fn malformed(why: impl ToString) -> Broken {
    Broken::Malformed(why.to_string())
}
