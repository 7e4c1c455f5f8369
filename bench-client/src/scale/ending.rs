//! Scenario `ending`: a session that holds very many locks ends while others work.
//!
//! It ends three times: it closes itself, its connection ends, its TTL runs out. Beside it others
//! acquire and release at a steady pace, one lists all locks over and over, one reads the counters.
//! What they feel, and how long the server's turns are, is told for before, during and after.

mod estate;

use std::io;

use super::findings::{Bound, Findings};
use super::site::{Common, Needs, Site};
use super::staged::{self, Marks};
use crate::nanos::Nanos;
use estate::{Estate, Size, Stage, Step, WAYS, Way};

/// Processor time of the longest turn.
const TURN_US_MAX: f64 = 1_000.0;
/// How much longer the others' p99 may be during the end than before, in microseconds: the length
/// of the longest turn that is allowed.
const HARM_US_MAX: f64 = 1_000.0;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Locks that the session holds when it ends.
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    locks: u32,
    /// Clients that work beside it, each with a connection.
    #[arg(short, long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Pairs of acquire and release that they begin per second, together.
    #[arg(long, value_name = "N", default_value_t = 5_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Seconds for which they are measured before and after each end.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let size = Size {
        locks: options.locks,
        cyclers: options.connections,
        rate: options.rate,
        measured: Nanos::from_seconds(options.seconds),
    };
    let memory_mib = 512 + u64::from(options.locks) * 3 / 20 / 1_000;
    let mut site = Site::open(
        &options.common,
        &Needs {
            connections: size.connections(),
            memory: &format!("{memory_mib}MiB"),
            arguments: &[],
        },
    )?;
    let mut estate = Estate::new(size);
    let connections = size.connections() as usize;
    let marks = staged::run(&mut site, &mut estate, connections)?;
    let mut found = Findings::new("ending");
    found.tell("locks of the session that ends", size.locks.into(), "");
    for way in WAYS {
        judge(&mut found, way, &estate, &marks);
    }
    Ok(found)
}

fn judge(found: &mut Findings, way: Way, estate: &Estate, marks: &Marks<Stage>) {
    let name = way.name();
    let p99_us = |step| {
        let latencies = estate.latencies(Stage { way, step });
        latencies.value_at_quantile(0.99) as f64 / 1_000.0
    };
    let (from, to) = marks.around(Stage {
        way,
        step: Step::During,
    });
    let lasted = to.at.since(from.at).0 as f64 / 1e6;
    found.tell(format!("{name}: the end took"), lasted, "ms");
    let turn_us = to.longest_turn_us(from) as f64;
    let what = format!("{name}: longest turn, CPU, bucket's end");
    found.judge(what, turn_us, "us", Bound::AtMost(TURN_US_MAX));
    let (before, during) = (p99_us(Step::Before), p99_us(Step::During));
    found.tell(format!("{name}: others' p99 before"), before, "us");
    let bound = Bound::AtMost(before + HARM_US_MAX);
    found.judge(format!("{name}: others' p99 during"), during, "us", bound);
    let after = p99_us(Step::After);
    found.tell(format!("{name}: others' p99 after"), after, "us");
    let what = format!("{name}: others' requests during");
    let requests = estate
        .latencies(Stage {
            way,
            step: Step::During,
        })
        .len();
    found.tell(what, requests as f64, "");
}
