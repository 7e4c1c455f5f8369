//! Leases: renewed by hand and by themselves.

use std::time::Duration;

use super::lab::{Lab, Sent, acquire, hold_lost};
use crate::machine::{AutoRenew, HoldId, Lease, LostReason, Outcome, Status, Wait};

/// A hold with a lease of 3 s that renews itself.
fn renewing_hold(lab: &mut Lab, cap: Option<Duration>) -> HoldId {
    let lease = Lease::For(Duration::from_secs(3));
    let mut wanted = acquire("k", Wait::Try, lease);
    wanted.auto_renew = Some(AutoRenew { cap });
    let call = lab.machine.acquire(lab.now, wanted);
    let id = lab.sent_one().id();
    lab.grant(id, 1, 3_000);
    lab.outcome(call);
    HoldId(call.0)
}

#[test]
fn a_renewal_replaces_the_deadline() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000);
    lab.pass(500);
    let call = lab
        .machine
        .renew(lab.now, hold, Lease::For(Duration::from_secs(2)));
    let sent = lab.sent_one();
    assert!(matches!(
        sent,
        Sent::Renew {
            lease_ms: 2_000,
            ..
        }
    ));
    lab.renewed(sent.id(), 2_000);
    assert_eq!(lab.outcome(call), Outcome::Renewed);
    lab.wait(1_900);
    assert!(lab.is_held(hold));
    lab.wait(100);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
}

#[test]
fn a_renewal_of_a_hold_that_the_server_does_not_have_is_a_loss() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000);
    let call = lab.machine.renew(lab.now, hold, Lease::Session);
    let sent = lab.sent_one();
    lab.refuse(&sent, Status::NotHeld);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Unknown));
    assert_eq!(lab.outcome(call), Outcome::Lost(LostReason::Unknown));
}

#[test]
fn a_lease_renews_itself_at_a_third() {
    let mut lab = Lab::up();
    let hold = renewing_hold(&mut lab, None);
    for _ in 0..5 {
        lab.wait(999);
        assert_eq!(lab.sent(), []);
        lab.wait(1);
        let sent = lab.sent_one();
        assert!(
            matches!(
                sent,
                Sent::Renew {
                    lease_ms: 3_000,
                    ..
                }
            ),
            "{sent:?}"
        );
        lab.renewed(sent.id(), 3_000);
        assert_eq!(lab.event(), None, "nobody asked");
    }
    assert!(lab.is_held(hold));
}

#[test]
fn past_its_cap_a_lease_is_left_to_end() {
    let mut lab = Lab::up();
    let hold = renewing_hold(&mut lab, Some(Duration::from_millis(1_500)));
    lab.wait(1_000);
    let sent = lab.sent_one();
    lab.renewed(sent.id(), 3_000);
    lab.wait(1_000);
    assert_eq!(lab.sent(), [], "the cap has passed");
    lab.wait(1_900);
    assert!(lab.is_held(hold));
    lab.wait(100);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
}

#[test]
fn a_renewal_due_without_contact_goes_out_when_the_resume_has_confirmed_the_hold() {
    let mut lab = Lab::up();
    renewing_hold(&mut lab, None);
    lab.machine.disconnected();
    lab.wait(1_500);
    lab.connect();
    lab.greet();
    let confirm = lab.sent_one();
    assert!(matches!(
        confirm,
        Sent::Renew {
            lease_ms: u32::MAX,
            ..
        }
    ));
    lab.renewed(confirm.id(), 1_500);
    assert!(matches!(
        lab.sent_one(),
        Sent::Renew {
            lease_ms: 3_000,
            ..
        }
    ));
}

#[test]
fn a_released_hold_renews_no_more() {
    let mut lab = Lab::up();
    let hold = renewing_hold(&mut lab, None);
    lab.machine.release(lab.now, hold);
    lab.sent_one();
    lab.wait(1_000);
    assert_eq!(lab.sent(), []);
}

#[test]
fn renewing_after_the_release_finds_no_hold() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.machine.release(lab.now, hold);
    let call = lab.machine.renew(lab.now, hold, Lease::Session);
    assert_eq!(lab.outcome(call), Outcome::NotHeld);
}

#[test]
fn a_renewal_that_shortens_counts_from_when_it_is_sent_answered_or_not() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000_000);
    let short = Lease::For(Duration::from_secs(1));
    lab.machine.renew(lab.now, hold, short);
    // The server may have it at once, and end the hold a second later; nobody tells us.
    lab.machine.disconnected();
    lab.wait(1_000);
    assert!(!lab.is_held(hold));
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
}

#[test]
fn a_lease_given_to_a_hold_of_the_session_counts_from_when_it_is_sent() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let short = Lease::For(Duration::from_secs(1));
    lab.machine.renew(lab.now, hold, short);
    lab.wait(1_000);
    assert!(!lab.is_held(hold));
}

#[test]
fn the_answer_to_an_earlier_renewal_does_not_hide_a_later_one_that_shortens() {
    let mut lab = Lab::up();
    let hold = lab.hold(2_000);
    let renew = |lab: &mut Lab, seconds| {
        let lease = Lease::For(Duration::from_secs(seconds));
        lab.machine.renew(lab.now, hold, lease);
        lab.sent_one().id()
    };
    let long = renew(&mut lab, 100);
    let short = renew(&mut lab, 1);
    lab.renewed(long, 100_000);
    assert!(lab.machine.held_until(hold) < lab.now.plus_millis(1_000));
    lab.renewed(short, 1_000);
    let last = renew(&mut lab, 100);
    lab.renewed(last, 100_000);
    assert!(lab.machine.held_until(hold) > lab.now.plus_millis(1_000));
}

#[test]
fn a_renewal_that_was_never_sent_shortens_nothing() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.machine.disconnected();
    let short = Lease::For(Duration::from_millis(10));
    let call = lab.machine.renew(lab.now, hold, short);
    lab.wait(5_000);
    assert_eq!(lab.outcome(call), Outcome::NoAnswer);
    assert!(lab.is_held(hold));
}

#[test]
fn a_grant_that_is_heard_of_late_is_renewed_in_time() {
    let mut lab = Lab::up();
    let mut wanted = acquire("k", Wait::Try, Lease::For(Duration::from_secs(3)));
    wanted.auto_renew = Some(AutoRenew { cap: None });
    lab.machine.acquire(lab.now, wanted);
    let id = lab.sent_one().id();
    let server_now = lab.server_now();
    // Granted at once; told only by the record, to a resend 2.5 s later.
    lab.machine.disconnected();
    lab.wait(2_500);
    lab.connect();
    lab.greet();
    lab.sent();
    let (token, until) = (1, server_now + 3_000_000);
    let granted = locker_protocol::Granted {
        token,
        until,
        server_now,
    };
    lab.push(|out| granted.encode(id, out)).unwrap();
    lab.wait(1);
    assert!(matches!(lab.sent_one(), Sent::Renew { .. }));
}
