//! Scenario `churn`: clients that connect, open a session, lock, and are gone.

mod passers;

use std::io;

use locker_protocol::CounterId;

use super::findings::{Bound, Findings};
use super::site::{Common, Needs, Site};
use super::staged;
use crate::nanos::Nanos;
use passers::{Passers, Stage};

/// Clients per second that must get through.
const RATE_MIN: f64 = 10_000.0;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Clients at a time.
    #[arg(short, long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Seconds that are measured.
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    seconds: f64,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    // Those on their way out take descriptors too.
    let needs = Needs {
        connections: options.connections + 6_000,
        memory: "1GiB",
        arguments: &[],
    };
    let mut site = Site::open(&options.common, &needs)?;
    let mut passers = Passers::new(options.connections, Nanos::from_seconds(options.seconds));
    let marks = staged::run(&mut site, &mut passers, options.connections as usize)?;
    let (from, to) = marks.around(Stage::Measure);
    let seconds = to.at.since(from.at).seconds();
    let passed = to.grown(from, CounterId::SessionsOpened) as f64;
    let cpu_us = to.cpu.since(from.cpu).0 as f64 / 1_000.0;
    let own = to.own_cpu.since(from.own_cpu).seconds();
    let mut found = Findings::new("churn");
    let bound = Bound::AtLeast(RATE_MIN);
    let what = "connect, session, lock, close";
    found.judge(what, passed / seconds, "/s", bound);
    found.tell("server's CPU for each", cpu_us / passed.max(1.0), "us");
    let share = |part: f64| 100.0 * part / seconds;
    found.tell("server's core busy", share(cpu_us / 1e6), "%");
    found.tell("generator's core busy", share(own), "%");
    let turn = to.longest_turn_us(from) as f64;
    found.tell("longest turn, CPU, bucket's end", turn, "us");
    let left = marks.at(Stage::Over).counter(CounterId::Sessions) as f64;
    found.judge("sessions left behind", left, "", Bound::AtMost(0.0));
    let left = marks.at(Stage::Over).counter(CounterId::Locks) as f64;
    found.judge("locks left behind", left, "", Bound::AtMost(0.0));
    Ok(found)
}
