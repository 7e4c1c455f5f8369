use super::world::*;
use crate::lock::op::{ClosedFor, ReaderRef, ShardId};
use crate::lock::{EngineConfig, Input};
use crate::shard::cursor::Cursor;
use crate::time::Millis;
use locker_protocol::{GetReply, ListReply, Mode};
use std::collections::BTreeSet;

const READER: ReaderRef = ReaderRef {
    home: ShardId(0),
    connection: 0,
    generation: 0,
    request_id: 0,
    op: 0,
};

fn body(said: &[Said]) -> &[u8] {
    match said {
        [Said::Body(body)] => body,
        other => panic!("no body: {other:?}"),
    }
}

#[test]
fn a_get_tells_who_holds_and_who_waits() {
    let mut world = World::new();
    let acquire = request_with(0, 0, b"door", leased_ms(1, EXCLUSIVE, 5_000), b"why");
    world.turn(&[acquire]);
    world.wait(1, 0, b"door", waiting_ms(2, SHARED, 9_000));
    world.pass_ms(2_000);
    let said = world.turn(&[Input::Get {
        to: READER,
        key: b"door",
    }]);
    let reply = GetReply::decode(body(&said)).unwrap();
    assert_eq!(reply.mode, Some(Mode::Exclusive));
    assert_eq!((reply.holders_total, reply.waiters_total), (1, 1));
    let holder = reply.holders.iter().next().unwrap();
    assert_eq!(
        (holder.owner, holder.age_s, holder.lease_left_ms),
        (1, 2, 3_000)
    );
    assert_eq!(
        (holder.name, holder.metadata),
        ("client-0", b"why".as_slice())
    );
    assert_eq!(holder.session_id, session(0).id.0);
    let waiter = reply.waiters.iter().next().unwrap();
    assert_eq!(
        (waiter.owner, waiter.age_s, waiter.wait_left_ms),
        (2, 2, 7_000)
    );
    assert_eq!((waiter.mode, waiter.name), (Mode::Shared, "client-1"));
}

#[test]
fn a_get_of_a_free_key_is_empty_and_of_a_closed_one_says_so() {
    let mut world = World::new();
    let said = world.turn(&[Input::Get {
        to: READER,
        key: b"door",
    }]);
    let reply = GetReply::decode(body(&said)).unwrap();
    assert_eq!(
        (reply.mode, reply.closed, reply.holders_total),
        (None, false, 0)
    );
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.ask(1, 0, b"door", force(0, ClosedFor::For(Millis(700))));
    let said = world.turn(&[Input::Get {
        to: READER,
        key: b"door",
    }]);
    let reply = GetReply::decode(body(&said)).unwrap();
    assert_eq!(
        (reply.mode, reply.closed, reply.closed_ms),
        (None, true, 700)
    );
}

#[test]
fn a_get_tells_the_first_of_many() {
    let mut world = World::with(EngineConfig {
        blocks: 200,
        ..config()
    });
    for owner in 0..40 {
        world.hold(0, b"door", attempt(owner, permits(1, 40)));
        world.wait(1, 0, b"door", queued(owner, EXCLUSIVE));
        if owner < 39 {
            world.ask(1, 1, b"door", cancel_all(owner));
        }
    }
    let said = world.turn(&[Input::Get {
        to: READER,
        key: b"door",
    }]);
    let reply = GetReply::decode(body(&said)).unwrap();
    assert_eq!((reply.holders.len(), reply.holders_total), (16, 40));
    assert_eq!((reply.limit, reply.permits_used), (40, 40));
}

fn cancel_all(owner: u64) -> crate::lock::op::Op {
    cancel(owner, 100, 0, crate::lock::op::IfGranted::Release)
}

/// Reads all pages; returns the keys.
fn list(world: &mut World, prefix: &[u8]) -> (BTreeSet<Vec<u8>>, usize) {
    let (mut keys, mut pages, mut position) = (BTreeSet::new(), 0, 0);
    loop {
        let said = world.turn(&[Input::List {
            to: READER,
            cursor: position,
            prefix,
        }]);
        let reply = ListReply::decode(body(&said)).unwrap();
        keys.extend(reply.locks.iter().map(|lock| lock.key.to_vec()));
        pages += 1;
        if reply.cursor == 0 {
            return (keys, pages);
        }
        position = Cursor::from_wire(reply.cursor, 1).unwrap().position;
    }
}

#[test]
fn list_tells_every_key_with_the_prefix() {
    let mut world = World::with(EngineConfig {
        blocks: 3_000,
        ..config()
    });
    let mut expected = BTreeSet::new();
    for number in 0..600_u32 {
        let key = format!("{}/{number:0200}", if number % 3 == 0 { "a" } else { "b" });
        world.hold(0, key.as_bytes(), attempt(1, EXCLUSIVE));
        if number % 3 == 0 {
            expected.insert(key.into_bytes());
        }
    }
    let (keys, pages) = list(&mut world, b"a/");
    assert_eq!(keys, expected);
    assert!(
        pages > 2,
        "200 keys of 202 bytes need more than one page of 16 KiB"
    );
    assert_eq!(list(&mut world, b"").0.len(), 600);
    assert_eq!(list(&mut world, b"c").0.len(), 0);
}
