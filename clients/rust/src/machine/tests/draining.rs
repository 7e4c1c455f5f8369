//! A server that says that it is about to stop.

use std::time::Duration;

use locker_protocol as wire;

use super::lab::{Lab, Sent, hold_lost, refusal};
use crate::machine::{CallId, Event, Lease, LostReason, Outcome, Status, Wait};

/// The server has said that it restarts.
fn draining() -> Lab {
    let mut lab = Lab::up();
    lab.go_away(wire::GoAwayReason::Restart).unwrap();
    lab
}

/// The owners of the acquires among what was sent.
fn owners(sent: &[Sent]) -> Vec<u64> {
    sent.iter()
        .filter_map(|sent| match sent {
            Sent::Acquire { owner, .. } => Some(*owner),
            _ => None,
        })
        .collect()
}

/// The server has gone and come back, and knows nothing.
fn restart(lab: &mut Lab) {
    lab.machine.disconnected();
    let hello = lab.connect();
    lab.refuse(&hello, Status::NoSession);
    lab.server.run += 1;
    lab.connect();
    lab.greet();
    assert_eq!(lab.event(), Some(Event::Attached { resumed: false }));
}

#[test]
fn holds_are_renewed_and_released_on_the_connection_that_is_left() {
    let mut lab = Lab::up();
    let hold = lab.hold(5_000);
    lab.go_away(wire::GoAwayReason::Restart).unwrap();
    assert!(lab.is_held(hold));
    lab.machine.renew(lab.now, hold, Lease::Session);
    let renew = lab.sent_one();
    lab.renewed(renew.id(), 0);
    lab.event();
    lab.machine.release(lab.now, hold);
    assert!(matches!(lab.sent_one(), Sent::Release { .. }));
}

#[test]
fn an_acquire_that_waits_is_kept_for_the_next_run_and_a_try_is_sent() {
    let mut lab = draining();
    let waits = lab.acquire("k", Wait::Forever, Lease::Session);
    assert_eq!(lab.sent(), []);
    let tries = lab.acquire("k", Wait::Try, Lease::Session);
    let sent = lab.sent_one();
    lab.refuse(&sent, Status::Draining);
    assert_eq!(refusal(lab.outcome(tries)).status, Status::Draining);
    restart(&mut lab);
    assert_eq!(owners(&lab.sent()), [waits.0]);
}

#[test]
fn acquires_that_are_refused_because_the_server_stops_wait_on_in_their_old_order() {
    let mut lab = Lab::up();
    let mut calls: Vec<CallId> = (0..3)
        .map(|_| lab.acquire("k", Wait::Forever, Lease::Session))
        .collect();
    let sent = lab.sent();
    lab.go_away(wire::GoAwayReason::Restart).unwrap();
    calls.push(lab.acquire("k", Wait::Forever, Lease::Session));
    for request in [&sent[2], &sent[0], &sent[1]] {
        lab.refuse(request, Status::Draining);
    }
    assert_eq!(lab.event(), None, "nobody is told");
    assert_eq!(lab.sent(), [], "and the server is not pestered");
    restart(&mut lab);
    let expected: Vec<u64> = calls.iter().map(|call| call.0).collect();
    assert_eq!(owners(&lab.sent()), expected);
}

#[test]
fn a_refusal_ahead_of_the_notice_is_as_good_as_the_notice() {
    let mut lab = Lab::up();
    lab.acquire("k", Wait::Forever, Lease::Session);
    let sent = lab.sent_one();
    lab.refuse(&sent, Status::Draining);
    assert_eq!(lab.event(), None);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_wait_that_ends_before_the_server_is_back_times_out() {
    let mut lab = draining();
    let wait = Wait::For(Duration::from_millis(100));
    let kept = lab.acquire("k", wait, Lease::Session);
    lab.wait(100);
    assert_eq!(lab.outcome(kept), Outcome::Timeout);
    restart(&mut lab);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_refusal_after_the_end_of_the_wait_is_told() {
    let mut lab = Lab::up();
    let wait = Wait::For(Duration::from_millis(100));
    let call = lab.acquire("k", wait, Lease::Session);
    let sent = lab.sent_one();
    lab.pass(100);
    lab.refuse(&sent, Status::Draining);
    assert_eq!(refusal(lab.outcome(call)).status, Status::Draining);
}

#[test]
fn a_kept_acquire_can_be_cancelled_and_is_never_sent() {
    let mut lab = draining();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    lab.machine.cancel(lab.now, call);
    assert_eq!(lab.outcome(call), Outcome::Cancelled);
    restart(&mut lab);
    assert_eq!(lab.sent(), []);
}

#[test]
fn an_acquire_given_up_before_the_refusal_does_not_queue_again() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    let sent = lab.sent_one();
    lab.machine.cancel(lab.now, call);
    lab.outcome(call);
    lab.sent();
    lab.refuse(&sent, Status::Draining);
    restart(&mut lab);
    assert_eq!(lab.sent(), []);
}

#[test]
fn the_next_connection_serves_waits_again_even_if_it_resumes() {
    let mut lab = draining();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    lab.reconnect();
    assert_eq!(owners(&lab.sent()), [call.0], "it did not stop after all");
}

#[test]
fn a_server_that_stops_for_good_has_its_refusals_told() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.go_away(wire::GoAwayReason::Shutdown).unwrap();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    let sent = lab.sent_one();
    lab.refuse(&sent, Status::Draining);
    assert_eq!(refusal(lab.outcome(call)).status, Status::Draining);
    assert!(lab.is_held(hold), "what is held is held to its deadline");
    lab.wait(9_000);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
}
