//! Scenario `held`: a table of many locks, all held, beside which others come and go.
//!
//! The same exchange of locks (one held for long is released, one that was free is taken) is
//! measured beside a few locks held and beside all of them. Then every session ends, with all that
//! it holds.

mod fill;

use std::io;

use locker_protocol::CounterId;

use super::crew::Crew;
use super::findings::{Bound, Findings};
use super::site::{Common, Mark, Needs, Site};
use super::staged::{self, Marks};
use crate::nanos::Nanos;
use fill::{Fill, SEATS, SESSIONS, Size, Stage};

/// Rate with all locks held over that with few, as processor time per request tells it.
const RATE_RATIO_MIN: f64 = 0.6;
/// Resident bytes per lock: keys of 32 bytes, blocks of 128.
const LOCK_BYTES_MAX: f64 = 140.0;
/// Resident bytes are judged from so many locks on: below, a few huge pages decide.
const LOCKS_JUDGED: u32 = 1_000_000;
const EACH: &str = "resident bytes per lock";
/// Bytes of a block and its index entry, a tenth of them to spare.
const PLANNED_BYTES: u64 = (BLOCK_BYTES + 15) * 10 / 9;
const BLOCK_BYTES: u64 = 128;
/// Memory of a server for things that are not locks.
const BESIDE_BYTES: u64 = 96 << 20;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Locks held in the end; 50 million take 8 GiB.
    #[arg(short, long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(20_000..=1_000_000_000))]
    locks: u32,
    /// Locks held at the first measure. [default: a million, at most half of the others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10_000..))]
    few: Option<u32>,
    /// Seconds of each measure.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let memory = u64::from(options.locks) * PLANNED_BYTES + BESIDE_BYTES;
    let (seats, memory) = (SEATS.to_string(), format!("{}MiB", memory >> 20));
    let mut site = Site::open(
        &options.common,
        &Needs {
            connections: 1_000,
            memory: &memory,
            arguments: &["--connections", "1000", "--seats", &seats],
        },
    )?;
    let few = options.few.unwrap_or(1_000_000);
    let size = Size {
        few: few.min(options.locks / 2),
        all: options.locks,
        asking: Nanos::from_seconds(options.seconds),
    };
    let mut crew = Crew::new(Fill::new(size), SESSIONS);
    let before = site.mark()?;
    let connections = crew.connections();
    let marks = staged::run(&mut site, &mut crew, connections)?;
    let after = site.mark()?;
    Ok(judge(&before, &crew, &marks, &after, size))
}

fn judge(
    before: &Mark,
    crew: &Crew<Fill>,
    marks: &Marks<Stage>,
    after: &Mark,
    size: Size,
) -> Findings {
    let mut found = Findings::new("held");
    let full = marks.at(Stage::AllAsk);
    found.tell("locks held", full.counter(CounterId::Locks) as f64, "");
    let blocks = full.counter(CounterId::Blocks) as f64;
    let used = 100.0 * full.counter(CounterId::BlocksUsed) as f64 / blocks;
    found.tell("blocks used", used, "%");
    let grown = full.resident.saturating_sub(before.resident) as f64 / f64::from(size.all);
    // A server that took its memory at start shows nothing here; a small one its rounding.
    let taken_at_start = before.resident > u64::from(size.all) * BLOCK_BYTES;
    match size.all >= LOCKS_JUDGED && !taken_at_start {
        true => found.judge(EACH, grown, "B", Bound::AtMost(LOCK_BYTES_MAX)),
        false => found.tell(EACH, grown, "B"),
    }
    for (what, stage) in [
        ("filling", Stage::AllFill),
        ("exchange beside few", Stage::FewAsk),
        ("exchange beside all", Stage::AllAsk),
    ] {
        let (from, to) = marks.around(stage);
        let seconds = to.at.since(from.at).seconds();
        let rate = to.grown(from, CounterId::Requests) as f64 / seconds;
        found.tell(format!("{what}: requests"), rate, "/s");
        let cost = to.cpu_us_per_request(from) * 1e3;
        found.tell(format!("{what}: the server's CPU per request"), cost, "ns");
        felt(&mut found, what, crew, stage);
    }
    let cost = |stage| {
        let (from, to) = marks.around(stage);
        to.cpu_us_per_request(from)
    };
    let ratio = cost(Stage::FewAsk) / cost(Stage::AllAsk);
    let what = "requests per CPU second, all over few";
    found.judge(what, ratio, "x", Bound::AtLeast(RATE_RATIO_MIN));
    let ending = marks.at(Stage::Ending);
    let seconds = after.at.since(ending.at).seconds();
    found.tell(
        "all sessions end: the last lock is free after",
        seconds,
        "s",
    );
    felt(&mut found, "all sessions end", crew, Stage::Ending);
    // The other client may hold its own at that moment.
    let left = after.counter(CounterId::Locks).saturating_sub(1) as f64;
    found.judge("locks left", left, "", Bound::AtMost(0.0));
    let turn = after.counter(CounterId::TurnUsMax) as f64;
    found.tell("longest turn of all", turn, "us");
    found
}

/// What another client felt.
fn felt(found: &mut Findings, what: &str, crew: &Crew<Fill>, stage: Stage) {
    let felt = crew.felt(stage);
    found.tell(
        format!("{what}: another's round trip, p99"),
        felt.p99_us,
        "us",
    );
    found.tell(
        format!("{what}: another's round trip, longest"),
        felt.longest_us,
        "us",
    );
}
