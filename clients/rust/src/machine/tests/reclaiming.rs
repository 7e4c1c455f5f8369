//! Restarts of the server: holds that are had back, and holds that are not.

use std::time::Duration;

use locker_protocol as wire;

use super::lab::{Lab, RUN, Sent, TTL_MS, acquire, hold_lost};
use crate::machine::{
    AutoRenew, Event, HoldId, Instant, Lease, LostReason, Mode, Outcome, Settings, Status, Wait,
};

/// The grace window of the restarted server.
const WINDOW_MS: u32 = 9_230;

/// The server was killed and runs again: it knows no session and gives back what is asked for.
fn restart(lab: &mut Lab) {
    lab.machine.disconnected();
    lab.server.run += 1;
    lab.server.session_id += 1;
    lab.server.grace_left_ms = WINDOW_MS;
    let hello = lab.connect();
    assert!(matches!(
        hello,
        Sent::Hello {
            action: wire::HelloAction::Resume,
            ..
        }
    ));
    lab.refuse(&hello, Status::NoSession);
}

/// Opens a session at the restarted server.
fn open_anew(lab: &mut Lab) {
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
}

/// A hold whose server was restarted and asked for it; gives the question too.
fn asked_for(lab: &mut Lab, lease_ms: u64) -> (HoldId, Sent) {
    let hold = lab.hold(lease_ms);
    restart(lab);
    open_anew(lab);
    let question = lab.sent_one();
    assert!(matches!(question, Sent::Reclaim { .. }), "{question:?}");
    (hold, question)
}

fn had_back(lab: &mut Lab, hold: HoldId, question: &Sent, lease_ms: u64) {
    lab.reclaimed(question.id(), lease_ms);
    assert_eq!(lab.event(), Some(Event::HoldReclaimed { hold }));
}

