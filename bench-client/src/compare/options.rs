//! The flags of `locker-bench compare`, checked before anything is started.

use std::path::PathBuf;

use locker::config::units;

use crate::nanos::Nanos;

use super::contestant::Peer;
use super::shape::Shape;
use super::stages::Timing;

/// Flags of the comparison.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Options {
    /// Whom to compare, separated by commas: locker, locker-lease, locker-shards, locker-aware,
    /// locker-unix, echo-driver, echo-epoll, redis, redis-ping, memcached, etcd, postgres.
    ///
    /// Those that are not installed are skipped, visibly. Without this flag all but locker-unix
    /// are compared, locker-shards and locker-aware only with --server-shards.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = Peer::parse)]
    pub peers: Vec<Peer>,
    /// Shapes of load, separated by commas: CONNECTIONSxDEPTH, contended, contended:CLIENTS.
    ///
    /// DEPTH counts the clients of a connection, each with one pair of acquire and release under
    /// way. At depth 1 pairs are measured as two round trips and as one write, else as one write.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values = Shape::USUAL)]
    pub shapes: Vec<String>,
    /// A short comparison, below 3 minutes: 3 rounds of 0.35 s; for a first look.
    #[arg(long)]
    pub quick: bool,
    /// Rounds; in each, every peer runs once. [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: Option<u32>,
    /// Measured seconds of each run. [default: 2]
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<Nanos>,
    /// Keys that the clients draw from, each from its own share; at least one each. With 10,000
    /// or fewer they count as hot.
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..=90_000_000))]
    pub keys: u32,
    /// Compares locker with so many shards too: locker-shards, whose connections ask for any key,
    /// and locker-aware, whose connections go to a shard each and ask for its keys. [default: 2,
    /// where those peers are named]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64))]
    pub server_shards: Option<u32>,
    /// Cores of those shards, as 0,1. [default: a core each without the generator's, if there are
    /// so many, else all on the servers' core] With the generator's core among them rates say
    /// little, processor time per request still does.
    #[arg(long, value_name = "LIST", value_parser = units::parse_cpus)]
    pub shard_cores: Option<CpuList>,
    /// The core that servers are pinned to. [default: the first we may use]
    #[arg(long, value_name = "CORE")]
    pub server_core: Option<usize>,
    /// The core that the generator is pinned to. [default: the last we may use]
    #[arg(long, value_name = "CORE")]
    pub generator_core: Option<usize>,
    /// The program `locker`. [default: the one beside this program, then the one in PATH]
    #[arg(long, value_name = "FILE")]
    pub server_bin: Option<PathBuf>,
    /// Seed of the keys that are drawn.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Writes every run of every round, medians and targets to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes a page with charts to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// A list of cores; a type of its own, so that clap does not take it for many values.
type CpuList = Vec<usize>;

const EXAMPLES: &str = "\
Every server runs alone on its core, the generator on another; rounds go A B C, A B C, so that
noise of the machine meets all alike. The figure that decides is the server's processor time per
pair. bench-client/README.md tells what each peer is asked for and what cannot be compared.

Examples:
  locker-bench compare --quick                         a first look, below 3 minutes
  locker-bench compare --json F.json --html F.html     the full comparison, about 20 minutes
  locker-bench compare --peers locker,redis --shapes 8x32,50x64 --keys 1000
  locker-bench compare --peers locker,echo-epoll --shapes contended --seconds 30
  locker-bench compare --peers locker,locker-shards,locker-aware --shapes 50x1,50x16,50x64
                                                       what a second shard costs";

/// Retries of a run that does not count, per round.
const RETRIES: u32 = 2;
const RETRIES_QUICK: u32 = 1;

/// What the flags ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In the order of rounds, each once.
    pub peers: Vec<Peer>,
    /// In the order asked for, each once.
    pub shapes: Vec<Shape>,
    /// Rounds.
    pub rounds: u32,
    /// Times of a run.
    pub timing: Timing,
    /// Retries of a run that does not count.
    pub retries: u32,
}

impl Options {
    /// The shapes, peers and times that the flags ask for.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn asked(&self) -> Result<Asked, String> {
        let mut shapes = Vec::new();
        for text in &self.shapes {
            for shape in Shape::parse(text)? {
                if !shapes.contains(&shape) {
                    shapes.push(shape);
                }
            }
        }
        let mut peers = self.peers.clone();
        if peers.is_empty() {
            let has_shards = self.server_shards.is_some();
            let is_usual =
                |peer: &&Peer| **peer != Peer::LockerUnix && (has_shards || !peer.is_sharded());
            peers.extend(Peer::ALL.iter().filter(is_usual));
        }
        peers.sort_unstable();
        peers.dedup();
        let usual = match self.quick {
            true => Nanos::from_ms(350),
            false => Nanos::from_ms(2_000),
        };
        let measured = self.seconds.unwrap_or(usual);
        Ok(Asked {
            peers,
            shapes,
            rounds: self.rounds.unwrap_or(if self.quick { 3 } else { 5 }),
            timing: Timing {
                greeting_max: Nanos::from_ms(20_000),
                // Long enough for caches and windows to settle, a fifth of the measured time.
                warmup: Nanos((measured.0 / 5).clamp(50_000_000, 500_000_000)),
                measured,
                finishing_max: Nanos::from_ms(5_000),
            },
            retries: if self.quick { RETRIES_QUICK } else { RETRIES },
        })
    }
}

fn seconds(text: &str) -> Result<Nanos, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    let number = number.filter(|number| (0.01..=3_600.0).contains(number));
    let number = number.ok_or("a number of seconds from 0.01 to 3600, such as 0.5 or 2")?;
    let span = std::time::Duration::from_secs_f64(number);
    Ok(Nanos(
        u64::try_from(span.as_nanos()).expect("an hour at most"),
    ))
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

    fn asked(flags: &[&str]) -> Result<Asked, String> {
        let words = ["program"].iter().chain(flags);
        let program = Program::try_parse_from(words).map_err(|error| error.to_string())?;
        program.options.asked()
    }

    #[test]
    fn the_defaults_are_all_peers_and_the_usual_shapes() {
        let all = asked(&[]).unwrap();
        assert_eq!((all.peers.len(), all.shapes.len(), all.rounds), (9, 8, 5));
        let quick = asked(&["--quick", "--server-shards", "2"]).unwrap();
        assert_eq!((quick.peers.len(), quick.rounds), (11, 3));
        assert_eq!(quick.timing.measured, Nanos::from_ms(350));
    }

    #[test]
    fn what_is_asked_for_twice_runs_once() {
        let few = asked(&[
            "--peers",
            "redis,locker,redis",
            "--shapes",
            "8x32,50x1,8x32",
        ])
        .unwrap();
        assert_eq!(few.peers, [Peer::Locker, Peer::Redis]);
        assert_eq!(few.shapes.len(), 3, "50x1 in two styles");
    }

    #[test]
    fn nonsense_is_refused_with_what_would_do() {
        let cases = [
            (&["--peers", "zookeeper"], "choose of locker"),
            (&["--shapes", "12"], "CONNECTIONSxDEPTH"),
            (&["--seconds", "0"], "0.01 to 3600"),
            (&["--rounds", "0"], "1..=1000"),
            (&["--server-shards", "1"], "2..=64"),
        ];
        for (flags, reason) in cases {
            let error = asked(flags).unwrap_err();
            assert!(error.contains(reason), "{flags:?}: {error}");
        }
    }
}
