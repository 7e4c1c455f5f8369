//! Many rounds of many scenarios, and their report.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::dice::Dice;
use crate::scenario::{Round, Scenario, Tally};
use crate::trouble::{Trouble, Trying as _};

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// What a campaign came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No violation; something may have been skipped.
    Clean,
    /// A violation, or a round that failed.
    Broken,
    /// Ctrl-C.
    Interrupted,
}

/// From now on Ctrl-C and SIGTERM end the round in order, so that mounts and groups go too.
///
/// # Errors
/// The system refuses.
pub fn end_in_order() -> Result<(), Trouble> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag)).trying("cannot catch signals")?;
    }
    Ok(())
}

/// Whether Ctrl-C or SIGTERM came.
#[must_use]
pub fn was_interrupted() -> bool {
    let flag = INTERRUPTED.get();
    flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Plays `rounds` of each, one after the other, and tells of each as it ends.
///
/// # Errors
/// Standard output is closed.
pub fn run(scenarios: &[Scenario], rounds: u64, seed: u64, is_short: bool) -> io::Result<Outcome> {
    let mut out = io::stdout();
    let mut all = Tally::default();
    let mut is_broken = false;
    for scenario in scenarios {
        let began = Instant::now();
        let mut tally = Tally::default();
        for number in 0..rounds {
            let seed = seed_of(seed, number);
            match scenario.run(&Round { seed, is_short }) {
                Ok(round) => {
                    if !round.violations.is_empty() {
                        writeln!(out, "{}", repeat(scenario, seed, is_short))?;
                    }
                    tally.add(Tally { rounds: 1, ..round });
                }
                Err(Trouble::Skipped(why)) => {
                    writeln!(out, "SKIPPED: {why}")?;
                    break;
                }
                Err(Trouble::Interrupted) => return Ok(Outcome::Interrupted),
                Err(trouble) => {
                    is_broken = true;
                    let name = scenario.name;
                    writeln!(out, "FAILED {name}: {trouble}")?;
                    writeln!(out, "{}", repeat(scenario, seed, is_short))?;
                }
            }
        }
        let seconds = began.elapsed().as_secs();
        writeln!(
            out,
            "{:24} rounds={} {tally} ({seconds} s)",
            scenario.name, tally.rounds
        )?;
        is_broken |= !tally.violations.is_empty();
        all.add(tally);
    }
    writeln!(out, "{:24} rounds={} {}", "all", all.rounds, all.line())?;
    Ok(if is_broken {
        Outcome::Broken
    } else {
        Outcome::Clean
    })
}

/// The seed of a round. The first is the campaign's own, so that one round repeats it.
fn seed_of(seed: u64, number: u64) -> u64 {
    match number {
        0 => seed,
        _ => Dice::new(seed.wrapping_add(number << 32)).any() >> 16,
    }
}

fn repeat(scenario: &Scenario, seed: u64, is_short: bool) -> String {
    let short = if is_short { " --short" } else { "" };
    let name = scenario.name;
    format!("again: cargo run -p faults -- --scenario {name} --seed {seed}{short}")
}
