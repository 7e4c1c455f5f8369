//! Scenario `overload`: more than the server can do, of each kind, beside clients that behave.
//!
//! ```text
//!   each kind: a server of its own; peak -> modest rate -> the storm -> modest rate again
//!   crowd (pure): workers that behave -- goodput: what they get done
//!      |          rowdies: sessions that ask too much, by the protocol
//!   assault (shell): a thread of clients that break the rules or say nothing
//! ```

mod assault;
mod crowd;
mod goodput;
mod rowdies;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use locker_protocol::{CounterId, Status, StatusClass};

use super::findings::{Bound, Findings};
use super::site::{Common, Needs, Site};
use super::staged::{self, Marks, Stages};
use crate::nanos::Nanos;
use crate::net::address::Address;
use crate::traffic::{End, Io, Next, Traffic};
use assault::{Assailants, Assault, Harvest};
use crowd::{Crowd, Shape, Stage};
use rowdies::{Conduct, SEATS};

/// Goodput in the storm, as a share of what it was before.
const GOODPUT_MIN: f64 = 0.7;
/// From the end of the storm until goodput is back, and until a new session is open.
const RECOVERY_S_MAX: f64 = 1.0;
/// Back is what reaches this share of the modest rate.
const BACK: f64 = 0.9;
/// Resident bytes beside --memory: the program, its stacks, its rings.
const PROGRAM_MIB: f64 = 32.0;
/// Workers' rate in a storm of requests, as a multiple of the peak.
const STORM: f64 = 10.0;
/// Waiters in `waiters`.
const WAITERS: u32 = 100_000;

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Requests: ten times the peak, in an open loop.
    Rate,
    /// One session that asks as fast as it hears.
    HotSession,
    /// Sessions that all want one key on all their seats.
    HotKey,
    /// As `hot-key`, with 100,000 waiters.
    Waiters,
    /// Clients that ask and do not read.
    SlowReaders,
    /// As `slow-readers`, with so many that together they fill the server's buffers.
    ManySlowReaders,
    /// Connections that say nothing, beyond what the server takes.
    Silent,
    /// Sessions that are cut off as soon as they open.
    Cut,
    /// Connections that send bytes without meaning.
    Garbage,
    /// More sessions than there is room for.
    Sessions,
    /// Locks until the table is full.
    Table,
}

/// Flags of the scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Which kinds, with commas; each has a server of its own. [default: all]
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    kind: Vec<Kind>,
    /// Clients that behave, each a session with a lock that it renews.
    #[arg(short, long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=2_000))]
    connections: u32,
    /// Exchanges that each has under way at the peak.
    #[arg(long, value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=62))]
    depth: u16,
    /// Their rate beside other clients' storms, as a share of the peak.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    share: f64,
    /// Seconds of each measured stage.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    /// Sessions that wait in `waiters`, on as many seats each as make 100,000 waiters, 62 at most.
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    waiting_sessions: u32,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options) -> io::Result<Findings> {
    let mut found = Findings::new("overload");
    let kinds: &[Kind] = match options.kind.as_slice() {
        [] => Kind::value_variants(),
        asked => asked,
    };
    for kind in kinds {
        storm(options, *kind, &mut found)?;
    }
    Ok(found)
}

/// What a kind needs, beside the workers.
struct Setup {
    storm: Option<f64>,
    rowdies: Option<(u32, Conduct)>,
    /// Connections that its thread keeps open at most.
    assault: Option<(Assault, usize)>,
    memory_mib: u32,
    arguments: &'static [&'static str],
}