#[test]
fn a_hold_is_asked_for_with_its_token_and_the_run_that_granted_it_and_goes_on() {
    let mut lab = Lab::up();
    let hold = lab.hold(5_000);
    restart(&mut lab);
    assert!(lab.is_held(hold), "nothing is lost yet");
    open_anew(&mut lab);
    let question = lab.sent_one();
    assert_eq!(
        question,
        Sent::Reclaim {
            id: question.id(),
            owner: hold.0,
            token: 100 + hold.0,
            run: RUN,
            lease_ms: 5_000,
        }
    );
    had_back(&mut lab, hold, &question, 5_000);
    assert!(lab.is_held(hold));
    assert_eq!(lab.event(), None);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_session_opened_with_holds_to_have_back_says_so_and_one_without_does_not() {
    let reclaims = |lab: &mut Lab| match lab.connect() {
        Sent::Hello { reclaiming, .. } => reclaiming,
        other => panic!("{other:?}"),
    };
    let mut lab = Lab::up();
    restart(&mut lab);
    assert!(!reclaims(&mut lab));
    lab.greet();
    lab.event();
    lab.hold(0);
    restart(&mut lab);
    assert!(reclaims(&mut lab));
}

#[test]
fn every_mode_is_asked_for_as_it_was_acquired() {
    let permit = Mode::Permit {
        permits: 2,
        limit: 5,
        resize: true,
    };
    for (mode, expected) in [
        (Mode::Exclusive, (wire::Mode::Exclusive, 0, 0)),
        (Mode::Shared, (wire::Mode::Shared, 0, 0)),
        (permit, (wire::Mode::Permit, 2, 5)),
    ] {
        let mut lab = Lab::up();
        let mut wanted = acquire("k", Wait::Try, Lease::Session);
        wanted.mode = mode;
        wanted.metadata = b"who"[..].into();
        lab.machine.acquire(lab.now, wanted);
        let id = lab.sent_one().id();
        lab.grant(id, 9, 0);
        lab.event();
        restart(&mut lab);
        open_anew(&mut lab);
        let mut bytes = Vec::new();
        lab.machine.take_output(&mut bytes);
        let (frame, _) = wire::split_frame(&bytes, 65_536).unwrap().unwrap();
        let Ok(wire::Request::Reclaim(reclaim)) = wire::Request::decode(&frame) else {
            panic!("a reclaim is sent")
        };
        assert_eq!((reclaim.mode, reclaim.permits, reclaim.limit), expected);
        assert_eq!((reclaim.key, reclaim.metadata), (&b"k"[..], &b"who"[..]));
    }
}

#[test]
fn until_it_is_had_back_a_hold_is_believed_in_to_its_old_deadline_and_then_to_the_new_one() {
    for lease_ms in [0, 5_000] {
        let mut lab = Lab::up();
        let hold = lab.hold(lease_ms);
        let old = lab.machine.held_until(hold);
        lab.pass(1_000);
        restart(&mut lab);
        assert_eq!(lab.machine.held_until(hold), old);
        assert_eq!(lab.machine.next_deadline(), Some(old), "and no longer");
        open_anew(&mut lab);
        assert_eq!(lab.machine.held_until(hold), old);
        let question = lab.sent_one();
        had_back(&mut lab, hold, &question, lease_ms);
        assert!(lab.machine.held_until(hold) >= old.plus_millis(989));
    }
}

#[test]
fn a_hold_that_is_had_back_after_its_old_deadline_is_lost_and_released_before_the_key_is_used() {
    let mut lab = Lab::up();
    let (hold, question) = asked_for(&mut lab, 1_000);
    lab.now = lab.machine.held_until(hold);
    let id = question.id();
    lab.reclaimed(id, 1_000);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
    assert_eq!(lab.event(), None, "told once");
    lab.acquire("k", Wait::Try, Lease::Session);
    let sent = lab.sent();
    assert!(
        matches!(sent[0], Sent::Release { owner, .. } if owner == hold.0),
        "{sent:?}"
    );
    assert!(matches!(sent[1], Sent::Acquire { .. }), "{sent:?}");
}

#[test]
fn one_microsecond_before_its_old_deadline_a_hold_is_had_back() {
    let mut lab = Lab::up();
    let (hold, question) = asked_for(&mut lab, 1_000);
    lab.now = Instant(lab.machine.held_until(hold).0 - 1);
    had_back(&mut lab, hold, &question, 1_000);
    assert!(lab.is_held(hold));
}

#[test]
fn a_hold_whose_old_deadline_passes_unanswered_is_lost_once_and_released_behind_the_question() {
    let mut lab = Lab::up();
    let (hold, question) = asked_for(&mut lab, 1_000);
    lab.wait(1_000);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Lease));
    assert!(matches!(lab.sent_one(), Sent::Release { owner, .. } if owner == hold.0));
    lab.reclaimed(question.id(), 1_000);
    assert!(!lab.is_held(hold));
    assert_eq!(lab.event(), None);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_hold_whose_old_deadline_passes_before_a_session_is_opened_is_not_asked_for() {
    for lease_ms in [0, 1_000] {
        let mut lab = Lab::up();
        let hold = lab.hold(lease_ms);
        restart(&mut lab);
        lab.wait(u64::from(TTL_MS));
        assert!(matches!(lab.event(), Some(Event::HoldLost { hold: lost, .. }) if lost == hold));
        open_anew(&mut lab);
        assert_eq!(lab.sent(), [], "the server has nothing to release either");
        assert_eq!(lab.event(), None);
    }
}

#[test]
fn a_refused_hold_is_lost_at_once_and_there_is_nothing_to_release() {
    for status in [
        Status::NotHeld,
        Status::WindowOver,
        Status::WrongRun,
        Status::ReclaimConflict,
    ] {
        let mut lab = Lab::up();
        let (hold, question) = asked_for(&mut lab, 0);
        lab.refuse(&question, status);
        assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
        assert_eq!(lab.event(), None);
        assert_eq!(lab.sent(), []);
        let release = lab.machine.release(lab.now, hold);
        assert_eq!(lab.outcome(release), Outcome::Lost(LostReason::Session));
    }
}

/// A hold that the restarted server has no room for.
fn without_room(lab: &mut Lab) -> HoldId {
    let (hold, question) = asked_for(lab, 0);
    lab.refuse(&question, Status::TableFull);
    assert!(lab.is_held(hold), "its old deadline lies ahead");
    assert_eq!((lab.event(), lab.sent()), (None, vec![]));
    hold
}

