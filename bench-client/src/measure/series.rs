//! Rates and latencies per second of a run, for progress, plots and the heat map.

use crate::nanos::Nanos;

/// Bands of latency: two for each power of two of microseconds, from below 1 us.
pub const BANDS: usize = 52;

/// One second of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Second {
    /// Operations answered.
    pub answered: u64,
    /// Of them, refused or timed out.
    pub refused: u64,
    /// Answers by band of intended-start latency.
    pub bands: [u32; BANDS],
}

impl Default for Second {
    fn default() -> Self {
        Self {
            answered: 0,
            refused: 0,
            bands: [0; BANDS],
        }
    }
}

impl Second {
    /// The band of a latency: 0 below 1 us, then two per power of two, the last one open.
    #[inline]
    #[must_use]
    pub fn band(latency: Nanos) -> usize {
        let us = latency.0 / 1_000;
        if us == 0 {
            return 0;
        }
        let power = us.ilog2();
        let half = power.checked_sub(1).map_or(0, |bit| us >> bit & 1);
        let band = 1 + 2 * power as usize + usize::try_from(half).expect("one bit");
        band.min(BANDS - 1)
    }

    /// The least latency of a band.
    #[must_use]
    pub const fn band_from(band: usize) -> Nanos {
        if band == 0 {
            return Nanos::ZERO;
        }
        let power = (band - 1) / 2;
        let us = 1_u64 << power;
        let half = if (band - 1) % 2 == 1 { us / 2 } else { 0 };
        Nanos((us + half) * 1_000)
    }

    /// Adds another thread's same second.
    pub fn merge(&mut self, other: &Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        for (mine, theirs) in self.bands.iter_mut().zip(&other.bands) {
            *mine = mine.saturating_add(*theirs);
        }
    }
}

/// Seconds of a run, warm-up included, from its common start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// In order, from second 0.
    pub seconds: Vec<Second>,
}

impl Series {
    /// Counts an answer that came `since_start` with this latency.
    #[inline]
    pub fn count(&mut self, since_start: Nanos, latency: Nanos, refused: bool) {
        let index = usize::try_from(since_start.0 / Nanos::SECOND.0).expect("a run has an end");
        if index >= self.seconds.len() {
            self.seconds.resize_with(index + 1, Second::default);
        }
        let second = &mut self.seconds[index];
        second.answered += 1;
        second.refused += u64::from(refused);
        second.bands[Second::band(latency)] += 1;
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: &Self) {
        if self.seconds.len() < other.seconds.len() {
            self.seconds
                .resize_with(other.seconds.len(), Second::default);
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.merge(theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_begin_where_they_say() {
        for band in 0..BANDS {
            let from = Second::band_from(band);
            // Half of 1 us is no whole microsecond: band 2 stays empty.
            if band != 2 {
                assert_eq!(Second::band(from), band, "{from:?}");
            }
            if band > 2 {
                assert_eq!(
                    Second::band(Nanos(from.0 - 1)),
                    (band - 1).max(1) - usize::from(band == 3)
                );
            }
        }
        assert_eq!(Second::band(Nanos::FOREVER), BANDS - 1);
        assert_eq!(Second::band(Nanos(999)), 0);
    }

    #[test]
    fn answers_are_counted_in_their_second() {
        let mut series = Series::default();
        series.count(Nanos::from_ms(2_500), Nanos::from_ms(3), true);
        assert_eq!(series.seconds.len(), 3);
        assert_eq!(series.seconds[2].refused, 1);
        assert_eq!(series.seconds[0].answered, 0);
    }
}
