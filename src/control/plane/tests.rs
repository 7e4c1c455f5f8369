//! Turns of the control thread over shards and a store of vectors.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::control::ledger::Start;
use crate::control::record::{Record, State};
use crate::control::store::Loaded;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

const SECOND: u64 = 1_000_000;

#[derive(Default)]
struct FakeShards {
    told: RefCell<Vec<(Option<u8>, FromControl)>>,
    roused: RefCell<Vec<usize>>,
    connections: Cell<u32>,
}

impl FakeShards {
    fn take(&self) -> Vec<(Option<u8>, FromControl)> {
        self.told.take()
    }
}

impl Shards for FakeShards {
    fn tell(&self, shard: ShardId, word: FromControl) {
        self.told.borrow_mut().push((Some(shard.0), word));
    }

    fn tell_all(&self, word: FromControl) {
        self.told.borrow_mut().push((None, word));
    }

    fn sight(&self, shard: usize) -> Sight {
        Sight {
            turns: 5,
            asleep: shard == 0,
        }
    }

    fn rouse(&self, shard: usize) {
        self.roused.borrow_mut().push(shard);
    }

    fn has_connections(&self) -> bool {
        self.connections.get() > 0
    }
}

/// Keeps every record that became durable; fails from the write on that it is told to.
#[derive(Clone, Debug, Default)]
struct FakeStore {
    written: Rc<RefCell<Vec<Record>>>,
    fails: bool,
}

impl Store for FakeStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::Empty)
    }

    fn compare_and_set(
        &mut self,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Version, StoreError> {
        if self.fails {
            return Err(StoreError::Conflict {
                directory: PathBuf::from("/data"),
            });
        }
        self.written.borrow_mut().push(*record);
        Ok(Version(expected.map_or(0, |version| version.0) + 1))
    }
}

fn start() -> Start {
    Start {
        epoch_of_clock: 100,
        ttl_ms_default: 10_000,
        ttl_ms_max: 60_000,
        server_id: [1; 16],
    }
}

fn dirty() -> Loaded {
    let record = Record {
        epoch: 7,
        floor: 7,
        bound_ms: 10_000,
        ttl_ms_max: 60_000,
        state: State::Dirty,
        server_id: [1; 16],
    };
    Loaded::Whole {
        version: Version(1),
        record,
    }
}

fn plane(loaded: &Loaded, store: &FakeStore, window_until: Option<Instant>) -> Plane<FakeStore> {
    let books = Books {
        ledger: Ledger::start(loaded, &start()).unwrap(),
        store: store.clone(),
        version: Version(2),
    };
    Plane::new(Some(books), window_until, Millis(5_000), 2)
}

const RAISE: (ShardId, ToControl) = (ShardId(1), ToControl::RaiseBound { ttl_ms: 10_000 });
const IDLE: [(ShardId, ToControl); 2] =
    [(ShardId(0), ToControl::Idle), (ShardId(1), ToControl::Idle)];
const HOLDING: (ShardId, ToControl) = (ShardId(1), ToControl::Holding);

#[test]
fn a_bound_is_durable_before_the_shard_hears_of_it() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    plane
        .turn(Instant(1), &[RAISE], Wish::Run, &shards)
        .unwrap();
    assert_eq!(store.written.borrow().len(), 1);
    assert_eq!(store.written.borrow()[0].state, State::Dirty);
    let raised = FromControl::BoundRaised { ttl_ms: 10_000 };
    assert_eq!(shards.take(), [(Some(1), raised)]);
    plane
        .turn(Instant(2), &[RAISE], Wish::Run, &shards)
        .unwrap();
    assert_eq!(store.written.borrow().len(), 1, "durable already");
    assert_eq!(shards.take(), [(Some(1), raised)]);
}

#[test]
fn a_write_that_fails_ends_the_server_and_answers_nobody() {
    let (shards, store) = (
        FakeShards::default(),
        FakeStore {
            fails: true,
            ..Default::default()
        },
    );
    let mut plane = plane(&Loaded::Empty, &store, None);
    let failed = plane.turn(Instant(1), &[RAISE], Wish::Run, &shards);
    assert!(matches!(failed, Err(Fatal::Store(_))));
    assert_eq!(shards.take(), []);
}

#[test]
fn all_words_of_a_turn_cost_one_write() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    let words = [
        RAISE,
        (ShardId(0), ToControl::NextEpoch),
        (ShardId(1), ToControl::NextEpoch),
    ];
    plane.turn(Instant(1), &words, Wish::Run, &shards).unwrap();
    assert_eq!(store.written.borrow().len(), 1);
    assert_eq!(shards.take().len(), 3);
}

#[test]
fn the_window_ends_in_time_and_once() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&dirty(), &store, Some(Instant(10 * SECOND)));
    plane
        .turn(Instant(10 * SECOND - 1), &[], Wish::Run, &shards)
        .unwrap();
    assert_eq!((shards.take().len(), store.written.borrow().len()), (0, 0));
    plane
        .turn(Instant(10 * SECOND), &[], Wish::Run, &shards)
        .unwrap();
    assert_eq!(shards.take(), [(None, FromControl::WindowOver)]);
    assert_eq!(store.written.borrow()[0].floor, 100);
    plane
        .turn(Instant(11 * SECOND), &[], Wish::Run, &shards)
        .unwrap();
    assert_eq!((shards.take().len(), store.written.borrow().len()), (0, 1));
}

type Word = (ShardId, ToControl);

/// A drain that begins at 1 us, with what the shards say at these instants.
#[track_caller]
fn drain(plane: &mut Plane<FakeStore>, shards: &FakeShards, steps: &[(u64, &[Word], Turned)]) {
    for (now, words, expected) in steps {
        let turned = plane
            .turn(Instant(*now), words, Wish::Drain, shards)
            .unwrap();
        assert_eq!(turned, *expected, "at {now}");
    }
}

