//! Which percentiles a sample supports.
//!
//! A percentile of few samples is a figure of chance. With `n` samples, the number of those above
//! the true percentile `p` varies with a standard deviation of `sqrt(n p (1 - p))`: at 10 expected
//! samples above, 3 of 10. Told from fewer, p99.9 is little but the largest sample under another
//! name. So a percentile is told only when at least [`ABOVE_MIN`] samples lie above it.

use std::fmt;
use std::str::FromStr;

use hdrhistogram::Histogram;

/// Samples that must lie above a percentile before it is told.
pub const ABOVE_MIN: u64 = 10;

/// Quantiles are whole millionths.
const WHOLE: u32 = 1_000_000;

/// A quantile in millionths, below the whole, so that the support rule is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantile(u32);

impl Quantile {
    /// The median.
    pub const P50: Self = Self(500_000);
    /// Nine of ten are not above it.
    pub const P90: Self = Self(900_000);
    /// 99 of 100 are not above it.
    pub const P99: Self = Self(990_000);
    /// 999 of 1,000 are not above it.
    pub const P999: Self = Self(999_000);
    /// 9,999 of 10,000 are not above it.
    pub const P9999: Self = Self(999_900);
    /// Those that reports tell, by rising value.
    pub const TOLD: [Self; 5] = [Self::P50, Self::P90, Self::P99, Self::P999, Self::P9999];

    /// As a share of 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// Samples that it takes to tell it.
    #[must_use]
    pub fn samples_needed(self) -> u64 {
        (ABOVE_MIN * u64::from(WHOLE)).div_ceil(u64::from(WHOLE - self.0))
    }

    /// Whether so many samples support it.
    #[must_use]
    pub fn supported_by(self, samples: u64) -> bool {
        samples >= self.samples_needed()
    }

    /// Its value in a histogram, if the samples support it.
    #[must_use]
    pub fn of(self, histogram: &Histogram<u64>) -> Option<u64> {
        let supported = self.supported_by(histogram.len());
        supported.then(|| histogram.value_at_quantile(self.share()))
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(formatter, "p{percent}");
        }
        let rest = format!("{rest:04}");
        write!(formatter, "p{percent}.{}", rest.trim_end_matches('0'))
    }
}

/// Text that names no percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoQuantile;

impl FromStr for Quantile {
    type Err = NoQuantile;

    /// `p` and a percentage from 0 to below 100 with up to four decimals: `p50`, `p99.9`.
    fn from_str(text: &str) -> Result<Self, NoQuantile> {
        let percent = text.strip_prefix('p').ok_or(NoQuantile)?;
        let (whole, rest) = percent.split_once('.').unwrap_or((percent, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(rest) || whole.len() > 2 || rest.len() > 4 {
            return Err(NoQuantile);
        }
        let millionths = format!("{whole}{rest:0<4}")
            .parse()
            .map_err(|_| NoQuantile)?;
        Ok(Self(millionths))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::dice::Dice;
    use crate::measure::histogram;

    #[test]
    fn ten_samples_must_lie_above() {
        let needed = Quantile::TOLD.map(Quantile::samples_needed);
        assert_eq!(needed, [20, 100, 1_000, 10_000, 100_000]);
        assert!(!Quantile::P99.supported_by(999));
        assert!(Quantile::P99.supported_by(1_000));
        let mut few = histogram();
        few.record_n(5, 999).unwrap();
        assert_eq!(Quantile::P99.of(&few), None);
        assert_eq!(Quantile::P90.of(&few), Some(5));
    }

    #[test]
    fn percentiles_are_written_as_they_are_read() {
        for text in ["p0", "p50", "p99", "p99.9", "p99.99", "p99.9999", "p7.25"] {
            assert_eq!(text.parse::<Quantile>().unwrap().to_string(), text);
        }
        assert_eq!("p99.90".parse(), Ok(Quantile::P999));
        for text in ["99", "p", "p100", "p99.", "p99.99999", "p-1", "p9x", "p.9"] {
            assert_eq!(text.parse::<Quantile>(), Err(NoQuantile), "{text}");
        }
    }

    /// Percentiles of samples against what the distribution says, within `error` of it.
    fn against(truth: impl Fn(f64) -> f64, error: f64, mut sample: impl FnMut() -> f64) {
        let mut histogram = histogram();
        for _ in 0..1_000_000 {
            let text = format!("{:.0}", sample());
            histogram.record(text.parse().unwrap()).unwrap();
        }
        for quantile in Quantile::TOLD {
            let (told, truth) = (quantile.of(&histogram).unwrap(), truth(quantile.share()));
            let off = (told as f64 - truth).abs() / truth;
            assert!(off < error, "{quantile}: {told}, not {truth}");
        }
    }

    #[test]
    fn percentiles_of_evenly_spread_values_are_those_asked_for() {
        // Every value once, so nothing is left to chance: what is off is the histogram's rounding.
        let mut next = 0.0;
        let sample = || {
            next += 1_000.0;
            next
        };
        against(|share| share * 1e9, 1e-3, sample);
    }

    #[test]
    fn percentiles_of_one_value_are_that_value() {
        against(|_| 123_456.0, 1e-3, || 123_456.0);
    }

    #[test]
    fn percentiles_of_exponential_values_are_those_of_the_law() {
        // By the law's inverse at evenly spread shares, so that chance has no part in it either.
        let mut index = 0.0;
        let sample = || {
            index += 1.0;
            -1e6 * (1.0 - (index - 0.5) / 1e6_f64).ln()
        };
        against(|share| -1e6 * (1.0 - share).ln(), 1.5e-3, sample);
    }

    #[test]
    fn percentiles_of_drawn_values_come_close() {
        let mut dice = Dice::new(7);
        against(
            |share| -1e6 * (1.0 - share).ln(),
            0.05,
            || dice.exponential(1e6),
        );
    }
}