#[test]
fn without_room_a_hold_is_asked_for_again_while_its_old_deadline_lies_ahead() {
    let mut lab = Lab::up();
    let hold = without_room(&mut lab);
    let mut asked = 0;
    while lab.is_held(hold) {
        lab.wait(10);
        for question in lab.sent() {
            if matches!(question, Sent::Reclaim { .. }) {
                asked += 1;
                lab.refuse(&question, Status::TableFull);
            }
        }
    }
    assert!((10..40).contains(&asked), "{asked} times");
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    assert_eq!(lab.sent(), [], "there is nothing to release");
    let mut lab = Lab::up();
    let hold = without_room(&mut lab);
    lab.wait(u64::from(TTL_MS) / 4);
    let question = lab.sent_one();
    had_back(&mut lab, hold, &question, 0);
    assert!(lab.is_held(hold));
}

#[test]
fn a_hold_without_room_is_asked_for_at_once_by_a_resumed_session_and_only_once() {
    let mut lab = Lab::up();
    let hold = without_room(&mut lab);
    lab.machine.disconnected();
    lab.reconnect();
    let question = lab.sent_one();
    assert!(matches!(question, Sent::Reclaim { .. }), "{question:?}");
    lab.wait(u64::from(TTL_MS) / 4);
    assert!(
        lab.sent()
            .iter()
            .all(|sent| !matches!(sent, Sent::Reclaim { .. }))
    );
    had_back(&mut lab, hold, &question, 0);
}

#[test]
fn a_hold_without_room_that_its_owner_gives_back_is_not_asked_for() {
    let mut lab = Lab::up();
    let hold = without_room(&mut lab);
    let release = lab.machine.release(lab.now, hold);
    assert_eq!(lab.outcome(release), Outcome::Released);
    lab.wait(u64::from(TTL_MS) / 4);
    assert!(
        lab.sent()
            .iter()
            .all(|sent| !matches!(sent, Sent::Reclaim { .. }))
    );
}

#[test]
fn a_hold_without_room_is_lost_once_the_server_says_that_the_window_is_over() {
    let mut lab = Lab::up();
    let hold = without_room(&mut lab);
    lab.wait(u64::from(TTL_MS) / 4);
    let question = lab.sent_one();
    lab.refuse(&question, Status::WindowOver);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_hold_without_room_is_asked_for_once_after_another_crash() {
    let mut lab = Lab::up();
    let hold = without_room(&mut lab);
    restart(&mut lab);
    open_anew(&mut lab);
    let question = lab.sent_one();
    assert!(
        matches!(question, Sent::Reclaim { run: RUN, .. }),
        "{question:?}"
    );
    lab.wait(2_500);
    assert_eq!(lab.sent(), []);
    had_back(&mut lab, hold, &question, 0);
}

#[test]
fn a_renewal_that_passes_the_question_for_a_hold_without_room_loses_nothing() {
    let mut lab = Lab::up();
    let hold = lab.hold(5_000);
    let renew = Lease::For(Duration::from_secs(5));
    let call = lab.machine.renew(lab.now, hold, renew);
    lab.sent_one();
    restart(&mut lab);
    open_anew(&mut lab);
    let sent = lab.sent();
    lab.refuse(&sent[0], Status::TableFull);
    lab.refuse(&sent[1], Status::NotHeld);
    assert_eq!(lab.outcome(call), Outcome::NoAnswer);
    assert!(lab.is_held(hold), "it is asked for again");
    lab.wait(1_250);
    let question = lab.sent_one();
    had_back(&mut lab, hold, &question, 5_000);
}

#[test]
fn where_nothing_can_be_had_back_a_hold_is_lost_with_the_greeting() {
    let cases: [fn(&mut Lab); 5] = [
        |lab| lab.server.server_id = [2; 16],
        |lab| lab.server.ephemeral = true,
        |lab| lab.server.features = 0,
        |lab| lab.server.grace_left_ms = 0,
        |lab| lab.server.run -= 2, // an older copy of the data directory
    ];
    for (number, change) in cases.into_iter().enumerate() {
        let mut lab = Lab::up();
        let hold = lab.hold(0);
        restart(&mut lab);
        change(&mut lab);
        open_anew(&mut lab);
        let lost = lab.event();
        assert_eq!(lost, hold_lost(hold, LostReason::Session), "case {number}");
        assert_eq!(lab.sent(), [], "case {number}");
    }
}

#[test]
fn an_ephemeral_server_that_forgot_the_session_cost_its_holds_at_once() {
    let mut lab = Lab::down(Settings::default());
    lab.server.ephemeral = true;
    lab.connect();
    lab.greet();
    lab.event();
    let hold = lab.hold(0);
    restart(&mut lab);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    assert!(!lab.is_held(hold));
}

#[test]
fn all_holds_are_asked_for_through_the_seats_ahead_of_everything_else() {
    let mut lab = Lab::up();
    lab.seats = 2;
    let held: Vec<u64> = (0..5).map(|_| lab.hold(0).0).collect();
    restart(&mut lab);
    lab.acquire("other", Wait::Try, Lease::Session);
    let renewed = HoldId(held[0]);
    lab.machine.renew(lab.now, renewed, Lease::Session);
    open_anew(&mut lab);
    let mut asked = Vec::new();
    for _ in &held {
        let sent = lab.sent();
        assert!(sent.len() <= 2 && !sent.is_empty(), "{sent:?}");
        asked.extend(sent.iter().map(|sent| match sent {
            Sent::Reclaim { id, owner, .. } => (*owner, *id),
            other => panic!("{other:?} goes ahead of a reclaim"),
        }));
        let (owner, id) = asked[asked.len() - sent.len()];
        lab.reclaimed(id, 0);
        assert_eq!(
            lab.event(),
            Some(Event::HoldReclaimed {
                hold: HoldId(owner)
            })
        );
        if asked.len() == held.len() {
            break;
        }
    }
    let owners: Vec<u64> = asked.iter().map(|(owner, _)| *owner).collect();
    assert_eq!(owners, held, "oldest first");
    assert!(matches!(lab.sent_one(), Sent::Renew { .. }));
}

#[test]
fn a_hold_given_back_before_the_crash_is_never_asked_for_and_its_release_is_a_success() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let release = lab.machine.release(lab.now, hold);
    lab.sent_one();
    restart(&mut lab);
    assert_eq!(lab.outcome(release), Outcome::Released);
    open_anew(&mut lab);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_hold_given_back_before_it_is_asked_for_is_not_asked_for() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    restart(&mut lab);
    let release = lab.machine.release(lab.now, hold);
    assert_eq!(lab.outcome(release), Outcome::Released);
    assert!(!lab.is_held(hold));
    open_anew(&mut lab);
    assert_eq!(lab.sent(), []);
    assert_eq!(lab.event(), None);
}

