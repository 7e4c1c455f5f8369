//! All rounds of a comparison: which of them count, medians, and ratios of the same round. Pure.

use std::collections::BTreeMap;

use super::contestant::{Contestant, Peer};
use super::sample::{Sample, Verdict};
use super::shape::Shape;
use super::spread::Spread;

/// A peer that was asked for and not measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub peer: Peer,
    /// Why, and what to do about it.
    pub why: String,
}

/// The runs of one contestant in one shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// By round: the run that counts, or the last one if none does.
    rounds: BTreeMap<u32, Sample>,
    /// Runs that were dropped for want of saturation, those that were repeated too.
    pub dropped: u32,
    /// Runs in which something was lost or went wrong, and the first such thing.
    pub invalid: u32,
    /// What went wrong first.
    pub trouble: Option<String>,
}

impl Row {
    /// Adds a run.
    fn add(&mut self, sample: &Sample) {
        let verdict = sample.verdict();
        match &verdict {
            Verdict::Counts => {}
            Verdict::Unsaturated => self.dropped += 1,
            Verdict::Invalid(why) => {
                self.invalid += 1;
                self.trouble.get_or_insert_with(|| why.clone());
            }
        }
        let before = self.rounds.get(&sample.round);
        if before.is_none_or(|before| before.verdict() != Verdict::Counts) {
            self.rounds.insert(sample.round, sample.clone());
        }
    }

    /// Runs that count, one per round at most.
    pub fn counted(&self) -> impl Iterator<Item = &Sample> {
        let runs = self.rounds.values();
        runs.filter(|sample| sample.verdict() == Verdict::Counts)
    }

    /// Runs that are shown: those that count or, if none does, those whose server was not
    /// saturated. [`Row::is_bracketed`] tells which.
    pub fn shown(&self) -> impl Iterator<Item = &Sample> {
        let wanted = match self.is_bracketed() {
            true => Verdict::Unsaturated,
            false => Verdict::Counts,
        };
        let runs = self.rounds.values();
        runs.filter(move |sample| sample.verdict() == wanted)
    }

    /// Whether no run counts, so that what is shown may not be quoted.
    #[must_use]
    pub fn is_bracketed(&self) -> bool {
        self.counted().next().is_none()
    }

    /// A figure over the rounds that are shown.
    #[must_use]
    pub fn spread(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.shown().filter_map(figure))
    }

    /// Median share of requests refused for want of room, if any was.
    #[must_use]
    pub fn refused_share(&self) -> Option<f64> {
        let share = self.spread(|run| Some(run.refused_share()))?.median;
        let mut runs = self.shown();
        runs.any(|run| run.refused > 0).then_some(share)
    }

    /// Rounds in which the generator was the bottleneck.
    #[must_use]
    pub fn generator_bound(&self) -> usize {
        let shown = self.shown();
        shown.filter(|sample| sample.is_generator_bound()).count()
    }

    fn in_round(&self, round: u32) -> Option<&Sample> {
        let sample = self.rounds.get(&round)?;
        (sample.verdict() == Verdict::Counts).then_some(sample)
    }
}

/// Everything that was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Every run, in the order of their runs.
    pub samples: Vec<Sample>,
    /// Peers that are not there.
    pub skipped: Vec<Skipped>,
    rows: BTreeMap<(Shape, Contestant), Row>,
    /// Shapes in the order in which they first came.
    shapes: Vec<Shape>,
}

impl Results {
    /// Adds a run.
    pub fn add(&mut self, sample: Sample) {
        let row = (sample.shape, sample.contestant);
        self.rows.entry(row).or_default().add(&sample);
        if !self.shapes.contains(&sample.shape) {
            self.shapes.push(sample.shape);
        }
        self.samples.push(sample);
    }

    /// Shapes in the order in which they were measured.
    #[must_use]
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The rows of a shape, in the order of peers.
    pub fn rows(&self, shape: Shape) -> impl Iterator<Item = (Contestant, &Row)> {
        let rows = self.rows.iter();
        rows.filter(move |((of, _), _)| *of == shape)
            .map(|((_, contestant), row)| (*contestant, row))
    }

    /// One row.
    #[must_use]
    pub fn row(&self, shape: Shape, contestant: Contestant) -> Option<&Row> {
        self.rows.get(&(shape, contestant))
    }

    /// A figure of two runs of the same round, over all rounds in which both count.
    #[must_use]
    pub fn paired(
        &self,
        shape: Shape,
        (one, other): (Contestant, Contestant),
        figure: impl Fn(&Sample, &Sample) -> Option<f64>,
    ) -> Option<Spread> {
        let (one, other) = (self.row(shape, one)?, self.row(shape, other)?);
        let pairs = one.counted().filter_map(|sample| {
            let partner = other.in_round(sample.round)?;
            figure(sample, partner)
        });
        Spread::of(pairs)
    }

    /// How many times a contestant's processor time per pair is locker's: above 1, locker is
    /// cheaper.
    #[must_use]
    pub fn cpu_ratio(&self, shape: Shape, contestant: Contestant) -> Option<Spread> {
        let locker = Contestant::plain(Peer::Locker);
        self.paired(shape, (locker, contestant), |locker, other| {
            Some(other.cpu_per_pair() / locker.cpu_per_pair())
        })
    }

    /// How many times locker's rate is a contestant's: above 1, locker is faster.
    #[must_use]
    pub fn rate_ratio(&self, shape: Shape, contestant: Contestant) -> Option<Spread> {
        let locker = Contestant::plain(Peer::Locker);
        self.paired(shape, (locker, contestant), |locker, other| {
            Some(locker.rate() / other.rate())
        })
    }

    /// Runs dropped for want of saturation, and runs in which something went wrong.
    #[must_use]
    pub fn not_counted(&self) -> (u32, u32) {
        let rows = self.rows.values();
        rows.fold((0, 0), |(dropped, invalid), row| {
            (dropped + row.dropped, invalid + row.invalid)
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
