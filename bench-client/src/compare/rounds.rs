//! The comparison as a whole: servers up, rounds A B C, A B C, for each shape, reports. Shell.

use std::fs;
use std::io;
use std::path::Path;

use crate::compare::contestant::{Contestant, Peer};
use crate::compare::options::{Asked, Options};
use crate::compare::results::{Results, Skipped};
use crate::compare::sample::{Sample, Verdict};
use crate::compare::shape::Shape;
use crate::host::cpu;
use crate::host::inquiry::Inquiry;
use crate::report::units;

use super::measure::{Conduct, Server, measure};
use super::prove::prove;
use super::servers::{Servers, Setting};

/// The two cores of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) server: usize,
    pub(super) generator: usize,
}

impl Cores {
    /// Those asked for, or the first and the last of those allowed.
    ///
    /// # Errors
    /// They are one, or not ours.
    pub(super) fn choose(options: &Options, allowed: &[usize]) -> Result<Self, String> {
        let (first, last) = (allowed.first(), allowed.last());
        let cores = first.zip(last).map(|(first, last)| Self {
            server: options.server_core.unwrap_or(*first),
            generator: options.generator_core.unwrap_or(*last),
        });
        let cores = cores.ok_or("the system does not tell which cores we may use")?;
        if cores.server == cores.generator {
            return Err(format!(
                "servers and generator would share core {}: a comparison needs two cores, see \
                 --server-core and --generator-core (we may use {allowed:?})",
                cores.server
            ));
        }
        for core in [cores.server, cores.generator] {
            if !allowed.contains(&core) {
                return Err(format!("core {core} is not ours: we may use {allowed:?}"));
            }
        }
        Ok(cores)
    }
}

/// A comparison under way.
#[derive(Debug)]
pub(super) struct Rounds<'a> {
    pub(super) asked: &'a Asked,
    pub(super) conduct: Conduct,
    pub(super) servers: Servers,
    pub(super) results: Results,
}

impl Rounds<'_> {
    /// Starts the servers of all peers; those that do not come up are skipped.
    pub(super) fn start(&mut self, setting: &Setting) {
        for &peer in &self.asked.peers {
            let outcome = self
                .servers
                .start(peer, setting)
                .map_err(|error| error.to_string());
            let outcome = outcome.and_then(|()| {
                let addresses = self.servers.of(peer).addresses;
                match addresses.is_empty() {
                    false => prove(peer, &addresses),
                    true => Err("the server gives its shards no ports of their own".to_owned()),
                }
            });
            match outcome {
                Ok(()) => eprintln!("{} is up", peer.name()),
                Err(why) => {
                    eprintln!("SKIPPED {}: {why}", peer.name());
                    let why = shortened(&why);
                    self.results.skipped.push(Skipped { peer, why });
                }
            }
        }
    }

    /// Runs every shape: all its rounds, each contestant once a round.
    ///
    /// # Errors
    /// The system has no epoll to give.
    pub(super) fn run(&mut self, is_over: &impl Fn() -> bool) -> io::Result<()> {
        let skipped = &self.results.skipped;
        let is_there = |peer: &&Peer| !skipped.iter().any(|skipped| skipped.peer == **peer);
        let peers: Vec<Peer> = self.asked.peers.iter().filter(is_there).copied().collect();
        for &shape in &self.asked.shapes {
            for round in 0..self.asked.rounds {
                for contestant in Contestant::of(shape, &peers) {
                    if is_over() {
                        return Ok(());
                    }
                    self.contestant(shape, contestant, round)?;
                }
            }
        }
        Ok(())
    }

    /// Runs one contestant, again if the run does not count.
    fn contestant(&mut self, shape: Shape, contestant: Contestant, round: u32) -> io::Result<()> {
        for _ in 0..=self.asked.retries {
            let server = self.servers.of(contestant.peer);
            let mut inquiry = inquiry(contestant.peer, &server);
            let before = inquiry.as_mut().and_then(|inquiry| inquiry.counters().ok());
            let mut sample = measure(self.conduct, &server, shape, contestant, round)?;
            let after = inquiry.as_mut().and_then(|inquiry| inquiry.counters().ok());
            sample.counted = after
                .zip(before)
                .map(|(after, before)| after.since(&before));
            if let Some(ended) = self.servers.ended(contestant.peer) {
                sample.trouble = Some(ended.to_string());
            }
            eprintln!("{}", progress(&sample, self.asked.rounds));
            let verdict = sample.verdict();
            self.results.add(sample);
            if verdict == Verdict::Counts {
                break;
            }
        }
        Ok(())
    }
}

