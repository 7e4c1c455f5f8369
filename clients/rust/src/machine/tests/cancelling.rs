//! Calls given up: by their caller, or because no answer came.

use std::time::Duration;

use locker_protocol as wire;

use super::lab::{Lab, Sent};
use crate::machine::{CallId, Lease, Outcome, Read, Status, Wait};

/// An acquire that was sent and given up; gives its call and both requests.
fn given_up(lab: &mut Lab) -> (CallId, Sent, Sent) {
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    let acquire = lab.sent_one();
    lab.machine.cancel(lab.now, call);
    assert_eq!(lab.outcome(call), Outcome::Cancelled);
    let cancel = lab.sent_one();
    assert!(matches!(cancel, Sent::Cancel { acquire_id, .. } if acquire_id == acquire.id()));
    (call, acquire, cancel)
}

fn done(lab: &mut Lab, cancel: &Sent, outcome: wire::CancelOutcome) {
    lab.push(|out| wire::CancelDone { token: 0, outcome }.encode(cancel.id(), out))
        .unwrap();
}

#[test]
fn an_acquire_that_was_not_sent_is_cancelled_without_asking() {
    let mut lab = Lab::down(crate::machine::Settings::default());
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    lab.machine.cancel(lab.now, call);
    assert_eq!(lab.outcome(call), Outcome::Cancelled);
    lab.connect();
    lab.greet();
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_cancelled_waiter_hears_nothing_more() {
    let mut lab = Lab::up();
    let (_, acquire, cancel) = given_up(&mut lab);
    lab.refuse(&acquire, Status::Cancelled);
    done(&mut lab, &cancel, wire::CancelOutcome::Cancelled);
    assert_eq!(lab.event(), None);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_grant_that_crosses_the_cancel_is_undone_by_it_and_holds_nothing() {
    let mut lab = Lab::up();
    let (call, acquire, cancel) = given_up(&mut lab);
    lab.grant(acquire.id(), 5, 0);
    assert_eq!(lab.event(), None);
    assert!(!lab.is_held(crate::machine::HoldId(call.0)));
    done(&mut lab, &cancel, wire::CancelOutcome::Released);
    assert_eq!(lab.sent(), [], "the cancel released it");
}

#[test]
fn the_seat_of_a_cancelled_acquire_is_not_used_before_the_cancel_is_answered() {
    let mut lab = Lab::up_with_seats(2);
    let (_, acquire, cancel) = given_up(&mut lab);
    lab.grant(acquire.id(), 5, 0);
    lab.acquire("other", Wait::Forever, Lease::Session);
    assert_eq!(lab.sent(), []);
    done(&mut lab, &cancel, wire::CancelOutcome::Released);
    assert!(matches!(lab.sent_one(), Sent::Acquire { .. }));
}

#[test]
fn a_grant_before_the_cancel_went_out_is_released() {
    let mut lab = Lab::up_with_seats(2);
    let held = lab.hold(0);
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    let acquire = lab.sent_one();
    lab.machine.release(lab.now, held);
    let release = lab.sent_one();
    lab.machine.cancel(lab.now, call);
    assert_eq!(lab.sent(), [], "both seats are used");
    lab.grant(acquire.id(), 5, 0);
    let sent = lab.sent_one();
    assert!(
        matches!(sent, Sent::Release { owner, token: 5, .. } if owner == call.0),
        "{sent:?}"
    );
    lab.push(|out| wire::Released.encode(release.id(), out))
        .unwrap();
    assert_eq!(lab.sent(), [], "no cancel for what is released");
}

#[test]
fn an_answer_that_does_not_come_gives_the_acquire_up() {
    let mut lab = Lab::up();
    let wait = Duration::from_millis(100);
    let call = lab.acquire("k", Wait::For(wait), Lease::Session);
    lab.sent_one();
    lab.wait(100);
    assert_eq!(lab.event(), None, "the answer may be on its way");
    lab.pass(2_899);
    lab.machine.handle_timeout(lab.now).unwrap();
    assert_eq!(lab.event(), None);
    lab.wait(1);
    let ping = lab.sent_one();
    lab.pong(ping.id());
    lab.wait(2_100);
    assert_eq!(lab.outcome(call), Outcome::NoAnswer);
    assert!(matches!(lab.sent_one(), Sent::Cancel { .. }));
}

#[test]
fn a_call_without_contact_fails_when_its_time_is_over() {
    let mut lab = Lab::down(crate::machine::Settings::default());
    let call = lab.acquire("k", Wait::Try, Lease::Session);
    let read = lab.machine.read(lab.now, Read::Ping);
    lab.wait(4_999);
    assert_eq!(lab.event(), None);
    lab.wait(1);
    assert_eq!(lab.outcome(call), Outcome::NoAnswer);
    assert_eq!(lab.outcome(read), Outcome::NoAnswer);
}

#[test]
fn a_given_up_acquire_and_its_cancel_are_both_resent_in_order() {
    let mut lab = Lab::up();
    let (_, acquire, cancel) = given_up(&mut lab);
    lab.reconnect();
    let ids: Vec<u64> = lab.sent().iter().map(Sent::id).collect();
    assert_eq!(ids, [acquire.id(), cancel.id()]);
}

#[test]
fn a_cancel_after_the_outcome_does_nothing() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    let id = lab.sent_one().id();
    lab.grant(id, 5, 0);
    lab.outcome(call);
    lab.machine.cancel(lab.now, call);
    assert_eq!(lab.event(), None);
    assert!(lab.is_held(crate::machine::HoldId(call.0)));
}
