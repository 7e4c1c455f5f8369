//! The same locks, asked of locker and of its peers: `locker-bench compare`.
//!
//! ```text
//!   options -> rounds (shell): servers up, then per shape and round each contestant
//!                |-> measure: Cycle | Contended | Baton, each on a Course, generic over Dialect,
//!                |     on net::event_loop; locker's own counters are read before and after
//!                |     watch: processor time at the borders of the measured time
//!                +-> Sample -> Results -> text, json, page; Target -> Standing
//! ```
//!
//! What makes it fair: one generator for all, one thread on its own core; each server alone on
//! another; commands built beforehand; the same clients, keys and writes for each; rounds go
//! A B C, A B C, and ratios are taken within a round. What is pure is listed in tests/tidy.rs.

pub mod baton;
pub mod contended;
pub mod contestant;
pub mod course;
pub mod cycle;
pub mod dialect;
pub mod json;
pub mod key;
mod measure;
pub mod options;
pub mod page;
pub mod peers;
mod prove;
pub mod results;
mod rounds;
pub mod sample;
mod servers;
pub mod shape;
pub mod spread;
pub mod stages;
mod talk;
pub mod tally;
pub mod targets;
pub mod text;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::host::{cpu, descriptors, machine};
use crate::report::facts::HostFacts;

use measure::Conduct;
use options::Asked;
pub use options::Options;
use results::Results;
use rounds::{Cores, Rounds, pin_generator, shard_cores, write};
use servers::{Servers, Setting};

/// Exit code of a comparison that Ctrl-C ended, as a shell would tell it.
const INTERRUPTED: u8 = 130;
/// Exit code of one in which a run went wrong, as of such a run alone.
const INVALID: u8 = 3;
/// Exit code of one that measured nothing.
const NOTHING: u8 = 1;

/// Facts about a comparison for its reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The command line.
    pub command: Vec<String>,
    /// Command lines of the servers.
    pub servers: Vec<String>,
    /// Seconds since 1970 at its start.
    pub began_unix: u64,
    /// Keys that were drawn from.
    pub keys: u32,
    /// Rounds asked for, and milliseconds of each run.
    pub rounds: u32,
    /// Milliseconds of each run.
    pub measured_ms: u64,
    /// Cores of servers and generator.
    pub cores: (usize, usize),
    /// Shards of the peers that have several, and the cores of all of them together.
    pub shards: (u32, Vec<usize>),
    /// The machine.
    pub host: HostFacts,
    /// Whether it was ended before its time.
    pub interrupted: bool,
}

/// Runs the comparison and prints its table; `command` is the command line, for the reports.
#[must_use]
pub fn run(options: &Options, command: &[String]) -> ExitCode {
    match compare(options, command) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("locker-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options, command: &[String]) -> Result<ExitCode, String> {
    let asked = options.asked()?;
    let allowed = cpu::allowed_cores();
    let cores = Cores::choose(options, &allowed)?;
    let setting = setting(options, &asked, cores, &allowed)?;
    descriptors::make_room(2 * u64::from(setting.connections))
        .map_err(|error| error.to_string())?;
    let interrupted = listen().map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    pin_generator(cores)?;
    let mut facts = facts(options, &asked, command, cores);
    facts.shards = (setting.shards, setting.shard_cores.clone());
    let conduct = Conduct {
        timing: asked.timing,
        keys: options.keys,
        seed: options.seed,
    };
    let mut rounds = Rounds {
        asked: &asked,
        conduct,
        servers: Servers::default(),
        results: Results::default(),
    };
    rounds.start(&setting);
    let is_over = || interrupted.load(Ordering::Relaxed);
    rounds.run(&is_over).map_err(|error| error.to_string())?;
    facts.interrupted = is_over();
    facts.servers = rounds.servers.commands();
    let Rounds { results, .. } = rounds;
    report(options, &facts, &results)
}

/// Prints the table and writes the files.
fn report(options: &Options, facts: &Facts, results: &Results) -> Result<ExitCode, String> {
    print!("\n{}", text::text(facts, results));
    if facts.interrupted {
        println!("\nINTERRUPTED: the rounds above are those before");
    }
    if let Some(path) = &options.json {
        write(path, &json::json(facts, results))?;
    }
    if let Some(path) = &options.html {
        write(path, &page::page(facts, results))?;
    }
    Ok(exit_code(facts.interrupted, results).into())
}

/// What a script learns without reading. A run that was merely not saturated is no failure: the
/// table says so, and on a busy machine there is always one.
fn exit_code(is_interrupted: bool, results: &Results) -> u8 {
    match results.not_counted() {
        _ if is_interrupted => INTERRUPTED,
        _ if results.samples.is_empty() => NOTHING,
        (_, 0) => 0,
        _ => INVALID,
    }
}

fn setting(
    options: &Options,
    asked: &Asked,
    cores: Cores,
    allowed: &[usize],
) -> Result<Setting, String> {
    let shards = options.server_shards.unwrap_or(2);
    let shapes = &asked.shapes;
    Ok(Setting {
        core: cores.server,
        shard_cores: shard_cores(options, cores, allowed, shards)?,
        shards,
        connections: shapes
            .iter()
            .map(|shape| shape.connections)
            .max()
            .unwrap_or(0),
        depth: shapes.iter().map(|shape| shape.depth).max().unwrap_or(0),
        server_bin: options.server_bin.clone(),
    })
}

fn facts(options: &Options, asked: &Asked, command: &[String], cores: Cores) -> Facts {
    let now = std::time::SystemTime::now();
    let since_1970 = now.duration_since(std::time::UNIX_EPOCH);
    Facts {
        command: command.to_vec(),
        servers: Vec::new(),
        began_unix: since_1970.map_or(0, |span| span.as_secs()),
        keys: options.keys,
        rounds: asked.rounds,
        measured_ms: asked.timing.measured.0 / 1_000_000,
        cores: (cores.server, cores.generator),
        shards: (0, Vec::new()),
        host: machine::describe(),
        interrupted: false,
    }
}

/// A flag that the first Ctrl-C puts up; the second ends the process.
fn listen() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let asked = Arc::clone(&flag);
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED.into(), asked)?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::results::tests::run;
    use contestant::Peer;

    #[test]
    fn a_script_learns_that_a_run_went_wrong_but_not_that_one_was_not_saturated() {
        let mut results = Results::default();
        assert_eq!(exit_code(false, &results), NOTHING);
        results.add(run("8x32", Peer::Locker, 0, 1_000, 100));
        assert_eq!(exit_code(false, &results), 0);
        let mut broken = run("8x32", Peer::Redis, 0, 1_000, 950);
        broken.trouble = Some("it ended".to_owned());
        results.add(broken);
        assert_eq!(exit_code(false, &results), INVALID);
        assert_eq!(exit_code(true, &results), INTERRUPTED);
    }
}
