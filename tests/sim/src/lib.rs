//! Whole locker clusters on one seed, in virtual time: the server's and the client's own code,
//! between a simulated kernel, network, disk and clock. See README.md.

pub mod agenda;
pub mod cluster;
pub mod dice;
pub mod moment;
pub mod network;
pub mod observed;
pub mod oracle;
pub mod plan;
pub mod player;
pub mod server;
pub mod tally;
pub mod trace;

use cluster::{Cluster, Outcome};
use plan::{Plan, Without};

/// Plays one seed.
#[must_use]
pub fn play(seed: u64, without: &Without) -> Outcome {
    let plan = Plan::of(seed, without);
    Cluster::new(&plan).run()
}
