//! The report of a run as programs read it: what `--json` writes. Pure.
//!
//! **Stability.** The schema has a number, [`SCHEMA`]. Fields may be added under the same number;
//! readers skip those they do not know. A field that goes away, or means or holds something else,
//! takes the next number. Spans are in nanoseconds, `_ns`, or in seconds, `_s`, as their names
//! say; shares are of 1; what cannot be told is null. Numbers stay below 2^53, but for the seed,
//! which is text.

mod configuration;
mod costs;
mod distribution;
mod errors;
mod fairness;
mod seconds;
mod warnings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::{self, RunFacts};
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::plan::{Pace, Stop};
pub use configuration::{Configuration, Difference, main_kind};
pub use costs::{Generator, GeneratorThread, Machine, Server};
pub use distribution::Distribution;
pub use errors::{Errors, Refused};
pub use fairness::Fairness;
pub use seconds::{OneSecond, Part, Seconds};
pub use warnings::{Warning, Weight};

/// Number of the schema that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// A run's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Program and version that wrote it.
    pub program: String,
    /// When the run began: seconds since 1970, UTC.
    pub began_unix: u64,
    /// Its command line, word by word.
    pub command: Vec<String>,
    /// Address of the server.
    pub target: String,
    /// What the run is worth.
    pub verdict: Verdict,
    /// How it ended.
    pub ending: Ending,
    /// What to know before quoting it, the weightiest first.
    pub warnings: Vec<Warning>,
    /// What was asked for.
    pub configuration: Configuration,
    /// Where it ran.
    pub machine: Machine,
    /// How much was done.
    pub rates: Rates,
    /// Kind of operation that the mode is about: its latency is what an SLO without a kind judges.
    pub main_kind: String,
    /// Latencies, of the kinds that occurred.
    pub latencies: Vec<KindLatency>,
    /// From a release to the next grant of its key that waited for it; null if there was none.
    pub handoff: Option<Distribution>,
    /// Open loop: from when cycles should have begun to when they did.
    pub lag: Option<Distribution>,
    /// Grants per client; null if there was no grant.
    pub fairness: Option<Fairness>,
    /// What did not go well.
    pub errors: Errors,
    /// The server's cost; null if its process is not known.
    pub server: Option<Server>,
    /// The generator's cost.
    pub generator: Generator,
    /// How the connections lay on the server's shards when the run began; shards without one are
    /// left out.
    #[serde(default)]
    pub shards: Vec<Shard>,
    /// What the safety check did.
    pub checks: Checks,
    /// Second by second, from the run's begin, warm-up included.
    pub series: Seconds,
}

/// What a run is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its figures may be quoted.
    Sound,
    /// Its figures may be quoted with its warnings.
    Flagged,
    /// It ended early: its figures are of the part before.
    Partial,
    /// Its figures mean nothing: answers were lost, or there were none.
    Invalid,
    /// The server broke a promise of locks.
    Violation,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// `complete`, `interrupted`, `server-gone` or `violation`.
    pub how: How,
    /// What the system said, or the history of the key; else empty.
    pub what: String,
}

/// The ways in which runs end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// As planned.
    Complete,
    /// By the user.
    Interrupted,
    /// The server went away.
    ServerGone,
    /// By the safety check.
    Violation,
}

/// How much was done in the measured time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Length of the measured time.
    pub measured_s: f64,
    /// Length of the warm-up before it.
    pub warmup_s: f64,
    /// Requests answered.
    pub answered: u64,
    /// Of them per second.
    pub requests_per_s: f64,
    /// Cycles that ended in the measured time or, if these are more, that were due in it and ended.
    pub cycles: u64,
    /// Of them per second.
    pub cycles_per_s: f64,
    /// Open loop: cycles per second asked for on the average of the measured time, which a ramp
    /// makes less than the rate.
    pub asked_per_s: Option<f64>,
}

/// Latencies of a kind of operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindLatency {
    /// `acquire` (granted: its time to grant), `denied`, `release`, `cycle` (acquire to answered
    /// release without the hold), `renew`, `open` or `read`.
    pub kind: String,
    /// From when it should have begun to its answer: what a user feels.
    pub intended: Distribution,
    /// From when it was sent to its answer; null if it is the same, bucket by bucket.
    pub sent: Option<Distribution>,
}

/// A shard of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number.
    pub shard: u16,
    /// Connections that it served.
    pub connections: u32,
}

/// What the safety check did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Whether it was on.
    pub on: bool,
    /// Grants held against others.
    pub grants: u64,
    /// Tokens compared.
    pub tokens: u64,
    /// Grants whose order against an earlier waiter was checked.
    pub orders: u64,
    /// The longest time between two grants, to whomever, in nanoseconds.
    #[serde(default)]
    pub silence_ns: u64,
}

