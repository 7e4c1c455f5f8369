//! Runs whose facts are made up from a seed: the same on every machine.

use hdrhistogram::Histogram;
use locker_bench::dice::Dice;
use locker_bench::measure::{self, Kind, Measures};
use locker_bench::nanos::Nanos;
use locker_bench::plan::{
    Arrivals, Checks, Hold, KeyDist, Mode, Pace, PairStyle, Plan, Stop, Workload,
};
use locker_bench::report::facts::{
    CheckFacts, Ending, HostFacts, RunFacts, ServerFacts, ThreadFacts,
};
use locker_bench::report::model::Report;

/// What a made-up run consists of.
pub(crate) struct Example {
    pub(crate) plan: Plan,
    pub(crate) command: Vec<String>,
    pub(crate) measures: Measures,
    pub(crate) handoff: Histogram<u64>,
    pub(crate) checks: CheckFacts,
    pub(crate) server: Option<ServerFacts>,
    pub(crate) threads: Vec<ThreadFacts>,
    pub(crate) ending: Ending,
}

const CLIENTS: u32 = 800;
const SECONDS: u64 = 11;

impl Example {
    /// A contended closed loop without trouble.
    pub(crate) fn sound() -> Self {
        let words = "locker-bench run --spawn -t 1 -c 50 -P 16 -d 10s --mode contended --keys 1000";
        Self {
            plan: plan(Pace::Closed, Hold::None),
            command: words.split(' ').map(str::to_owned).collect(),
            measures: measures(Nanos::ZERO),
            handoff: handoff(),
            checks: CheckFacts {
                on: true,
                grants: 120_000,
                tokens: 119_000,
                orders: 12,
                silence: Nanos::ZERO,
            },
            server: Some(server()),
            threads: vec![ThreadFacts {
                core: Some(1),
                cpu: Nanos::from_ms(6_710),
            }],
            ending: Ending::Complete,
        }
    }

    /// An open loop against a server that stood still once: everything that can be told of.
    pub(crate) fn troubled() -> Self {
        let arrivals = Arrivals::Poisson;
        let ramp = Nanos::from_ms(500);
        let mut example = Self::sound();
        example.plan = plan(
            Pace::Open {
                rate: 13_000.0,
                arrivals,
                ramp,
            },
            exponential(),
        );
        example.measures = measures(Nanos::from_ms(40));
        let measures = &mut example.measures;
        measures.refused = [(1, 1_203), (100, 17), (901, 2)].into();
        measures.dropped = 88;
        measures.broken = 1;
        measures.lost = 3;
        measures.shards = [(0, 26), (1, 24)].into();
        // What stood still at the end is answered after it.
        let late = Nanos::from_ms(900);
        measures.series.count(Nanos::from_ms(11_300), late, false);
        for lag in 0..12_000 {
            measures.lag.record(1_000 + lag % 90_000).unwrap();
        }
        example.threads.push(ThreadFacts {
            core: None,
            cpu: Nanos::from_ms(9_320),
        });
        example.command.push("--slo='p99<1ms' </script><b>".into());
        example
    }

    pub(crate) fn report(&self) -> Report {
        Report::of(&RunFacts {
            plan: &self.plan,
            command: &self.command,
            target: "127.0.0.1:41000",
            began_unix: 1_767_225_599,
            measured: Nanos::from_ms(10_000),
            warmup: Nanos::SECOND,
            measures: &self.measures,
            handoff: &self.handoff,
            checks: self.checks,
            server: self.server.clone(),
            threads: self.threads.clone(),
            host: host(),
            ending: self.ending.clone(),
        })
    }
}

fn exponential() -> Hold {
    Hold::Exponential(Nanos::from_ms(1))
}

fn plan(pace: Pace, hold: Hold) -> Plan {
    Plan {
        threads: 1,
        connections: 50,
        inflight: 16,
        stop: Stop::After(Nanos::from_ms(10_000)),
        warmup: Nanos::SECOND,
        pace,
        workload: Workload {
            mode: Mode::Contended,
            keys: 1_000,
            key_dist: KeyDist::Zipf(0.99),
            key_bytes: 16,
            hold,
            lease_ms: 10_000,
            wait_ms: u32::MAX,
            pair: PairStyle::TwoTrips,
            shard_aware: false,
        },
        held: 0,
        survive: None,
        checks: Checks {
            safety: true,
            order: false,
        },
        seed: u64::MAX,
    }
}

/// A latency of some 50 us with a tail to some ms, by whole numbers alone.
fn latency(dice: &mut Dice, base: u64) -> u64 {
    let tail = match dice.below(1_000) {
        0 => 40,
        1..10 => 12,
        10..100 => 4,
        _ => 1,
    };
    let exact = base + u64::from(dice.below(30_000)) * tail + u64::from(dice.below(30_000));
    // Steps of 2 us keep the golden report small.
    exact / 2_000 * 2_000
}

/// Some 12,000 cycles a second; those of second 6 are late by `stall` at its begin, less towards
/// its end, for it took the server so long to catch up.
fn measures(stall: Nanos) -> Measures {
    let mut measures = Measures::new(CLIENTS);
    let mut dice = Dice::new(1);
    for cycle in 0..SECONDS * 12_000 {
        let now = Nanos(1_000_000_000_000 + cycle * 1_000_000_000 / 12_000);
        let second = cycle / 12_000;
        let late = if second == 6 {
            stall.0 / 12_000 * (12_000 - cycle % 12_000)
        } else {
            0
        };
        let acquire = latency(&mut dice, 30_000 + cycle % 12_000);
        let since = Nanos(cycle * 1_000_000_000 / 12_000);
        measures
            .series
            .count(since, Nanos(acquire + late), cycle % 100 == 0);
        measures.series.count(since, Nanos(acquire / 2), false);
        if second == 0 {
            continue;
        }
        let release = latency(&mut dice, 25_000);
        let mut done = |kind, took: u64| {
            let sent = now - Nanos(took);
            measures.done(kind, sent - Nanos(late), sent, now);
        };
        done(Kind::Acquire, acquire);
        done(Kind::Cycle, acquire + release);
        measures.done(
            Kind::Release,
            now - Nanos(release),
            now - Nanos(release),
            now,
        );
        if cycle % 100 == 0 {
            measures.done(
                Kind::Denied,
                now - Nanos(2_000_000),
                now - Nanos(2_000_000),
                now,
            );
        }
        let client = usize::try_from(dice.below(CLIENTS)).unwrap();
        measures.grants[client] += 1;
        measures.cycles += 1;
        measures.answered += 2;
    }
    measures.longest_wait = Nanos(2_718_281);
    measures
}

fn handoff() -> Histogram<u64> {
    let (mut histogram, mut dice) = (measure::histogram(), Dice::new(2));
    for _ in 0..5_000 {
        histogram.record(latency(&mut dice, 12_000)).unwrap();
    }
    histogram
}

fn server() -> ServerFacts {
    let words = "locker serve --listen 127.0.0.1:0 --shards 1 --cpus 0 --ephemeral";
    ServerFacts {
        pid: 4_242,
        cpu: Nanos::from_ms(9_810),
        cpu_system: Some(Nanos::from_ms(5_400)),
        cores: vec![0],
        resident_bytes: 151 << 20,
        spawned: Some(words.split(' ').map(str::to_owned).collect()),
    }
}

fn host() -> HostFacts {
    HostFacts {
        cpu_model: "Example CPU <3 @ 2.5 GHz".into(),
        cpus: 2,
        memory_bytes: 8 << 30,
        kernel: "6.12.0".into(),
        governor: None,
        virtual_machine: true,
    }
}
