#![allow(clippy::unwrap_used)]

use locker_protocol::{Granted, PREFACE, Reclaimed, Released, Request, U16List, split_frame};

use super::*;

const SIZE: Size = Size {
    sessions: 1,
    each: 1,
};

fn ok(run: u64, grace_left_ms: u32) -> Reply<'static> {
    Reply::HelloOk(HelloOk {
        version: 1,
        ephemeral: false,
        admin: false,
        resumed: false,
        draining: false,
        shard: 0,
        shards: 1,
        seats: 64,
        features: 0,
        server_id: [1; 16],
        run,
        session_id: run,
        secret: [2; 16],
        attach: 0,
        ttl_ms: 10_000,
        keepalive_ms: 3_333,
        grace_left_ms,
        server_now: 0,
        margin_permille: 10,
        margin_ms: 2,
        frame_max: 65_536,
        key_max: 1_024,
        metadata_max: 1_024,
        lease_min_ms: 1,
        lease_max_ms: 1_000_000,
        ports: U16List::from_bytes(&[]),
    })
}

const GRANTED: Reply<'static> = Reply::Granted(Granted {
    token: 7,
    until: 0,
    server_now: 1,
});

const RECLAIMED: Reply<'static> = Reply::Reclaimed(Reclaimed {
    until: 0,
    server_now: 1,
});

/// A crowd of one whose server of run 4 was killed, and which has connected again.
fn struck(again: Nanos) -> (Crowd, Io) {
    let (mut crowd, mut io) = (Crowd::new(SIZE), Io::new(2));
    crowd.begin(Stage::Opening, Nanos::ZERO, &mut io);
    crowd.opened(0, Nanos::ZERO, &mut io);
    crowd.heard(0, 0, &ok(4, 0), Nanos::ZERO, &mut io);
    crowd.heard(0, 1, &GRANTED, Nanos::from_ms(1), &mut io);
    crowd.begin(Stage::Crash, Nanos::from_ms(2), &mut io);
    crowd.closed(0, End::Eof, Nanos::from_ms(3), &mut io);
    assert_eq!(crowd.muster.missing(), 0);
    crowd.begin(Stage::Storm, again, &mut io);
    io.out(0).clear();
    crowd.opened(0, again, &mut io);
    (crowd, io)
}

#[test]
fn a_session_comes_back_as_one_that_reclaims_and_names_token_and_old_run() {
    let (mut crowd, mut io) = struck(Nanos::from_ms(500));
    let said = io.out(0).split_off(PREFACE.len());
    let (hello, _) = split_frame(&said, 65_536).unwrap().unwrap();
    let Request::Hello(hello) = Request::decode(&hello).unwrap() else {
        panic!("a hello comes first");
    };
    assert!(hello.reclaiming);
    io.out(0).clear();
    crowd.heard(0, 0, &ok(5, 9_000), Nanos::from_ms(600), &mut io);
    let said = io.out(0).clone();
    let (frame, _) = split_frame(&said, 65_536).unwrap().unwrap();
    let Request::Reclaim(reclaim) = Request::decode(&frame).unwrap() else {
        panic!("a reclaim follows");
    };
    assert_eq!((reclaim.token, reclaim.run, reclaim.owner), (7, 4, 0));
    assert_eq!(reclaim.key, &key_of(KEPT, 0));
}

#[test]
fn a_lock_that_is_back_before_its_holders_deadline_is_not_late() {
    let (mut crowd, mut io) = struck(Nanos::from_ms(500));
    crowd.heard(0, 0, &ok(5, 9_000), Nanos::from_ms(600), &mut io);
    crowd.heard(0, 1, &RECLAIMED, Nanos::from_ms(9_897), &mut io);
    let facts = crowd.facts();
    assert_eq!((facts.reclaimed, facts.late), (1, 0));
    // 10 s from its acquire, less 1 % and 2 ms.
    assert_eq!(facts.least_left, Nanos::from_ms(1));
    assert_eq!(crowd.muster.missing(), 0);
}

#[test]
fn a_lock_that_is_back_at_its_holders_deadline_is_late() {
    let (mut crowd, mut io) = struck(Nanos::from_ms(500));
    crowd.heard(0, 0, &ok(5, 9_000), Nanos::from_ms(600), &mut io);
    crowd.heard(0, 1, &RECLAIMED, Nanos::from_ms(9_898), &mut io);
    assert_eq!(crowd.facts().late, 1);
}

#[test]
fn a_session_that_finds_no_window_has_lost_its_locks() {
    let (mut crowd, mut io) = struck(Nanos::from_ms(500));
    crowd.heard(0, 0, &ok(5, 0), Nanos::from_ms(600), &mut io);
    assert_eq!((crowd.facts().turned_away, crowd.muster.missing()), (1, 0));
}

#[test]
fn a_free_key_granted_before_the_window_ends_is_seen() {
    for (granted_at, early) in [(1_997, true), (1_998, false)] {
        let (mut crowd, mut io) = struck(Nanos::from_ms(500));
        crowd.begin(Stage::Window, Nanos::from_ms(1_000), &mut io);
        crowd.opened(1, Nanos::from_ms(1_000), &mut io);
        crowd.heard(1, 0, &ok(5, 1_000), Nanos::from_ms(1_001), &mut io);
        crowd.heard(1, 1, &GRANTED, Nanos::from_ms(granted_at), &mut io);
        assert_eq!(crowd.facts().opened_early, early);
    }
}

#[test]
fn only_a_try_that_finds_the_key_held_counts_as_kept_out() {
    for (reply, kept_out) in [
        (GRANTED, 0),
        (refused(Status::Timeout), 1),
        (refused(Status::Busy), 0),
    ] {
        let (mut crowd, mut io) = struck(Nanos::from_ms(500));
        crowd.begin(Stage::Trying, Nanos::from_ms(1_000), &mut io);
        crowd.heard(1, 1, &reply, Nanos::from_ms(1_001), &mut io);
        assert_eq!(
            (crowd.facts().kept_out, crowd.muster.missing()),
            (kept_out, 0)
        );
    }
}

#[test]
fn a_release_counts_only_if_the_old_token_stood() {
    let released = Reply::Released(Released);
    for (reply, count) in [(released, 1), (refused(Status::NotHeld), 0)] {
        let (mut crowd, mut io) = struck(Nanos::from_ms(500));
        crowd.begin(Stage::Releasing, Nanos::from_ms(1_000), &mut io);
        crowd.heard(0, 1, &reply, Nanos::from_ms(1_001), &mut io);
        assert_eq!((crowd.facts().released, crowd.muster.missing()), (count, 0));
    }
}

fn refused(status: Status) -> Reply<'static> {
    Reply::Refused(Refusal {
        status,
        limit: 0,
        value: 0,
        detail: "",
    })
}
