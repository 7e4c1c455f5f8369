//! The safety check of a run: one ledger for all threads, and the violation it found.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;

use crate::load::{Fleet, Shared, key_name};
use crate::measure::histogram;
use crate::plan::{Plan, Workload};
use crate::report::facts::CheckFacts;
use crate::verify::{Ledger, Violation};

/// The ledger of a run, or nothing if the plan has no safety check.
#[derive(Debug)]
pub(super) struct Checker {
    ledger: Option<Mutex<Ledger>>,
    /// To name keys.
    workload: Workload,
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
            workload: plan.workload.clone(),
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
            lock(&self.violation).get_or_insert_with(|| tell(&violation, &self.workload));
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
        let at_the_end = ledger.finish().err();
        let at_the_end = at_the_end.map(|violation| tell(&violation, &self.workload));
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

/// The violation, and the name of its key as `locker get` takes it.
fn tell(violation: &Violation, workload: &Workload) -> String {
    let key = violation.key;
    let name = key_name(workload, key);
    format!("{violation}key {key} is '{name}': ask the server with `locker get '{name}'`\n")
}

/// A panic of another thread ends the process, so what it left is not used for long.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