impl Setup {
    fn of(kind: Kind, options: &Options) -> Self {
        let plain = Self {
            storm: None,
            rowdies: None,
            assault: None,
            memory_mib: 256,
            arguments: &["--connections", "12000"],
        };
        let rowdies = |count, conduct| Self {
            rowdies: Some((count, conduct)),
            ..plain
        };
        let assault = |assault, at_once| Self {
            assault: Some((assault, at_once)),
            ..plain
        };
        match kind {
            Kind::Rate => Self {
                storm: Some(STORM),
                ..plain
            },
            Kind::HotSession => rowdies(1, Conduct::Greedy),
            Kind::HotKey => rowdies(100, Conduct::OneKey(SEATS)),
            Kind::Waiters => {
                let seats = WAITERS.div_ceil(options.waiting_sessions).min(SEATS.into());
                let seats = u16::try_from(seats).expect("not more than a session has");
                rowdies(options.waiting_sessions, Conduct::OneKey(seats))
            }
            Kind::SlowReaders => assault(Assault::SlowReaders(8 * 1024), 100),
            Kind::ManySlowReaders => assault(Assault::SlowReaders(64 * 1024), 500),
            Kind::Silent => Self {
                arguments: &["--connections", "3000"],
                ..assault(Assault::Silent, 4_000)
            },
            Kind::Cut => assault(Assault::Cut, 16),
            Kind::Garbage => assault(Assault::Garbage, 16),
            Kind::Sessions => Self {
                arguments: &["--connections", "12000", "--sessions", "3000"],
                ..assault(Assault::Sessions, 4_000)
            },
            Kind::Table => Self {
                memory_mib: 64,
                arguments: &["--connections", "3000"],
                ..rowdies(4, Conduct::Hoard)
            },
        }
    }
}

fn storm(options: &Options, kind: Kind, found: &mut Findings) -> io::Result<()> {
    let setup = Setup::of(kind, options);
    let shape = Shape {
        workers: options.connections,
        depth: options.depth,
        span: Nanos::from_seconds(options.seconds),
        share: options.share,
        storm: setup.storm,
        rowdies: setup.rowdies,
    };
    let crowd = Crowd::new(shape);
    let connections = crowd.connections();
    let needs = Needs {
        connections: u32::try_from(connections).unwrap_or(u32::MAX) + 6_000,
        memory: &format!("{}MiB", setup.memory_mib),
        arguments: setup.arguments,
    };
    let mut site = Site::open(&options.common, &needs)?;
    let harvest = Arc::new(Harvest::default());
    let mut beside = Beside {
        crowd,
        assault: setup.assault,
        address: site.address().clone(),
        harvest: Arc::clone(&harvest),
        assailants: None,
    };
    let marks = staged::run(&mut site, &mut beside, connections)?;
    let Beside { crowd, .. } = beside;
    let resident = site.resident_most()? as f64 / f64::from(1 << 20);
    let mut told = Told {
        kind: kind
            .to_possible_value()
            .expect("none is hidden")
            .get_name()
            .to_owned(),
        found,
    };
    told.work(kind, &crowd, shape.span);
    told.holders(&crowd);
    told.refusals(&crowd, setup.assault.map(|_| &*harvest));
    let most = f64::from(setup.memory_mib) + PROGRAM_MIB;
    told.judge("resident at most", resident, "MiB", Bound::AtMost(most));
    told.machine(&marks);
    Ok(())
}

/// The crowd, and in the storm the thread of those that do not behave.
struct Beside {
    crowd: Crowd,
    assault: Option<(Assault, usize)>,
    address: Address,
    harvest: Arc<Harvest>,
    assailants: Option<Assailants>,
}

impl Stages for Beside {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.crowd.stage()
    }

    fn trouble(&self) -> Option<&str> {
        self.crowd.trouble()
    }
}

impl Traffic for Beside {
    fn opened(&mut self, place: usize, now: Nanos, io: &mut Io) {
        self.crowd.opened(place, now, io);
    }

    fn received(&mut self, place: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        self.crowd.received(place, bytes, now, io)
    }

    fn closed(&mut self, place: usize, end: End, now: Nanos, io: &mut Io) {
        self.crowd.closed(place, end, now, io);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let next = self.crowd.tick(now, io);
        let is_storm = self.crowd.stage() == Stage::Storm;
        if let (Address::Tcp(address), Some((assault, at_once))) = (&self.address, self.assault) {
            if is_storm && self.assailants.is_none() {
                let harvest = Arc::clone(&self.harvest);
                self.assailants = Some(assault::begin(assault, *address, at_once, harvest));
            } else if !is_storm {
                self.assailants = None;
            }
        }
        next
    }
}

/// The findings, each with its kind in front.
struct Told<'a> {
    kind: String,
    found: &'a mut Findings,
}

