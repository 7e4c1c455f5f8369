//! Scenario `waiters`: more and more wait for one key, up to a million.
//!
//! At each length of the queue some cancel from anywhere in it and queue again, and the key goes
//! from hand to hand, each holder queueing again behind the others. In the end all cancel, queue
//! once more and time out at the same instant.

mod throng;

use std::io;

use locker_protocol::CounterId;

use super::crew::{Crew, Felt};
use super::findings::{Bound, Findings};
use super::site::{Common, Needs, Site};
use super::staged::{self, Marks};
use crate::nanos::Nanos;
use throng::{SEATS, Stage, Throng, WAITERS_EACH};

/// Lengths of the queue at which costs are taken, besides the longest.
const LEVELS: [u32; 2] = [1_000, 100_000];
/// A turn in which many waits end.
const TURN_US_MAX: f64 = 1_000.0;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Waiters in the end.
    #[arg(short, long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    waiters: u32,
    /// Seconds of each measure.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let (seats, most) = (SEATS.to_string(), options.waiters);
    let mut site = Site::open(
        &options.common,
        &Needs {
            connections: 1_000,
            memory: "512MiB",
            arguments: &[
                "--connections",
                "1000",
                "--seats",
                &seats,
                "--sessions",
                "500",
            ],
        },
    )?;
    let levels = LEVELS.into_iter().filter(|level| *level < most);
    let levels: Vec<u32> = levels.chain([most]).collect();
    let sessions = most.div_ceil(WAITERS_EACH) as usize;
    let throng = Throng::new(levels.clone(), Nanos::from_seconds(options.seconds));
    let mut crew = Crew::new(throng, sessions);
    let connections = crew.connections();
    let marks = staged::run(&mut site, &mut crew, connections)?;
    Ok(judge(&crew, &marks, &levels))
}

fn judge(crew: &Crew<Throng>, marks: &Marks<Stage>, levels: &[u32]) -> Findings {
    let mut found = Findings::new("waiters");
    let cost = |stage, per| {
        let (from, to) = marks.around(stage);
        let count = to.grown(from, per).max(1) as f64;
        to.cpu.since(from.cpu).0 as f64 / count
    };
    for (level, waiters) in levels.iter().enumerate() {
        let mut tell = |what: &str, stage, per| {
            let what = format!("{waiters} waiters: CPU per {what}");
            found.tell(what, cost(stage, per), "ns");
        };
        tell("queueing", Stage::Queue(level), CounterId::Queued);
        tell(
            "cancel and queueing",
            Stage::Churn(level),
            CounterId::Cancels,
        );
        tell(
            "hand-off and queueing",
            Stage::Hands(level),
            CounterId::Grants,
        );
        let (from, to) = marks.around(Stage::Hands(level));
        let rate = to.grown(from, CounterId::Grants) as f64 / to.at.since(from.at).seconds();
        found.tell(format!("{waiters} waiters: hand-offs"), rate, "/s");
        let waiting = marks.at(Stage::Churn(level)).counter(CounterId::Waiters);
        found.tell(
            format!("{waiters} waiters: seen by the server"),
            waiting as f64,
            "",
        );
    }
    found.tell(
        "all cancel: CPU each",
        cost(Stage::Leave, CounterId::Cancels),
        "ns",
    );
    found.tell(
        "all time out: CPU each",
        cost(Stage::TimeOut, CounterId::Timeouts),
        "ns",
    );
    let (_, to) = marks.around(Stage::TimeOut);
    let count = to.grown(marks.at(Stage::Again), CounterId::Timeouts) as f64;
    // One of them has the key.
    let all = levels.last().map_or(0.0, |most| f64::from(*most) - 1.0);
    found.judge("timed out", count, "", Bound::AtLeast(all));
    let early = crew.script.early() as f64;
    found.judge("told before their time", early, "", Bound::AtMost(0.0));
    let late = to.counter(CounterId::ExpiryLateUsMax) as f64 / 1e3;
    found.tell("the last timed out late by", late, "ms");
    let last = levels.len() - 1;
    felt(&mut found, "churn among all", crew.felt(Stage::Churn(last)));
    felt(&mut found, "while all time out", crew.felt(Stage::TimeOut));
    let turn = to.counter(CounterId::TurnUsMax) as f64;
    found.judge(
        "longest turn of all",
        turn,
        "us",
        Bound::AtMost(TURN_US_MAX),
    );
    found
}

fn felt(found: &mut Findings, what: &str, felt: Felt) {
    let what = format!("{what}: another's round trip");
    found.tell(format!("{what}, p50"), felt.p50_us, "us");
    found.tell(format!("{what}, p99"), felt.p99_us, "us");
    found.tell(format!("{what}, longest"), felt.longest_us, "us");
}
