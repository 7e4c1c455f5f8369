//! One run of one contestant in one round, and whether it counts. Pure.

use hdrhistogram::Histogram;

use crate::measure::Counters;
use crate::nanos::Nanos;

use super::contestant::Contestant;
use super::shape::{Shape, Style};
use super::tally::Tally;

/// The least share of its core that a saturated server must have had.
pub const CORE_SHARE_MIN: f64 = 0.9;
/// A generator busier than this is flagged: then only processor time per request may be quoted.
pub const GENERATOR_SHARE_MAX: f64 = 0.9;

/// Median and 99th percentile in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiles {
    /// Half of the values are at most this.
    pub p50: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
}

impl Quantiles {
    /// `None` of an empty histogram.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let p50 = histogram.value_at_quantile(0.5) as f64;
        let p99 = histogram.value_at_quantile(0.99) as f64;
        Some(Self { p50, p99 })
    }
}

/// Processor and wall time of a run's measured time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// How long it was.
    pub measured: Nanos,
    /// What the server took, all its processes and threads.
    pub server: Nanos,
    /// What the generator's thread took, less the time it looked for events in vain.
    pub generator: Nanos,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What was said.
    pub shape: Shape,
    /// To whom.
    pub contestant: Contestant,
    /// Counted from 0.
    pub round: u32,
    /// What it cost.
    pub costs: Costs,
    /// Pairs that ended; grants where one key is wanted by all; frames of a baton.
    pub pairs: u64,
    /// Acquires that another's hold refused.
    pub not_got: u64,
    /// Requests that the server refused for want of room: their pairs are none.
    pub refused: u64,
    /// What the server counted, greetings, warm-up and end included; `None` if it does not.
    pub counted: Option<Counters>,
    /// Requests without an answer.
    pub lost: u64,
    /// The first thing that should not have happened.
    pub trouble: Option<String>,
    /// Of whole pairs, of a baton's trips.
    pub latency: Option<Quantiles>,
    /// From a release to the next grant.
    pub handoff: Option<Quantiles>,
    /// Grants of the client with the fewest and of the one with the most.
    pub grants: Option<(u64, u64)>,
}

/// Whether a run counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Counts,
    /// It was meant to saturate the server, which had less than its core.
    Unsaturated,
    /// Something was lost or went wrong.
    Invalid(String),
}

impl Sample {
    /// What a run's tally and costs say.
    #[must_use]
    pub fn new(
        shape: Shape,
        contestant: Contestant,
        round: u32,
        tally: &Tally,
        costs: Costs,
    ) -> Self {
        let grants = tally.grants.iter().copied();
        Self {
            shape,
            contestant,
            round,
            costs,
            pairs: tally.pairs,
            not_got: tally.not_got,
            refused: tally.refused,
            counted: None,
            lost: tally.lost,
            trouble: tally.trouble.clone(),
            latency: Quantiles::of(&tally.latency),
            handoff: Quantiles::of(&tally.handoff),
            grants: grants.clone().min().zip(grants.max()),
        }
    }

    /// Pairs, or grants, per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.pairs as f64 / self.costs.measured.seconds()
    }

    /// The server's processor time per pair, or per grant, in nanoseconds.
    #[must_use]
    pub fn cpu_per_pair(&self) -> f64 {
        self.costs.server.0 as f64 / self.pairs as f64
    }

    /// The server's processor time per request in nanoseconds: a pair is two.
    #[must_use]
    pub fn cpu_per_request(&self) -> f64 {
        self.cpu_per_pair() / 2.0
    }

    /// Share of the requests that the server refused for want of room.
    #[must_use]
    pub fn refused_share(&self) -> f64 {
        let refused = self.refused as f64;
        refused / (2.0 * self.pairs as f64 + refused)
    }

    /// Share of a core that the server took.
    #[must_use]
    pub fn core_share(&self) -> f64 {
        self.costs.server.seconds() / self.costs.measured.seconds()
    }

    /// Share of its core that the generator took.
    #[must_use]
    pub fn generator_share(&self) -> f64 {
        self.costs.generator.seconds() / self.costs.measured.seconds()
    }

    /// Whether the generator was so busy that only processor time per request may be quoted.
    #[must_use]
    pub fn is_generator_bound(&self) -> bool {
        self.generator_share() > GENERATOR_SHARE_MAX
    }

    /// Whether it counts.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if let Some(trouble) = &self.trouble {
            return Verdict::Invalid(trouble.clone());
        }
        if self.lost > 0 {
            return Verdict::Invalid(format!("{} requests without an answer", self.lost));
        }
        if self.pairs == 0 || self.costs.measured == Nanos::ZERO {
            return Verdict::Invalid("nothing was measured".to_owned());
        }
        let must_saturate = self.shape.is_pipelined()
            && self.shape.style == Style::OneWrite
            && self.contestant.peer.is_one_thread();
        if must_saturate && self.core_share() < CORE_SHARE_MIN {
            return Verdict::Unsaturated;
        }
        Verdict::Counts
    }
}