#[test]
fn a_hold_given_back_while_its_question_has_no_seat_is_not_asked_for() {
    let mut lab = Lab::up();
    let (first, second) = (lab.hold(0), lab.hold(0));
    lab.seats = 1;
    restart(&mut lab);
    open_anew(&mut lab);
    let question = lab.sent_one();
    let release = lab.machine.release(lab.now, second);
    assert_eq!(lab.outcome(release), Outcome::Released);
    had_back(&mut lab, first, &question, 0);
    assert_eq!(lab.sent(), []);
}

#[test]
fn a_hold_given_back_after_it_was_asked_for_is_released_behind_the_question() {
    for is_had in [true, false] {
        let mut lab = Lab::up();
        let (hold, question) = asked_for(&mut lab, 0);
        let release = lab.machine.release(lab.now, hold);
        let sent = lab.sent_one();
        assert!(matches!(sent, Sent::Release { .. }));
        if is_had {
            lab.reclaimed(question.id(), 0);
            assert!(!lab.is_held(hold));
            let id = sent.id();
            lab.push(|out| wire::Released.encode(id, out)).unwrap();
        } else {
            lab.refuse(&question, Status::NotHeld);
            lab.refuse(&sent, Status::NotHeld);
        }
        assert_eq!(lab.outcome(release), Outcome::Released, "held until then");
        assert_eq!(lab.event(), None);
    }
}

#[test]
fn a_hold_given_back_while_it_was_asked_for_is_not_asked_for_after_another_crash() {
    let mut lab = Lab::up();
    let (hold, _) = asked_for(&mut lab, 0);
    let release = lab.machine.release(lab.now, hold);
    lab.sent_one();
    restart(&mut lab);
    assert_eq!(lab.outcome(release), Outcome::Released);
    open_anew(&mut lab);
    assert_eq!(lab.sent(), []);
}

