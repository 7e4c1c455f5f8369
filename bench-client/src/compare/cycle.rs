//! The uncontended pair: each client acquires and releases keys that nobody else asks for, one pair
//! after the other. Pure.
//!
//! Requests of one connection that became due by one read leave in one write, for every peer alike.

use std::mem;

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

use super::dialect::{Answer, Asking, Dialect, Outcome};
use super::shape::{Shape, Style};
use super::stages::{Stage, Stages, Timing};
use super::tally::{Measured, Tally};

/// One client: a place of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    key: u32,
    began: Nanos,
    /// Answers that are still to come for this pair.
    awaited: u8,
}

/// The load of one run.
#[derive(Debug)]
pub struct Cycle<D> {
    shape: Shape,
    /// Keys that each client draws from.
    keys_each: u32,
    dialects: Vec<D>,
    clients: Vec<Client>,
    dice: Dice,
    stages: Stages,
    ready: usize,
    busy: usize,
    tally: Tally,
    answers: Vec<Answer>,
    said: Vec<u8>,
}

impl<D: Dialect> Cycle<D> {
    /// A run with one dialect per connection; each client gets its share of `keys`, at least one.
    #[must_use]
    pub fn new(shape: Shape, timing: Timing, keys: u32, seed: u64, dialects: Vec<D>) -> Self {
        Self {
            shape,
            keys_each: (keys / shape.clients()).max(1),
            dialects,
            clients: vec![Client::default(); shape.clients() as usize],
            dice: Dice::new(seed),
            stages: Stages::new(timing),
            ready: 0,
            busy: 0,
            tally: Tally::default(),
            answers: Vec::new(),
            said: Vec::new(),
        }
    }

    fn index(&self, connection: usize, place: u16) -> usize {
        connection * usize::from(self.shape.depth) + usize::from(place)
    }

    fn begin(&mut self, connection: usize, place: u16, now: Nanos, io: &mut Io) {
        let index = self.index(connection, place);
        let number = u32::try_from(index).expect("as many as the shape has");
        // Keys are dealt in turn: a client's are those that leave its number as the rest.
        let key = self.dice.below(self.keys_each) * self.shape.clients() + number;
        let out = io.out(connection);
        let dialect = &mut self.dialects[connection];
        dialect.acquire(place, key, Asking::Try, out);
        let mut awaited = 1;
        if self.shape.style == Style::OneWrite {
            dialect.release(place, key, out);
            awaited = 2;
        }
        self.busy += 1;
        self.clients[index] = Client {
            key,
            began: now,
            awaited,
        };
    }

    /// Takes an answer; whether something was said to the connection.
    fn answered(&mut self, connection: usize, answer: Answer, now: Nanos, io: &mut Io) -> bool {
        let index = self.index(connection, answer.place);
        let client = &mut self.clients[index];
        if client.awaited == 0 {
            self.tally.trouble("a second answer to one request");
            return false;
        }
        client.awaited -= 1;
        match answer.outcome {
            Outcome::Got if self.shape.style == Style::TwoTrips => {
                client.awaited = 1;
                let out = io.out(connection);
                self.dialects[connection].release(answer.place, client.key, out);
                return true;
            }
            Outcome::Got | Outcome::Released => {}
            Outcome::NotGot => {
                self.tally.not_got += 1;
                self.tally.trouble("a key of one client alone was held");
            }
            Outcome::Failed(said) => self.tally.trouble(said),
        }
        if client.awaited > 0 {
            return false;
        }
        self.busy -= 1;
        if self.stages.now() == Stage::Measuring {
            self.tally.pair(client.began, now);
        }
        if self.stages.is_loading() {
            self.begin(connection, answer.place, now, io);
        }
        self.stages.is_loading()
    }

    fn begin_all(&mut self, now: Nanos, io: &mut Io) {
        for connection in 0..self.dialects.len() {
            for place in 0..self.shape.depth {
                self.begin(connection, place, now, io);
            }
            self.dialects[connection].end_write(io.out(connection));
        }
    }

    fn parse(&mut self, connection: usize, bytes: &[u8], io: &mut Io) -> usize {
        let dialect = &mut self.dialects[connection];
        let was_ready = dialect.ready();
        let taken = match dialect.parse(bytes, &mut self.said, &mut self.answers) {
            Ok(taken) => taken,
            Err(broken) => {
                self.tally.trouble(broken.0);
                self.stages.end();
                bytes.len()
            }
        };
        self.ready += usize::from(!was_ready && self.dialects[connection].ready());
        if !self.said.is_empty() {
            io.out(connection).append(&mut self.said);
        }
        taken
    }
}

impl<D: Dialect> Traffic for Cycle<D> {
    fn opened(&mut self, connection: usize, _now: Nanos, io: &mut Io) {
        let dialect = &mut self.dialects[connection];
        if dialect.ready() {
            self.ready += 1;
        } else {
            dialect.greet(io.out(connection));
        }
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let taken = self.parse(connection, bytes, io);
        let mut answers = mem::take(&mut self.answers);
        let mut has_said = false;
        for answer in answers.drain(..) {
            has_said |= self.answered(connection, answer, now, io);
        }
        self.answers = answers;
        if has_said {
            self.dialects[connection].end_write(io.out(connection));
        }
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
        match (before, self.stages.tick(now, is_ready, self.busy == 0)) {
            (Stage::Greeting, Stage::Warming) => self.begin_all(now, io),
            (Stage::Greeting, Stage::Over) => self.tally.trouble("a greeting was not answered"),
            (Stage::Finishing, Stage::Over) => {
                self.tally.lost = u64::try_from(self.busy).expect("widens");
                (0..self.dialects.len())
                    .for_each(|connection| io.wish(Wish::Close(connection, Close::Orderly)));
            }
            _ => {}
        }
        self.stages.next()
    }
}

impl<D: Dialect> Measured for Cycle<D> {
    fn stage(&self) -> Stage {
        self.stages.now()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

#[cfg(test)]
mod tests;