impl Report {
    /// Of the facts of a run.
    #[must_use]
    pub fn of(facts: &RunFacts<'_>) -> Self {
        let measures = facts.measures;
        let mut report = Self {
            schema: SCHEMA,
            program: concat!("locker-bench ", env!("CARGO_PKG_VERSION")).into(),
            began_unix: facts.began_unix,
            command: facts.command.to_vec(),
            target: facts.target.into(),
            verdict: Verdict::Sound,
            ending: Ending::of(&facts.ending),
            warnings: Vec::new(),
            configuration: Configuration::of(facts.plan),
            machine: Machine::of(&facts.host),
            rates: Rates::of(facts),
            main_kind: main_kind(facts.plan.workload.mode).name().into(),
            latencies: Kind::ALL
                .iter()
                .filter_map(|kind| KindLatency::of(facts, *kind))
                .collect(),
            handoff: Distribution::of(facts.handoff),
            lag: Distribution::of(&measures.lag),
            fairness: Fairness::of(measures),
            errors: Errors::of(measures),
            server: facts
                .server
                .as_ref()
                .map(|server| Server::of(server, facts)),
            generator: Generator::of(facts),
            shards: Shard::of(&measures.shards),
            checks: Checks::of(facts.checks),
            series: Seconds::of(facts),
        };
        report.warnings = warnings::of(&report);
        report.verdict = Verdict::of(&report);
        report
    }

    /// Latencies of a kind, if it occurred.
    #[must_use]
    pub fn latency(&self, kind: &str) -> Option<&KindLatency> {
        self.latencies.iter().find(|latency| latency.kind == kind)
    }
}

impl Verdict {
    fn of(report: &Report) -> Self {
        let worst = report.warnings.iter().map(|warning| warning.weight).max();
        match (report.ending.how, worst) {
            (How::Violation, _) => Self::Violation,
            (_, Some(Weight::Invalid)) => Self::Invalid,
            (How::Interrupted | How::ServerGone, _) => Self::Partial,
            (How::Complete, Some(Weight::Caution)) => Self::Flagged,
            (How::Complete, Some(Weight::Note) | None) => Self::Sound,
        }
    }
}

impl Ending {
    fn of(ending: &facts::Ending) -> Self {
        let (how, what) = match ending {
            facts::Ending::Complete => (How::Complete, String::new()),
            facts::Ending::Interrupted => (How::Interrupted, String::new()),
            facts::Ending::ServerGone(what) => (How::ServerGone, what.clone()),
            facts::Ending::Violation(what) => (How::Violation, what.clone()),
        };
        Self { how, what }
    }
}

impl Rates {
    fn of(facts: &RunFacts<'_>) -> Self {
        let measured_s = facts.measured.seconds();
        let per_second = |count: u64| per(count as f64, measured_s).unwrap_or(0.0);
        let measures = facts.measures;
        let cycles = match facts.plan.stop {
            Stop::After(_) => measures.cycles.max(measures.ended),
            // It begins so many after its warm-up.
            Stop::Operations(_) => measures.cycles,
        };
        let asked_per_s = match facts.plan.pace {
            Pace::Closed => None,
            Pace::Open { rate, ramp, .. } => Some(asked(rate, ramp, facts)),
        };
        Self {
            measured_s,
            warmup_s: facts.warmup.seconds(),
            answered: facts.measures.answered,
            requests_per_s: per_second(facts.measures.answered),
            cycles,
            cycles_per_s: per_second(cycles),
            asked_per_s,
        }
    }
}

/// The mean over the measured time of a rate that grows over `ramp` from the run's begin.
fn asked(rate: f64, ramp: Nanos, facts: &RunFacts<'_>) -> f64 {
    let ramp = ramp.seconds();
    // Cycles up to an instant: half the rate while it grows, all of it after.
    let up_to = |at: f64| match at < ramp {
        true => rate * at * at / (2.0 * ramp),
        false => rate * (at - ramp / 2.0),
    };
    let (begin, length) = (facts.warmup.seconds(), facts.measured.seconds());
    per(up_to(begin + length) - up_to(begin), length).unwrap_or(0.0)
}

impl KindLatency {
    fn of(facts: &RunFacts<'_>, kind: Kind) -> Option<Self> {
        let latencies = facts.measures.of(kind);
        let intended = Distribution::of(&latencies.intended)?;
        let sent = Distribution::of(&latencies.sent).filter(|sent| *sent != intended);
        Some(Self {
            kind: kind.name().into(),
            intended,
            sent,
        })
    }
}

impl Shard {
    fn of(shards: &BTreeMap<u16, u32>) -> Vec<Self> {
        let shards = shards.iter();
        let shards = shards.map(|(&shard, &connections)| Self { shard, connections });
        shards.collect()
    }
}

impl Checks {
    fn of(facts: facts::CheckFacts) -> Self {
        let facts::CheckFacts {
            on,
            grants,
            tokens,
            orders,
            silence,
        } = facts;
        Self {
            on,
            grants,
            tokens,
            orders,
            silence_ns: silence.0,
        }
    }
}

/// A quotient, none if its divisor is 0: JSON has no infinity.
fn per(what: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| what / of)
}
