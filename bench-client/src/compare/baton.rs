//! One frame that goes round over all connections to an echo server: what a hand-off from one
//! connection to the next costs at least. Pure.
//!
//! One frame is under way at a time, as one lock is held at a time. That is the strictest reading
//! of "the echo's round trip at the same connections": with all of them busy it would be longer.

use crate::nanos::Nanos;
use crate::traffic::{End, Io, Next, Traffic};

use super::course::{Course, Turn};
use super::dialect::{Answer, Asking, Dialect};
use super::stages::{Stage, Timing};
use super::tally::{Measured, Tally};

/// The load of one run.
#[derive(Debug)]
pub struct Baton<D> {
    course: Course<D>,
    sent_at: Nanos,
    is_under_way: bool,
    answers: Vec<Answer>,
}

impl<D: Dialect> Baton<D> {
    /// A run with one dialect per connection.
    #[must_use]
    pub fn new(timing: Timing, dialects: Vec<D>) -> Self {
        Self {
            course: Course::new(timing, dialects),
            sent_at: Nanos::ZERO,
            is_under_way: false,
            answers: Vec::new(),
        }
    }

    fn pass(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        self.sent_at = now;
        self.is_under_way = true;
        let dialect = &mut self.course.dialects[connection];
        dialect.acquire(0, 0, Asking::Try, io.out(connection));
    }
}

impl<D: Dialect> Traffic for Baton<D> {
    fn opened(&mut self, connection: usize, _now: Nanos, io: &mut Io) {
        self.course.opened(connection, io);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let taken = self.course.hear(connection, bytes, &mut self.answers, io);
        if self.answers.is_empty() {
            return taken;
        }
        self.answers.clear();
        self.is_under_way = false;
        if self.course.is_measuring() {
            self.course.tally.pair(self.sent_at, now);
        }
        if self.course.is_loading() {
            self.pass((connection + 1) % self.course.dialects.len(), now, io);
        }
        taken
    }

    fn closed(&mut self, connection: usize, end: End, _now: Nanos, _io: &mut Io) {
        self.course.closed(connection, end);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.course.tick(now, usize::from(self.is_under_way), io) == Turn::Begin {
            self.pass(0, now, io);
        }
        self.course.next()
    }
}

impl<D: Dialect> Measured for Baton<D> {
    fn stage(&self) -> Stage {
        self.course.stage()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.course.tally
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
