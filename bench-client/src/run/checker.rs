//! The safety check of a run: one ledger for all threads, and the violation it found.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;

use crate::load::{Fleet, Shared};
use crate::measure::histogram;
use crate::plan::Plan;
use crate::report::facts::CheckFacts;
use crate::verify::Ledger;

/// The ledger of a run, or nothing if the plan has no safety check.
#[derive(Debug)]
pub(super) struct Checker {
    ledger: Option<Mutex<Ledger>>,
    /// The first violation's text.
    violation: Mutex<Option<String>>,
    /// How the server broke the protocol, if it did. The ledger may know more of it.
    broken_rule: Mutex<Option<String>>,
}

impl Checker {
    pub(super) fn new(plan: &Plan, shared: &Shared) -> Self {
        let ledger = plan.checks.safety;
        let ledger = ledger.then(|| Mutex::new(Ledger::new(plan, shared.sessions.clone())));
        Self {
            ledger,
            violation: Mutex::new(None),
            broken_rule: Mutex::new(None),
        }
    }

    /// Takes what a thread's clients saw, and ends the run at a violation.
    pub(super) fn take(&self, thread: u16, fleet: &mut Fleet, run: &Shared) {
        let Some(ledger) = &self.ledger else {
            return;
        };
        let (window, until) = (fleet.window(), fleet.known_until());
        let taken = {
            let mut ledger = lock(ledger);
            ledger.measure(thread, window);
            ledger.take(thread, fleet.events(), until)
        };
        if let Err(violation) = taken {
            lock(&self.violation).get_or_insert(violation.to_string());
            run.stop();
        }
    }

    /// The server broke the protocol: ends the run.
    pub(super) fn broken(&self, rule: &str, run: &Shared) {
        let told = || format!("the server broke the protocol: {rule}\n");
        lock(&self.broken_rule).get_or_insert_with(told);
        run.stop();
    }

    /// What was checked, hand-off times, and the violation if there is one; all threads are done.
    pub(super) fn into_outcome(self) -> (CheckFacts, Histogram<u64>, Option<String>) {
        let violation = (self.violation.into_inner()).unwrap_or_else(PoisonError::into_inner);
        let broken = (self.broken_rule.into_inner()).unwrap_or_else(PoisonError::into_inner);
        let Some(ledger) = self.ledger else {
            return (CheckFacts::default(), histogram(), broken);
        };
        let mut ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        let at_the_end = ledger.finish().err().map(|violation| violation.to_string());
        let handoff = ledger.handoff().clone();
        let violation = violation.or(at_the_end);
        // Both tell of one answer that nobody waited for; the story is the ledger's.
        let told = match (violation, broken) {
            (Some(violation), Some(broken)) => Some(violation + &broken),
            (violation, broken) => violation.or(broken),
        };
        (ledger.facts(), handoff, told)
    }
}

/// A panic of another thread ends the process, so what it left is not used for long.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
