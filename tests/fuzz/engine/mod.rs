//! Any bytes at all as a sequence of operations on the lock engine: the body of the fuzz target
//! `engine`, run by the tests too.
//!
//! The bytes are read by a stand-in for the home shards, which keeps to what home shards promise: a
//! session is opened before it asks and ends once; a seat has one request at a time; word of a Lost
//! is sent on. The engine must then keep its invariants, which are checked after every step, and
//! what the stand-in can see of its promises:
//!
//! - each request has one answer, of a kind that fits it, and each is answered in the end;
//! - tokens grow along what a client can have heard, and none is granted twice;
//! - no lease and no wait ends early;
//! - when all sessions have ended and all delays passed, nothing is left;
//! - the same bytes give the same effects, bit for bit.

mod homes;
mod script;

use homes::Homes;
use locker::lock::{Batch, Engine, EngineConfig, TokenSource};
use locker::time::Instant;
use script::{Action, Script};

/// Blocks are few, so that the table is full now and then.
const BLOCKS: u32 = 24;
/// Inputs of a turn: a batch has room for as many, whatever they are.
const INPUTS_MAX: usize = 64;
/// Turns in which everything must have ended: closures are the longest to go, and a turn advances
/// the wheel by 50 ms at most.
const TURNS_TO_THE_END: u32 = 400;
/// How long a turn takes while everything ends.
const TURN_US: u64 = 40_000;

/// Runs the sequence, twice; tells what happened in it.
///
/// # Panics
/// If the engine breaks a promise.
pub(crate) fn run(bytes: &[u8]) -> Seen {
    let [first, second] = [true, false].map(|checked| World::new(bytes, checked).run(bytes));
    assert_eq!(first, second, "the same inputs have the same effects");
    first
}

/// What the sequences of a run came to: a sequence that does nothing tests nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Acquires that were granted.
    pub(crate) grants: u64,
    /// Acquires that queued.
    pub(crate) queued: u64,
    /// Acquires refused for want of blocks.
    pub(crate) table_full: u64,
    /// Holds that ended without their holder's word.
    pub(crate) lost: u64,
    /// Holds of before the restart that were taken back.
    pub(crate) reclaimed: u64,
    /// Effects that found their lane full.
    pub(crate) lane_full: u64,
    /// Of all effects, in their order.
    pub(crate) digest: u64,
}

struct World {
    engine: Engine,
    homes: Homes,
    batch: Batch,
    now: Instant,
    /// Checks the invariants: most of the time of a run, and not needed twice.
    checked: bool,
}

impl World {
    /// The first byte says what engine it is.
    fn new(bytes: &[u8], checked: bool) -> Self {
        let shape = bytes.first().copied().unwrap_or(0);
        let now = Instant(1_000_000);
        let config = EngineConfig {
            shard: homes::OWNER,
            shards: homes::HOMES,
            sessions_per_shard: homes::SESSIONS,
            blocks: BLOCKS << (shape >> 1 & 1),
            block_bytes: [96, 128, 192, 256][usize::from(shape >> 2 & 3)],
            waiters_max: 12,
            key_waiters_max: 8,
            seed: [u64::from(shape), 7],
            tokens: TokenSource::epoch(1),
            grace_until: (shape & 1 == 1).then_some(Instant(now.0 + 600_000)),
            now,
        };
        Self {
            engine: Engine::new(config).expect("a few blocks can be had"),
            homes: Homes::new(now),
            batch: Batch::new(),
            now,
            checked,
        }
    }

    fn run(mut self, bytes: &[u8]) -> Seen {
        let mut script = Script::new(bytes.get(1..).unwrap_or(&[]));
        while let Some(action) = script.action() {
            self.act(action);
        }
        self.end();
        self.homes.seen()
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Input(wish) => {
                // A turn first: what is asked counts as asked from the moment it is made.
                if self.batch.len() == INPUTS_MAX {
                    self.turn(0);
                }
                if let Some(input) = self.homes.input(wish) {
                    self.batch.push(input.borrow()).expect("there is room");
                }
            }
            Action::Turn { micros } => self.turn(micros),
            Action::Lanes { full } => self.homes.lanes_full(full),
            Action::OpenKeys => self.engine.open_keys(),
            Action::Drain => {
                let until = Instant(self.now.0 + 300_000);
                self.engine.drain(until);
            }
        }
    }

    fn turn(&mut self, micros: u64) {
        self.now = Instant(self.now.0 + micros);
        self.homes.turn_begin(self.now);
        self.engine.turn_begin(self.now, &mut self.homes);
        self.check_invariants();
        self.engine.apply(&mut self.batch, &mut self.homes);
        self.check_invariants();
        self.engine.turn_end(&mut self.homes);
        self.check_invariants();
        self.homes.turn_end();
    }

    fn check_invariants(&mut self) {
        if self.checked {
            self.engine.check_invariants();
        }
    }

    /// Ends everything: waits that have an end come to it, then the sessions go.
    fn end(&mut self) {
        self.homes.lanes_full(0);
        self.engine.open_keys();
        self.turn(0);
        self.turn(TURN_US);
        if self.homes.ends_by_drain() {
            self.engine.drain(self.now);
            self.engine.drain_over();
        } else {
            for input in self.homes.end_all() {
                self.batch.push(input.borrow()).expect("few sessions");
            }
        }
        self.wind_down();
        if self.homes.ends_by_drain() {
            self.homes.assert_all_answered();
            for input in self.homes.end_all() {
                self.batch.push(input.borrow()).expect("few sessions");
            }
            self.wind_down();
        }
        self.homes.assert_all_gone();
        let left = self.engine.counters();
        assert_eq!(
            (left.locks, left.holds, left.waiters, left.blocks_used),
            (0, 0, 0, 0),
            "nothing is left when all sessions have ended"
        );
        assert!(!self.engine.has_more() && !self.engine.has_pending());
    }

    /// Turns until nothing more is to come: no effect, no deadline.
    fn wind_down(&mut self) {
        for _ in 0..TURNS_TO_THE_END {
            for input in self.homes.words() {
                self.batch.push(input.borrow()).expect("few words");
            }
            self.turn(TURN_US);
            let idle = !self.engine.has_more() && !self.engine.has_pending();
            if idle && !self.homes.has_words() && self.engine.next_deadline().is_none() {
                return;
            }
        }
        panic!("deadlines are left after {TURNS_TO_THE_END} turns");
    }
}
