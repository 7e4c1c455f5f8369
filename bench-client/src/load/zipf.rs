//! Samples of Zipf's law over up to 2^32 ranks, in constant memory.
//!
//! Rejection-inversion (Hörmann, Derflinger: Rejection-inversion to generate variates from monotone
//! discrete distributions, ACM TOMACS 6(3), 1996): a uniform number is sent through the inverse of
//! the integral of x^-s and rounded; the few that fall outside the bar of their rank are drawn
//! again. Exact but for rounding; about 1.1 draws per sample.

use crate::dice::Dice;

/// Zipf's law: rank k of 1..=n has a weight of k^-s.
#[derive(Clone, Copy, Debug)]
pub struct Zipf {
    ranks: f64,
    exponent: f64,
    /// The integral up to the left edge of rank 1's bar, and to the right edge of the last one.
    from: f64,
    to: f64,
    /// A point that lies so little left of its rank is always inside the bar.
    shortcut: f64,
}

impl Zipf {
    /// The law of `ranks` ranks with an exponent above 0.
    ///
    /// # Panics
    /// If there is no rank or the exponent is not a positive number.
    #[must_use]
    pub fn new(ranks: u32, exponent: f64) -> Self {
        assert!(ranks > 0, "a law has a rank");
        assert!(exponent > 0.0 && exponent.is_finite(), "a law has a slope");
        let mut law = Self {
            ranks: f64::from(ranks),
            exponent,
            from: 0.0,
            to: 0.0,
            shortcut: 0.0,
        };
        law.from = law.integral(1.5) - 1.0;
        law.to = law.integral(law.ranks + 0.5);
        law.shortcut = 2.0 - law.inverse(law.integral(2.5) - law.weight(2.0));
        law
    }

    /// A rank from 0: one less than in the law.
    pub fn sample(&self, dice: &mut Dice) -> u32 {
        loop {
            let area = self.to + dice.unit() * (self.from - self.to);
            let point = self.inverse(area);
            let rank = point.round().clamp(1.0, self.ranks);
            let is_inside = rank - point <= self.shortcut
                || area >= self.integral(rank + 0.5) - self.weight(rank);
            if is_inside {
                return whole(rank - 1.0);
            }
        }
    }

    fn weight(&self, at: f64) -> f64 {
        (-self.exponent * at.ln()).exp()
    }

    /// The integral of the weight from 1: (x^(1-s) - 1) / (1 - s), which is ln x for s = 1.
    fn integral(&self, to: f64) -> f64 {
        let ln = to.ln();
        let power = (1.0 - self.exponent) * ln;
        if power.abs() < NEAR_ZERO {
            return ln * (1.0 + power / 2.0);
        }
        power.exp_m1() / power * ln
    }

    fn inverse(&self, area: f64) -> f64 {
        // Rounding must not lead below where the integral is defined.
        let power = (area * (1.0 - self.exponent)).max(-1.0);
        if power.abs() < NEAR_ZERO {
            return (area * (1.0 - power / 2.0)).exp();
        }
        (power.ln_1p() / power * area).exp()
    }
}

/// Below this the quotients above are taken from their series: the next term is below 1e-16.
const NEAR_ZERO: f64 = 1e-8;

/// A whole number that fits, as one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are clamped to what a u32 holds"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws many, and holds the counts of the first ranks against the law.
    fn check(ranks: u32, exponent: f64) {
        let draws = 400_000_u32;
        let law = Zipf::new(ranks, exponent);
        let mut dice = Dice::new(11);
        let mut counts = vec![0_u32; ranks as usize];
        for _ in 0..draws {
            counts[law.sample(&mut dice) as usize] += 1;
        }
        let total: f64 = (1..=ranks).map(|k| f64::from(k).powf(-exponent)).sum();
        for rank in [1, 2, 3, 10, 50].into_iter().filter(|rank| *rank <= ranks) {
            let expected = f64::from(draws) * f64::from(rank).powf(-exponent) / total;
            let counted = f64::from(counts[rank as usize - 1]);
            let off = (counted - expected).abs();
            assert!(
                off < 5.0 * expected.sqrt() + 1.0,
                "s {exponent}, rank {rank} of {ranks}: {counted}, not {expected}"
            );
        }
    }

    #[test]
    fn frequencies_follow_the_exact_law() {
        for exponent in [0.5, 0.99, 1.0, 1.01, 2.5] {
            check(1_000, exponent);
            check(3, exponent);
        }
        check(1, 0.99);
    }

    #[test]
    fn fifty_million_ranks_take_no_memory_and_are_all_in_reach() {
        let ranks = 50_000_000;
        let law = Zipf::new(ranks, 0.99);
        let mut dice = Dice::new(3);
        let samples: Vec<u32> = (0..100_000).map(|_| law.sample(&mut dice)).collect();
        assert!(samples.iter().all(|rank| *rank < ranks));
        assert!(samples.iter().any(|rank| *rank > ranks / 2));
        // Rank 1 has a share of 1 / H(n, 0.99), near 4.9 %.
        let first = samples.iter().filter(|rank| **rank == 0).count();
        assert!((4_300..5_500).contains(&first), "{first}");
    }
}
