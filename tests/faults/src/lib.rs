//! Real processes under real faults: a server, workers that lock through the Rust client, and a
//! resource that checks fencing tokens, while something goes wrong on a seeded schedule.
//!
//! ```text
//!   scenario (what goes wrong, when)
//!      |
//!   stage ---- server      the real binary, killed, stopped, starved and started again
//!      |  `--- crew        worker processes; each appends its history to a file of its own
//!      |  `--- resource    a Unix socket that refuses tokens smaller than the greatest seen
//!      |
//!   check (pure): histories + accesses + faults -> what was done, and violations
//! ```
//!
//! All instants are of `CLOCK_MONOTONIC_RAW`, which the processes of one host have in common, so
//! the checker can compare what one worker believed with what another one did. Workers write an
//! entry before they act on it: the history of one that was killed counts up to the kill.

pub mod bend;
pub mod campaign;
pub mod check;
pub mod clock;
pub mod dice;
pub mod folder;
pub mod group;
pub mod history;
pub mod launch;
pub mod need;
pub mod net;
pub mod process;
pub mod program;
pub mod resource;
pub mod scenario;
pub mod scenarios;
pub mod server;
pub mod stage;
pub mod trouble;
pub mod worker;
