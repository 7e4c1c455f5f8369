//! Connections: opened a few at a time, greeted, kept alive, tried again when they break.

use locker_protocol::{HelloOk, OnDisconnect, Ping};

use super::client::Doing;
use super::fleet::{Fleet, Phase, lanes_per_client};
use super::session::{Asked, State};
use super::timers::Due;
use crate::greeting::open_session;
use crate::nanos::Nanos;
use crate::plan::Mode;
use crate::traffic::{Close, End, Io, Wish};
use crate::verify::What;

/// Connections that a thread opens at once.
const OPENING_MAX: usize = 128;
/// Failures in a row after which a connection is given up.
const FAILURES_MAX: u32 = 8;
/// Failures in a row that still make the pause longer, while the server may be away: up to 320 ms.
const AWAY_FAILURES_MAX: u32 = 5;
/// The first pause before a connection is tried again; doubled by each failure.
const PAUSE_MIN: Nanos = Nanos::from_ms(20);
/// Linux's number for a port on which nobody listens.
const ECONNREFUSED: i32 = 111;

impl Fleet {
    /// Wishes for connections that were never open, a bounded number at a time.
    pub(super) fn open_more(&mut self, now: Nanos, io: &mut Io) {
        if self.plan.workload.mode == Mode::Churn {
            // They open connections as they go.
            (self.unopened..self.sessions.len()).for_each(|connection| self.ready(connection));
            self.unopened = self.sessions.len();
        }
        while self.opening < OPENING_MAX && self.unopened < self.sessions.len() {
            self.connect(self.unopened, now, io);
            self.unopened += 1;
        }
    }

    /// Wishes for a connection.
    pub(super) fn connect(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        let session = &mut self.sessions[connection];
        session.state = State::Connecting;
        session.wished = now;
        self.opening += 1;
        self.alive += 1;
        io.wish(Wish::Connect(connection));
    }

    /// A connection is open: says Hello, and with it what a dying client wants.
    pub(super) fn greet(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        let session = &mut self.sessions[connection];
        if session.state != State::Connecting {
            return;
        }
        session.state = State::Greeting;
        let lane = session.own_lane();
        let id = session.ask(lane, Asked::Hello, now);
        let is_churn = self.plan.workload.mode == Mode::Churn;
        let on_disconnect = match is_churn {
            true => OnDisconnect::Release,
            false => OnDisconnect::Grace,
        };
        open_session(id, 0, on_disconnect, io.out(connection));
        if is_churn {
            self.churn_opened(connection, now, io);
        }
    }

    /// HelloOk came.
    pub(super) fn welcomed(
        &mut self,
        connection: usize,
        ok: &HelloOk<'_>,
        sent: Nanos,
        now: Nanos,
        io: &mut Io,
    ) {
        self.opening = self.opening.saturating_sub(1);
        self.sessions[connection].open(ok, sent);
        let is_new = self.sessions[connection].life > 0 && self.plan.survive.is_some();
        self.record.measures.reconnects += u64::from(is_new);
        if let Some(why) = self.misfit(connection) {
            self.find_unfit(why);
            return;
        }
        let session = &self.sessions[connection];
        if let Some(terms) = session.terms() {
            let due = Due::Keepalive {
                connection,
                life: session.life,
            };
            self.timers.set(now + terms.keepalive, due);
        }
        match (self.phase, self.plan.workload.mode) {
            (_, Mode::Churn) => {}
            (Phase::Waiting, Mode::Renew) => self.set_up(connection, now, io),
            (Phase::Waiting, _) => self.ready(connection),
            (Phase::Running, _) => {
                for client in self.crew(connection) {
                    self.next_cycle(client, now, io);
                }
            }
            (Phase::Draining(_) | Phase::Finished, _) => {}
        }
    }

    /// Why the session's terms do not do for the plan.
    fn misfit(&mut self, connection: usize) -> Option<String> {
        let terms = *self.sessions[connection].terms()?;
        let needed = usize::from(self.plan.inflight) * lanes_per_client(&self.plan);
        if usize::from(terms.seats) < needed {
            return Some(format!(
                "the server grants {} requests in flight per session, {needed} are needed: \
                 use more connections with less in flight, or start the server with more --seats",
                terms.seats
            ));
        }
        if terms.is_ephemeral && self.plan.survive.is_some() {
            let why = "the server has no data dir, and so promises nothing over its restart: start \
                       it with --data-dir, or drop --survive";
            return Some(why.to_owned());
        }
        let key_bytes = self.plan.workload.key_bytes;
        if terms.key_max < key_bytes {
            return Some(format!(
                "the server takes keys of {} bytes at most, not of {key_bytes}",
                terms.key_max
            ));
        }
        if !self.plan.workload.shard_aware {
            return None;
        }
        let crew = self.crew(connection);
        let slices = self.clients[crew].iter();
        let slices: Vec<_> = slices
            .filter(|client| client.doing != Doing::Retired)
            .map(|client| client.slice)
            .collect();
        let keys = &mut self.keys;
        let mut lacking = slices
            .into_iter()
            .filter(|slice| keys.search(*slice, 0, terms.home).is_none());
        lacking.next().map(|_| {
            format!(
                "a client on shard {} has no key that lies there: use more keys, or no shard-aware \
                 connections",
                terms.home.shard
            )
        })
    }

    /// Tells once that a connection is ready, or given up.
    pub(super) fn ready(&mut self, connection: usize) {
        if !std::mem::replace(&mut self.told_ready[connection], true) {
            self.shared.add_ready(1);
        }
    }

