//! Whether clients got the same share.

use serde::{Deserialize, Serialize};

use super::per;
use crate::measure::Measures;

/// Groups of clients at most.
const PROFILE_MAX: usize = 64;

/// Grants per client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// Clients.
    pub clients: u64,
    /// Grants of the client that got the fewest.
    pub grants_min: u64,
    /// Grants of the client in the middle.
    pub grants_median: u64,
    /// Grants of the client that got the most.
    pub grants_max: u64,
    /// Most over fewest; null if a client got none.
    pub ratio: Option<f64>,
    /// Jain's index: 1 = all the same, 1 / clients = one got all (Jain, Chiu, Hawe: A quantitative
    /// measure of fairness, 1984).
    pub jain: f64,
    /// Longest time from an acquire's first byte to its grant.
    pub longest_wait_ns: u64,
    /// Mean grants of equal groups of clients, from those that got the fewest to those that got
    /// the most; 64 groups at most.
    pub profile: Vec<f64>,
}

impl Fairness {
    /// Of the grants of each client; none if there was no grant.
    pub(super) fn of(measures: &Measures) -> Option<Self> {
        let mut grants = measures.grants.clone();
        grants.sort_unstable();
        let (first, last) = (*grants.first()?, *grants.last()?);
        let sum: f64 = grants.iter().map(|count| *count as f64).sum();
        let squares: f64 = grants
            .iter()
            .map(|count| *count as f64 * *count as f64)
            .sum();
        let jain = per(sum * sum, squares * grants.len() as f64)?;
        Some(Self {
            clients: u64::try_from(grants.len()).expect("clients are counted in 32 bits"),
            grants_min: first,
            grants_median: grants[grants.len() / 2],
            grants_max: last,
            ratio: per(last as f64, first as f64),
            jain,
            longest_wait_ns: measures.longest_wait.0,
            profile: profile(&grants),
        })
    }
}

/// Means of groups as equal as whole clients allow.
fn profile(grants: &[u64]) -> Vec<f64> {
    let groups = grants.len().min(PROFILE_MAX);
    let edge = |group: usize| group * grants.len() / groups;
    let means = (0..groups).map(|group| {
        let part = &grants[edge(group)..edge(group + 1)];
        part.iter().map(|count| *count as f64).sum::<f64>() / part.len() as f64
    });
    means.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn fairness(grants: &[u64]) -> Option<Fairness> {
        let mut measures = Measures::new(0);
        measures.grants = grants.to_vec();
        Fairness::of(&measures)
    }

    #[test]
    fn equal_shares_are_fair_and_one_for_all_is_not() {
        let fair = fairness(&[7, 7, 7, 7]).unwrap();
        assert_eq!((fair.ratio, fair.jain), (Some(1.0), 1.0));
        let unfair = fairness(&[0, 0, 100, 0]).unwrap();
        assert_eq!((unfair.ratio, unfair.jain), (None, 0.25));
        assert_eq!(
            (unfair.grants_min, unfair.grants_median, unfair.grants_max),
            (0, 0, 100)
        );
        assert_eq!(fairness(&[0, 0]), None);
        assert_eq!(fairness(&[]), None);
    }

    #[test]
    fn the_profile_rises_and_keeps_the_mean() {
        let grants: Vec<u64> = (0..100).rev().collect();
        let profile = fairness(&grants).unwrap().profile;
        assert_eq!(profile.len(), PROFILE_MAX);
        assert!(profile.is_sorted());
        assert_eq!((profile[0], profile[63]), (0.0, 98.5));
        assert_eq!(fairness(&[3, 1]).unwrap().profile, [1.0, 3.0]);
    }
}
