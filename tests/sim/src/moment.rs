//! True time, which nobody in a cluster can read, and the clocks that everybody reads instead.

/// True time: microseconds since the run of the simulator began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// Later than every other.
    pub const NEVER: Self = Self(u64::MAX);

    /// So many microseconds later; never stays never.
    #[must_use]
    pub const fn plus(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this, 0 if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A clock that runs at a rate of its own: so many millionths faster than true time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Moment,
    rate_ppm: u64,
}

/// The rate of true time.
const TRUE_PPM: u64 = 1_000_000;

impl Clock {
    /// A clock that shows 0 at `zero` and gains `fast_ppm`, or loses if that is below 0.
    ///
    /// # Panics
    /// If it would stand or run backwards.
    #[must_use]
    pub fn new(zero: Moment, fast_ppm: i64) -> Self {
        let rate_ppm = TRUE_PPM.checked_add_signed(fast_ppm);
        let rate_ppm = rate_ppm.filter(|rate| *rate > 0);
        Self {
            zero,
            rate_ppm: rate_ppm.expect("a clock goes forwards"),
        }
    }

    /// What it shows, in microseconds, rounded down.
    #[must_use]
    pub fn at(self, moment: Moment) -> u64 {
        let passed = u128::from(moment.since(self.zero)) * u128::from(self.rate_ppm);
        u64::try_from(passed / u128::from(TRUE_PPM)).expect("runs are shorter than ages")
    }

    /// The first moment at which it shows at least `reading`; the largest reading never comes.
    #[must_use]
    pub fn when(self, reading: u64) -> Moment {
        if reading == u64::MAX {
            return Moment::NEVER;
        }
        let passed = u128::from(reading) * u128::from(TRUE_PPM);
        let passed = passed.div_ceil(u128::from(self.rate_ppm));
        u64::try_from(passed).map_or(Moment::NEVER, |passed| self.zero.plus(passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_first_shown_when_it_is_said_to_be() {
        for fast_ppm in [-80_000, -10_000, -1, 0, 1, 10_000, 80_000] {
            let clock = Clock::new(Moment(77), fast_ppm);
            for reading in [1, 2, 999, 1_000_003, 86_400_000_000] {
                let when = clock.when(reading);
                assert!(clock.at(when) >= reading, "{fast_ppm} {reading}");
                assert!(
                    clock.at(Moment(when.0 - 1)) < reading,
                    "{fast_ppm} {reading}"
                );
            }
        }
    }

    #[test]
    fn a_deadline_that_never_comes_never_comes() {
        assert_eq!(Clock::new(Moment(0), 0).when(u64::MAX), Moment::NEVER);
    }
}
