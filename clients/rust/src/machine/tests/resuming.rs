//! Connections that end, and sessions that go on, end, or are taken over.

use locker_protocol as wire;

use super::lab::{KEEPALIVE_MS, Lab, Sent, TTL_MS, hold_lost};
use crate::machine::{
    Broken, Ended, Event, Lease, LostReason, Outcome, Read, Settings, Status, Wait,
};

#[test]
fn the_first_connection_opens_and_later_ones_resume_with_growing_attach_numbers() {
    let mut lab = Lab::down(Settings::default());
    let hello = lab.connect();
    let action = wire::HelloAction::Open;
    assert_eq!(
        hello,
        Sent::Hello {
            action,
            session_id: 0,
            attach: 0,
            reclaiming: false,
        }
    );
    lab.greet();
    for attach in 1..4 {
        lab.machine.disconnected();
        let hello = lab.connect();
        let action = wire::HelloAction::Resume;
        assert_eq!(
            hello,
            Sent::Hello {
                action,
                session_id: 41,
                attach,
                reclaiming: false,
            }
        );
    }
}

#[test]
fn calls_before_the_greeting_wait_for_it() {
    let mut lab = Lab::down(Settings::default());
    lab.acquire("k", Wait::Forever, Lease::Session);
    lab.connect();
    assert_eq!(lab.sent(), []);
    lab.greet();
    assert!(matches!(lab.sent_one(), Sent::Acquire { .. }));
}

#[test]
fn unanswered_requests_are_resent_in_order_under_their_ids() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.acquire("a", Wait::Forever, Lease::Session);
    lab.machine.release(lab.now, hold);
    lab.acquire("b", Wait::Forever, Lease::Session);
    let before: Vec<u64> = lab.sent().iter().map(Sent::id).collect();
    lab.reconnect();
    let after: Vec<u64> = lab.sent().iter().map(Sent::id).collect();
    assert_eq!(before, after);
}

#[test]
fn an_answered_request_is_not_resent() {
    let mut lab = Lab::up();
    let call = lab.acquire("a", Wait::Try, Lease::Session);
    let sent = lab.sent_one();
    lab.refuse(&sent, Status::Timeout);
    lab.outcome(call);
    lab.reconnect();
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_frame_cut_by_the_connections_end_does_not_touch_the_next() {
    let mut lab = Lab::up();
    lab.machine.received(lab.now, &[7, 0, 0]).unwrap();
    lab.reconnect();
}

#[test]
fn each_hold_is_asked_for_after_a_resume() {
    let mut lab = Lab::up();
    let first = lab.hold(0);
    let second = lab.hold(5_000);
    lab.reconnect();
    let sent = lab.sent();
    for (request, hold) in sent.iter().zip([first, second]) {
        let Sent::Renew {
            owner,
            token,
            lease_ms,
            ..
        } = *request
        else {
            panic!("{request:?}")
        };
        assert_eq!((owner, token), (hold.0, 100 + hold.0));
        assert_eq!(lease_ms, wire::LEASE_KEEP);
    }
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_hold_is_believed_in_only_to_the_old_session_deadline_until_it_is_confirmed() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let old_deadline = lab.machine.held_until(hold);
    lab.machine.disconnected();
    lab.wait(4_000);
    lab.connect();
    lab.greet();
    assert_eq!(lab.machine.held_until(hold), old_deadline);
    let confirm = lab.sent_one();
    lab.renewed(confirm.id(), 0);
    assert!(lab.machine.held_until(hold) > old_deadline);
}

#[test]
fn a_confirmation_from_before_the_last_resume_confirms_nothing() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let old_deadline = lab.machine.held_until(hold);
    lab.pass(1_000);
    lab.reconnect();
    let early = lab.sent_one();
    lab.reconnect();
    let sent = lab.sent();
    assert_eq!(
        sent[0].id(),
        early.id(),
        "resent, and answered from the record"
    );
    lab.renewed(early.id(), 0);
    assert_eq!(lab.machine.held_until(hold), old_deadline);
    lab.renewed(sent[1].id(), 0);
    assert!(lab.machine.held_until(hold) > old_deadline);
}

#[test]
fn a_hold_lost_while_disconnected_is_found_out_by_the_resume() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.reconnect();
    let confirm = lab.sent_one();
    lab.refuse(&confirm, Status::NotHeld);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Unknown));
    assert!(!lab.is_held(hold));
    assert_eq!(
        lab.sent(),
        [],
        "the server does not have it: nothing to settle"
    );
}

#[test]
fn a_grant_that_was_lost_before_its_answer_came_is_told_as_lost() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    lab.sent_one();
    lab.reconnect();
    let resent = lab.sent_one();
    lab.refuse(&resent, Status::Lost);
    assert_eq!(lab.outcome(call), Outcome::Lost(LostReason::Unknown));
}

