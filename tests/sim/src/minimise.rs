//! Makes a failure smaller: leaves out faults, operations and clients, and ends the run earlier, as
//! long as the same promise is broken.

use crate::cluster::Outcome;
use crate::plan::{Plan, Without};
use crate::play;

/// What can be left out of a failing seed, and how it fails then.
#[must_use]
pub fn minimise(seed: u64, without: &Without, outcome: Outcome) -> (Without, Outcome) {
    let Some((_, violation)) = &outcome.violation else {
        return (without.clone(), outcome);
    };
    let mut least = Least {
        seed,
        invariant: violation.invariant,
        without: without.clone(),
        outcome,
    };
    let plan = Plan::of(seed, without);
    let wholes = [
        least.with(|without| without.faults.extend(&plan.faults)),
        least.with(|without| without.deeds.extend(&plan.deeds)),
    ];
    for whole in wholes {
        least.attempt(whole);
    }
    for fault in plan.faults {
        least.attempt(least.with(|without| without.faults.push(fault)));
    }
    for deed in plan.deeds {
        least.attempt(least.with(|without| without.deeds.push(deed)));
    }
    for client in plan.clients {
        least.attempt(least.with(|without| without.clients.push(client)));
    }
    least.shorten();
    (least.without, least.outcome)
}

struct Least {
    seed: u64,
    invariant: &'static str,
    without: Without,
    outcome: Outcome,
}

impl Least {
    fn with(&self, add: impl FnOnce(&mut Without)) -> Without {
        let mut without = self.without.clone();
        add(&mut without);
        without.tidy();
        without
    }

    /// Takes it over if the same promise is broken.
    fn attempt(&mut self, without: Without) -> bool {
        if without == self.without {
            return false;
        }
        let outcome = play(self.seed, &without);
        let broken = outcome.violation.as_ref().map(|(_, it)| it.invariant);
        let same = broken == Some(self.invariant);
        if same {
            self.without = without;
            self.outcome = outcome;
        }
        same
    }

    fn shorten(&mut self) {
        let at = self.outcome.violation.as_ref().map_or(0, |(at, _)| at.0);
        let plan = Plan::of(self.seed, &self.without);
        let mut until_ms = at.min(plan.random_us) / 1_000 + 1;
        while until_ms > 1 {
            let shorter = self.with(|without| without.until_ms = Some(until_ms));
            if !self.attempt(shorter) && self.without.until_ms != Some(until_ms) {
                return;
            }
            until_ms = until_ms * 3 / 4;
        }
    }
}