    /// A connection ended, or could not be opened.
    pub(super) fn connection_gone(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        let state = self.sessions[connection].state;
        if matches!(state, State::Absent | State::GivenUp) {
            return;
        }
        self.forget(connection, now);
        if state == State::Closing || matches!(self.phase, Phase::Draining(_) | Phase::Finished) {
            self.record.measures.broken += u64::from(state == State::Open);
            return;
        }
        if let Some(longest) = self.plan.survive {
            self.survive(connection, end, longest, now);
            return;
        }
        // What never opened did not break; it counts when it is given up.
        self.record.measures.broken += u64::from(state != State::Connecting);
        if end == End::NotOpened(ECONNREFUSED) {
            self.lose_server(end);
            return;
        }
        let session = &mut self.sessions[connection];
        session.failures += 1;
        if session.failures > FAILURES_MAX {
            session.state = State::GivenUp;
            self.given_up(connection, end, now, io);
            return;
        }
        self.retry(connection, now);
    }

    /// A connection is gone, and the server may be away for a while.
    fn survive(&mut self, connection: usize, end: End, longest: Nanos, now: Nanos) {
        // A server that was never there does not come back.
        if self.contact == Nanos::ZERO || now.since(self.contact) > longest {
            self.lose_server(end);
            return;
        }
        let session = &mut self.sessions[connection];
        session.failures = (session.failures + 1).min(AWAY_FAILURES_MAX);
        self.retry(connection, now);
    }

    /// Tries a connection again after a pause.
    fn retry(&mut self, connection: usize, now: Nanos) {
        let failures = self.sessions[connection].failures;
        let pause = Nanos(PAUSE_MIN.0 << (failures - 1));
        // Up to half as much again, so that those that broke together do not come together.
        let jitter = Nanos(self.dice.next() % (pause.0 / 2 + 1));
        let due = Due::Reconnect { connection };
        self.timers.set(now + pause + jitter, due);
    }

    /// Drops what was known of a connection that is gone or cut, and of its clients' cycles.
    pub(super) fn forget(&mut self, connection: usize, now: Nanos) {
        let session = &mut self.sessions[connection];
        if matches!(session.state, State::Connecting | State::Greeting) {
            self.opening = self.opening.saturating_sub(1);
        }
        let lived_until = session.lives_until();
        session.forget();
        self.alive -= 1;
        for client in self.crew(connection) {
            let doing = self.clients[client].doing;
            let was_told = match doing {
                Doing::Holding => true,
                Doing::Acquiring => self.may_wait(),
                _ => false,
            };
            if was_told && doing == Doing::Holding && self.plan.survive.is_some() {
                let until = lived_until;
                self.tell(client, now, What::Stranded { until });
            } else if was_told {
                self.tell(client, now, What::Forgotten);
            }
            self.cycle_broken(client);
        }
    }

    fn given_up(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        self.record.measures.broken += 1;
        self.ready(connection);
        for client in self.crew(connection) {
            if self.clients[client].doing != Doing::Retired {
                self.retire(client);
            }
        }
        let given_up = |session: &super::session::Session| session.state == State::GivenUp;
        // A herd would wait for it for ever.
        let is_herd = self.plan.workload.mode == Mode::Herd;
        if is_herd || self.sessions.iter().all(given_up) {
            self.lose_server(end);
        }
        if self.phase == Phase::Waiting {
            self.open_more(now, io);
        }
    }

    /// A timer is due.
    pub(super) fn fire(&mut self, due: Due, now: Nanos, io: &mut Io) {
        match due {
            Due::HoldEnd { client, count } => {
                let held = &self.clients[client];
                if held.doing == Doing::Holding && held.acquire.count == count {
                    self.hold_over(client, now, io);
                }
            }
            Due::Rest { client } => self.next_cycle(client, now, io),
            Due::Keepalive { connection, life } => self.keep_alive(connection, life, now, io),
            Due::Reconnect { connection } => {
                let is_wanted = matches!(self.phase, Phase::Waiting | Phase::Running);
                if is_wanted && self.sessions[connection].state == State::Absent {
                    self.reconnect(connection, now, io);
                }
            }
        }
    }

    fn reconnect(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        if self.plan.workload.mode == Mode::Churn {
            for client in self.crew(connection) {
                self.next_cycle(client, now, io);
            }
        } else {
            self.connect(connection, now, io);
        }
    }

    /// Pings a connection that was silent for long, and looks again later.
    fn keep_alive(&mut self, connection: usize, life: u32, now: Nanos, io: &mut Io) {
        let session = &mut self.sessions[connection];
        let keepalive = match session.terms() {
            Some(terms) if session.life == life => terms.keepalive,
            _ => return,
        };
        let lane = session.own_lane();
        let is_silent = now >= session.spoke + keepalive;
        if is_silent && session.state == State::Open && session.is_free(lane) {
            let id = session.ask(lane, Asked::Ping, now);
            Ping.encode(id, io.out(connection));
        }
        let soon = now + Nanos(keepalive.0 / 4);
        let at = match session.spoke + keepalive {
            at if at > now => at,
            _ => soon,
        };
        self.timers.set(at, Due::Keepalive { connection, life });
    }

    /// Cuts a connection.
    pub(super) fn cut(&mut self, connection: usize, how: Close, now: Nanos, io: &mut Io) {
        let state = self.sessions[connection].state;
        if matches!(state, State::Absent | State::GivenUp) {
            return;
        }
        self.forget(connection, now);
        io.wish(Wish::Close(connection, how));
    }
}
