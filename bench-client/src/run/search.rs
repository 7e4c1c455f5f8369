//! The search for the highest rate that meets its bounds. Pure: it names rates and is told what
//! came of them.
//!
//! ```text
//!   first rate --good--> doubled ... --bad--> halves of what is between, to 3 %
//!        +------bad----> halved ... --good--^
//! ```
//!
//! A rate fails when it failed twice in a row: one hiccup of a shared machine would else end the
//! search far too low.

/// The search ends when the best rate and the lowest that failed are this close.
const CLOSE: f64 = 1.03;
/// Trials at most: more than any search takes whose server has a limit.
const TRIALS_MAX: u32 = 60;
/// Of the cycles asked for, those that must have been served.
const SERVED_SHARE_MIN: f64 = 0.99;
/// Busy share of a generator core from which its lateness may be its own.
const BUSY_SHARE_MAX: f64 = 0.90;

/// What became of the bounds in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// All held.
    Held,
    /// One did not.
    Missed,
    /// None was missed, but there were too few samples to tell one.
    Untold,
}

/// What a trial measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Cycles per second asked for.
    pub rate: f64,
    /// Cycles per second served.
    pub served: f64,
    /// What became of the bounds.
    pub bounds: Bounds,
    /// Busy share of the busiest generator core.
    pub busy: f64,
}

/// Why a rate does not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It counts.
    Good,
    /// The bounds were missed.
    Missed,
    /// Too few samples to tell: higher rates give more.
    Untold,
    /// Fewer cycles than asked for were served.
    NotServed,
    /// The generator was too busy to say what the server can do.
    GeneratorBusy,
}

impl Trial {
    /// Whether its rate counts.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.busy >= BUSY_SHARE_MAX {
            Verdict::GeneratorBusy
        } else if self.served < self.rate * SERVED_SHARE_MIN {
            Verdict::NotServed
        } else {
            match self.bounds {
                Bounds::Held => Verdict::Good,
                Bounds::Missed => Verdict::Missed,
                Bounds::Untold => Verdict::Untold,
            }
        }
    }
}

impl Verdict {
    /// What a person reads about it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Missed => "bounds missed",
            Self::Untold => "too few samples",
            Self::NotServed => "not served",
            Self::GeneratorBusy => "generator too busy",
        }
    }
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    next: f64,
    best: Option<f64>,
    /// The highest rate that did not fail: the best, or one with too few samples.
    passed: Option<f64>,
    /// The lowest rate that does not count, and why.
    failed: Option<(f64, Verdict)>,
    /// Whether the rate that is tried next has failed once.
    is_second: bool,
    trials: u32,
}

impl Search {
    /// From a first rate, in cycles per second.
    ///
    /// # Panics
    /// If it is not above 0.
    #[must_use]
    pub fn from(first: f64) -> Self {
        assert!(first > 0.0, "a rate is above 0");
        Self {
            next: first,
            best: None,
            passed: None,
            failed: None,
            is_second: false,
            trials: 0,
        }
    }

