//! Scenario `storm`: the server is killed under all its locks, and everybody comes back at once.
//!
//! All sessions lock, the server is killed and started again on the same data dir and address, all
//! connect at once, open anew and reclaim what they held. The grace window has to be long enough
//! for that, and the holders' own deadlines too. A stranger asks for a free key meanwhile: it gets
//! it when the window ends, and no other. In the end all is released by the old tokens.

mod crowd;

use std::io;

use locker_protocol::CounterId;

use super::findings::{Bound, Findings};
use super::resume::connections_possible;
use super::site::{Common, Needs, Site};
use super::staged::{self, Marks};
use crate::host::scratch::Scratch;
use crowd::{Crowd, HOLDS_MAX, Size, Stage};

/// Sessions unless the limit of open files is lower.
const SESSIONS: u32 = 10_000;
/// Resident bytes of the server at most, over those of the one that was killed, which had the same
/// sessions and locks.
const MEMORY_RATIO_MAX: f64 = 1.25;

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Connections, each with a session. [default: 10,000, or 2,000 less than the hard limit of
    /// open files if that is fewer]
    #[arg(short, long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: Option<u32>,
    /// Locks that each session holds when the server is killed.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(HOLDS_MAX)))]
    locks: u32,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let size = Size {
        sessions: options.connections.unwrap_or_else(sessions_possible),
        each: options.locks,
    };
    let books = Scratch::new(None)?;
    let folder = books.path().join("data");
    let folder = folder.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    let connections_max = (size.sessions + 1_000).to_string();
    // A part of the sessions is kept from those who do not reclaim.
    let sessions_max = (2 * size.sessions + 1_000).to_string();
    let mut arguments = vec!["--data-dir", folder, "--connections", &connections_max];
    arguments.extend(["--sessions", &sessions_max]);
    let mut site = Site::open(
        &options.common,
        &Needs {
            connections: size.connections(),
            memory: "1GiB",
            arguments: &arguments,
        },
    )?;
    let mut crowd = Crowd::new(size);
    let marks = staged::run(&mut site, &mut crowd, size.connections() as usize)?;
    let most = site.resident_most()?;
    Ok(judge(&crowd, &marks, size, most))
}

fn sessions_possible() -> u32 {
    let possible = connections_possible();
    if possible < SESSIONS {
        eprintln!(
            "locker-bench: {possible} sessions, not {SESSIONS}: the hard limit of open files \
             allows no more (`ulimit -Hn`)"
        );
    }
    possible.min(SESSIONS)
}

fn judge(crowd: &Crowd, marks: &Marks<Stage>, size: Size, most: u64) -> Findings {
    let mut found = Findings::new("storm");
    let facts = crowd.facts();
    found.tell("sessions", size.sessions.into(), "");
    found.tell("locks held when the server was killed", size.locks(), "");
    speed(&mut found, crowd, marks);
    let none = Bound::AtMost(0.0);
    let all = Bound::AtLeast(size.locks());
    found.judge("locks reclaimed", facts.reclaimed as f64, "", all);
    found.judge("reclaims refused", facts.refused as f64, "", none);
    let what = "sessions that came after the window";
    found.judge(what, facts.turned_away as f64, "", none);
    let what = "locks back after their holder's own deadline";
    found.judge(what, facts.late as f64, "", none);
    found.judge("locks lost later", facts.lost as f64, "", none);
    let (from, to) = (marks.at(Stage::Crash), marks.at(Stage::Over));
    let counted = to.grown(from, CounterId::Reclaims) as f64;
    found.tell("reclaims that the server counted", counted, "");
    found.tell("connects tried again", crowd.retries() as f64, "");
    memory(&mut found, marks.at(Stage::Held).resident, most);
    let early = f64::from(u8::from(facts.opened_early));
    found.judge("free keys granted inside the window", early, "", none);
    let granted = f64::from(u8::from(facts.free_granted));
    let what = "free keys granted after the window";
    found.judge(what, granted, "", Bound::AtLeast(1.0));
    let what = "held keys that refused another session";
    found.judge(what, facts.kept_out as f64, "", all);
    let what = "locks released by their old token";
    found.judge(what, facts.released as f64, "", all);
    found
}

/// How long it took, beside the time there was.
fn speed(found: &mut Findings, crowd: &Crowd, marks: &Marks<Stage>) {
    let (listens, back) = (marks.at(Stage::Crash), marks.at(Stage::Window));
    let ms = |instant: crate::nanos::Nanos| instant.since(listens.at).0 as f64 / 1e6;
    let window = listens.greatest(CounterId::GraceMsMax) as f64;
    let facts = crowd.facts();
    let (_, reclaimed) = crowd.span(Stage::Storm);
    found.tell(
        "the server listens: the first connects after",
        ms(crowd.span(Stage::Storm).0),
        "ms",
    );
    found.tell("the last session is open after", ms(facts.last_open), "ms");
    found.tell("the last lock is reclaimed after", ms(reclaimed), "ms");
    found.tell("grace window", window, "ms");
    let share = 100.0 * ms(reclaimed) / window;
    found.judge("share of the window used", share, "%", Bound::AtMost(100.0));
    let left = facts.least_left.0 as f64 / 1e6;
    found.tell("least time left to a holder's own deadline", left, "ms");
    let cpu = back.cpu.since(listens.cpu).0 as f64 / 1e6;
    found.tell("the server's CPU until then", cpu, "ms");
    let turn = back.longest_turn_us(listens) as f64;
    found.tell("longest turn until then, CPU, bucket's end", turn, "us");
    found.tell("a free key is granted after", ms(facts.free_at), "ms");
}

fn memory(found: &mut Findings, before: u64, most: u64) {
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    found.tell("resident before the kill", mib(before), "MiB");
    found.tell("resident at most after it", mib(most), "MiB");
    let bound = Bound::AtMost(MEMORY_RATIO_MAX);
    let ratio = mib(most) / mib(before);
    found.judge("resident at most, after over before", ratio, "x", bound);
}
