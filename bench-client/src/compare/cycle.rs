//! The uncontended pair: each client acquires and releases keys that nobody else asks for, one pair
//! after the other. Pure.
//!
//! Requests of one connection that became due by one read leave in one write, for every peer alike.

use std::mem;

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::traffic::{End, Io, Next, Traffic};

use super::course::{Course, Turn};
use super::dialect::{Answer, Asking, Dialect, Outcome, Step};
use super::shape::{Shape, Style};
use super::stages::{Stage, Timing};
use super::tally::{Measured, Tally};

/// Numbers of keys end here: what is beyond is not distinct, or another's.
pub const KEYS_MAX: u32 = 90_000_000;

/// One client: a place of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    key: u32,
    began: Nanos,
    /// Answers that are still to come for this pair.
    pending: u8,
    /// The acquire was granted.
    is_granted: bool,
    /// The release found a hold.
    is_released: bool,
    /// The acquire was refused for want of room: the release finds nothing, as it must.
    is_refused: bool,
    /// The release found nothing.
    is_bare: bool,
}

/// The load of one run.
#[derive(Debug)]
pub struct Cycle<D> {
    shape: Shape,
    /// Keys that each client draws from.
    keys_each: u32,
    course: Course<D>,
    clients: Vec<Client>,
    dice: Dice,
    busy: usize,
    answers: Vec<Answer>,
}

impl<D: Dialect> Cycle<D> {
    /// A run with one dialect per connection; each client gets its share of `keys`, at least one.
    #[must_use]
    pub fn new(shape: Shape, timing: Timing, keys: u32, seed: u64, dialects: Vec<D>) -> Self {
        Self {
            shape,
            keys_each: (keys / shape.clients()).max(1),
            course: Course::new(timing, dialects),
            clients: vec![Client::default(); shape.clients() as usize],
            dice: Dice::new(seed),
            busy: 0,
            answers: Vec::new(),
        }
    }

    fn index(&self, connection: usize, place: u16) -> usize {
        connection * usize::from(self.shape.depth) + usize::from(place)
    }

    /// Draws a key for a client. Keys are dealt in turn: a client's are those that leave its number
    /// as the rest. Where its connection does not ask for all keys, each draw stands for the first
    /// of a row that it does ask for, so that as many keys as ever are drawn from.
    fn draw(&mut self, connection: usize, number: u32) -> u32 {
        let clients = self.shape.clients();
        let mut key = self.dice.below(self.keys_each) * clients + number;
        while !self.course.dialects[connection].takes(key) {
            key += self.keys_each * clients;
            if key >= KEYS_MAX {
                key = self.dice.below(self.keys_each) * clients + number;
            }
        }
        key
    }

    fn begin(&mut self, connection: usize, place: u16, now: Nanos, io: &mut Io) {
        let index = self.index(connection, place);
        let number = u32::try_from(index).expect("as many as the shape has");
        let key = self.draw(connection, number);
        let out = io.out(connection);
        let dialect = &mut self.course.dialects[connection];
        dialect.acquire(place, key, Asking::Try, out);
        let mut pending = 1;
        if self.shape.style == Style::OneWrite {
            dialect.release(place, key, out);
            pending = 2;
        }
        self.busy += 1;
        self.clients[index] = Client {
            key,
            began: now,
            pending,
            ..Client::default()
        };
    }

    /// Takes an answer; whether something was said to the connection.
    fn answered(&mut self, connection: usize, answer: Answer, now: Nanos, io: &mut Io) -> bool {
        let index = self.index(connection, answer.place);
        let client = &mut self.clients[index];
        if client.pending == 0 {
            self.course.tally.trouble("a second answer to one request");
            return false;
        }
        client.pending -= 1;
        match answer.outcome {
            Outcome::Got => client.is_granted = true,
            Outcome::Released => client.is_released = true,
            Outcome::NotHeld => client.is_bare = true,
            Outcome::Refused(step) => {
                client.is_refused |= step == Step::Acquire;
                self.course.refused();
            }
            Outcome::NotGot => {
                self.course.tally.not_got += 1;
                self.course
                    .tally
                    .trouble("a key of one client alone was held");
            }
            Outcome::Failed(said) => {
                // Nothing is tried again.
                client.is_released = true;
                self.course.tally.trouble(said);
            }
        }
        if self.clients[index].pending > 0 {
            return false;
        }
        self.all_answered(connection, answer.place, now, io)
    }

    /// A client waits for no answer: releases what it holds, else ends its pair and begins another.
    fn all_answered(&mut self, connection: usize, place: u16, now: Nanos, io: &mut Io) -> bool {
        let index = self.index(connection, place);
        let client = &mut self.clients[index];
        if client.is_bare && !client.is_refused {
            let why = "a release found nothing to release";
            self.course.tally.trouble(why);
        } else if client.is_granted && !client.is_released {
            // It goes with the grant, or was refused before.
            client.pending = 1;
            let dialect = &mut self.course.dialects[connection];
            dialect.release(place, client.key, io.out(connection));
            return true;
        }
        self.busy -= 1;
        if client.is_granted && self.course.is_measuring() {
            self.course.tally.pair(client.began, now);
        }
        if self.course.is_loading() {
            self.begin(connection, place, now, io);
        }
        self.course.is_loading()
    }

    fn begin_all(&mut self, now: Nanos, io: &mut Io) {
        for connection in 0..self.course.dialects.len() {
            for place in 0..self.shape.depth {
                self.begin(connection, place, now, io);
            }
            self.course.dialects[connection].end_write(io.out(connection));
        }
    }
}

impl<D: Dialect> Traffic for Cycle<D> {
    fn opened(&mut self, connection: usize, _now: Nanos, io: &mut Io) {
        self.course.opened(connection, io);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let taken = self.course.hear(connection, bytes, &mut self.answers, io);
        let mut answers = mem::take(&mut self.answers);
        let mut has_said = false;
        for answer in answers.drain(..) {
            has_said |= self.answered(connection, answer, now, io);
        }
        self.answers = answers;
        if has_said {
            self.course.dialects[connection].end_write(io.out(connection));
        }
        taken
    }

    fn closed(&mut self, connection: usize, end: End, _now: Nanos, _io: &mut Io) {
        self.course.closed(connection, end);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.course.tick(now, self.busy, io) == Turn::Begin {
            self.begin_all(now, io);
        }
        self.course.next()
    }
}

impl<D: Dialect> Measured for Cycle<D> {
    fn stage(&self) -> Stage {
        self.course.stage()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.course.tally
    }
}

#[cfg(test)]
mod tests;
