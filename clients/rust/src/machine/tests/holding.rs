//! Holds in time: until when one is believed in, and how one is told to be lost.

use std::time::Duration;

use locker_protocol as wire;

use super::lab::{Lab, TTL_MS, hold_lost, refusal};
use crate::machine::{
    Event, Instant, Lease, LostReason, Margin, Mode, Outcome, Settings, Status, Wait,
};

#[test]
fn a_granted_acquire_is_a_hold_with_its_token() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Try, Lease::Session);
    let sent = lab.sent_one();
    lab.grant(sent.id(), 77, 0);
    let Outcome::Granted { hold, token } = lab.outcome(call) else {
        panic!("granted")
    };
    assert_eq!(token, 77);
    assert!(lab.is_held(hold));
}

#[test]
fn every_acquire_has_a_fresh_owner() {
    let mut lab = Lab::up();
    let first = lab.hold(0);
    let second = lab.hold(0);
    assert_ne!(first, second);
}

#[test]
fn a_lease_counts_from_before_the_send_less_the_margin() {
    let mut lab = Lab::up();
    let sent_at = lab.now;
    let lease = Lease::For(Duration::from_millis(1_000));
    let call = lab.acquire("k", Wait::Try, lease);
    let id = lab.sent_one().id();
    lab.pass(300);
    lab.grant(id, 1, 1_000);
    let Outcome::Granted { hold, .. } = lab.outcome(call) else {
        panic!("granted")
    };
    // The server counts its second from 300 ms after the send; the client cannot know that it did
    // not decide at once, and trusts only the second since the send, less 1 % and 2 ms. The best
    // anchor is the greeting's, which was answered at once: 1300 ms after it, less 1 % and 2 ms.
    let until = lab.machine.held_until(hold);
    assert!(until < sent_at.plus_millis(1_300 - 13 - 2 + 1), "{until:?}");
    assert!(until > sent_at.plus_millis(1_300 - 13 - 2 - 1), "{until:?}");
}

#[test]
fn a_client_with_one_clock_takes_its_deadlines_ten_percent_earlier() {
    let mut lab = Lab::down(Settings {
        margin: Margin::ONE_CLOCK,
        ..Settings::default()
    });
    lab.connect();
    lab.greet();
    lab.event();
    let sent_at = lab.now;
    let hold = lab.hold(1_000);
    let until = lab.machine.held_until(hold);
    assert!(until <= sent_at.plus_millis(1_000 - 100 - 2), "{until:?}");
    assert!(until > sent_at.plus_millis(1_000 - 100 - 4), "{until:?}");
}

#[test]
fn a_waiter_that_queued_longer_than_its_lease_still_gets_its_lease() {
    let mut lab = Lab::up();
    let lease = Lease::For(Duration::from_millis(500));
    let call = lab.acquire("k", Wait::Forever, lease);
    let id = lab.sent_one().id();
    for _ in 0..10 {
        lab.wait(u64::from(super::lab::KEEPALIVE_MS));
        let ping = lab.sent_one().id();
        lab.pong(ping);
    }
    lab.grant(id, 1, 500);
    let Outcome::Granted { hold, .. } = lab.outcome(call) else {
        panic!("granted")
    };
    lab.wait(480);
    assert!(
        lab.is_held(hold),
        "the pings' anchors are newer than the acquire's"
    );
}

#[test]
fn a_hold_is_lost_at_its_own_deadline_and_settled() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000);
    let until = lab.machine.held_until(hold);
    assert_eq!(lab.machine.next_deadline(), Some(until));
    lab.now = Instant(until.0 - 1);
    assert!(lab.is_held(hold));
    lab.wait(1);
    assert!(!lab.is_held(hold));
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
    let wire_release = lab.sent_one();
    assert!(
        matches!(wire_release, super::lab::Sent::Release { owner, token: 101, .. }
            if owner == hold.0)
    );
}

#[test]
fn a_lost_hold_is_settled_before_its_key_is_used_again() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000);
    lab.machine.disconnected();
    lab.wait(2_000);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
    lab.acquire("k", Wait::Try, Lease::Session);
    lab.connect();
    lab.greet();
    let sent = lab.sent();
    assert!(
        matches!(sent[0], super::lab::Sent::Release { .. }),
        "{sent:?}"
    );
    assert!(
        matches!(sent[1], super::lab::Sent::Acquire { .. }),
        "{sent:?}"
    );
}

#[test]
fn a_session_hold_ends_with_the_session_deadline() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let sent_at = lab.now;
    lab.machine.disconnected();
    // 9 s less 1 % (90 ms, and the rounding) and 2 ms.
    lab.wait(u64::from(TTL_MS) - 93);
    assert!(lab.is_held(hold));
    lab.wait(2);
    assert!(lab.now < sent_at.plus_millis(u64::from(TTL_MS)));
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
}

