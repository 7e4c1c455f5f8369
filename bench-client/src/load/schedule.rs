//! The open loop: instants at which cycles should begin, in which the answers have no say.
//!
//! With a ramp the rate grows from 0 in a straight line, so the cycles that should have begun grow
//! with the square of time. Arrivals are counted on that curve, by whole numbers if they are even
//! and by exponential steps if they are Poisson's, and each count is sent back to its instant.

use std::collections::VecDeque;

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::plan::Arrivals;

/// Cycles that are due while all clients are busy, at most; later ones are dropped. At a million
/// cycles per second this is a stall of a second.
pub const BACKLOG_MAX: usize = 1 << 20;

/// When a thread's cycles should begin.
#[derive(Debug)]
pub struct Schedule {
    begin: Nanos,
    /// Cycles per nanosecond.
    rate: f64,
    arrivals: Arrivals,
    /// Nanoseconds.
    ramp: f64,
    dice: Dice,
    /// Cycles of the curve up to the next arrival.
    count: f64,
    next: Nanos,
}

impl Schedule {
    /// From `begin` on, `rate` cycles per second, reached after `ramp`. Of even arrivals the first
    /// comes `phase` (below 1) of a gap after the start, so that threads take turns.
    ///
    /// # Panics
    /// If the rate is not a positive number.
    #[must_use]
    pub fn new(
        begin: Nanos,
        rate: f64,
        arrivals: Arrivals,
        ramp: Nanos,
        phase: f64,
        dice: Dice,
    ) -> Self {
        assert!(rate > 0.0 && rate.is_finite(), "a rate is positive");
        let mut schedule = Self {
            begin,
            rate: rate / 1e9,
            arrivals,
            ramp: ramp.0 as f64,
            dice,
            count: 0.0,
            next: begin,
        };
        schedule.count = match arrivals {
            Arrivals::Even => phase,
            Arrivals::Poisson => schedule.dice.exponential(1.0),
        };
        schedule.next = schedule.instant();
        schedule
    }

    /// When the next cycle should begin.
    #[inline]
    #[must_use]
    pub fn next(&self) -> Nanos {
        self.next
    }

    /// Takes the next cycle that should have begun by `now`: when it should have.
    #[inline]
    pub fn due(&mut self, now: Nanos) -> Option<Nanos> {
        if self.next > now {
            return None;
        }
        let due = self.next;
        self.count += match self.arrivals {
            Arrivals::Even => 1.0,
            Arrivals::Poisson => self.dice.exponential(1.0),
        };
        self.next = self.instant();
        Some(due)
    }

    /// When the curve reaches the count.
    fn instant(&self) -> Nanos {
        // Cycles of the ramp: the area of a triangle.
        let ramped = self.rate * self.ramp / 2.0;
        let since = if self.count < ramped {
            (2.0 * self.ramp * self.count / self.rate).sqrt()
        } else {
            self.ramp + (self.count - ramped) / self.rate
        };
        self.begin + whole(since)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast keeps within bounds, and spans are not negative"
)]
fn whole(nanoseconds: f64) -> Nanos {
    // Rounded: what is due with a whole second is not due a nanosecond before.
    Nanos(nanoseconds.round() as u64)
}

/// Cycles that are due and have no client yet.
#[derive(Debug, Default)]
pub struct Backlog {
    waiting: VecDeque<Nanos>,
    /// Cycles that found no room.
    dropped: Vec<Nanos>,
}

impl Backlog {
    /// Adds a cycle that is due.
    pub fn add(&mut self, intended: Nanos) {
        if self.waiting.len() < BACKLOG_MAX {
            self.waiting.push_back(intended);
        } else {
            self.dropped.push(intended);
        }
    }

    /// The cycle that should have begun first.
    #[inline]
    pub fn take(&mut self) -> Option<Nanos> {
        self.waiting.pop_front()
    }

    /// Whether no cycle waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes those that found no room.
    pub fn take_dropped(&mut self) -> std::vec::Drain<'_, Nanos> {
        self.dropped.drain(..)
    }

    /// Gives up all that wait.
    pub fn drop_all(&mut self) {
        self.dropped.extend(self.waiting.drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(arrivals: Arrivals, rate: f64, ramp: Nanos) -> Schedule {
        let begin = Nanos::SECOND;
        Schedule::new(begin, rate, arrivals, ramp, 0.0, Dice::new(9))
    }

    fn arrivals_until(schedule: &mut Schedule, end: Nanos) -> Vec<Nanos> {
        std::iter::from_fn(|| schedule.due(end)).collect()
    }

    #[test]
    fn even_arrivals_have_the_same_gap() {
        let mut schedule = schedule(Arrivals::Even, 1_000.0, Nanos::ZERO);
        let seen = arrivals_until(&mut schedule, Nanos::from_ms(2_000));
        assert_eq!(seen.len(), 1_001);
        assert!(
            seen.windows(2)
                .all(|pair| (999_999..=1_000_001).contains(&pair[1].since(pair[0]).0))
        );
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_the_law() {
        let mut schedule = schedule(Arrivals::Poisson, 10_000.0, Nanos::ZERO);
        let seen = arrivals_until(&mut schedule, Nanos::from_ms(11_000));
        let count = seen.len() as f64;
        assert!((count - 100_000.0).abs() < 1_500.0, "{count}");
        // Of exponential gaps 1/e are longer than the mean.
        let long = seen
            .windows(2)
            .filter(|pair| pair[1].since(pair[0]).0 > 100_000);
        let share = long.count() as f64 / count;
        assert!((share - 0.368).abs() < 0.01, "{share}");
    }

    #[test]
    fn arrivals_do_not_depend_on_when_they_are_asked_for() {
        let end = Nanos::from_ms(1_500);
        let mut patient = schedule(Arrivals::Poisson, 5_000.0, Nanos::ZERO);
        let mut eager = schedule(Arrivals::Poisson, 5_000.0, Nanos::ZERO);
        let late = arrivals_until(&mut patient, end);
        let mut timely = Vec::new();
        for ms in 1_000..=1_500 {
            timely.extend(arrivals_until(&mut eager, Nanos::from_ms(ms)));
        }
        assert_eq!(late, timely);
    }

    #[test]
    fn a_ramp_grows_the_rate_in_a_straight_line() {
        let ramp = Nanos::from_ms(2_000);
        let mut schedule = schedule(Arrivals::Even, 1_000.0, ramp);
        let seen = arrivals_until(&mut schedule, Nanos::from_ms(4_000));
        let before = |ms: u64| seen.iter().filter(|at| at.0 < ms * 1_000_000).count();
        // Half of the ramp has a quarter of its cycles.
        assert!((249..=251).contains(&before(2_000)), "{}", before(2_000));
        assert!((999..=1_001).contains(&before(3_000)), "{}", before(3_000));
        assert!((1_998..=2_002).contains(&seen.len()), "{}", seen.len());
    }

    #[test]
    fn a_full_backlog_drops_the_newest() {
        let mut backlog = Backlog::default();
        for at in 0..=BACKLOG_MAX as u64 {
            backlog.add(Nanos(at));
        }
        let dropped: Vec<Nanos> = backlog.take_dropped().collect();
        assert_eq!(dropped, [Nanos(BACKLOG_MAX as u64)]);
        assert_eq!(backlog.take(), Some(Nanos::ZERO));
    }
}
