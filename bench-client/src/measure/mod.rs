//! What is measured: pure containers that merge. No clock, no IO.

pub mod counters;
pub mod kind;
pub mod series;
pub mod support;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::nanos::Nanos;
pub use counters::Counters;
pub use kind::Kind;
pub use series::{Second, Series};

/// Significant decimal digits that histograms keep.
pub const DIGITS: u8 = 3;
/// Spans are recorded from 1 ns to this; longer ones count as this long.
pub const SPAN_MAX: Nanos = Nanos(3_600 * 1_000_000_000);

/// A histogram of nanoseconds.
///
/// # Panics
/// Never: the bounds are constants that the library takes.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, SPAN_MAX.0, DIGITS).expect("the bounds are constants")
}

/// Latencies of one kind of operation.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// From when the operation should have begun to its answer: what a user feels.
    pub intended: Histogram<u64>,
    /// From when it was sent to its answer: what the server and the network took.
    pub sent: Histogram<u64>,
}

/// What one thread measured, or all of them merged.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Per kind of operation, in the order of [`Kind::ALL`].
    pub kinds: Vec<Latencies>,
    /// Answers other than success, by wire status code.
    pub refused: BTreeMap<u16, u64>,
    /// Cycles that were due in the measured time and ended, whatever their outcome.
    pub cycles: u64,
    /// Cycles that ended in the measured time, whenever they were due: of a loop that asks for more
    /// than the server can do these are others.
    pub ended: u64,
    /// Requests sent and answered in the measured time, all kinds.
    pub answered: u64,
    /// Grants per client, by the client's number over all threads.
    pub grants: Vec<u64>,
    /// Longest time from an acquire's first byte to its grant.
    pub longest_wait: Nanos,
    /// Open loop: from when a cycle should have begun to when it did.
    pub lag: Histogram<u64>,
    /// Open loop: cycles given up because too many were behind.
    pub dropped: u64,
    /// Requests that never got an answer though their connection lived.
    pub unanswered: u64,
    /// Connections that ended though nobody wanted it.
    pub broken: u64,
    /// Connections that ended and were opened anew, of a run that survives that.
    pub reconnects: u64,
    /// Holds that the server said were lost.
    pub lost: u64,
    /// Connections open at the common start, by the shard that served them.
    pub shards: BTreeMap<u16, u32>,
    /// Rates and latencies per second.
    pub series: Series,
}

impl Latencies {
    fn new() -> Self {
        Self {
            intended: histogram(),
            sent: histogram(),
        }
    }
}

impl Measures {
    /// Nothing measured yet, for so many clients over all threads.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self {
            kinds: Kind::ALL.iter().map(|_| Latencies::new()).collect(),
            refused: BTreeMap::new(),
            cycles: 0,
            ended: 0,
            answered: 0,
            grants: vec![0; clients as usize],
            longest_wait: Nanos::ZERO,
            lag: histogram(),
            dropped: 0,
            unanswered: 0,
            broken: 0,
            reconnects: 0,
            lost: 0,
            shards: BTreeMap::new(),
            series: Series::default(),
        }
    }

    /// One operation was answered.
    #[inline]
    pub fn done(&mut self, kind: Kind, intended: Nanos, sent: Nanos, now: Nanos) {
        let latencies = &mut self.kinds[kind.index()];
        latencies.intended.saturating_record(now.since(intended).0);
        latencies.sent.saturating_record(now.since(sent).0);
    }

    /// Latencies of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &Latencies {
        &self.kinds[kind.index()]
    }

    /// Adds what another thread measured in the same run.
    ///
    /// # Panics
    /// If the two are of runs with different numbers of clients.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.grants.len(), other.grants.len(), "of one run");
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            mine.intended += &theirs.intended;
            mine.sent += &theirs.sent;
        }
        for (status, count) in &other.refused {
            *self.refused.entry(*status).or_default() += count;
        }
        for (mine, theirs) in self.grants.iter_mut().zip(&other.grants) {
            *mine += theirs;
        }
        for (shard, connections) in &other.shards {
            *self.shards.entry(*shard).or_default() += connections;
        }
        self.cycles += other.cycles;
        self.ended += other.ended;
        self.answered += other.answered;
        self.longest_wait = self.longest_wait.max(other.longest_wait);
        self.lag += &other.lag;
        self.dropped += other.dropped;
        self.unanswered += other.unanswered;
        self.broken += other.broken;
        self.reconnects += other.reconnects;
        self.lost += other.lost;
        self.series.merge(&other.series);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_counts_both() {
        let mut one = Measures::new(2);
        let mut two = Measures::new(2);
        one.done(Kind::Acquire, Nanos(10), Nanos(20), Nanos(1_020));
        two.done(Kind::Acquire, Nanos(10), Nanos(20), Nanos(5_020));
        two.refused.insert(1, 3);
        two.grants[1] = 7;
        one.merge(&two);
        assert_eq!(one.of(Kind::Acquire).sent.len(), 2);
        assert_eq!(one.of(Kind::Acquire).sent.max(), 5_003, "3 digits are kept");
        assert_eq!(one.refused[&1], 3);
        assert_eq!(one.grants, [0, 7]);
    }
}
