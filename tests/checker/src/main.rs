//! Searches both models, with each fault and without, and tells what it saw.
//!
//! An argument limits it to what has the argument in its name.

use checker::search::{Model, search};
use checker::{restart, session};
use std::process::ExitCode;
use std::time::Instant;

/// States at most: memory for them is some gigabytes.
const STATES_MAX: usize = 40_000_000;

fn main() -> ExitCode {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let mut is_sound = true;
    for fault in session::Fault::ALL {
        let model = session::Session::with(fault);
        is_sound &= tell(&filter, &format!("session with {fault:?}"), &model, true);
    }
    for fault in restart::Fault::ALL {
        let model = restart::Restart::with(fault);
        is_sound &= tell(&filter, &format!("restart with {fault:?}"), &model, true);
    }
    for (name, model) in session::Session::bounds() {
        is_sound &= tell(&filter, &format!("session, {name}"), &model, false);
    }
    for (name, model) in restart::Restart::bounds() {
        is_sound &= tell(&filter, &format!("restart, {name}"), &model, false);
    }
    match is_sound {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Searches; whether it came out as expected.
fn tell<M: Model>(filter: &str, name: &str, model: &M, is_faulty: bool) -> bool {
    if !name.contains(filter) {
        return true;
    }
    let from = Instant::now();
    let searched = search(model, STATES_MAX);
    println!(
        "{name:<44} {:>9} states {:>9} steps  depth {:>3}  {:>6.2} s  {}",
        searched.states,
        searched.steps,
        searched.depth,
        from.elapsed().as_secs_f64(),
        match &searched.counterexample {
            None => "every promise kept".to_owned(),
            Some(found) => format!(
                "broken after {} steps: {}",
                found.steps.len() - 1,
                found.what
            ),
        }
    );
    let is_expected = searched.counterexample.is_some() == is_faulty;
    if let (false, Some(found)) = (is_expected, &searched.counterexample) {
        for step in &found.steps {
            println!("    {step}");
        }
    }
    is_expected
}