    /// The rate to try next; `None` once the search is over.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        let close = match (self.passed, self.failed) {
            (Some(passed), Some((failed, _))) => failed <= passed * CLOSE,
            // A server that cannot do a cycle in ten seconds has no highest rate.
            (None, Some((failed, _))) => failed < 0.2,
            _ => false,
        };
        (!close && self.trials < TRIALS_MAX).then_some(self.next)
    }

    /// Takes what came of the rate that was tried.
    pub fn tried(&mut self, trial: &Trial) -> Verdict {
        let verdict = trial.verdict();
        self.trials += 1;
        // A generator that is too busy is so again.
        let may_be_a_hiccup = matches!(verdict, Verdict::Missed | Verdict::NotServed);
        if may_be_a_hiccup && !self.is_second {
            self.is_second = true;
            return verdict;
        }
        self.is_second = false;
        match verdict {
            Verdict::Good => {
                self.best = Some(trial.rate);
                self.passed = self.best;
            }
            Verdict::Untold => self.passed = Some(trial.rate),
            _ => self.failed = Some((trial.rate, verdict)),
        }
        self.next = match (self.passed, self.failed) {
            (Some(passed), Some((failed, _))) => (passed + failed) / 2.0,
            (Some(passed), None) => passed * 2.0,
            (None, _) => trial.rate / 2.0,
        };
        verdict
    }

    /// The highest rate that counts, so far.
    #[must_use]
    pub const fn best(&self) -> Option<f64> {
        self.best
    }

    /// Why nothing above the best rate counts, as far as it is known.
    #[must_use]
    pub fn limit(&self) -> Option<Verdict> {
        self.failed.map(|(_, verdict)| verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that meets the bounds up to a rate and serves up to another.
    #[derive(Clone, Copy)]
    struct Capacity {
        holds_to: f64,
        serves_to: f64,
        busy_at: f64,
        told_from: f64,
    }

    impl Capacity {
        fn search(self, first: f64) -> (Search, Vec<f64>) {
            let mut search = Search::from(first);
            let mut rates = Vec::new();
            while let Some(rate) = search.next() {
                rates.push(rate);
                search.tried(&Trial {
                    rate,
                    served: rate.min(self.serves_to),
                    bounds: match rate <= self.holds_to {
                        true if rate < self.told_from => Bounds::Untold,
                        true => Bounds::Held,
                        false => Bounds::Missed,
                    },
                    busy: if rate >= self.busy_at { 0.95 } else { 0.5 },
                });
            }
            (search, rates)
        }
    }

    const ENDLESS: Capacity = Capacity {
        holds_to: f64::INFINITY,
        serves_to: f64::INFINITY,
        busy_at: f64::INFINITY,
        told_from: 0.0,
    };

    #[test]
    fn the_rate_found_is_within_3_percent_below_what_the_server_can_do() {
        for holds_to in [1.0, 37.0, 999.0, 1_001.0, 123_456.7, 5e6] {
            let capacity = Capacity {
                holds_to,
                ..ENDLESS
            };
            let (search, rates) = capacity.search(1_000.0);
            let best = search.best().expect("it serves something");
            assert!(
                best <= holds_to && best * CLOSE >= holds_to,
                "{best} of {holds_to}"
            );
            assert_eq!(search.limit(), Some(Verdict::Missed));
            assert!(rates.len() <= 35, "{} trials", rates.len());
        }
    }

    #[test]
    fn the_rate_is_doubled_until_it_fails_and_then_halved_into() {
        let capacity = Capacity {
            holds_to: 3_500.0,
            ..ENDLESS
        };
        let (_, rates) = capacity.search(1_000.0);
        let begin = [1_000.0, 2_000.0, 4_000.0, 4_000.0, 3_000.0, 3_500.0];
        assert_eq!(rates[..6], begin);
    }

    #[test]
    fn one_hiccup_does_not_fail_a_rate() {
        let mut search = Search::from(1_000.0);
        let trial = |rate, bounds| Trial {
            rate,
            served: rate,
            bounds,
            busy: 0.1,
        };
        search.tried(&trial(1_000.0, Bounds::Missed));
        assert_eq!(search.next(), Some(1_000.0));
        search.tried(&trial(1_000.0, Bounds::Held));
        assert_eq!(
            (search.best(), search.next()),
            (Some(1_000.0), Some(2_000.0))
        );
        search.tried(&trial(2_000.0, Bounds::Missed));
        search.tried(&trial(2_000.0, Bounds::Missed));
        assert_eq!(search.next(), Some(1_500.0));
    }

    #[test]
    fn a_rate_that_was_not_served_does_not_count_though_its_answers_were_fast() {
        let capacity = Capacity {
            serves_to: 5_000.0,
            ..ENDLESS
        };
        let (search, _) = capacity.search(1_000.0);
        let best = search.best().expect("it serves something");
        assert!((4_900.0..=5_051.0).contains(&best), "{best}");
        assert_eq!(search.limit(), Some(Verdict::NotServed));
    }

    #[test]
    fn a_busy_generator_is_named_as_the_limit() {
        let capacity = Capacity {
            busy_at: 3_000.0,
            ..ENDLESS
        };
        let (search, _) = capacity.search(1_000.0);
        assert!(search.best() < Some(3_000.0));
        assert_eq!(search.limit(), Some(Verdict::GeneratorBusy));
    }

    #[test]
    fn too_few_samples_send_the_search_up_and_are_never_the_best() {
        let told_later = Capacity {
            holds_to: 5_000.0,
            told_from: 2_000.0,
            ..ENDLESS
        };
        let (search, _) = told_later.search(100.0);
        let best = search.best().expect("it holds where it is told");
        assert!(best <= 5_000.0 && best * CLOSE >= 5_000.0, "{best}");
        let never_told = Capacity {
            told_from: 5_001.0,
            ..told_later
        };
        let (search, rates) = never_told.search(100.0);
        assert_eq!(search.best(), None);
        assert!(rates.len() <= 35, "{} trials", rates.len());
    }

    #[test]
    fn a_server_that_never_holds_ends_the_search_without_a_rate() {
        let capacity = Capacity {
            holds_to: 0.0,
            ..ENDLESS
        };
        let (search, rates) = capacity.search(1_000.0);
        assert_eq!(search.best(), None);
        assert!(rates.len() <= 30, "{} trials", rates.len());
    }

    #[test]
    fn a_server_without_a_limit_ends_the_search_too() {
        let (search, rates) = ENDLESS.search(1_000.0);
        assert_eq!(rates.len(), 60);
        assert_eq!(
            (search.best(), search.limit()),
            (rates.last().copied(), None)
        );
    }
}
