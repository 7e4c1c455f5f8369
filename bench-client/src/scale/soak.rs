//! Scenario `soak`: everything at once, for long; nothing may grow, nothing may slow down.

mod bustle;

use std::io;

use locker_protocol::CounterId;

use super::findings::{Bound, Findings};
use super::site::{Common, Needs, Site};
use super::staged::{self, Marks};
use crate::nanos::Nanos;
use bustle::{Bustle, SLICES, Size, Slice};

/// Resident bytes of the server may grow by so much: what is touched for the first time late.
const GROWTH_MIB_MAX: f64 = 2.0;
/// p99 of the last third over that of the first, and what noise may add.
const DRIFT_MAX: f64 = 1.25;
const DRIFT_US: f64 = 500.0;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// How long, in seconds, a tenth of it to warm up.
    #[arg(short, long, value_name = "S", default_value_t = 600.0)]
    duration: f64,
    /// Sessions at a time, each with a connection.
    #[arg(short, long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Things that they do per second, together.
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Seed of what they do.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let size = Size {
        sessions: options.connections,
        rate: options.rate,
        duration: Nanos::from_seconds(options.duration),
        seed: options.seed,
    };
    let needs = Needs {
        connections: size.sessions + 6_000,
        memory: "256MiB",
        arguments: &[],
    };
    let mut site = Site::open(&options.common, &needs)?;
    let mut bustle = Bustle::new(size);
    let marks = staged::run(&mut site, &mut bustle, size.sessions as usize)?;
    Ok(judge(&bustle, &marks))
}

fn judge(bustle: &Bustle, marks: &Marks<Slice>) -> Findings {
    let mut found = Findings::new("soak");
    for (what, count) in bustle.done() {
        found.tell(what, count as f64, "");
    }
    let (from, to) = (marks.at(Slice::FIRST), marks.at(Slice::OVER));
    let lost = to.grown(from, CounterId::LostLease) as f64;
    found.tell("leases that ran out", lost, "");
    let bad = to.counter(CounterId::BadFrames) as f64;
    found.judge(
        "frames that broke the protocol",
        bad,
        "",
        Bound::AtMost(0.0),
    );
    found.tell(
        "server's CPU per request",
        to.cpu_us_per_request(from),
        "us",
    );
    memory(&mut found, marks);
    let p99 = |third| bustle.latencies(third).value_at_quantile(0.99) as f64 / 1_000.0;
    let (first, last) = (p99(0), p99(2));
    found.tell("p99 in the first third", first, "us");
    let bound = Bound::AtMost(first * DRIFT_MAX + DRIFT_US);
    found.judge("p99 in the last third", last, "us", bound);
    let turn = to.longest_turn_us(from) as f64;
    found.tell("longest turn, CPU, bucket's end", turn, "us");
    let wrong = bustle.wrong() as f64;
    found.judge("answers that made no sense", wrong, "", Bound::AtMost(0.0));
    found
}

/// The most that was resident in the first third after warming up, and in the last.
fn memory(found: &mut Findings, marks: &Marks<Slice>) {
    let most = |slices: std::ops::Range<u16>| {
        let resident = slices.map(|slice| marks.at(Slice(slice)).resident);
        resident.max().unwrap_or(0) as f64 / f64::from(1 << 20)
    };
    let first = most(1..SLICES / 3 + 1);
    let last = most(SLICES * 2 / 3 + 1..SLICES + 1);
    found.tell("resident, first third", first, "MiB");
    let bound = Bound::AtMost(first + GROWTH_MIB_MAX);
    found.judge("resident, last third", last, "MiB", bound);
}
