//! One key that all clients want: a connection each, acquire, release, again. Pure.
//!
//! Peers with waiters are asked to wait. The others are polled, with a delay between tries or
//! without one.

use std::mem;

use crate::nanos::Nanos;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

use super::dialect::{Answer, Asking, Dialect, Outcome};
use super::stages::{Stage, Stages, Timing};
use super::tally::{Measured, Tally};

/// The key that all want.
const KEY: u32 = 7;
/// The only place of each connection.
const PLACE: u16 = 0;

/// How a client waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// The peer queues it.
    Queue,
    /// It asks again so long after each refusal; 0 = at once.
    Poll(Nanos),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Asking,
    Releasing,
    Sleeping(Nanos),
}

/// The load of one run.
#[derive(Debug)]
pub struct Contended<D> {
    patience: Patience,
    dialects: Vec<D>,
    clients: Vec<State>,
    stages: Stages,
    ready: usize,
    /// The earliest end of a sleep.
    wake_at: Nanos,
    /// When the lock was released, until it is granted again.
    released_at: Option<Nanos>,
    tally: Tally,
    answers: Vec<Answer>,
    said: Vec<u8>,
}

impl<D: Dialect> Contended<D> {
    /// A run with one dialect and one client per connection.
    #[must_use]
    pub fn new(patience: Patience, timing: Timing, dialects: Vec<D>) -> Self {
        let clients = dialects.len();
        Self {
            patience,
            dialects,
            clients: vec![State::Idle; clients],
            stages: Stages::new(timing),
            ready: 0,
            wake_at: Nanos::FOREVER,
            released_at: None,
            tally: Tally {
                grants: vec![0; clients],
                ..Tally::default()
            },
            answers: Vec::new(),
            said: Vec::new(),
        }
    }

    fn ask(&mut self, client: usize, io: &mut Io) {
        let asking = match self.patience {
            Patience::Queue => Asking::Wait,
            Patience::Poll(_) => Asking::Try,
        };
        self.dialects[client].acquire(PLACE, KEY, asking, io.out(client));
        self.dialects[client].end_write(io.out(client));
        self.clients[client] = State::Asking;
    }

    fn granted(&mut self, client: usize, now: Nanos, io: &mut Io) {
        if self.stages.now() == Stage::Measuring {
            self.tally.pairs += 1;
            self.tally.grants[client] += 1;
            if let Some(released_at) = self.released_at {
                let handoff = now.since(released_at).0;
                self.tally.handoff.saturating_record(handoff);
            }
        }
        self.released_at = Some(now);
        self.dialects[client].release(PLACE, KEY, io.out(client));
        self.dialects[client].end_write(io.out(client));
        self.clients[client] = State::Releasing;
    }

    fn refused(&mut self, client: usize, now: Nanos, io: &mut Io) {
        if self.stages.now() == Stage::Measuring {
            self.tally.not_got += 1;
        }
        match self.patience {
            Patience::Queue => self.tally.trouble("a waiter was refused"),
            Patience::Poll(_) if !self.stages.is_loading() => self.clients[client] = State::Idle,
            Patience::Poll(Nanos::ZERO) => self.ask(client, io),
            Patience::Poll(delay) => {
                let until = now + delay;
                self.wake_at = self.wake_at.min(until);
                self.clients[client] = State::Sleeping(until);
            }
        }
    }

    fn answered(&mut self, client: usize, outcome: Outcome, now: Nanos, io: &mut Io) {
        match (self.clients[client], outcome) {
            (State::Asking, Outcome::Got) => self.granted(client, now, io),
            (State::Asking, Outcome::NotGot) => self.refused(client, now, io),
            (State::Releasing, Outcome::Released) if self.stages.is_loading() => {
                self.ask(client, io);
            }
            (State::Releasing, Outcome::Released) => self.clients[client] = State::Idle,
            (state, outcome) => self.tally.trouble(format!("{outcome:?} while {state:?}")),
        }
    }

    /// Lets those ask again whose sleep is over; at the end of the load, nobody sleeps on.
    fn wake(&mut self, now: Nanos, io: &mut Io) {
        self.wake_at = Nanos::FOREVER;
        for client in 0..self.clients.len() {
            let State::Sleeping(until) = self.clients[client] else {
                continue;
            };
            if !self.stages.is_loading() {
                self.clients[client] = State::Idle;
            } else if until <= now {
                self.ask(client, io);
            } else {
                self.wake_at = self.wake_at.min(until);
            }
        }
    }

    fn busy(&self) -> usize {
        let is_busy = |state: &&State| **state != State::Idle;
        self.clients.iter().filter(is_busy).count()
    }

    fn parse(&mut self, client: usize, bytes: &[u8], io: &mut Io) -> usize {
        let dialect = &mut self.dialects[client];
        let was_ready = dialect.ready();
        let taken = match dialect.parse(bytes, &mut self.said, &mut self.answers) {
            Ok(taken) => taken,
            Err(broken) => {
                self.tally.trouble(broken.0);
                self.stages.end();
                bytes.len()
            }
        };
        self.ready += usize::from(!was_ready && self.dialects[client].ready());
        if !self.said.is_empty() {
            io.out(client).append(&mut self.said);
        }
        taken
    }
}

impl<D: Dialect> Traffic for Contended<D> {
    fn opened(&mut self, client: usize, _now: Nanos, io: &mut Io) {
        if self.dialects[client].ready() {
            self.ready += 1;
        } else {
            self.dialects[client].greet(io.out(client));
        }
    }

    fn received(&mut self, client: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let taken = self.parse(client, bytes, io);
        let mut answers = mem::take(&mut self.answers);
        for answer in answers.drain(..) {
            self.answered(client, answer.outcome, now, io);
        }
        self.answers = answers;
        taken
    }

    fn closed(&mut self, connection: usize, end: End, _now: Nanos, _io: &mut Io) {
        self.tally.closed(connection, end);
        self.stages.end();
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let before = self.stages.now();
        if self.stages.next() == Next::Bytes {
            (0..self.dialects.len()).for_each(|connection| io.wish(Wish::Connect(connection)));
        }
        let is_ready = self.ready == self.dialects.len();
        let is_idle = before == Stage::Finishing && self.busy() == 0;
        let stage = self.stages.tick(now, is_ready, is_idle);
        match (before, stage) {
            (Stage::Greeting, Stage::Warming) => {
                (0..self.dialects.len()).for_each(|client| self.ask(client, io));
            }
            (Stage::Greeting, Stage::Over) => self.tally.trouble("a greeting was not answered"),
            (Stage::Finishing, Stage::Over) => {
                self.tally.lost = u64::try_from(self.busy()).expect("widens");
                (0..self.dialects.len())
                    .for_each(|connection| io.wish(Wish::Close(connection, Close::Orderly)));
            }
            _ => {}
        }
        if self.wake_at <= now || stage == Stage::Finishing && before != stage {
            self.wake(now, io);
        }
        match self.stages.next() {
            Next::At(until) => Next::At(until.min(self.wake_at)),
            next => next,
        }
    }
}

impl<D: Dialect> Measured for Contended<D> {
    fn stage(&self) -> Stage {
        self.stages.now()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

#[cfg(test)]
mod tests;
