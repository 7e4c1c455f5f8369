//! Reclaims beside other requests, false ones, and servers that were set up otherwise in between.

use locker_protocol::{CounterId, DELAY_HOLDER_TTL, ForceRelease, LostReason, Release, Status};

use crate::reclaim::{open, setup};
use crate::support::{Ask, Client, Message, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    requests_behind_a_reclaim_in_one_write_find_the_hold_there,
    a_reclaim_sent_again_by_the_resumed_session_is_answered_as_before,
    who_ends_in_the_window_leaves_the_key_to_the_waiter_at_its_end,
    what_is_forced_in_the_window_is_not_taken_back_and_stays_closed,
    false_claims_are_refused_and_leave_nothing_behind,
    holds_come_back_to_another_number_of_shards,
    the_window_is_owed_after_lower_bounds_and_after_a_run_without_data_dir,
);

fn requests_behind_a_reclaim_in_one_write_find_the_hold_there(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let (ask, rival) = (Ask::new("k"), Ask::once("k"));
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = server.kill().start();
    let mut holder = open(&server, 60_000);
    let mut bytes = Vec::new();
    let out = &mut bytes;
    let back = holder.encode(out, |id, out| ask.back(token, run).encode(id, out));
    let again = holder.encode(out, |id, out| ask.back(token, run).encode(id, out));
    let own = holder.encode(out, |id, out| ask.frame().encode(id, out));
    let other = holder.encode(out, |id, out| rival.frame().encode(id, out));
    let release = Release {
        owner: ask.owner,
        token,
        key: &ask.key,
    };
    let released = holder.encode(out, |id, out| release.encode(id, out));
    let twice = holder.encode(out, |id, out| release.encode(id, out));
    holder.write(&bytes);
    holder.answer(back).reclaimed();
    holder.answer(again).reclaimed();
    assert_eq!(holder.answer(own).status(), Status::AlreadyHeld);
    assert_eq!(holder.answer(other).status(), Status::GraceWindow);
    assert_eq!(holder.answer(released), Message::Released);
    assert_eq!(holder.answer(twice).status(), Status::NotHeld);
}

fn a_reclaim_sent_again_by_the_resumed_session_is_answered_as_before(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = server.kill().start();
    let mut holder = open(&server, 60_000);
    let resume = holder.to_resume();
    let mut bytes = Vec::new();
    let id = holder.encode(&mut bytes, |id, out| ask.back(token, run).encode(id, out));
    holder.write(&bytes);
    let first = holder.answer(id).reclaimed();
    let mut holder = Client::resume(&server, resume).expect("the session is there");
    holder.skip_seats();
    holder.write(&bytes);
    assert_eq!(holder.answer(id).reclaimed(), first);
    assert_eq!(holder.counter(CounterId::Reclaims), 1);
    assert_eq!(holder.release(&ask, token), Message::Released);
    assert_eq!(holder.look("k").holders_total, 0);
}

fn who_ends_in_the_window_leaves_the_key_to_the_waiter_at_its_end(shards: usize) {
    let server = setup(shards).start();
    let mut holder = open(&server, 4_000);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = server.kill().start();
    let (mut holder, mut waiter) = (open(&server, 60_000), Client::open(&server));
    holder.reclaim(&ask, token, run).reclaimed();
    let id = waiter.start(&Ask::new("k"));
    holder.until_waiters("k", 1);
    holder.close();
    let view = waiter.look("k");
    assert_eq!(
        (view.grace, view.holders_total, view.waiters_total),
        (true, 0, 1)
    );
    assert!(!waiter.has_answer(id), "nobody is granted in the window");
    assert!(waiter.answer(id).granted().token > token);
    assert!(!waiter.look("k").grace);
}