#[test]
fn after_a_crash_inside_the_window_a_hold_is_asked_for_with_the_run_that_last_said_yes() {
    let mut lab = Lab::up();
    let (had, unanswered) = (lab.hold(0), lab.hold(0));
    restart(&mut lab);
    open_anew(&mut lab);
    let questions = lab.sent();
    had_back(&mut lab, had, &questions[0], 0);
    restart(&mut lab);
    open_anew(&mut lab);
    let runs: Vec<(u64, u64)> = lab
        .sent()
        .iter()
        .map(|sent| match *sent {
            Sent::Reclaim { owner, run, .. } => (owner, run),
            ref other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(runs, [(had.0, RUN + 1), (unanswered.0, RUN)]);
}

#[test]
fn a_crash_inside_the_window_leaves_the_old_deadline_to_a_hold_that_was_not_had_back() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let old = lab.machine.held_until(hold);
    lab.pass(1_000);
    restart(&mut lab);
    open_anew(&mut lab);
    lab.pass(1_000);
    restart(&mut lab);
    open_anew(&mut lab);
    assert_eq!(lab.machine.held_until(hold), old);
}

#[test]
fn a_connection_lost_among_the_questions_is_resumed_and_they_are_sent_again_under_their_ids() {
    let mut lab = Lab::up();
    lab.seats = 2;
    let holds = [lab.hold(0), lab.hold(0), lab.hold(0)];
    let old = lab.machine.held_until(holds[0]);
    lab.pass(500);
    restart(&mut lab);
    open_anew(&mut lab);
    let before = lab.sent();
    lab.reconnect();
    assert_eq!(lab.sent(), before, "and no confirmation is asked for yet");
    for question in &before {
        lab.reclaimed(question.id(), 0);
    }
    let sent = lab.sent();
    assert!(matches!(sent[0], Sent::Reclaim { owner, .. } if owner == holds[2].0));
    // The answers may be records of before the break: the holds may have been lost in it.
    let confirm = &sent[1];
    assert!(
        matches!(confirm, Sent::Renew { owner, .. } if *owner == holds[0].0),
        "{sent:?}"
    );
    assert_eq!(lab.machine.held_until(holds[0]), old);
    lab.renewed(confirm.id(), 0);
    assert!(lab.machine.held_until(holds[0]) > old);
    lab.reclaimed(sent[0].id(), 0);
    assert!(
        lab.machine.held_until(holds[2]) > old,
        "it was asked for on this connection for the first time"
    );
}

#[test]
fn a_hold_that_the_server_takes_back_from_us_is_lost_as_any_other() {
    let mut lab = Lab::up();
    let (hold, question) = asked_for(&mut lab, 0);
    had_back(&mut lab, hold, &question, 0);
    lab.lost(hold.0, 100 + hold.0, wire::LostReason::Forced);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Forced));
}

#[test]
fn anchors_end_with_the_run_for_the_new_server_counts_from_its_own_start() {
    let mut lab = Lab::up();
    let hold = lab.hold(5_000);
    restart(&mut lab);
    let hello = lab.connect();
    assert!(matches!(hello, Sent::Hello { .. }));
    lab.start_server_clock_anew();
    lab.greet();
    lab.event();
    let sent_at = lab.now;
    let id = lab.sent_one().id();
    lab.reclaimed(id, 5_000);
    let until = lab.machine.held_until(hold);
    assert!(until <= sent_at.plus_millis(5_000 - 50 - 2), "{until:?}");
    assert!(until > sent_at.plus_millis(5_000 - 50 - 4), "{until:?}");
}

#[test]
fn a_lease_renews_itself_again_after_it_was_had_back() {
    let mut lab = Lab::up();
    let mut wanted = acquire("k", Wait::Try, Lease::For(Duration::from_secs(3)));
    wanted.auto_renew = Some(AutoRenew { cap: None });
    let call = lab.machine.acquire(lab.now, wanted);
    let id = lab.sent_one().id();
    lab.grant(id, 1, 3_000);
    lab.outcome(call);
    let hold = HoldId(call.0);
    lab.wait(1_000);
    assert!(matches!(lab.sent_one(), Sent::Renew { .. }));
    restart(&mut lab);
    lab.wait(500);
    open_anew(&mut lab);
    let question = lab.sent_one();
    assert!(
        matches!(question, Sent::Reclaim { .. }),
        "the renewal is void"
    );
    had_back(&mut lab, hold, &question, 3_000);
    lab.wait(999);
    assert_eq!(lab.sent(), []);
    lab.wait(1);
    assert!(matches!(
        lab.sent_one(),
        Sent::Renew {
            lease_ms: 3_000,
            ..
        }
    ));
}

