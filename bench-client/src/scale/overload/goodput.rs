//! What well-behaved clients get done, in slices of a tenth of a second, and when an arrival is
//! due. Pure.

use crate::nanos::Nanos;

/// Slices per second.
pub(super) const SLICES: u64 = 10;
const SLICE: Nanos = Nanos(Nanos::SECOND.0 / SLICES);

/// Exchanges that ended well in one stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Goodput {
    began: Nanos,
    slices: Vec<u64>,
}

impl Goodput {
    /// From this instant, none yet.
    pub(super) const fn from(began: Nanos) -> Self {
        Self {
            began,
            slices: Vec::new(),
        }
    }

    /// One more ended well.
    pub(super) fn add(&mut self, now: Nanos) {
        let slice = usize::try_from(now.since(self.began).0 / SLICE.0).unwrap_or(usize::MAX);
        if self.slices.len() <= slice {
            self.slices.resize(slice + 1, 0);
        }
        self.slices[slice] += 1;
    }

    /// Per second, over this span from the begin.
    pub(super) fn rate(&self, span: Nanos) -> f64 {
        self.slices.iter().sum::<u64>() as f64 / span.seconds().max(1e-9)
    }

    /// Per second in the worst whole slice of this span, but for the first.
    pub(super) fn worst(&self, span: Nanos) -> f64 {
        let whole = usize::try_from(span.0 / SLICE.0).unwrap_or(usize::MAX);
        let at = |slice: usize| self.slices.get(slice).copied().unwrap_or(0);
        let worst = (1..whole).map(at).min().unwrap_or(0);
        (worst * SLICES) as f64
    }

    /// Seconds from the begin to the end of the first slice from which on, for three slices, it is
    /// at least this many per second; `None` if that never came.
    pub(super) fn recovered(&self, rate: f64) -> Option<f64> {
        let needed = rate / SLICES as f64;
        let is_fine = |three: &[u64]| three.iter().all(|&done| done as f64 >= needed);
        let slice = self.slices.windows(3).position(is_fine)?;
        Some((slice + 1) as f64 / SLICES as f64)
    }
}

/// Arrivals at an even rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    began: Nanos,
    per_second: f64,
    arrived: u64,
}

impl Pacer {
    /// So many a second, from this instant.
    pub(super) const fn new(began: Nanos, per_second: f64) -> Self {
        Self {
            began,
            per_second,
            arrived: 0,
        }
    }

    fn next(&self) -> Nanos {
        self.began + Nanos::from_seconds(self.arrived as f64 / self.per_second.max(1e-3))
    }

    /// When the next arrival was due, if that is not later than `now`.
    pub(super) fn due(&mut self, now: Nanos) -> Option<Nanos> {
        let next = self.next();
        let is_due = next <= now;
        self.arrived += u64::from(is_due);
        is_due.then_some(next)
    }

    /// When something is due next.
    pub(super) fn wake_at(&self) -> Nanos {
        self.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_ends_with_the_first_of_three_good_slices() {
        let mut goodput = Goodput::from(Nanos::SECOND);
        let counts = [0, 9, 0, 10, 10, 10];
        for (slice, count) in (0..).zip(counts) {
            let at = Nanos::SECOND + Nanos(slice * SLICE.0);
            (0..count).for_each(|_| goodput.add(at));
        }
        assert_eq!(goodput.recovered(95.0), Some(0.4));
        assert_eq!(goodput.recovered(110.0), None);
        assert_eq!(goodput.worst(Nanos(6 * SLICE.0)), 0.0);
        assert_eq!(goodput.rate(Nanos(6 * SLICE.0)), 65.0);
    }

    #[test]
    fn what_was_missed_arrives_as_of_its_time() {
        let mut pacer = Pacer::new(Nanos::ZERO, 10.0);
        let now = Nanos::from_ms(250);
        assert_eq!(pacer.due(now), Some(Nanos::ZERO));
        assert_eq!(pacer.due(now), Some(Nanos::from_ms(100)));
        assert_eq!(pacer.due(now), Some(Nanos::from_ms(200)));
        assert_eq!(pacer.due(now), None);
        assert_eq!(pacer.wake_at(), Nanos::from_ms(300));
    }
}