const BEGUN: (Option<u8>, FromControl) = (None, FromControl::Drain { bound_ms: 5_000 });
const OVER: (Option<u8>, FromControl) = (None, FromControl::DrainOver);

#[test]
fn a_drain_ends_clean_when_every_shard_is_idle_to_the_end() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    plane
        .turn(Instant(1), &[RAISE], Wish::Run, &shards)
        .unwrap();
    shards.take();
    drain(&mut plane, &shards, &[(2, &IDLE[..1], Turned::On)]);
    assert_eq!(shards.take(), [BEGUN]);
    drain(&mut plane, &shards, &[(3, &IDLE[1..], Turned::On)]);
    assert_eq!(shards.take(), [OVER]);
    shards.connections.set(1);
    drain(&mut plane, &shards, &[(4, &IDLE, Turned::On)]);
    shards.connections.set(0);
    drain(&mut plane, &shards, &[(5, &[], Turned::Drained)]);
    assert_eq!(shards.take(), [], "told once");
    assert_eq!(plane.end().unwrap(), End::Clean);
    assert_eq!(store.written.borrow().last().unwrap().state, State::Clean);
}

#[test]
fn a_waiter_granted_after_its_shard_was_idle_makes_the_end_dirty() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    plane
        .turn(Instant(1), &[RAISE], Wish::Run, &shards)
        .unwrap();
    let until = 3 + 2 * SECOND;
    let steps: [(u64, &[_], _); 4] = [
        (3, &IDLE, Turned::On),
        (4, &IDLE[..1], Turned::On),
        (until - 1, &[], Turned::On),
        (until, &[], Turned::Drained),
    ];
    drain(&mut plane, &shards, &steps);
    assert_eq!(plane.end().unwrap(), End::Dirty);
    assert_eq!(store.written.borrow().last().unwrap().state, State::Dirty);
}

#[test]
fn a_drain_with_holds_left_ends_once_their_clients_are_gone() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    shards.connections.set(1);
    let over = 5 * SECOND + 2;
    let steps: [(u64, &[_], _); 3] = [
        (2, &[RAISE], Turned::On),
        (over, &IDLE[..1], Turned::On),
        (over + 1, &[IDLE[0], HOLDING], Turned::On),
    ];
    drain(&mut plane, &shards, &steps);
    shards.connections.set(0);
    drain(&mut plane, &shards, &[(over + 2, &[], Turned::Drained)]);
    assert_eq!(plane.end().unwrap(), End::Dirty);
    assert_eq!(store.written.borrow().last().unwrap().state, State::Dirty);
}

#[test]
fn holds_that_end_while_the_last_clients_go_make_the_end_clean() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    shards.connections.set(1);
    let over = 5 * SECOND + 2;
    let steps: [(u64, &[_], _); 4] = [
        (2, &[], Turned::On),
        (over, &[], Turned::On),
        (over + 1, &[IDLE[0], HOLDING], Turned::On),
        (over + 2, &IDLE[1..], Turned::On),
    ];
    drain(&mut plane, &shards, &steps);
    shards.connections.set(0);
    drain(&mut plane, &shards, &[(over + 3, &[], Turned::Drained)]);
    assert_eq!(plane.end().unwrap(), End::Clean);
}

#[test]
fn a_drain_is_over_at_its_bound() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    plane
        .turn(Instant(1), &[RAISE], Wish::Drain, &shards)
        .unwrap();
    shards.take();
    drain(&mut plane, &shards, &[(5 * SECOND, &IDLE[..1], Turned::On)]);
    assert_eq!(shards.take(), []);
    drain(&mut plane, &shards, &[(5 * SECOND + 1, &[], Turned::On)]);
    assert_eq!(shards.take(), [OVER]);
    drain(
        &mut plane,
        &shards,
        &[(7 * SECOND + 1, &IDLE[..1], Turned::Drained)],
    );
    assert_eq!(plane.end().unwrap(), End::Dirty);
}

#[test]
fn a_drain_inside_the_window_keeps_keys_closed_and_ends_dirty() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&dirty(), &store, Some(Instant(2 * SECOND)));
    drain(
        &mut plane,
        &shards,
        &[(1, &[], Turned::On), (3 * SECOND, &IDLE, Turned::On)],
    );
    drain(&mut plane, &shards, &[(3 * SECOND, &IDLE, Turned::Drained)]);
    assert_eq!(shards.take(), [BEGUN, OVER]);
    assert_eq!(plane.end().unwrap(), End::Dirty);
    assert_eq!(store.written.borrow().len(), 0);
}

#[test]
fn an_ephemeral_server_waits_for_nothing() {
    let shards = FakeShards::default();
    let mut plane: Plane<FakeStore> = Plane::new(None, None, Millis(5_000), 2);
    plane
        .turn(Instant(1), &[RAISE], Wish::Run, &shards)
        .unwrap();
    assert_eq!(
        shards.take(),
        [(Some(1), FromControl::BoundRaised { ttl_ms: TTL_MS_MAX })]
    );
    drain(
        &mut plane,
        &shards,
        &[(2, &IDLE, Turned::On), (3, &IDLE, Turned::Drained)],
    );
    assert_eq!(plane.end().unwrap(), End::Clean);
}

#[test]
fn a_shard_that_stands_still_awake_is_roused() {
    let (shards, store) = (FakeShards::default(), FakeStore::default());
    let mut plane = plane(&Loaded::Empty, &store, None);
    for _ in 0..3 {
        plane.watch(&shards);
    }
    assert_eq!(shards.roused.take(), [1]);
}
