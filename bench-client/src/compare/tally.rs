//! What one run of one peer counted. Pure.

use hdrhistogram::Histogram;

use crate::measure::histogram;
use crate::nanos::Nanos;
use crate::traffic::{End, Traffic};

use super::stages::Stage;

/// Counts of a run's measured time.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Pairs that ended: acquired and released.
    pub pairs: u64,
    /// Acquires that somebody else's hold refused.
    pub not_got: u64,
    /// Requests that the peer refused for want of room just now.
    pub refused: u64,
    /// Requests that were not answered in time, at the end of the run.
    pub lost: u64,
    /// From a pair's first byte to its last answer; for a baton, a round trip.
    pub latency: Histogram<u64>,
    /// From a release to the next grant of its key.
    pub handoff: Histogram<u64>,
    /// Grants per client, where clients share a key.
    pub grants: Vec<u64>,
    /// The first thing that should not have happened.
    pub trouble: Option<String>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            pairs: 0,
            not_got: 0,
            refused: 0,
            lost: 0,
            latency: histogram(),
            handoff: histogram(),
            grants: Vec::new(),
            trouble: None,
        }
    }
}

impl Tally {
    /// A pair ended.
    #[inline]
    pub fn pair(&mut self, began: Nanos, now: Nanos) {
        self.pairs += 1;
        self.latency.saturating_record(now.since(began).0);
    }

    /// Something went wrong; the first such thing is kept.
    pub fn trouble(&mut self, what: impl Into<String>) {
        self.trouble.get_or_insert_with(|| what.into());
    }

    /// A connection ended.
    pub fn closed(&mut self, connection: usize, end: End) {
        self.trouble(match end {
            End::NotOpened(error) => format!("connection {connection} refused, error {error}"),
            End::Eof => format!("the server closed connection {connection}"),
            End::Broken(error) => format!("connection {connection} broke, error {error}"),
        });
    }
}

/// A load whose server's cost is read at the borders of its measured time.
pub trait Measured: Traffic {
    /// Where it is.
    fn stage(&self) -> Stage;

    /// What it counted.
    fn tally(&mut self) -> &mut Tally;
}