#[test]
fn an_ended_session_loses_its_holds_and_its_acquires_queue_again_in_the_next() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let first = lab.acquire("a", Wait::Forever, Lease::Session);
    let second = lab.acquire("b", Wait::Forever, Lease::Session);
    lab.sent();
    lab.machine.disconnected();
    let hello = lab.connect();
    lab.refuse(&hello, Status::NoSession);
    let hello = lab.connect();
    assert!(matches!(
        hello,
        Sent::Hello {
            action: wire::HelloAction::Open,
            ..
        }
    ));
    lab.greet();
    assert_eq!(lab.event(), Some(Event::Attached { resumed: false }));
    assert_eq!(
        lab.event(),
        hold_lost(hold, LostReason::Session),
        "the same run of the server ended the session"
    );
    let owners: Vec<u64> = lab
        .sent()
        .iter()
        .map(|sent| match sent {
            Sent::Acquire { owner, .. } => *owner,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(owners, [first.0, second.0]);
}

#[test]
fn a_release_whose_session_ended_is_a_success_because_the_hold_stood_until_then() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let call = lab.machine.release(lab.now, hold);
    lab.sent_one();
    lab.machine.disconnected();
    let hello = lab.connect();
    lab.refuse(&hello, Status::NoSession);
    assert_eq!(lab.outcome(call), Outcome::Released);
}

#[test]
fn a_renewal_whose_session_ended_is_a_loss() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let call = lab.machine.renew(lab.now, hold, Lease::Session);
    lab.machine.disconnected();
    let hello = lab.connect();
    lab.refuse(&hello, Status::NoSession);
    lab.connect();
    lab.greet();
    lab.event();
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    let renew = lab.sent_one();
    lab.refuse(&renew, Status::NotHeld);
    assert_eq!(lab.outcome(call), Outcome::Lost(LostReason::Session));
}

#[test]
fn session_ended_loses_everything_and_opens_anew() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let reason = wire::EndReason::Expired;
    let broken = lab.push(|out| wire::SessionEnded { reason }.encode(out));
    assert_eq!(broken, Err(Broken::SessionEnded));
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    assert!(matches!(
        lab.connect(),
        Sent::Hello {
            action: wire::HelloAction::Open,
            ..
        }
    ));
}

#[test]
fn a_session_that_was_taken_over_loses_its_holds_and_does_not_reconnect() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let waiting = lab.acquire("a", Wait::Forever, Lease::Session);
    assert_eq!(
        lab.go_away(wire::GoAwayReason::TakenOver),
        Err(Broken::Ended)
    );
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    assert_eq!(lab.outcome(waiting), Outcome::Ended(Ended::TakenOver));
    assert_eq!(lab.event(), Some(Event::Ended(Ended::TakenOver)));
    assert!(!lab.machine.wants_connection());
    let late = lab.machine.read(lab.now, Read::Ping);
    assert_eq!(lab.outcome(late), Outcome::Ended(Ended::TakenOver));
}

#[test]
fn a_stale_resume_means_that_somebody_else_has_the_session() {
    let mut lab = Lab::up();
    lab.machine.disconnected();
    let hello = lab.connect();
    lab.refuse(&hello, Status::StaleResume);
    assert_eq!(lab.event(), Some(Event::Ended(Ended::TakenOver)));
    assert!(!lab.machine.wants_connection());
}

#[test]
fn a_restart_notice_keeps_the_holds_and_the_connection() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    assert_eq!(lab.go_away(wire::GoAwayReason::Restart), Ok(()));
    assert!(lab.is_held(hold));
    lab.machine.release(lab.now, hold);
    assert!(matches!(lab.sent_one(), Sent::Release { .. }));
}

#[test]
fn a_hold_outlives_a_silent_server_only_to_its_deadline() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.go_away(wire::GoAwayReason::Restart).unwrap();
    lab.machine.disconnected();
    assert!(lab.is_held(hold), "the old server's promise stands");
    lab.wait(u64::from(TTL_MS));
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
}

#[test]
fn a_busy_server_is_tried_again_and_one_of_another_version_is_not() {
    let mut lab = Lab::down(Settings::default());
    let hello = lab.connect();
    lab.refuse(&hello, Status::SessionsFull);
    assert!(lab.machine.wants_connection());
    let hello = lab.connect();
    lab.refuse(&hello, Status::VersionMismatch);
    assert!(!lab.machine.wants_connection());
    assert!(matches!(
        lab.event(),
        Some(Event::Ended(Ended::Rejected(_)))
    ));
}

