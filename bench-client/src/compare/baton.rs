//! One frame that goes round over all connections to an echo server: what a hand-off from one
//! connection to the next costs at least. Pure.
//!
//! One frame is under way at a time, as one lock is held at a time. That is the strictest reading
//! of "the echo's round trip at the same connections": with all of them busy it would be longer.

use crate::nanos::Nanos;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

use super::dialect::{Asking, Dialect};
use super::stages::{Stage, Stages, Timing};
use super::tally::{Measured, Tally};

/// The load of one run.
#[derive(Debug)]
pub struct Baton<D> {
    dialects: Vec<D>,
    stages: Stages,
    opened: usize,
    sent_at: Nanos,
    is_under_way: bool,
    tally: Tally,
}

impl<D: Dialect> Baton<D> {
    /// A run with one dialect per connection, which needs no greeting.
    #[must_use]
    pub fn new(timing: Timing, dialects: Vec<D>) -> Self {
        Self {
            dialects,
            stages: Stages::new(timing),
            opened: 0,
            sent_at: Nanos::ZERO,
            is_under_way: false,
            tally: Tally::default(),
        }
    }

    fn pass(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        self.sent_at = now;
        self.is_under_way = true;
        self.dialects[connection].acquire(0, 0, Asking::Try, io.out(connection));
    }
}

impl<D: Dialect> Traffic for Baton<D> {
    fn opened(&mut self, _connection: usize, _now: Nanos, _io: &mut Io) {
        self.opened += 1;
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let mut answers = Vec::new();
        let parsed = self.dialects[connection].parse(bytes, &mut Vec::new(), &mut answers);
        let taken = parsed.unwrap_or_else(|broken| {
            self.tally.trouble(broken.0);
            self.stages.end();
            bytes.len()
        });
        if answers.is_empty() {
            return taken;
        }
        self.is_under_way = false;
        if self.stages.now() == Stage::Measuring {
            self.tally.pair(self.sent_at, now);
        }
        if self.stages.is_loading() {
            self.pass((connection + 1) % self.dialects.len(), now, io);
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
        let is_ready = self.opened == self.dialects.len();
        match (before, self.stages.tick(now, is_ready, !self.is_under_way)) {
            (Stage::Greeting, Stage::Warming) => self.pass(0, now, io),
            (Stage::Greeting, Stage::Over) => self.tally.trouble("a connection did not open"),
            (Stage::Finishing, Stage::Over) => {
                self.tally.lost = u64::from(self.is_under_way);
                (0..self.dialects.len())
                    .for_each(|connection| io.wish(Wish::Close(connection, Close::Orderly)));
            }
            _ => {}
        }
        self.stages.next()
    }
}

impl<D: Dialect> Measured for Baton<D> {
    fn stage(&self) -> Stage {
        self.stages.now()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::peers::echo::Echo;

    #[test]
    fn the_baton_goes_round_and_each_trip_is_measured() {
        let timing = Timing {
            greeting_max: Nanos(1_000),
            warmup: Nanos(10),
            measured: Nanos(100),
            finishing_max: Nanos(100),
        };
        let mut baton = Baton::new(timing, vec![Echo::new(1), Echo::new(1), Echo::new(1)]);
        let mut io = Io::new(3);
        baton.tick(Nanos(0), &mut io);
        (0..3).for_each(|connection| baton.opened(connection, Nanos(0), &mut io));
        let mut now = 0;
        let mut visited = Vec::new();
        while baton.tick(Nanos(now), &mut io) != Next::Finished {
            let mut sent = Vec::new();
            io.flush(|connection, out| sent.push((connection, std::mem::take(out))));
            assert_eq!(sent.len(), 1, "one frame is under way");
            let (connection, bytes) = sent.remove(0);
            visited.push(connection);
            now += 7;
            assert_eq!(baton.received(connection, &bytes, Nanos(now), &mut io), 64);
        }
        assert_eq!(visited[..5], [0, 1, 2, 0, 1]);
        let tally = baton.tally();
        assert_eq!((tally.lost, tally.trouble.clone()), (0, None));
        assert_eq!((tally.latency.min(), tally.latency.max()), (7, 7));
        assert!((13..=15).contains(&tally.pairs), "{}", tally.pairs);
    }
}
