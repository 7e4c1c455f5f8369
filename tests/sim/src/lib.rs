//! Whole locker clusters on one seed, in virtual time: the server's and the client's own code,
//! between a simulated kernel, network, disk and clock. See README.md.

pub mod agenda;
pub mod cluster;
pub mod dice;
pub mod minimise;
pub mod moment;
pub mod network;
pub mod observed;
pub mod oracle;
pub mod plan;
pub mod player;
pub mod report;
pub mod server;
pub mod tally;
pub mod trace;

use cluster::{Cluster, Outcome};
use moment::Moment;
use oracle::Violation;
use plan::{Plan, Without};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Plays one seed. A panic of the code under test is a broken promise, too.
#[must_use]
pub fn play(seed: u64, without: &Without) -> Outcome {
    let plan = Plan::of(seed, without);
    let mut cluster = Cluster::new(&plan);
    let violation = match catch_unwind(AssertUnwindSafe(|| cluster.run())) {
        Ok(violation) => violation,
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            let reason = words.unwrap_or("no words").to_owned();
            let invariant = match is_of_invariant(&reason) {
                true => "tables after a turn",
                false => "no panic",
            };
            Some((cluster.now(), Violation { invariant, reason }))
        }
    };
    cluster.finish(violation)
}

/// Whether a panic's words begin with an invariant's number, as those of `Core::check_invariants`.
fn is_of_invariant(words: &str) -> bool {
    let said = words
        .split_once(" failed: ")
        .map_or(words, |(_, said)| said);
    let number = said.split(": ").next().unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Plays one seed and keeps all that was seen.
#[must_use]
pub fn trace(seed: u64, without: &Without) -> Vec<(Moment, observed::Observed)> {
    let plan = Plan::of(seed, without);
    let mut cluster = Cluster::new(&plan);
    cluster.keep_all();
    let _ = catch_unwind(AssertUnwindSafe(|| cluster.run()));
    cluster.finish(None).trace.last().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::is_of_invariant;

    #[test]
    fn what_names_an_invariant_is_told_from_other_panics() {
        for words in [
            "10: a head",
            "assertion `left == right` failed: 6: every\n left: 1",
        ] {
            assert!(is_of_invariant(words), "{words}");
        }
        for words in ["invalid key", "", "assertion failed: x", "no 6: here"] {
            assert!(!is_of_invariant(words), "{words}");
        }
    }
}