/// A connection to ask locker for its counters; it says nothing while a load runs.
fn inquiry(peer: Peer, server: &Server) -> Option<Inquiry> {
    let inquiry = peer
        .is_locker()
        .then(|| Inquiry::begin(&server.addresses[0]));
    inquiry?.ok()
}

/// A run in one line.
fn progress(sample: &Sample, rounds: u32) -> String {
    let round = sample.round + 1;
    let head = format!("{round}/{rounds} {}, {}", sample.shape, sample.contestant);
    let figures = || {
        let rate = units::short(sample.rate());
        let cost = units::span(sample.cpu_per_pair());
        let share = units::percent(sample.core_share());
        format!("{rate} a second, {cost} of CPU each, core {share}")
    };
    match sample.verdict() {
        Verdict::Counts => format!("{head}: {}", figures()),
        Verdict::Unsaturated => format!("{head}: {}, DROPPED", figures()),
        Verdict::Invalid(why) => format!("{head}: INVALID: {why}"),
    }
}

/// The first lines of a reason: a program that refuses its flags may print its whole manual.
fn shortened(why: &str) -> String {
    const LINES: usize = 3;
    let lines: Vec<&str> = why.lines().take(LINES).collect();
    lines.join("; ")
}

/// Writes a report's file.
///
/// # Errors
/// What the system said, with the file's name.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Cores for so many shards: those asked for, else all but the generator's, or the servers' core
/// for all of them.
///
/// # Errors
/// One that is asked for is not ours.
pub(super) fn shard_cores(
    options: &Options,
    cores: Cores,
    allowed: &[usize],
    shards: u32,
) -> Result<Vec<usize>, String> {
    if let Some(asked) = &options.shard_cores {
        return match asked.iter().find(|core| !allowed.contains(core)) {
            None => Ok(asked.clone()),
            Some(core) => Err(format!("core {core} is not ours: we may use {allowed:?}")),
        };
    }
    let wanted = usize::try_from(shards).expect("widens");
    let others = allowed
        .iter()
        .copied()
        .filter(|core| *core != cores.generator);
    let mut chosen: Vec<usize> = others.collect();
    chosen.truncate(wanted);
    Ok(match chosen.len() == wanted {
        true => chosen,
        false => vec![cores.server],
    })
}

/// Pins the generator: the calling thread.
///
/// # Errors
/// The core is not ours.
pub(super) fn pin_generator(cores: Cores) -> Result<(), String> {
    cpu::pin_thread(cores.generator).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    fn choose(flags: &[&str], allowed: &[usize]) -> Result<Cores, String> {
        let words = ["program"].iter().chain(flags);
        Cores::choose(&Program::parse_from(words).options, allowed)
    }

    #[test]
    fn server_and_generator_get_a_core_each() {
        let cores = choose(&[], &[2, 5, 7]).unwrap();
        assert_eq!((cores.server, cores.generator), (2, 7));
        let cores = choose(&["--server-core", "7", "--generator-core", "5"], &[2, 5, 7]).unwrap();
        assert_eq!((cores.server, cores.generator), (7, 5));
        assert!(choose(&[], &[3]).unwrap_err().contains("needs two cores"));
        assert!(
            choose(&["--server-core", "1"], &[2, 5])
                .unwrap_err()
                .contains("not ours")
        );
        assert!(choose(&[], &[]).is_err());
    }

    #[test]
    fn shards_get_cores_of_their_own_or_share_the_servers() {
        let cores = Cores {
            server: 0,
            generator: 3,
        };
        let asked = |flags: &[&str], allowed: &[usize], shards| {
            let words = ["program"].iter().chain(flags);
            let options = Program::parse_from(words).options;
            shard_cores(&options, cores, allowed, shards)
        };
        assert_eq!(asked(&[], &[0, 1, 2, 3], 2), Ok(vec![0, 1]));
        assert_eq!(asked(&[], &[0, 1, 2, 3], 3), Ok(vec![0, 1, 2]));
        assert_eq!(asked(&[], &[0, 3], 2), Ok(vec![0]));
        let both = ["--shard-cores", "0,3"];
        assert_eq!(asked(&both, &[0, 3], 2), Ok(vec![0, 3]));
        assert!(asked(&both, &[0, 1], 2).unwrap_err().contains("not ours"));
    }

    #[test]
    fn a_program_that_prints_its_manual_is_cut_short() {
        assert_eq!(shortened("one\ntwo\nthree\nfour"), "one; two; three");
    }
}
