#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use locker_protocol::{shard_of_slot, slot_of};

use super::*;
use crate::load::tests::double::Double;
use crate::load::tests::plan;

const CONNECTIONS: usize = 4;

/// Carries bytes to and fro until nobody says anything.
fn talk(keeper: &mut Keeper<'_>, double: &mut Double, now: Nanos, io: &mut Io) -> Next {
    let next = keeper.tick(now, io);
    let connects: Vec<Wish> = io.take_wishes().collect();
    for wish in connects {
        if let Wish::Connect(connection) = wish {
            keeper.opened(connection, now, io);
        }
    }
    loop {
        io.flush(|connection, bytes| double.receive(connection, &std::mem::take(bytes), now));
        let answers = double.take_out();
        if answers.is_empty() {
            return next;
        }
        for (connection, bytes) in answers {
            assert_eq!(keeper.received(connection, &bytes, now, io), bytes.len());
        }
    }
}

fn holding(held: u32) -> Plan {
    let mut plan = plan();
    plan.held = held;
    plan
}

#[test]
fn so_many_locks_are_held_none_of_which_the_run_asks_for() {
    let (plan, keeping) = (holding(3_000), Keeping::default());
    let mut keeper = Keeper::new(&plan, CONNECTIONS, false, &keeping);
    let (mut double, mut io) = (Double::new(), Io::new(CONNECTIONS));
    talk(&mut keeper, &mut double, Nanos::SECOND, &mut io);
    assert_eq!((keeping.held(), keeping.failure()), (3_000, None));
    assert_eq!(double.busy_keys(), 3_000);
    let mut keys = Keys::new(&plan.workload, 1);
    let asked: BTreeSet<Vec<u8>> = double
        .seen
        .keys
        .iter()
        .map(|(_, key)| key.clone())
        .collect();
    let run = 0..plan.workload.keys;
    assert!(
        run.into_iter()
            .all(|number| !asked.contains(keys.write(number)))
    );
}

#[test]
fn connections_to_shards_hold_keys_of_their_own_shard() {
    let (plan, keeping) = (holding(1_000), Keeping::default());
    let mut keeper = Keeper::new(&plan, CONNECTIONS, true, &keeping);
    let (mut double, mut io) = (Double::new(), Io::new(CONNECTIONS));
    double.shards = 2;
    talk(&mut keeper, &mut double, Nanos::SECOND, &mut io);
    assert_eq!(keeping.held(), 1_000);
    for (connection, key) in &double.seen.keys {
        let shard = shard_of_slot(slot_of(key), 2);
        assert_eq!(usize::from(shard), connection % 2);
    }
}

#[test]
fn a_full_table_is_told_with_how_much_it_took() {
    let (plan, keeping) = (holding(1_000), Keeping::default());
    let mut keeper = Keeper::new(&plan, CONNECTIONS, false, &keeping);
    let (mut double, mut io) = (Double::new(), Io::new(CONNECTIONS));
    double.keys_max = 600;
    talk(&mut keeper, &mut double, Nanos::SECOND, &mut io);
    let why = keeping.failure().unwrap();
    assert!(why.contains("full with 600 locks"), "{why}");
}

#[test]
fn sessions_say_a_word_before_they_would_end_until_told_to_let_go() {
    let (plan, keeping) = (holding(10), Keeping::default());
    let mut keeper = Keeper::new(&plan, CONNECTIONS, false, &keeping);
    let (mut double, mut io) = (Double::new(), Io::new(CONNECTIONS));
    let begun = Nanos::SECOND;
    talk(&mut keeper, &mut double, begun, &mut io);
    // The double grants 10 s and asks for a word each third of it.
    talk(
        &mut keeper,
        &mut double,
        begun + Nanos::from_ms(3_000),
        &mut io,
    );
    assert_eq!(double.seen.pings, 0);
    for words in [4, 8] {
        let at = begun + Nanos::from_ms(3_400 * words / 4);
        talk(&mut keeper, &mut double, at, &mut io);
        assert_eq!(double.seen.pings, words);
    }
    assert_eq!(keeping.failure(), None);
    keeping.let_go();
    let next = keeper.tick(Nanos::from_ms(20_000), &mut io);
    assert_eq!(next, Next::Finished);
    let closed: Vec<Wish> = io.take_wishes().collect();
    let orderly = (0..CONNECTIONS).map(|number| Wish::Close(number, Close::Orderly));
    assert_eq!(closed, orderly.collect::<Vec<_>>());
}

#[test]
fn a_connection_that_ends_is_told() {
    let (plan, keeping) = (holding(10), Keeping::default());
    let mut keeper = Keeper::new(&plan, CONNECTIONS, false, &keeping);
    keeper.closed(2, End::Eof, Nanos::SECOND, &mut Io::new(CONNECTIONS));
    assert!(keeping.failure().unwrap().contains("connection 2"));
}
