//! A run second by second.

use serde::{Deserialize, Serialize};

use crate::measure::Second;
use crate::measure::series::BANDS;
use crate::report::facts::RunFacts;

/// Rates and latencies over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Least latency of each band; a band ends where the next begins, the last one is open.
    pub bands_from_ns: Vec<u64>,
    /// The seconds, from the run's begin.
    pub seconds: Vec<OneSecond>,
}

/// The parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Before the measured time.
    #[serde(rename = "warm-up")]
    Warmup,
    /// The measured time.
    Measured,
    /// After it: answers to operations that began before its end. A stall at the end shows here.
    After,
}

/// One second of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneSecond {
    /// In which part of the run it begins.
    pub part: Part,
    /// Its length: 1, but less if the measured time ended in it.
    pub length_s: f64,
    /// Operations answered.
    pub answered: u64,
    /// Of them, refused or timed out.
    pub refused: u64,
    /// Answers by intended-start latency: number of the band and answers, bands without left out.
    pub bands: Vec<(usize, u32)>,
}

impl Seconds {
    pub(super) fn of(facts: &RunFacts<'_>) -> Self {
        let warmup = facts.warmup.seconds();
        let end = warmup + facts.measured.seconds();
        let second = |(index, second): (usize, &Second)| {
            let begin = index as f64;
            let part = match begin {
                begin if begin < warmup => Part::Warmup,
                begin if begin < end => Part::Measured,
                _ => Part::After,
            };
            let length_s = match part {
                Part::After => 1.0,
                Part::Warmup | Part::Measured => (end - begin).min(1.0),
            };
            OneSecond {
                part,
                length_s,
                answered: second.answered,
                refused: second.refused,
                bands: bands(second),
            }
        };
        let seconds = &facts.measures.series.seconds;
        Self {
            bands_from_ns: (0..BANDS).map(|band| Second::band_from(band).0).collect(),
            seconds: seconds.iter().enumerate().map(second).collect(),
        }
    }

    /// Where a band begins; 0 for one that the report does not know, being no report of ours.
    #[must_use]
    pub fn band_begin_ns(&self, band: usize) -> u64 {
        self.bands_from_ns.get(band).copied().unwrap_or(0)
    }

    /// Where a band ends; the last one, which is open, at twice where it begins.
    #[must_use]
    pub fn band_end_ns(&self, band: usize) -> u64 {
        let next = band.checked_add(1);
        let end = next.and_then(|next| self.bands_from_ns.get(next).copied());
        end.unwrap_or(self.band_begin_ns(band).saturating_mul(2))
    }

    /// The end of the band that a share of a second's answers lies below or in: a bound from
    /// above for that percentile. None if nothing was answered.
    #[must_use]
    pub fn at_most_ns(&self, second: &OneSecond, share: f64) -> Option<u64> {
        let total: u64 = second
            .bands
            .iter()
            .map(|(_, count)| u64::from(*count))
            .sum();
        let mut below = 0;
        for (band, count) in &second.bands {
            below += u64::from(*count);
            if below as f64 >= total as f64 * share {
                return Some(self.band_end_ns(*band));
            }
        }
        None
    }
}

fn bands(second: &Second) -> Vec<(usize, u32)> {
    let counts = second.bands.iter().copied().enumerate();
    counts.filter(|(_, count)| *count > 0).collect()
}
