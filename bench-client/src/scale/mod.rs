//! `locker-bench scale`: how cost grows with sessions, connections and what they hold. Each
//! scenario starts a server of its own, puts it into one hard situation, and holds what it sees
//! against stated bounds.
//!
//! ```text
//!   scenario (flags, bounds) -> site (server, marks) -> staged (event loop, stages) -> traffic
//!        +-> findings (table, JSON, exit code)                       member (frames) <--+
//! ```
//!
//! A scenario is a file with its flags and its judgement, and below it a pure traffic: see
//! `resume`. The two are joined by [`staged::run`], which reads the server between stages.

mod churn;
mod crew;
mod ending;
pub mod findings;
mod held;
mod leases;
pub mod member;
mod muster;
mod overload;
mod resume;
mod site;
mod soak;
pub mod staged;
mod storm;
mod waiters;

pub use site::{Common, Mark, Needs, Site};

use std::io;
use std::process::ExitCode;

use clap::Subcommand;

use findings::Findings;

/// Flags of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Clone, Debug, Subcommand)]
enum Scenario {
    /// All sessions open, idle, ask, ping, lose their connections and resume: each time at once.
    Resume(resume::Options),
    /// Locks come and go beside few that are held, and beside millions; then all end at once.
    Held(held::Options),
    /// More and more wait for one key; cancels, hand-offs, and all of them timing out at once.
    Waiters(waiters::Options),
    /// Leases by the million, all of which end within one second.
    Leases(leases::Options),
    /// Clients that connect, lock and are gone, as many as there can be.
    Churn(churn::Options),
    /// A session that holds very many locks ends, in three ways, while others work.
    Ending(ending::Options),
    /// Too much of everything: requests, waiters, connections, sessions, locks; and its end.
    Overload(overload::Options),
    /// The server is killed under all locks: all sessions come back at once and reclaim them.
    Storm(storm::Options),
    /// Everything mixed, for long: memory may not grow, latency may not drift.
    Soak(soak::Options),
}

/// Runs a scenario and prints what it found; `command` is the command line, for the file.
///
/// Exit codes: 0 every bound holds, 1 one was missed, 2 the scenario could not be run.
#[must_use]
pub fn run(options: &Options, command: &[String]) -> ExitCode {
    let (common, found) = match &options.scenario {
        Scenario::Resume(options) => (&options.common, resume::run(options)),
        Scenario::Held(options) => (&options.common, held::run(options)),
        Scenario::Waiters(options) => (&options.common, waiters::run(options)),
        Scenario::Leases(options) => (&options.common, leases::run(options)),
        Scenario::Churn(options) => (&options.common, churn::run(options)),
        Scenario::Ending(options) => (&options.common, ending::run(options)),
        Scenario::Overload(options) => (&options.common, overload::run(options)),
        Scenario::Storm(options) => (&options.common, storm::run(options)),
        Scenario::Soak(options) => (&options.common, soak::run(options)),
    };
    match found.and_then(|found| publish(common, &found, command).map(|()| found.all_hold())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("locker-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn publish(common: &Common, found: &Findings, command: &[String]) -> io::Result<()> {
    print!("{}", found.text());
    let Some(path) = &common.json else {
        return Ok(());
    };
    let text = format!("{:#}\n", found.json(command));
    std::fs::write(path, text)
        .map_err(|error| io::Error::other(format!("cannot write {}: {error}", path.display())))
}
