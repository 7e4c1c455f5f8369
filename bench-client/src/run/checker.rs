//! The safety check of a run: one ledger for all threads, and the violation it found.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;

use crate::load::Shared;
use crate::measure::histogram;
use crate::nanos::Nanos;
use crate::plan::Plan;
use crate::report::facts::CheckFacts;
use crate::verify::{Event, Ledger};

/// The ledger of a run, or nothing if the plan has no safety check.
#[derive(Debug)]
pub(super) struct Checker {
    ledger: Option<Mutex<Ledger>>,
    /// The first violation's text.
    violation: Mutex<Option<String>>,
}

impl Checker {
    pub(super) fn new(plan: &Plan, shared: &Shared) -> Self {
        let ledger = plan.checks.safety;
        let ledger = ledger.then(|| Mutex::new(Ledger::new(plan, shared.sessions.clone())));
        Self {
            ledger,
            violation: Mutex::new(None),
        }
    }

    /// Takes a thread's events, and ends the run at a violation.
    pub(super) fn take(&self, thread: u16, events: &mut Vec<Event>, until: Nanos, run: &Shared) {
        let Some(ledger) = &self.ledger else {
            return;
        };
        let taken = lock(ledger).take(thread, events, until);
        if let Err(violation) = taken {
            self.found(violation.to_string(), run);
        }
    }

    /// Keeps a violation if it is the first, and ends the run.
    pub(super) fn found(&self, violation: String, run: &Shared) {
        lock(&self.violation).get_or_insert(violation);
        run.stop();
    }

    /// What was checked, hand-off times, and the violation if there is one; all threads are done.
    pub(super) fn into_outcome(self) -> (CheckFacts, Histogram<u64>, Option<String>) {
        let violation = (self.violation.into_inner()).unwrap_or_else(PoisonError::into_inner);
        let Some(ledger) = self.ledger else {
            return (CheckFacts::default(), histogram(), violation);
        };
        let mut ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        let at_the_end = ledger.finish().err().map(|violation| violation.to_string());
        let handoff = ledger.handoff().clone();
        (ledger.facts(), handoff, violation.or(at_the_end))
    }
}

/// A panic of another thread ends the process, so what it left is not used for long.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
