//! One key that all clients want: a connection each, acquire, release, again. Pure.
//!
//! Peers with waiters are asked to wait. The others are polled, with a delay between tries or
//! without one.

use std::mem;

use crate::nanos::Nanos;
use crate::traffic::{End, Io, Next, Traffic};

use super::course::{Course, Turn};
use super::dialect::{Answer, Asking, Dialect, Outcome, Step};
use super::stages::{Stage, Timing};
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
    course: Course<D>,
    clients: Vec<State>,
    /// The earliest end of a sleep.
    wake_at: Nanos,
    /// When the lock was released, until it is granted again.
    released_at: Option<Nanos>,
    answers: Vec<Answer>,
}

impl<D: Dialect> Contended<D> {
    /// A run with one dialect and one client per connection.
    #[must_use]
    pub fn new(patience: Patience, timing: Timing, dialects: Vec<D>) -> Self {
        let clients = dialects.len();
        let mut course = Course::new(timing, dialects);
        course.tally.grants = vec![0; clients];
        Self {
            patience,
            course,
            clients: vec![State::Idle; clients],
            wake_at: Nanos::FOREVER,
            released_at: None,
            answers: Vec::new(),
        }
    }

    fn ask(&mut self, client: usize, io: &mut Io) {
        let asking = match self.patience {
            Patience::Queue => Asking::Wait,
            Patience::Poll(_) => Asking::Try,
        };
        let dialect = &mut self.course.dialects[client];
        dialect.acquire(PLACE, KEY, asking, io.out(client));
        dialect.end_write(io.out(client));
        self.clients[client] = State::Asking;
    }

    fn release(&mut self, client: usize, io: &mut Io) {
        let dialect = &mut self.course.dialects[client];
        dialect.release(PLACE, KEY, io.out(client));
        dialect.end_write(io.out(client));
        self.clients[client] = State::Releasing;
    }

    fn granted(&mut self, client: usize, now: Nanos, io: &mut Io) {
        if self.course.is_measuring() {
            self.course.tally.pairs += 1;
            self.course.tally.grants[client] += 1;
            if let Some(released_at) = self.released_at {
                let handoff = now.since(released_at).0;
                self.course.tally.handoff.saturating_record(handoff);
            }
        }
        self.released_at = Some(now);
        self.release(client, io);
    }

    fn refused(&mut self, client: usize, now: Nanos, io: &mut Io) {
        if self.course.is_measuring() {
            self.course.tally.not_got += 1;
        }
        match self.patience {
            Patience::Queue => self.course.tally.trouble("a waiter was refused"),
            Patience::Poll(_) if !self.course.is_loading() => self.clients[client] = State::Idle,
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
            (State::Asking, Outcome::Refused(Step::Acquire)) => {
                self.course.refused();
                match self.course.is_loading() {
                    true => self.ask(client, io),
                    false => self.clients[client] = State::Idle,
                }
            }
            (State::Releasing, Outcome::Refused(Step::Release)) => {
                self.course.refused();
                self.release(client, io);
            }
            (State::Releasing, Outcome::Released) if self.course.is_loading() => {
                self.ask(client, io);
            }
            (State::Releasing, Outcome::Released) => self.clients[client] = State::Idle,
            (state, outcome) => self
                .course
                .tally
                .trouble(format!("{outcome:?} while {state:?}")),
        }
    }

    /// Lets those ask again whose sleep is over; at the end of the load, nobody sleeps on.
    fn wake(&mut self, now: Nanos, io: &mut Io) {
        self.wake_at = Nanos::FOREVER;
        for client in 0..self.clients.len() {
            let State::Sleeping(until) = self.clients[client] else {
                continue;
            };
            if !self.course.is_loading() {
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
}

impl<D: Dialect> Traffic for Contended<D> {
    fn opened(&mut self, client: usize, _now: Nanos, io: &mut Io) {
        self.course.opened(client, io);
    }

    fn received(&mut self, client: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let taken = self.course.hear(client, bytes, &mut self.answers, io);
        let mut answers = mem::take(&mut self.answers);
        for answer in answers.drain(..) {
            self.answered(client, answer.outcome, now, io);
        }
        self.answers = answers;
        taken
    }

    fn closed(&mut self, connection: usize, end: End, _now: Nanos, _io: &mut Io) {
        self.course.closed(connection, end);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let turn = self.course.tick(now, self.busy(), io);
        if turn == Turn::Begin {
            (0..self.clients.len()).for_each(|client| self.ask(client, io));
        }
        if self.wake_at <= now || turn == Turn::Finish {
            self.wake(now, io);
        }
        match self.course.next() {
            Next::At(until) => Next::At(until.min(self.wake_at)),
            next => next,
        }
    }
}

impl<D: Dialect> Measured for Contended<D> {
    fn stage(&self) -> Stage {
        self.course.stage()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.course.tally
    }
}

#[cfg(test)]
mod tests;