#[test]
fn a_keepalive_goes_out_after_a_third_of_the_ttl_without_an_answer() {
    let mut lab = Lab::up();
    lab.hold(0);
    lab.wait(u64::from(KEEPALIVE_MS) - 1);
    assert_eq!(lab.sent(), []);
    lab.wait(1);
    let ping = lab.sent_one();
    assert!(matches!(ping, Sent::Ping { .. }));
    lab.pong(ping.id());
    assert_eq!(lab.event(), None, "keepalives are nobody's call");
    lab.wait(u64::from(KEEPALIVE_MS) - 1);
    assert_eq!(lab.sent(), []);
}

#[test]
fn answered_requests_make_keepalives_needless() {
    let mut lab = Lab::up();
    for _ in 0..5 {
        lab.wait(u64::from(KEEPALIVE_MS) - 1);
        lab.hold(0);
    }
}

#[test]
fn a_keepalive_that_is_not_answered_breaks_the_connection_in_time_for_a_resume() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    lab.wait(u64::from(KEEPALIVE_MS));
    lab.pass(u64::from(KEEPALIVE_MS));
    assert_eq!(lab.machine.handle_timeout(lab.now), Err(Broken::Silent));
    assert!(lab.is_held(hold));
    lab.connect();
    lab.greet();
    assert!(lab.is_held(hold));
}

#[test]
fn a_greeting_that_does_not_come_breaks_the_connection() {
    let mut lab = Lab::down(Settings::default());
    lab.connect();
    lab.pass(5_000);
    assert_eq!(lab.machine.handle_timeout(lab.now), Err(Broken::Silent));
}

#[test]
fn closing_ends_the_machine_with_the_answer() {
    let mut lab = Lab::up();
    let call = lab.machine.close(lab.now);
    let id = lab.sent_one().id();
    assert_eq!(
        lab.push(|out| wire::Closed.encode(id, out)),
        Err(Broken::Ended)
    );
    assert_eq!(lab.outcome(call), Outcome::Closed);
    assert_eq!(lab.event(), Some(Event::Ended(Ended::Closed)));
}

#[test]
fn from_the_moment_of_closing_no_hold_is_believed_in_and_none_begins() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let waiting = lab.acquire("a", Wait::Forever, Lease::Session);
    let id = lab.sent_one().id();
    lab.machine.close(lab.now);
    assert!(!lab.is_held(hold), "the server may grant it to another now");
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    lab.grant(id, 9, 0);
    assert_eq!(lab.outcome(waiting), Outcome::Lost(LostReason::Session));
    assert!(!lab.is_held(crate::machine::HoldId(waiting.0)));
}

#[test]
fn a_close_that_nobody_waits_for_is_sent_all_the_same() {
    let mut lab = Lab::up();
    lab.machine.disconnected();
    let call = lab.machine.close(lab.now);
    lab.wait(60_000);
    assert_eq!(lab.outcome(call), Outcome::NoAnswer);
    lab.connect();
    lab.greet();
    assert!(matches!(lab.sent_one(), Sent::Close { .. }));
}

#[test]
fn reads_are_asked_again_after_a_resume() {
    let mut lab = Lab::up();
    let call = lab.machine.read(
        lab.now,
        Read::Get {
            key: b"k"[..].into(),
        },
    );
    let id = lab.sent_one().id();
    lab.reconnect();
    assert_eq!(lab.sent_one(), Sent::Get { id });
    lab.refuse(&Sent::Get { id }, Status::Busy);
    assert!(matches!(lab.outcome(call), Outcome::Refused(_)));
}

#[test]
fn garbage_breaks_the_connection_and_not_the_machine() {
    let mut lab = Lab::up();
    assert!(matches!(
        lab.machine.received(lab.now, &[0xFF; 64]),
        Err(Broken::Malformed(_))
    ));
    assert!(lab.machine.wants_connection());
}

/// The front asks again at once after NoSession, and with back-off after anything malformed.
#[test]
fn a_session_that_was_not_named_cannot_be_unknown() {
    let mut lab = Lab::down(Settings::default());
    let hello = lab.connect();
    assert!(matches!(
        lab.try_refuse(&hello, Status::NoSession),
        Err(Broken::Malformed(_))
    ));
    assert!(lab.machine.wants_connection());
}

#[test]
fn a_call_answered_by_another_kind_of_reply_is_asked_again() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let call = lab.machine.release(lab.now, hold);
    let release = lab.sent_one();
    let server_now = lab.server_now();
    let wrong = lab.push(|out| wire::Pong { server_now }.encode(release.id(), out));
    assert!(matches!(wrong, Err(Broken::Malformed(_))));
    assert_eq!(lab.event(), None, "nothing is known of the release");
    lab.reconnect();
    assert_eq!(lab.sent_one(), release);
    lab.push(|out| wire::Released.encode(release.id(), out))
        .unwrap();
    assert_eq!(lab.outcome(call), Outcome::Released);
}
