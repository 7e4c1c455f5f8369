//! A distribution of spans as a report holds it: the figures, and every bucket.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::measure::histogram;
use crate::measure::support::Quantile;

/// Spans in nanoseconds, kept to three significant digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Samples; never 0.
    pub count: u64,
    /// Their mean.
    pub mean_ns: f64,
    /// The least of them.
    pub min_ns: u64,
    /// Half of them are not above it; null if fewer than 20 samples.
    pub p50_ns: Option<u64>,
    /// 90 % are not above it; null if fewer than 100 samples.
    pub p90_ns: Option<u64>,
    /// 99 % are not above it; null if fewer than 1,000 samples.
    pub p99_ns: Option<u64>,
    /// 99.9 % are not above it; null if fewer than 10,000 samples.
    pub p999_ns: Option<u64>,
    /// 99.99 % are not above it; null if fewer than 100,000 samples.
    pub p9999_ns: Option<u64>,
    /// The largest of them.
    pub max_ns: u64,
    /// Every bucket that is not empty, by rising value: its largest value and its samples.
    pub buckets: Vec<(u64, u64)>,
}

impl Distribution {
    /// Of a histogram of nanoseconds; none if it is empty.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let buckets = histogram.iter_recorded();
        let buckets = buckets.map(|at| (at.value_iterated_to(), at.count_at_value()));
        let [p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns] =
            Quantile::TOLD.map(|quantile| quantile.of(histogram));
        Some(Self {
            count: histogram.len(),
            mean_ns: histogram.mean(),
            min_ns: histogram.min(),
            p50_ns,
            p90_ns,
            p99_ns,
            p999_ns,
            p9999_ns,
            max_ns: histogram.max(),
            buckets: buckets.collect(),
        })
    }

    /// Its percentiles in the order of [`Quantile::TOLD`].
    #[must_use]
    pub fn told(&self) -> [Option<u64>; 5] {
        [
            self.p50_ns,
            self.p90_ns,
            self.p99_ns,
            self.p999_ns,
            self.p9999_ns,
        ]
    }

    /// The histogram that it was made of, as far as three digits tell.
    ///
    /// Values above what histograms hold count as the largest one they do.
    #[must_use]
    pub fn histogram(&self) -> Histogram<u64> {
        let mut histogram = histogram();
        for (value, count) in &self.buckets {
            histogram.saturating_record_n(*value, *count);
        }
        histogram
    }

    /// A percentile, if the samples support it.
    #[must_use]
    pub fn at(&self, quantile: Quantile) -> Option<u64> {
        quantile.of(&self.histogram())
    }

    /// Whether the two tell different stories: a figure of one is over 1 % off the other's.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> bool {
        let off = |a: f64, b: f64| (a - b).abs() > 0.01 * a.max(b);
        let told = self.told().into_iter().zip(other.told());
        let figures = told.filter_map(|(a, b)| Some((a? as f64, b? as f64)));
        let ends = [
            (self.mean_ns, other.mean_ns),
            (self.max_ns as f64, other.max_ns as f64),
        ];
        figures.chain(ends).any(|(a, b)| off(a, b))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::dice::Dice;

    #[test]
    fn the_buckets_give_the_histogram_back() {
        let mut dice = Dice::new(3);
        let mut made = histogram();
        for _ in 0..20_000 {
            made.record(u64::from(dice.below(90_000_000)) + 1).unwrap();
        }
        let told = Distribution::of(&made).unwrap();
        let again = told.histogram();
        assert_eq!(again.len(), 20_000);
        assert_eq!(Distribution::of(&again).unwrap().buckets, told.buckets);
        assert_eq!(told.at(Quantile::P999), told.p999_ns);
        assert_eq!(told.p9999_ns, None, "20,000 samples do not support it");
    }

    #[test]
    fn nothing_is_no_distribution() {
        assert_eq!(Distribution::of(&histogram()), None);
    }

    #[test]
    fn a_shifted_tail_is_a_difference() {
        let mut one = histogram();
        one.record_n(1_000, 10_000).unwrap();
        let mut two = one.clone();
        let of = |histogram: &_| Distribution::of(histogram).unwrap();
        assert!(!of(&one).differs_from(&of(&two)));
        two.record(90_000).unwrap();
        assert!(of(&one).differs_from(&of(&two)));
    }
}
