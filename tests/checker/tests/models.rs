//! Both models keep every promise in their small bounds, and each fault breaks one.

use checker::search::{Model, Searched, search};
use checker::{restart, session};

const STATES_MAX: usize = 2_000_000;

fn sound<M: Model>(model: &M) -> Searched {
    let searched = search(model, STATES_MAX);
    println!("{} states, {} steps", searched.states, searched.steps);
    if let Some(found) = &searched.counterexample {
        panic!("{}:\n{}", found.what, found.steps.join("\n"));
    }
    searched
}

/// The promise that the fault breaks.
fn broken<M: Model>(model: &M) -> &'static str {
    let found = search(model, STATES_MAX).counterexample;
    found.expect("the fault is found").what
}

#[test]
fn a_session_keeps_every_promise() {
    assert!(sound(&session::Session::small()).states > 10_000);
}

#[test]
fn a_restart_keeps_every_promise() {
    assert!(sound(&restart::Restart::small()).states > 100_000);
}

#[test]
fn each_fault_of_a_session_breaks_a_promise() {
    use session::Fault;
    for fault in Fault::ALL {
        let expected = match fault {
            Fault::ReRun => "a request has one effect at most",
            Fault::OldBytes => "bytes of an old connection have no effect",
            Fault::EndOvertakes | Fault::DyingWaiter => "an ended session holds nothing",
            Fault::GrantDropped => "a request without an answer has a waiter",
            Fault::CancelKeeps => "nobody holds a lock without knowing it",
        };
        let what = broken(&session::Session::with(fault));
        assert_eq!(what, expected, "{fault:?}");
    }
}

#[test]
fn each_fault_of_a_restart_breaks_a_promise() {
    use restart::Fault;
    for fault in Fault::ALL {
        let expected = match fault {
            Fault::NoFloor | Fault::LateFloor => "no hold comes back behind a later grant",
            Fault::ReclaimAfterRelease => "a hold is reclaimed only by who believes in it",
            Fault::LateReclaim => "a hold that was lost stays lost",
            Fault::SameEpoch => "tokens grow",
            Fault::ShortWindow | Fault::LateGrant | Fault::LateBound | Fault::CleanWithHold => {
                "two never believe at once"
            }
        };
        let what = broken(&restart::Restart::with(fault));
        assert_eq!(what, expected, "{fault:?}");
    }
}