#[test]
fn a_lost_push_ends_the_hold_at_once_and_needs_no_settling() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.lost(hold.0, 100 + hold.0, wire::LostReason::Forced);
    assert!(!lab.is_held(hold));
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Forced));
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_lost_push_of_another_token_ends_nothing() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.lost(hold.0, 5, wire::LostReason::Forced);
    assert!(lab.is_held(hold));
}

#[test]
fn a_release_ends_the_belief_at_once_and_the_outcome_comes_with_the_answer() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let call = lab.machine.release(lab.now, hold);
    assert!(!lab.is_held(hold));
    assert_eq!(lab.event(), None);
    let id = lab.sent_one().id();
    lab.push(|out| wire::Released.encode(id, out)).unwrap();
    assert_eq!(lab.outcome(call), Outcome::Released);
}

#[test]
fn a_loss_that_crosses_the_release_is_the_outcome_of_the_release() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let call = lab.machine.release(lab.now, hold);
    let sent = lab.sent_one();
    lab.lost(hold.0, 100 + hold.0, wire::LostReason::Forced);
    assert_eq!(lab.event(), None, "no loss is told beside the release");
    lab.refuse(&sent, Status::NotHeld);
    assert_eq!(lab.outcome(call), Outcome::Lost(LostReason::Forced));
}

#[test]
fn releasing_a_lost_hold_says_why_it_was_lost_and_a_second_release_finds_nothing() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.lost(hold.0, 100 + hold.0, wire::LostReason::Lease);
    lab.event();
    let call = lab.machine.release(lab.now, hold);
    assert_eq!(lab.outcome(call), Outcome::Lost(LostReason::Lease));
    let call = lab.machine.release(lab.now, hold);
    assert_eq!(lab.outcome(call), Outcome::NotHeld);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_release_past_the_deadline_is_a_loss_even_before_the_timer_ran() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000);
    lab.pass(1_000);
    let call = lab.machine.release(lab.now, hold);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
    assert_eq!(lab.outcome(call), Outcome::Lost(LostReason::Lease));
}

#[test]
fn outcomes_of_an_acquire_that_is_not_granted_are_told_apart() {
    for (status, expected) in [
        (Status::Timeout, Outcome::Timeout),
        (Status::Cancelled, Outcome::Cancelled),
        (Status::Lost, Outcome::Lost(LostReason::Unknown)),
    ] {
        let mut lab = Lab::up();
        let call = lab.acquire("k", Wait::Try, Lease::Session);
        let sent = lab.sent_one();
        lab.refuse(&sent, status);
        assert_eq!(lab.outcome(call), expected);
    }
}

#[test]
fn a_refusal_carries_its_status_and_says_whether_to_try_again() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Try, Lease::Session);
    let sent = lab.sent_one();
    lab.refuse(&sent, Status::TableFull);
    let refusal = refusal(lab.outcome(call));
    assert_eq!(refusal.status, Status::TableFull);
    assert!(refusal.is_temporary());
}

#[test]
fn what_the_wire_cannot_carry_is_refused_without_asking() {
    let mut lab = Lab::up();
    let permits = |permits, limit| Mode::Permit {
        permits,
        limit,
        resize: false,
    };
    for (key, mode, metadata, status) in [
        (0, Mode::Exclusive, 0, Status::BadKey),
        (1_025, Mode::Exclusive, 0, Status::BadKey),
        (1, Mode::Exclusive, 257, Status::MetadataTooLong),
        (1, permits(0, 5), 0, Status::LimitMismatch),
        (1, permits(6, 5), 0, Status::LimitMismatch),
        (1, permits(1, 1 << 31 | 1), 0, Status::LimitMismatch),
    ] {
        let mut acquire = super::lab::acquire("k", Wait::Try, Lease::Session);
        acquire.key = vec![b'k'; key].into();
        acquire.mode = mode;
        acquire.metadata = vec![0; metadata].into();
        let call = lab.machine.acquire(lab.now, acquire);
        assert_eq!(refusal(lab.outcome(call)).status, status);
    }
    assert_eq!(lab.sent(), []);
}

#[test]
fn events_of_one_arrival_come_in_order() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Try, Lease::Session);
    let id = lab.sent_one().id();
    let server_now = lab.server_now();
    lab.push(|out| {
        wire::Granted {
            token: 9,
            until: 0,
            server_now,
        }
        .encode(id, out);
        let reason = wire::LostReason::Forced;
        wire::Lost {
            token: 9,
            owner: call.0,
            reason,
            key: b"k",
        }
        .encode(out);
    })
    .unwrap();
    assert!(matches!(
        lab.outcome(call),
        Outcome::Granted { token: 9, .. }
    ));
    assert!(matches!(lab.event(), Some(Event::HoldLost { .. })));
}
