//! The end of a run: what is in flight is answered, holds are released, sessions are closed.

use locker_protocol::Close as CloseRequest;

use super::client::{Client, Doing};
use super::fleet::{Fleet, Phase};
use super::session::{Asked, Session, State};
use crate::nanos::Nanos;
use crate::plan::Mode;
use crate::traffic::{Close, Io};

/// Answers are waited for so long.
const DRAIN_MAX: Nanos = Nanos::from_ms(5_000);
/// Who waits in line may stand behind a session that died with its connection: until that ends by
/// its TTL, and a while; but no longer than this.
const QUEUE_MAX: Nanos = Nanos::from_ms(15_000);
const QUEUE_SLACK: Nanos = Nanos::from_ms(2_000);
/// The seat that carries Close.
const CLOSE_LANE: usize = 0;

impl Fleet {
    /// Takes no new cycles from here on.
    pub(super) fn drain(&mut self, now: Nanos, io: &mut Io) {
        let end = self.record.window().1;
        if self.phase == Phase::Running && now >= end {
            // What came due since the last round is late by our own fault, and clients rest.
            self.take_arrivals(end - Nanos(1));
            self.give_arrivals(now, io);
        }
        self.phase = Phase::Draining(now + self.patience());
        if self.shared.is_stopped() {
            self.record.end(now);
        }
        self.drop_arrivals(now);
        self.idle.clear();
        for client in 0..self.clients.len() {
            if self.clients[client].doing == Doing::Holding {
                self.clients[client].release_intended = now;
                self.hold_over(client, now, io);
            }
        }
        let is_churn = self.plan.workload.mode == Mode::Churn;
        for connection in 0..self.sessions.len() {
            let state = self.sessions[connection].state;
            if !is_churn && matches!(state, State::Connecting | State::Greeting) {
                self.cut(connection, Close::Reset, now, io);
            }
            self.close_if_quiet(connection, now, io);
        }
    }

    /// How long answers may take that are not lost.
    fn patience(&self) -> Nanos {
        let waits = |client: &Client| client.doing == Doing::Acquiring;
        if self.shared.is_stopped() || !self.may_wait() || !self.clients.iter().any(waits) {
            return DRAIN_MAX;
        }
        let ttls = self.sessions.iter().map(Session::ttl);
        let ttl = ttls.max().unwrap_or(Nanos::ZERO);
        (ttl + QUEUE_SLACK).min(QUEUE_MAX).max(DRAIN_MAX)
    }

    /// Cycles that were due in the measured time and never began.
    fn drop_arrivals(&mut self, now: Nanos) {
        let end = self.record.window().1;
        self.take_arrivals(now.min(end));
        self.backlog.drop_all();
        self.take_arrivals(Nanos::ZERO);
    }

    /// Ends a session that waits for no answer.
    pub(super) fn close_if_quiet(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        let session = &mut self.sessions[connection];
        if session.state != State::Open || session.outstanding > 0 {
            return;
        }
        session.state = State::Closing;
        let id = session.ask(CLOSE_LANE, Asked::Close, now);
        CloseRequest.encode(id, io.out(connection));
    }

    pub(super) fn drain_step(&mut self, until: Nanos, now: Nanos, io: &mut Io) {
        if self.alive > 0 && now < until {
            return;
        }
        let living = self.sessions.iter();
        let living = living.filter(|s| matches!(s.state, State::Open | State::Greeting));
        let unanswered: u64 = living.map(|session| u64::from(session.outstanding)).sum();
        self.record.measures.unanswered += unanswered;
        self.abandon(now, io);
    }

    /// Cuts every connection and is finished.
    pub(super) fn abandon(&mut self, now: Nanos, io: &mut Io) {
        if self.shared.is_stopped() {
            self.record.end(now);
        }
        if self.is_exhausted {
            self.record.end_with_last();
        }
        for connection in 0..self.sessions.len() {
            self.cut(connection, Close::Reset, now, io);
            self.ready(connection);
        }
        self.phase = Phase::Finished;
    }
}