impl Told<'_> {
    fn tell(&mut self, what: &str, value: f64, unit: &'static str) {
        self.found
            .tell(format!("{}: {what}", self.kind), value, unit);
    }

    fn judge(&mut self, what: &str, value: f64, unit: &'static str, bound: Bound) {
        let what = format!("{}: {what}", self.kind);
        self.found.judge(what, value, unit, bound);
    }

    fn work(&mut self, kind: Kind, crowd: &Crowd, span: Nanos) {
        let of = |stage| {
            let found = crowd.told.iter().find(|(told, _)| *told == stage);
            &found
                .expect("a scenario that ends well had all its stages")
                .1
        };
        let (storm, before) = (of(Stage::Storm), of(Stage::Before));
        self.tell("peak", crowd.peak(), "exchanges/s");
        self.tell("before the storm", before.rate(span), "exchanges/s");
        self.tell("goodput in the storm", storm.rate(span), "exchanges/s");
        let base = match kind {
            Kind::Rate => crowd.peak(),
            _ => before.rate(span),
        };
        let share = 100.0 * storm.rate(span) / base.max(1.0);
        match kind {
            // Who hoards takes each block that is given back: all are refused alike.
            Kind::Table => self.tell("goodput kept", share, "%"),
            _ => self.judge(
                "goodput kept",
                share,
                "%",
                Bound::AtLeast(100.0 * GOODPUT_MIN),
            ),
        }
        self.tell(
            "in its worst tenth of a second",
            storm.worst(span),
            "exchanges/s",
        );
        let seen = &crowd.seen;
        self.tell(
            "due in the storm",
            seen.offered as f64 / span.seconds(),
            "exchanges/s",
        );
        self.tell("shed for want of a seat", seen.shed as f64, "");
        self.tell("over too late", seen.late as f64, "");
        // What did not come in the whole stage is told as after it, and never meets the bound.
        let never = span.seconds() + 2.0 * RECOVERY_S_MAX;
        let back = of(Stage::After).recovered(BACK * crowd.modest());
        let bound = Bound::AtMost(RECOVERY_S_MAX);
        self.judge("goodput is back after", back.unwrap_or(never), "s", bound);
        let opened = seen.newcomer.map_or(never, Nanos::seconds);
        self.judge("a new session is open after", opened, "s", bound);
    }

    fn holders(&mut self, crowd: &Crowd) {
        let seen = &crowd.seen;
        let none = Bound::AtMost(0.0);
        self.judge("workers cut off", seen.cut as f64, "", none);
        self.judge("workers' locks lost", seen.lost as f64, "", none);
        self.judge("renewals refused", seen.renewals_refused as f64, "", none);
        let longest = seen.renewal_longest.seconds() * 1e3;
        self.tell("longest renewal since due", longest, "ms");
    }

    fn refusals(&mut self, crowd: &Crowd, harvest: Option<&Harvest>) {
        let mut odd = 0;
        for (code, count) in &crowd.seen.refused {
            let is_fine = matches!(StatusClass::of(*code), StatusClass::TryAgain);
            odd += if is_fine { 0 } else { *count };
            let name = Status::from_code(*code).map_or("unknown", Status::text);
            self.tell(&format!("refused: {name}"), *count as f64, "");
        }
        if let Some(harvest) = harvest {
            let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
            self.tell(
                "connections begun against it",
                count(&harvest.begun) as f64,
                "",
            );
            self.tell("connections that failed", count(&harvest.failed) as f64, "");
            self.tell("told that it is full", count(&harvest.refused) as f64, "");
            odd += count(&harvest.odd);
        }
        let bound = Bound::AtMost(0.0);
        self.judge("refusals of other kinds", odd as f64, "", bound);
    }

    fn machine(&mut self, marks: &Marks<Stage>) {
        let (from, to) = marks.around(Stage::Storm);
        let seconds = to.at.since(from.at).seconds();
        let share = |cpu: Nanos| 100.0 * cpu.seconds() / seconds;
        self.tell("server's core busy", share(to.cpu.since(from.cpu)), "%");
        let own = share(to.own_cpu.since(from.own_cpu));
        self.tell("generator's thread busy", own, "%");
        self.tell(
            "longest turn, CPU, bucket's end",
            to.longest_turn_us(from) as f64,
            "us",
        );
        let expired = to.grown(from, CounterId::SessionsExpired) as f64;
        self.tell("sessions expired", expired, "");
    }
}
