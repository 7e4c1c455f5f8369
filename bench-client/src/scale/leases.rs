//! Scenario `leases`: many locks whose leases all end within the same second.
//!
//! While they are armed, some are renewed; then nobody says a word but another client, whose round
//! trips show what the expiry of all the others does to it.

mod armed;

use std::io;

use locker_protocol::CounterId;

use super::crew::Crew;
use super::findings::{Bound, Findings};
use super::site::{Common, Mark, Needs, Site};
use super::staged::{self, Marks};
use crate::nanos::Nanos;
use armed::{Armed, SEATS, SESSIONS, Size, Stage};

/// Bytes of a block and its index entry, a tenth of them to spare.
const PLANNED_BYTES: u64 = (128 + 15) * 10 / 9;
/// Memory of a server for things that are not locks.
const BESIDE_BYTES: u64 = 96 << 20;
/// A turn in which many leases end.
const TURN_US_MAX: f64 = 1_000.0;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Leases armed; 10 million take 1.6 GiB.
    #[arg(short, long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1_000..=1_000_000_000))]
    leases: u32,
    /// Seconds for which leases are renewed.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    /// Leases end so many seconds after the first is armed, and within the second that follows.
    /// [default: 10 and one for each 200,000, and the time for renewing]
    #[arg(long, value_name = "S")]
    after: Option<f64>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let memory = u64::from(options.leases) * PLANNED_BYTES + BESIDE_BYTES;
    let (seats, memory) = (SEATS.to_string(), format!("{}MiB", memory >> 20));
    let mut site = Site::open(
        &options.common,
        &Needs {
            connections: 1_000,
            memory: &memory,
            arguments: &["--connections", "1000", "--seats", &seats],
        },
    )?;
    let usual = 10.0 + f64::from(options.leases) / 2e5 + options.seconds;
    let size = Size {
        leases: options.leases,
        renewing: Nanos::from_seconds(options.seconds),
        after: Nanos::from_seconds(options.after.unwrap_or(usual)),
    };
    let mut crew = Crew::new(Armed::new(size), SESSIONS);
    let connections = crew.connections();
    let marks = staged::run(&mut site, &mut crew, connections)?;
    let after = site.mark()?;
    Ok(judge(&crew, &marks, &after, size))
}

fn judge(crew: &Crew<Armed>, marks: &Marks<Stage>, after: &Mark, size: Size) -> Findings {
    let mut found = Findings::new("leases");
    let armed = marks.at(Stage::Renew).counter(CounterId::Locks) as f64;
    found.judge(
        "leases armed",
        armed,
        "",
        Bound::AtLeast(size.leases.into()),
    );
    for (what, stage) in [
        ("acquire with a lease", Stage::Fill),
        ("renew", Stage::Renew),
    ] {
        let (from, to) = marks.around(stage);
        let cost = to.cpu_us_per_request(from) * 1e3;
        found.tell(format!("{what}: the server's CPU per request"), cost, "ns");
    }
    let turn = |mark: &Mark| mark.counter(CounterId::TurnUsMax) as f64;
    found.tell("longest turn before", turn(marks.at(Stage::Expire)), "us");
    let (from, to) = marks.around(Stage::Expire);
    // The first may end before the server is read.
    let lost = to.grown(marks.at(Stage::Renew), CounterId::LostLease) as f64;
    found.judge(
        "leases that ended",
        lost,
        "",
        Bound::AtLeast(size.leases.into()),
    );
    let (cpu, last) = (to.cpu.since(from.cpu).0 as f64, crew.script.last_late());
    found.tell(
        "the server's CPU per lease, its Lost sent",
        cpu / lost.max(1.0),
        "ns",
    );
    found.tell("the last heard of its end late by", last.seconds(), "s");
    let early = crew.script.early() as f64;
    found.judge("told before their time", early, "", Bound::AtMost(0.0));
    let (late, stall) = (CounterId::ExpiryLateUsMax, CounterId::StallMs);
    found.tell(
        "most that an end came late within a turn",
        to.counter(late) as f64 / 1e3,
        "ms",
    );
    let stalled = to.grown(from, stall) as f64;
    found.tell(
        "by how much the server moved deadlines later",
        stalled,
        "ms",
    );
    for (what, stage) in [("renewing", Stage::Renew), ("all end", Stage::Expire)] {
        let felt = crew.felt(stage);
        let what = format!("{what}: another's round trip");
        found.tell(format!("{what}, p50"), felt.p50_us, "us");
        found.tell(format!("{what}, p99"), felt.p99_us, "us");
        found.tell(format!("{what}, longest"), felt.longest_us, "us");
    }
    found.judge(
        "longest turn of all",
        turn(after),
        "us",
        Bound::AtMost(TURN_US_MAX),
    );
    found
}
