//! Seats: how many requests are under way at once, and what queues.

use locker_protocol as wire;

use super::lab::{Lab, Sent};
use crate::machine::{Lease, Outcome, Read, Wait};
use std::time::Duration;

#[test]
fn a_call_without_a_free_seat_queues_until_an_answer_frees_one() {
    let mut lab = Lab::up_with_seats(8);
    for _ in 0..8 {
        lab.acquire("k", Wait::Forever, Lease::Session);
    }
    let sent = lab.sent();
    assert_eq!(
        sent.len(),
        7,
        "an eighth of the seats is kept for everything else"
    );
    lab.grant(sent[0].id(), 1, 0);
    let next = lab.sent_one();
    assert_eq!(next.id() & 0xFFFF, sent[0].id() & 0xFFFF, "the same seat");
    assert_eq!(
        next.id() >> 16,
        (sent[0].id() >> 16) + 1,
        "under a higher sequence"
    );
}

#[test]
fn waiting_acquires_never_keep_a_release_from_going_out() {
    let mut lab = Lab::up_with_seats(8);
    let hold = lab.hold(0);
    for _ in 0..20 {
        lab.acquire("k", Wait::Forever, Lease::Session);
    }
    lab.sent();
    lab.machine.release(lab.now, hold);
    assert!(matches!(lab.sent_one(), Sent::Release { .. }));
}

#[test]
fn a_try_passes_acquires_that_wait_for_a_seat() {
    let mut lab = Lab::up_with_seats(8);
    for _ in 0..20 {
        lab.acquire("k", Wait::Forever, Lease::Session);
    }
    lab.sent();
    lab.acquire("other", Wait::Try, Lease::Session);
    assert!(matches!(lab.sent_one(), Sent::Acquire { wait_ms: 0, .. }));
}

#[test]
fn reads_need_no_seat() {
    let mut lab = Lab::up_with_seats(1);
    lab.acquire("k", Wait::Forever, Lease::Session);
    lab.acquire("k", Wait::Forever, Lease::Session);
    assert_eq!(lab.sent().len(), 1);
    let call = lab.machine.read(lab.now, Read::Ping);
    let id = lab.sent_one().id();
    assert_eq!(id & 0xFFFF, 0xFFFF);
    lab.pong(id);
    assert!(matches!(lab.outcome(call), Outcome::Pong { .. }));
}

#[test]
fn an_acquire_that_finds_no_seat_for_its_whole_wait_times_out_unsent() {
    let mut lab = Lab::up_with_seats(1);
    lab.acquire("a", Wait::Forever, Lease::Session);
    let call = lab.acquire("b", Wait::For(Duration::from_millis(100)), Lease::Session);
    assert_eq!(lab.sent().len(), 1);
    lab.wait(100);
    assert_eq!(lab.outcome(call), Outcome::Timeout);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_second_answer_under_the_same_id_is_ignored() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Try, Lease::Session);
    let id = lab.sent_one().id();
    lab.grant(id, 1, 0);
    lab.outcome(call);
    lab.grant(id, 2, 0);
    assert_eq!(lab.event(), None);
}

#[test]
fn the_answer_of_another_kind_breaks_the_connection() {
    let mut lab = Lab::up();
    lab.acquire("k", Wait::Try, Lease::Session);
    let id = lab.sent_one().id();
    assert!(lab.push(|out| wire::Released.encode(id, out)).is_err());
    assert!(lab.machine.wants_connection());
}
