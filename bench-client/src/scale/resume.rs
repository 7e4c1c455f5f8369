//! Scenario `resume`: a crowd of sessions does the same thing at the same moment, again and again.
//!
//! A few open first and ask, as the yardstick of what a request costs; then all others open at
//! once, each with a lock. They lie idle, ask in turn with as many requests under way as the few
//! had, ping all at once, and lose all their connections at once to come back at once. In the end
//! each shows the token that it got in the beginning.

mod crowd;

use std::io;

use locker_protocol::CounterId;

use super::findings::{Bound, Findings};
use super::site::{Common, Needs, Site};
use super::staged::{self, Marks};
use crate::host::descriptors;
use crate::nanos::Nanos;
use crowd::{Crowd, Size, Stage};

/// Descriptors of the hard limit that are left to the server and to us for other things.
const DESCRIPTORS_KEPT: u64 = 2_000;
/// Connections unless the limit is lower.
const CONNECTIONS_MAX: u64 = 100_000;
/// Connections that the cost per request is measured with first.
const FEW: u32 = 1_000;
/// Processor time per request with all connections, over that with the few.
const COST_RATIO_MAX: f64 = 1.4;
/// Resident bytes of the server per idle connection with a session and a lock.
const IDLE_BYTES_MAX: f64 = 4_096.0;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Connections, each with a session and a lock. [default: 2,000 less than the hard limit of
    /// open files, at most 100,000]
    #[arg(short, long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: Option<u32>,
    /// Seconds for which the cost of a request is measured, with few connections and with all.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let all = options.connections.unwrap_or_else(connections_possible);
    let connections_max = (all + 1_000).to_string();
    let mut site = Site::open(
        &options.common,
        &Needs {
            connections: all,
            memory: "1GiB",
            arguments: &["--connections", &connections_max],
        },
    )?;
    let size = Size {
        few: FEW.min(all),
        all,
        asking: Nanos::from_seconds(options.seconds),
    };
    let mut crowd = Crowd::new(size);
    let marks = staged::run(&mut site, &mut crowd, all as usize)?;
    Ok(judge(&crowd, &marks, size))
}

/// As many as open files allow, and not more than is usual.
pub(super) fn connections_possible() -> u32 {
    let limit = descriptors::hard_limit().unwrap_or(CONNECTIONS_MAX);
    let possible = limit.saturating_sub(DESCRIPTORS_KEPT).min(CONNECTIONS_MAX);
    u32::try_from(possible.max(1)).expect("at most the limit above")
}

fn judge(crowd: &Crowd, marks: &Marks<Stage>, size: Size) -> Findings {
    let mut found = Findings::new("resume");
    found.tell("connected sessions", size.all.into(), "");
    at_once(&mut found, "open with a lock", Stage::Opening, crowd, marks);
    memory(&mut found, marks, size);
    costs(&mut found, marks, size);
    at_once(&mut found, "ping", Stage::Pinging, crowd, marks);
    at_once(&mut found, "resume", Stage::Resuming, crowd, marks);
    let (from, to) = marks.around(Stage::Resuming);
    let resumes = to.grown(from, CounterId::Resumes) as f64;
    found.tell("resumes that the server counted", resumes, "");
    found.tell("connects tried again", crowd.retries() as f64, "");
    found.judge("sessions lost", crowd.lost() as f64, "", Bound::AtMost(0.0));
    let what = "locks lost, or with another token";
    found.judge(what, crowd.wrong() as f64, "", Bound::AtMost(0.0));
    found
}

fn at_once(found: &mut Findings, what: &str, stage: Stage, crowd: &Crowd, marks: &Marks<Stage>) {
    let (from, to) = marks.around(stage);
    let (first, last) = crowd.span(stage);
    let ms = last.since(first).0 as f64 / 1e6;
    found.tell(
        format!("all {what} at once: the last is there after"),
        ms,
        "ms",
    );
    let cpu_ms = to.cpu.since(from.cpu).0 as f64 / 1e6;
    found.tell(
        format!("all {what} at once: the server's CPU"),
        cpu_ms,
        "ms",
    );
    let turn = to.longest_turn_us(from) as f64;
    let name = format!("all {what} at once: longest turn, CPU, bucket's end");
    found.tell(name, turn, "us");
}

/// The first few touched what all share, such as the huge pages of the index.
fn memory(found: &mut Findings, marks: &Marks<Stage>, size: Size) {
    let more = size.all - size.few;
    if more == 0 {
        return;
    }
    let (from, to) = marks.around(Stage::Opening);
    let bytes = to.resident.saturating_sub(from.resident) as f64;
    let what = format!("resident bytes per connection beyond {}", size.few);
    let bound = Bound::AtMost(IDLE_BYTES_MAX);
    found.judge(what, bytes / f64::from(more), "B", bound);
}

fn costs(found: &mut Findings, marks: &Marks<Stage>, size: Size) {
    let cost = |stage| {
        let (from, to) = marks.around(stage);
        to.cpu_us_per_request(from)
    };
    let (few, all) = (cost(Stage::FewAsk), cost(Stage::AllAsk));
    let what = |connections| format!("CPU per request, {connections} connections");
    found.tell(what(size.few), few, "us");
    found.tell(what(size.all), all, "us");
    let bound = Bound::AtMost(COST_RATIO_MAX);
    found.judge("CPU per request, all over few", all / few, "x", bound);
}
