//! What every load of a comparison has in common: its connections, each with its dialect, the
//! stages of its run, and what it counts. Pure.

use crate::nanos::Nanos;
use crate::traffic::{Close, End, Io, Next, Wish};

use super::dialect::{Answer, Dialect};
use super::stages::{Stage, Stages, Timing};
use super::tally::Tally;

/// What a tick leaves to the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Nothing,
    /// All connections are ready: the load begins.
    Begin,
    /// Nothing new is to be asked for from here on.
    Finish,
}

/// Connections, stages and counts of one run.
#[derive(Debug)]
pub struct Course<D> {
    /// One per connection.
    pub dialects: Vec<D>,
    /// What was counted so far.
    pub tally: Tally,
    stages: Stages,
    /// Connections that requests may be sent on.
    ready: usize,
    /// What a peer must be told for its protocol's sake; kept for its memory.
    said: Vec<u8>,
}

impl<D: Dialect> Course<D> {
    /// A run that has not begun, with one dialect per connection.
    #[must_use]
    pub fn new(timing: Timing, dialects: Vec<D>) -> Self {
        Self {
            dialects,
            tally: Tally::default(),
            stages: Stages::new(timing),
            ready: 0,
            said: Vec::new(),
        }
    }

    /// Where the run is.
    #[inline]
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stages.now()
    }

    /// Whether what ends now counts.
    #[inline]
    #[must_use]
    pub fn is_measuring(&self) -> bool {
        self.stages.now() == Stage::Measuring
    }

    /// Whether clients begin new pairs.
    #[inline]
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        self.stages.is_loading()
    }

    /// What the run waits for.
    #[must_use]
    pub fn next(&self) -> Next {
        self.stages.next()
    }

    /// A request was refused for want of room.
    pub fn refused(&mut self) {
        self.tally.refused += u64::from(self.is_measuring());
    }

    /// A connection is open: greets, where the peer wants that.
    pub fn opened(&mut self, connection: usize, io: &mut Io) {
        let dialect = &mut self.dialects[connection];
        if dialect.ready() {
            self.ready += 1;
        } else {
            dialect.greet(io.out(connection));
        }
    }

    /// Takes whole messages off the front of `bytes` and adds what they answer to `answers`; tells
    /// how many bytes it took.
    #[inline]
    pub fn hear(
        &mut self,
        connection: usize,
        bytes: &[u8],
        answers: &mut Vec<Answer>,
        io: &mut Io,
    ) -> usize {
        let dialect = &mut self.dialects[connection];
        let was_ready = dialect.ready();
        let taken = match dialect.parse(bytes, &mut self.said, answers) {
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

    /// A connection ended, and with it the run.
    pub fn closed(&mut self, connection: usize, end: End) {
        self.tally.closed(connection, end);
        self.stages.end();
    }

    /// Moves on; `busy` requests or clients wait for an answer.
    pub fn tick(&mut self, now: Nanos, busy: usize, io: &mut Io) -> Turn {
        let before = self.stages.now();
        let connections = 0..self.dialects.len();
        if self.stages.next() == Next::Bytes {
            connections
                .clone()
                .for_each(|connection| io.wish(Wish::Connect(connection)));
        }
        let is_ready = self.ready == self.dialects.len();
        match (before, self.stages.tick(now, is_ready, busy == 0)) {
            (Stage::Greeting, Stage::Warming) => return Turn::Begin,
            (Stage::Greeting, Stage::Over) => self.tally.trouble("a greeting was not answered"),
            (Stage::Measuring, Stage::Finishing) => return Turn::Finish,
            (Stage::Finishing, Stage::Over) => {
                self.tally.lost = u64::try_from(busy).expect("widens");
                connections.for_each(|connection| {
                    io.wish(Wish::Close(connection, Close::Orderly));
                });
            }
            _ => {}
        }
        Turn::Nothing
    }
}
