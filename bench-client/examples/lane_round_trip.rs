//! What a hop to another shard and back takes, on the server's own loop and lanes.
//!
//! `cargo run --release -p locker-bench --example lane_round_trip [CPU CPU]` prints the median and
//! the 99th percentile of a round trip, the processor time of both shards for it, and how often a
//! sleeper was woken: with both shards asleep between messages, and spinning; on two processors (0
//! and 1 unless told otherwise), and on one. The messages are as long as those of an acquire and
//! its answer; in the rows of 64 as many leave together.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use locker::driver::server_clock::ServerClock;
use locker::driver::start::{ShardsSetup, start_shards};
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::shard::io::{ConnectionId, FromControl, Io};
use locker::shard::machine::{Machine, NextTurn};
use rustix::time::{ClockId, clock_gettime};

/// Bytes of an acquire on a key of 32 bytes.
const REQUEST: [u8; 79] = [1; 79];
/// Bytes of its answer.
const ANSWER: [u8; 35] = [2; 35];
/// Round trips of a row, a tenth of which are not measured.
const TRIPS: usize = 20_000;
/// Longer than any hop between two awake shards.
const SPIN: Duration = Duration::from_micros(200);

const ASKING: ShardId = ShardId(0);
const ANSWERING: ShardId = ShardId(1);

/// One of two shards: the first asks and waits for all answers, the second answers.
struct Bouncer {
    me: ShardId,
    batch: usize,
    /// Answers that are still to come.
    awaited: usize,
    asked_at: Instant,
    trips: Vec<Duration>,
    cpu_before: Duration,
    done: Sender<(Vec<Duration>, Duration)>,
}

impl Bouncer {
    fn ask(&mut self, io: &mut impl Io) {
        self.asked_at = Instant::now();
        self.awaited = self.batch;
        for _ in 0..self.batch {
            io.lane_send(ANSWERING, &REQUEST);
        }
    }

    fn answered(&mut self, io: &mut impl Io) {
        self.awaited -= 1;
        if self.awaited > 0 {
            return;
        }
        self.trips.push(self.asked_at.elapsed());
        if self.trips.len() == TRIPS / 10 {
            self.cpu_before = cpu();
        }
        if self.trips.len() == TRIPS {
            let used = cpu() - self.cpu_before;
            let trips = self.trips.split_off(TRIPS / 10);
            self.done.send((trips, used)).expect("it is waited for");
        } else {
            self.ask(io);
        }
    }
}

impl Machine for Bouncer {
    fn turn_begin(&mut self, _: locker::time::Instant, _: &mut impl Io) {}

    fn connected(&mut self, _: ConnectionId, _: Peer, _: bool, _: &mut impl Io) {}

    fn received(&mut self, _: ConnectionId, bytes: &[u8], _: &mut impl Io) -> usize {
        bytes.len()
    }

    fn disconnected(&mut self, _: ConnectionId, _: bool, _: &mut impl Io) {}

    fn lane_message(&mut self, from: ShardId, _: &[u8], io: &mut impl Io) {
        if self.me == ASKING {
            self.answered(io);
        } else {
            io.lane_send(from, &ANSWER);
        }
    }

    fn control(&mut self, _: FromControl, io: &mut impl Io) {
        self.ask(io);
    }

    fn turn_end(&mut self, _: &mut impl Io) -> NextTurn {
        NextTurn {
            answers_owed: self.awaited > 0,
            ..NextTurn::default()
        }
    }
}

/// Processor time of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("processor time only grows")
}

fn measure(name: &str, cpus: [usize; 2], spin: Duration, batch: usize) {
    let (to_control, _words) = channel();
    let (done, trips) = channel();
    let setup = ShardsSetup {
        shards: 2,
        cpus: cpus.to_vec(),
        lane_bytes: 1 << 20,
        chunks: 64,
        connections_max: 1,
        spin,
        listeners: Vec::new(),
        clock: ServerClock::start(),
        to_control,
    };
    let running = start_shards(setup, move |me| {
        Ok(Bouncer {
            me,
            batch,
            awaited: 0,
            asked_at: Instant::now(),
            trips: Vec::with_capacity(TRIPS),
            cpu_before: Duration::ZERO,
            done: done.clone(),
        })
    });
    let running = running.expect("the shards start: see the reason");
    let wakes = || -> u64 { running.signals().map(|it| it.sleeper.wakes()).sum() };
    running.tell(ASKING, FromControl::WindowOver);
    let (mut trips, used) = trips.recv().expect("the asking shard ends its trips");
    let wakes = wakes();
    running.stop();
    trips.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let count = f64::from(u32::try_from(trips.len()).expect("few"));
    let all = f64::from(u32::try_from(TRIPS).expect("few"));
    println!(
        "{name:<34}{batch:>6}{:>10.1}{:>10.1}{:>14.2}{:>14.2}",
        micros(trips[trips.len() / 2]),
        micros(trips[trips.len() / 100 * 99]),
        micros(used) / count,
        f64::from(u32::try_from(wakes).expect("few")) / all,
    );
}

fn main() {
    let given: Vec<usize> = std::env::args()
        .skip(1)
        .map(|cpu| cpu.parse().expect("a cpu is a number"))
        .collect();
    let two = match given[..] {
        [] => [0, 1],
        [first, second] => [first, second],
        _ => panic!("two cpus, or none"),
    };
    let one = [two[0]; 2];
    println!(
        "{:<34}{:>6}{:>10}{:>10}{:>14}{:>14}",
        "microseconds of a round trip", "batch", "p50", "p99", "CPU per trip", "wakes per trip"
    );
    for batch in [1, 64] {
        measure("two processors, asleep", two, Duration::ZERO, batch);
        measure("two processors, spinning", two, SPIN, batch);
        measure("one processor, in turn", one, Duration::ZERO, batch);
    }
}
