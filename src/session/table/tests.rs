#![allow(clippy::unwrap_used)]

use super::*;
use crate::session::seat::SeatOp;

fn opening(secret: u8) -> Opening {
    Opening {
        secret: [secret; 16],
        ttl: Millis(10_000),
        on_disconnect: OnDisconnect::Grace,
        name: Name::new(b"worker"),
        group: [0; 16],
        peer: Peer::default(),
        at: Instant(5),
    }
}

fn table(capacity: u32) -> SessionTable {
    SessionTable::new(ShardId(3), capacity, 4)
}

#[test]
fn an_id_names_its_home_and_is_found() {
    let mut table = table(5);
    let session = table.open(opening(1)).unwrap();
    assert_eq!(session.id.home(), ShardId(3));
    assert_eq!(table.find(session.id), Some(session));
    assert_eq!(table.at(session).opening.name.as_bytes(), b"worker");
}

#[test]
fn a_full_table_opens_no_session() {
    let mut table = table(2);
    table.open(opening(1)).unwrap();
    table.open(opening(1)).unwrap();
    assert_eq!(table.open(opening(1)), None);
    assert_eq!(table.len(), 2);
}

#[test]
fn an_id_is_never_given_twice() {
    let mut table = table(1);
    let first = table.open(opening(1)).unwrap();
    table.remove(first);
    let second = table.open(opening(1)).unwrap();
    assert_eq!(first.slot, second.slot);
    assert_ne!(first.id, second.id);
    assert_eq!(table.find(first.id), None);
}

#[test]
fn a_wrong_secret_and_an_unknown_id_are_the_same() {
    let mut table = table(2);
    let session = table.open(opening(1)).unwrap();
    assert_eq!(table.authenticate(session.id, &[1; 16]), Some(session));
    assert_eq!(table.authenticate(session.id, &[2; 16]), None);
    assert_eq!(table.authenticate(SessionId(77), &[1; 16]), None);
    assert_eq!(table.authenticate(SessionId(u64::MAX), &[0; 16]), None);
}

#[test]
fn a_reused_slot_has_fresh_seats() {
    let mut table = table(1);
    let first = table.open(opening(1)).unwrap();
    table.record(first, 3).unwrap().begin(9, SeatOp::Release, 0);
    table.remove(first);
    let second = table.open(opening(1)).unwrap();
    assert_eq!(table.record(second, 3).unwrap().sequence(), 0);
}

#[test]
fn a_seat_that_was_not_granted_has_no_record() {
    let mut table = table(1);
    let session = table.open(opening(1)).unwrap();
    assert!(table.record(session, 4).is_none());
    assert!(table.record(session, 3).is_some());
}

#[test]
#[should_panic(expected = "while it lives")]
fn speaking_of_a_session_that_is_gone_is_a_bug() {
    let mut table = table(1);
    let first = table.open(opening(1)).unwrap();
    table.remove(first);
    table.open(opening(1)).unwrap();
    let _ = table.at(first);
}