#[test]
fn a_renewal_that_its_caller_waits_for_is_asked_for_again_behind_the_reclaim() {
    let mut lab = Lab::up();
    let hold = lab.hold(1_000);
    let renew = Lease::For(Duration::from_secs(2));
    let call = lab.machine.renew(lab.now, hold, renew);
    lab.sent_one();
    restart(&mut lab);
    open_anew(&mut lab);
    let sent = lab.sent();
    assert!(
        matches!(
            sent[0],
            Sent::Reclaim {
                lease_ms: 1_000,
                ..
            }
        ),
        "{sent:?}"
    );
    assert!(
        matches!(
            sent[1],
            Sent::Renew {
                lease_ms: 2_000,
                ..
            }
        ),
        "{sent:?}"
    );
    lab.reclaimed(sent[0].id(), 1_000);
    lab.renewed(sent[1].id(), 2_000);
    assert_eq!(lab.event(), Some(Event::HoldReclaimed { hold }));
    assert_eq!(lab.outcome(call), Outcome::Renewed);
    assert!(lab.machine.held_until(hold) > lab.now.plus_millis(1_900));
}

#[test]
fn a_renewal_under_way_at_the_crash_that_shortens_is_reckoned_with() {
    let mut lab = Lab::up();
    let hold = lab.hold(5_000);
    lab.machine
        .renew(lab.now, hold, Lease::For(Duration::from_secs(1)));
    lab.sent_one();
    restart(&mut lab);
    // The old server may have ended the hold after a second, and granted the key to another.
    assert!(lab.machine.held_until(hold) < lab.now.plus_millis(1_000));
}

#[test]
fn a_confirmation_that_the_crash_cut_off_leaves_the_older_deadline() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let old = lab.machine.held_until(hold);
    lab.pass(2_000);
    lab.reconnect();
    assert!(matches!(lab.sent_one(), Sent::Renew { .. }));
    restart(&mut lab);
    assert_eq!(lab.machine.held_until(hold), old);
    open_anew(&mut lab);
    assert!(matches!(lab.sent_one(), Sent::Reclaim { run: RUN, .. }));
}

#[test]
fn what_was_given_up_before_the_crash_is_forgotten_with_its_cancel() {
    let mut lab = Lab::up();
    let call = lab.acquire("k", Wait::Forever, Lease::Session);
    lab.machine.cancel(lab.now, call);
    lab.outcome(call);
    lab.sent();
    restart(&mut lab);
    open_anew(&mut lab);
    assert_eq!(lab.sent(), []);
}

#[test]
fn acquires_that_waited_queue_again_behind_the_reclaims() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let waiting = lab.acquire("other", Wait::Forever, Lease::Session);
    lab.sent_one();
    restart(&mut lab);
    open_anew(&mut lab);
    let sent = lab.sent();
    assert!(matches!(sent[0], Sent::Reclaim { owner, .. } if owner == hold.0));
    assert!(matches!(sent[1], Sent::Acquire { owner, .. } if owner == waiting.0));
}

#[test]
fn closing_between_two_servers_ends_at_once_and_asks_for_nothing() {
    let mut lab = Lab::up();
    lab.hold(0);
    restart(&mut lab);
    let call = lab.machine.close(lab.now);
    assert_eq!(lab.outcome(call), Outcome::Closed);
    assert!(!lab.machine.wants_connection());
}

#[test]
fn a_crash_while_closing_is_as_good_as_closed() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    let call = lab.machine.close(lab.now);
    assert_eq!(lab.event(), hold_lost(hold, LostReason::Session));
    lab.sent_one();
    restart(&mut lab);
    assert_eq!(lab.outcome(call), Outcome::Closed);
    assert!(!lab.machine.wants_connection());
}

#[test]
fn a_server_too_full_to_open_a_session_is_asked_again_while_the_holds_are_believed_in() {
    let mut lab = Lab::up();
    let hold = lab.hold(0);
    restart(&mut lab);
    let hello = lab.connect();
    lab.refuse(&hello, Status::ConnectionsFull);
    assert!(lab.is_held(hold));
    open_anew(&mut lab);
    let question = lab.sent_one();
    had_back(&mut lab, hold, &question, 0);
}
