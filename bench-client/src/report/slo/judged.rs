//! Bounds held against a report.

use super::{Figure, Of, Slo, What};
use crate::report::model::{Distribution, Report, Verdict};
use crate::report::units;

/// What became of all bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Each bound, in the order they were written.
    pub bounds: Vec<Judged>,
    /// Whether the run's figures mean something; those of an invalid one meet no bound.
    pub valid: bool,
}

/// What became of one bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The bound as it was written.
    pub bound: String,
    /// The run's figure with its unit; `-` if there is none.
    pub figure: String,
    /// Whether it holds.
    pub outcome: Outcome,
}

/// Whether a bound holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    Met,
    /// It does not.
    Missed,
    /// There are too few samples to tell the percentile: counts as missed.
    Unsupported {
        /// Samples that there are.
        samples: u64,
        /// Samples that it takes.
        needed: u64,
    },
    /// Nothing of this kind happened: counts as missed.
    Nothing,
}

impl Judgement {
    /// Whether all bounds hold and the run is valid.
    #[must_use]
    pub fn met(&self) -> bool {
        self.valid
            && self
                .bounds
                .iter()
                .all(|judged| judged.outcome == Outcome::Met)
    }
}

impl Judged {
    /// A line for people: `p99<1ms: met, 172 us`.
    #[must_use]
    pub fn text(&self) -> String {
        let (bound, figure) = (&self.bound, &self.figure);
        match self.outcome {
            Outcome::Met => format!("{bound}: met, {figure}"),
            Outcome::Missed => format!("{bound}: MISSED, {figure}"),
            Outcome::Unsupported { samples, needed } => format!(
                "{bound}: MISSED, for {} samples do not tell it; it takes {}",
                units::whole(samples),
                units::whole(needed)
            ),
            Outcome::Nothing => format!("{bound}: MISSED, for there was nothing to judge"),
        }
    }
}

impl Slo {
    /// Holds the bounds against a report.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Judgement {
        let bounds = self.bounds.iter().map(|bound| {
            let (figure, outcome) = bound.what.judge(report);
            Judged {
                bound: bound.text.clone(),
                figure,
                outcome,
            }
        });
        let valid = !matches!(report.verdict, Verdict::Invalid | Verdict::Violation);
        Judgement {
            bounds: bounds.collect(),
            valid,
        }
    }
}

impl What {
    fn judge(self, report: &Report) -> (String, Outcome) {
        let met = |met| if met { Outcome::Met } else { Outcome::Missed };
        match self {
            Self::Errors { below } => {
                let share = report.errors.error_share;
                (units::percent(share), met(share < below))
            }
            Self::Rate { above } => {
                let rate = report.rates.cycles_per_s;
                (format!("{}/s", units::digits(rate)), met(rate > above))
            }
            Self::Latency {
                of,
                figure,
                below_ns,
            } => {
                let Some(latency) = of.within(report) else {
                    return ("-".into(), Outcome::Nothing);
                };
                match figure.of(latency) {
                    Ok(ns) => (units::span(ns), met(ns < below_ns)),
                    Err(outcome) => ("-".into(), outcome),
                }
            }
        }
    }
}

impl Of {
    fn within(self, report: &Report) -> Option<&Distribution> {
        let kind = match self {
            Self::Handoff => return report.handoff.as_ref(),
            Self::Main => report.main_kind.as_str(),
            Self::Kind(kind) => kind.name(),
        };
        report.latency(kind).map(|latency| &latency.intended)
    }
}

impl Figure {
    fn of(self, latency: &Distribution) -> Result<f64, Outcome> {
        match self {
            Self::Mean => Ok(latency.mean_ns),
            Self::Max => Ok(latency.max_ns as f64),
            Self::Quantile(quantile) => {
                let (samples, needed) = (latency.count, quantile.samples_needed());
                let unsupported = Outcome::Unsupported { samples, needed };
                latency.at(quantile).map(|ns| ns as f64).ok_or(unsupported)
            }
        }
    }
}
