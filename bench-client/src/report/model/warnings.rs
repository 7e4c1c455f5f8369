//! What to know before a run's figures are quoted.

use serde::{Deserialize, Serialize};

use super::{How, Report};
use crate::measure::support::Quantile;
use crate::report::units;

/// A generator thread that ran for more than this share of the time may have been the bottleneck.
const GENERATOR_BUSY_MAX: f64 = 0.9;
/// A pinned server that used less than this share of its cores was not the bottleneck.
const SERVER_BUSY_MIN: f64 = 0.9;
/// An open loop that does less than this share of what was asked for has fallen behind.
const RATE_MIN: f64 = 0.99;

/// Something to know before a figure is quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// How much it weighs.
    pub weight: Weight,
    /// A word for programs, such as `generator-bound`.
    pub code: String,
    /// What it is and what follows from it.
    pub text: String,
}

/// How much a warning weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Good to know.
    Note,
    /// Figures are to be quoted with it.
    Caution,
    /// Figures mean nothing.
    Invalid,
}

/// The warnings that a report's figures call for, the weightiest first.
pub(super) fn of(report: &Report) -> Vec<Warning> {
    let rules = [
        nothing_measured,
        lost_answers,
        generator_bound,
        rate_missed,
        dropped,
        broken,
        lost_holds,
        not_saturated,
        uneven,
        few_samples,
        machine,
    ];
    let mut warnings: Vec<_> = rules.iter().filter_map(|rule| rule(report)).collect();
    warnings.sort_by_key(|warning| std::cmp::Reverse(warning.weight));
    warnings
}

fn warning(weight: Weight, code: &str, text: String) -> Option<Warning> {
    Some(Warning {
        weight,
        code: code.into(),
        text,
    })
}

fn nothing_measured(report: &Report) -> Option<Warning> {
    if report.rates.answered > 0 {
        return None;
    }
    let text = "no request was answered in the measured time: there is nothing to tell";
    warning(Weight::Invalid, "nothing-measured", text.into())
}

fn lost_answers(report: &Report) -> Option<Warning> {
    let count = units::counted(non_zero(report.errors.unanswered)?, "request");
    let text =
        format!("{count} never got an answer though their connection lived: the run is invalid");
    warning(Weight::Invalid, "lost-answers", text)
}

fn generator_bound(report: &Report) -> Option<Warning> {
    let share = report.generator.busiest_share;
    if share <= GENERATOR_BUSY_MAX {
        return None;
    }
    let text = format!(
        "the generator was the bottleneck: a thread of it was {} busy; only the server's CPU per \
         request may be quoted",
        units::percent(share)
    );
    warning(Weight::Caution, "generator-bound", text)
}

fn rate_missed(report: &Report) -> Option<Warning> {
    let (asked, done) = (report.rates.asked_per_s?, report.rates.cycles_per_s);
    // What chance alone takes from random arrivals is no fault: three standard deviations.
    let seconds = report.rates.measured_s;
    let chance = match report.configuration.arrivals.as_deref() {
        Some("poisson") if seconds > 0.0 => 3.0 * (asked * seconds).sqrt() / seconds,
        _ => 0.0,
    };
    if report.ending.how != How::Complete || done >= RATE_MIN * asked - chance {
        return None;
    }
    let text = format!(
        "{} cycles per second were asked for, {} were done: the server or the generator did not \
         keep up, and latencies grow with the length of the run",
        units::digits(asked),
        units::digits(done)
    );
    warning(Weight::Caution, "rate-missed", text)
}

fn dropped(report: &Report) -> Option<Warning> {
    let count = units::counted(non_zero(report.errors.dropped)?, "cycle");
    let text = format!(
        "{count} dropped because too many were behind: latencies tell only of those \
         that were sent"
    );
    warning(Weight::Caution, "dropped", text)
}

fn broken(report: &Report) -> Option<Warning> {
    let count = units::counted(non_zero(report.errors.broken)?, "connection");
    let text = format!("{count} ended though nobody wanted it");
    warning(Weight::Caution, "broken-connections", text)
}

fn lost_holds(report: &Report) -> Option<Warning> {
    let count = units::counted(non_zero(report.errors.lost)?, "hold");
    let text = format!("{count} lost, for the lease or the session ended first");
    warning(Weight::Caution, "lost-holds", text)
}

/// A closed loop without hold is meant to find the limit, so it says if it did not.
fn not_saturated(report: &Report) -> Option<Warning> {
    let busy = report.server.as_ref()?.busy_share?;
    let configuration = &report.configuration;
    let seeks_limit = configuration.pace == "closed" && configuration.hold == "0";
    if !seeks_limit || busy >= SERVER_BUSY_MIN {
        return None;
    }
    let text = format!(
        "not saturated: the server used {} of its cores, so the rate is not the most it can do",
        units::percent(busy)
    );
    warning(Weight::Note, "not-saturated", text)
}

/// Connections that keep to their shard load the shards as they lie on them.
fn uneven(report: &Report) -> Option<Warning> {
    let connections = report.shards.iter().map(|shard| shard.connections);
    let (least, most) = connections.clone().min().zip(connections.max())?;
    if !report.configuration.shard_aware || most - least <= 1 {
        return None;
    }
    let text = format!(
        "the connections lie unevenly on the shards, {least} to {most} on each: a server with \
         --shard-port-base has them spread"
    );
    warning(Weight::Note, "uneven-shards", text)
}

fn few_samples(report: &Report) -> Option<Warning> {
    let kinds = report
        .latencies
        .iter()
        .map(|latency| (&*latency.kind, latency.intended.count));
    let handoff = report
        .handoff
        .iter()
        .map(|handoff| ("hand-off", handoff.count));
    let counts: Vec<_> = kinds.chain(handoff).collect();
    // Each kind under the first percentile that it has too few samples for.
    let mut told = Vec::new();
    let mut before: Option<Quantile> = None;
    for quantile in Quantile::TOLD {
        let first = |count: u64| {
            !quantile.supported_by(count) && before.is_none_or(|before| before.supported_by(count))
        };
        let of = counts.iter().filter(|(_, count)| first(*count));
        let of = of.map(|(name, count)| format!("{name} {}", units::whole(*count)));
        let of: Vec<_> = of.collect();
        if !of.is_empty() {
            let needed = units::whole(quantile.samples_needed());
            told.push(format!("{quantile} takes {needed} ({})", of.join(", ")));
        }
        before = Some(quantile);
    }
    if told.is_empty() {
        return None;
    }
    let text = format!(
        "percentiles with fewer than 10 samples above them are not told: {}",
        told.join("; ")
    );
    warning(Weight::Note, "few-samples", text)
}

fn machine(report: &Report) -> Option<Warning> {
    let governor = report.machine.governor.as_deref();
    let slow = governor.filter(|governor| *governor != "performance");
    let text = match (report.machine.virtual_machine, slow) {
        (false, None) => return None,
        (true, None) => "a virtual machine".to_owned(),
        (false, Some(governor)) => format!("the processor's governor is {governor}"),
        (true, Some(governor)) => {
            format!("a virtual machine, and the processor's governor is {governor}")
        }
    };
    let text = format!("{text}: compare figures only with those taken in turn on it");
    warning(Weight::Note, "machine", text)
}

fn non_zero(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}
