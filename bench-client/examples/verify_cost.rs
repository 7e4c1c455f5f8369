//! What the safety check costs per acquire and release, without sockets.
//!
//! `cargo run --release -p locker-bench --example verify_cost` prints the median of several rounds
//! per shape of load. Events are made before the clock starts; one core does it all.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use locker_bench::dice::Dice;
use locker_bench::nanos::Nanos;
use locker_bench::plan::{Asked, Mode, Plan};
use locker_bench::verify::{AcquireId, Event, Ledger, SessionDeadlines, Want, What};

const CONNECTIONS: u32 = 50;
const INFLIGHT: u32 = 16;
const CLIENTS: u32 = CONNECTIONS * INFLIGHT;
/// Pairs of a round that are measured, and as many before to touch the memory.
const PAIRS: u32 = 1 << 20;
/// As a generator thread hands them over.
const BATCH_PAIRS: u32 = 1_024;
const ROUNDS: usize = 7;

/// A shape of load.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    keys: u32,
    want: Want,
    mode: Mode,
    threads: u16,
    /// Whether acquires may wait, so that they are told when they are sent.
    is_asked: bool,
    /// Holds of a key at once.
    together: u32,
}

impl Shape {
    fn plan(&self) -> Plan {
        let asked = Asked {
            threads: Some(self.threads),
            connections: Some(CONNECTIONS),
            inflight: Some(u16::try_from(INFLIGHT).unwrap()),
            mode: self.mode,
            keys: Some(u64::from(self.keys)),
            ..Asked::default()
        };
        asked.check().unwrap()
    }
}

/// Makes the events of honest pairs: keys in random order, each held by some clients, then free.
struct Maker {
    dice: Dice,
    now: u64,
    pairs: u32,
    counts: Vec<u64>,
}

impl Maker {
    fn batch(&mut self, shape: &Shape, events: &mut Vec<Event>) {
        for _ in 0..BATCH_PAIRS / shape.together {
            let key = self.dice.below(shape.keys);
            let first = self.dice.below(CLIENTS - shape.together);
            let clients = first..first + shape.together;
            for client in clients.clone() {
                self.counts[client as usize] += 1;
                self.pairs += 1;
                let (asked_at, want) = (Nanos(self.now), shape.want);
                if shape.is_asked {
                    let connection = client / INFLIGHT;
                    events.push(self.event(key, client, What::Asked { want, connection }));
                }
                let granted = What::Granted {
                    want,
                    asked_at,
                    token: u64::from(self.pairs),
                    until: Nanos::FOREVER,
                    session: client / INFLIGHT,
                };
                events.push(self.event(key, client, granted));
            }
            for client in clients {
                events.push(self.event(key, client, What::Released));
            }
        }
    }

    fn event(&mut self, key: u32, client: u32, what: What) -> Event {
        self.now += 100;
        let count = self.counts[client as usize];
        Event {
            at: Nanos(self.now),
            key,
            acquire: AcquireId { client, count },
            what,
        }
    }
}

/// Nanoseconds per pair in one round.
fn round(shape: &Shape) -> f64 {
    let plan = shape.plan();
    let sessions = Arc::new(SessionDeadlines::new(CONNECTIONS));
    for session in 0..CONNECTIONS {
        sessions.extend(session, Nanos::FOREVER);
    }
    let mut ledger = Ledger::new(&plan, sessions);
    let mut maker = Maker {
        dice: Dice::new(1),
        now: 1_000,
        pairs: 0,
        counts: vec![0; CLIENTS as usize],
    };
    let (mut events, mut nothing) = (Vec::new(), Vec::new());
    let mut spent = 0;
    let mut measured = 0;
    let mut turn = 0;
    while maker.pairs < 2 * PAIRS {
        let before = maker.pairs;
        maker.batch(shape, &mut events);
        turn = (turn + 1) % shape.threads;
        let began = Instant::now();
        for thread in 0..shape.threads {
            let told = if thread == turn {
                &mut events
            } else {
                &mut nothing
            };
            ledger.take(thread, told, Nanos(maker.now)).unwrap();
        }
        if before >= PAIRS {
            spent += began.elapsed().as_nanos();
            measured += maker.pairs - before;
        }
    }
    ledger.finish().unwrap();
    spent as f64 / f64::from(measured)
}

fn main() {
    let tries = Shape {
        name: "1k keys, tries",
        keys: 1_000,
        want: Want::Exclusive,
        mode: Mode::Uncontended,
        threads: 1,
        is_asked: false,
        together: 1,
    };
    let waits = Shape {
        name: "1k keys, may wait",
        mode: Mode::Contended,
        is_asked: true,
        ..tries
    };
    let shapes = [
        tries,
        waits,
        Shape {
            name: "1M keys, tries",
            keys: 1_000_000,
            ..tries
        },
        Shape {
            name: "1k keys, tries, 2 threads merged",
            threads: 2,
            ..tries
        },
        Shape {
            name: "1k keys, 4 readers together",
            want: Want::Shared,
            together: 4,
            ..waits
        },
        Shape {
            name: "1k keys, 4 permits of 4",
            want: Want::Permit(4),
            together: 4,
            ..waits
        },
    ];
    for shape in &shapes {
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(shape)).collect();
        rounds.sort_by(f64::total_cmp);
        let (median, best) = (rounds[ROUNDS / 2], rounds[0]);
        println!("{:34} {median:6.1} ns per pair, best {best:.1}", shape.name);
    }
}
