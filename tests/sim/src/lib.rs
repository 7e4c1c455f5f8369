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
            let invariant = "no panic";
            Some((cluster.now(), Violation { invariant, reason }))
        }
    };
    cluster.finish(violation)
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