fn what_is_forced_in_the_window_is_not_taken_back_and_stays_closed(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = server.kill().start();
    let (mut holder, mut operator) = (open(&server, 60_000), Client::open(&server));
    holder.reclaim(&ask, token, run).reclaimed();
    let forced = operator.send(|id, out| {
        let force = ForceRelease {
            token,
            delay_ms: DELAY_HOLDER_TTL,
            key: b"k",
            reason: "stuck",
        };
        force.encode(id, out);
    });
    let forced = operator.answer(forced);
    let Message::Forced(forced) = forced else {
        panic!("{forced:?}")
    };
    assert_eq!((forced.ended, forced.closed_ms), (1, 61_250));
    let push = holder.push();
    assert!(
        matches!(&push, Message::Lost { reason, .. } if *reason == LostReason::Forced),
        "{push:?}"
    );
    let back = holder.reclaim(&ask, token, run);
    assert_eq!(back.status(), Status::ReclaimConflict);
    let view = operator.look("k");
    assert_eq!(view.holders_total, 0);
}

fn false_claims_are_refused_and_leave_nothing_behind(shards: usize) {
    let server = setup(shards).with("key-bytes-max", "16").start();
    let mut holder = Client::open(&server);
    let ask = Ask::new("k").lease(3_600_000);
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = server.kill().with("lease-max", "2s").start();
    let mut liar = open(&server, 60_000);
    let this_run = liar.welcome.run;
    let wide = Ask::new("k").permits(3, 2);
    let long = Ask::new([b'k'; 17]);
    for (ask, token, run, status) in [
        (&ask, token, this_run, Status::WrongRun),
        (&ask, token, u64::MAX, Status::WrongRun),
        (&ask, token, 0, Status::WrongRun),
        (&ask, 1, run, Status::WrongRun),
        (&ask, this_run << 35, run, Status::WrongRun),
        (&ask, u64::MAX, run, Status::WrongRun),
        (&wide, token, run, Status::LimitMismatch),
        (&long, token, run, Status::BadKey),
    ] {
        let answer = liar.reclaim(ask, token, run);
        assert_eq!(answer.status(), status, "token {token:#x}, run {run}");
    }
    let view = liar.look("k");
    assert_eq!((view.mode, view.holders_total, view.limit), (None, 0, 0));
    // None of this is in the holder's way; its lease is within the bounds of now.
    let mut holder = open(&server, 60_000);
    let back = holder.reclaim(&ask, token, run).reclaimed();
    assert!(back.until - back.server_now <= 2_000_000, "{back:?}");
}

fn holds_come_back_to_another_number_of_shards(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let asks: Vec<Ask> = (0..40).map(|n| Ask::new(format!("key {n}"))).collect();
    let grant = |ask: &Ask| holder.acquire(ask).granted().token;
    let tokens: Vec<u64> = asks.iter().map(grant).collect();
    let run = holder.welcome.run;
    let others = if shards == 1 { "3" } else { "1" };
    let server = server.kill().with("shards", others).start();
    let mut holder = open(&server, 60_000);
    for (ask, token) in asks.iter().zip(&tokens) {
        holder.reclaim(ask, *token, run).reclaimed();
    }
    for (ask, token) in asks.iter().zip(&tokens) {
        assert_eq!(holder.release(ask, *token), Message::Released);
    }
}

fn the_window_is_owed_after_lower_bounds_and_after_a_run_without_data_dir(shards: usize) {
    let server = setup(shards).start();
    // Rounded up to 50 s.
    let mut holder = open(&server, 30_000);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let setup = server.kill();
    let between = setup.clone().without("data-dir").with("ephemeral", "true");
    let server = between.start();
    Client::open(&server).acquire(&Ask::new("k")).granted();
    drop(server.kill());
    let server = setup.with("ttl-max", "1s").start();
    let mut holder = open(&server, 60_000);
    assert_eq!(holder.welcome.ttl_ms, 1_000);
    let left = holder.welcome.grace_left_ms;
    assert!(left > 45_000 && left <= 51_050, "{left} ms");
    holder.reclaim(&ask, token, run).reclaimed();
}
