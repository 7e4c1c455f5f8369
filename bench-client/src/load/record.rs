//! What is measured, and when.
//!
//! An operation counts if it was due in the measured time, whatever the server made of it, or if it
//! was answered in it: a server that is asked for more than it can do answers what was due long
//! before.

use crate::measure::{Kind, Measures};
use crate::nanos::Nanos;

/// One operation that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub(super) kind: Kind,
    /// When it should have begun.
    pub(super) intended: Nanos,
    /// When it was sent.
    pub(super) sent: Nanos,
    /// When its answer came.
    pub(super) now: Nanos,
}

/// Measures, and the time in which they count.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) measures: Measures,
    /// The common start: the series counts from here.
    begin: Nanos,
    /// The measured time, its end excluded.
    from: Nanos,
    to: Nanos,
    /// When the last answer came.
    last: Nanos,
}

impl Record {
    /// Nothing counts before [`Record::begin`].
    pub(super) fn new(clients: u32) -> Self {
        Self {
            measures: Measures::new(clients),
            begin: Nanos::FOREVER,
            from: Nanos::FOREVER,
            to: Nanos::FOREVER,
            last: Nanos::ZERO,
        }
    }

    /// Sets the common start and the measured time.
    pub(super) fn begin(&mut self, begin: Nanos, from: Nanos, to: Nanos) {
        (self.begin, self.from, self.to) = (begin, from, to);
    }

    /// Ends the measured time early.
    pub(super) fn end(&mut self, at: Nanos) {
        self.to = self.to.min(at);
    }

    /// Ends the measured time with the last answer, once nothing is left to be done.
    pub(super) fn end_with_last(&mut self) {
        if self.from != Nanos::FOREVER {
            self.to = self.to.min(self.last.max(self.from));
        }
    }

    /// The measured time.
    pub(super) fn window(&self) -> (Nanos, Nanos) {
        (self.from, self.to)
    }

    /// Whether an instant lies in the measured time.
    #[inline]
    pub(super) fn covers(&self, instant: Nanos) -> bool {
        (self.from..self.to).contains(&instant)
    }

    /// Whether an operation counts that was due at one instant and answered at another.
    #[inline]
    fn counts(&self, intended: Nanos, now: Nanos) -> bool {
        self.covers(intended) || self.covers(now)
    }

    /// A request was answered with what it asked for.
    #[inline]
    pub(super) fn succeeded(&mut self, answered: Answered) {
        self.answer(answered, false);
    }

    /// A request was answered, with this status.
    pub(super) fn refused(&mut self, answered: Answered, status: u16) {
        self.answer(answered, true);
        if self.counts(answered.intended, answered.now) {
            *self.measures.refused.entry(status).or_default() += 1;
        }
    }

    #[inline]
    fn answer(&mut self, answered: Answered, refused: bool) {
        let Answered {
            kind,
            intended,
            sent,
            now,
        } = answered;
        if now < self.begin {
            return;
        }
        self.last = now;
        let latency = now.since(intended);
        self.measures
            .series
            .count(now.since(self.begin), latency, refused);
        self.measures.answered += u64::from(self.covers(now));
        if self.counts(intended, now) {
            self.measures.done(kind, intended, sent, now);
        }
    }

    /// A whole cycle went well. Its starts were moved later by the time of its hold.
    #[inline]
    pub(super) fn cycle(&mut self, began: Nanos, cycle: Answered) {
        if self.counts(began, cycle.now) {
            self.measures
                .done(cycle.kind, cycle.intended, cycle.sent, cycle.now);
        }
    }

    /// A cycle ended, whatever its outcome.
    #[inline]
    pub(super) fn cycle_over(&mut self, intended: Nanos, now: Nanos) {
        self.measures.cycles += u64::from(self.covers(intended));
        self.measures.ended += u64::from(self.covers(now));
    }

    /// An open loop began a cycle.
    #[inline]
    pub(super) fn lag(&mut self, intended: Nanos, now: Nanos) {
        if self.counts(intended, now) {
            let lag = now.since(intended).0;
            self.measures.lag.saturating_record(lag);
        }
    }

    /// An open loop gave up a cycle.
    pub(super) fn dropped(&mut self, intended: Nanos) {
        self.measures.dropped += u64::from(self.covers(intended));
    }

    /// A client had a grant: its number over all threads.
    #[inline]
    pub(super) fn grant(&mut self, client: u32, intended: Nanos, sent: Nanos, now: Nanos) {
        if self.counts(intended, now) {
            self.measures.grants[client as usize] += 1;
            let wait = now.since(sent);
            self.measures.longest_wait = self.measures.longest_wait.max(wait);
        }
    }
}
