//! Shared holds, permits, cancelling what was granted, forcing a release.

use locker_protocol::*;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    shared_holds_exclude_exclusive_ones_only,
    permits_never_exceed_their_limit,
    a_release_needs_the_right_session_owner_and_token,
    cancelling_a_granted_acquire_releases_or_keeps_it,
    a_forced_release_tells_the_holder_and_keeps_the_waiters,
    a_try_and_its_release_may_go_out_together,
    the_end_of_a_session_frees_all_its_holds,
);

fn shared_holds_exclude_exclusive_ones_only(shards: usize) {
    let server = Server::start(shards);
    let (mut one, mut two) = (Client::open(&server), Client::open(&server));
    one.acquire(&Ask::once("k").shared()).granted();
    two.acquire(&Ask::once("k").shared()).granted();
    assert_eq!(one.acquire(&Ask::once("k")).status(), Status::Timeout);
    assert_eq!(
        one.acquire(&Ask::once("k").permits(1, 9)).status(),
        Status::Timeout
    );
    let view = one.look("k");
    assert_eq!((view.mode, view.holders_total), (Some(Mode::Shared), 2));
}

fn permits_never_exceed_their_limit(shards: usize) {
    let server = Server::start(shards);
    let (mut one, mut two) = (Client::open(&server), Client::open(&server));
    let three = Ask::once("k").permits(3, 5);
    let token = one.acquire(&three).granted().token;
    two.acquire(&Ask::once("k").permits(2, 5)).granted();
    assert_eq!(
        two.acquire(&Ask::once("k").permits(1, 5)).status(),
        Status::Timeout
    );
    assert_eq!(one.release(&three, token), Message::Released);
    two.acquire(&Ask::once("k").permits(3, 5)).granted();
    assert_eq!(two.look("k").permits_used, 5);
}

fn a_release_needs_the_right_session_owner_and_token(shards: usize) {
    let server = Server::start(shards);
    let (mut one, mut two) = (Client::open(&server), Client::open(&server));
    let ask = Ask::new("k");
    let token = one.acquire(&ask).granted().token;
    assert_eq!(two.release(&ask, token).status(), Status::NotHeld);
    assert_eq!(two.release(&ask, 0).status(), Status::NotHeld);
    assert_eq!(one.release(&ask, token + 1).status(), Status::NotHeld);
    let stranger = Ask::new("k");
    assert_eq!(one.release(&stranger, token).status(), Status::NotHeld);
    assert_eq!(one.look("k").holders_total, 1);
    assert_eq!(one.release(&ask, TOKEN_ANY), Message::Released);
    assert_eq!(one.release(&ask, token).status(), Status::NotHeld);
}

fn cancelling_a_granted_acquire_releases_or_keeps_it(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    for (if_granted, outcome, holders) in [
        (IfGranted::Keep, CancelOutcome::Kept, 1),
        (IfGranted::Release, CancelOutcome::Released, 0),
    ] {
        let ask = Ask::new(format!("{outcome:?}"));
        let id = client.start(&ask);
        let token = client.answer(id).granted().token;
        let Message::CancelDone(done) = client.cancel(&ask, id, if_granted) else {
            panic!("cancel says what it did");
        };
        assert_eq!((done.outcome, done.token), (outcome, token));
        assert_eq!(client.look(&ask.key).holders_total, holders);
    }
    let never = Ask::new("never");
    let Message::CancelDone(done) = client.cancel(&never, 0x77_0001, IfGranted::Release) else {
        panic!("cancel says what it did");
    };
    assert_eq!(done.outcome, CancelOutcome::NotFound);
}

fn a_forced_release_tells_the_holder_and_keeps_the_waiters(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut waiter, mut admin) = (
        Client::open(&server),
        Client::open(&server),
        Client::open(&server),
    );
    let ask = Ask::new("k");
    let held = holder.acquire(&ask).granted();
    let id = waiter.start(&Ask::new("k"));
    admin.until_waiters("k", 1);
    let force = |admin: &mut Client, token| {
        let id = admin.send(|id, out| {
            let force = ForceRelease {
                token,
                delay_ms: 300,
                key: b"k",
                reason: "stuck",
            };
            force.encode(id, out);
        });
        admin.answer(id)
    };
    assert_eq!(force(&mut admin, held.token + 1).status(), Status::NotHeld);
    let Message::Forced(forced) = force(&mut admin, held.token) else {
        panic!("forced");
    };
    assert_eq!(forced.ended, 1);
    let lost = holder.push();
    let expected = Message::Lost {
        token: held.token,
        owner: ask.owner,
        reason: LostReason::Forced,
        key: b"k".to_vec(),
    };
    assert_eq!(lost, expected);
    let told = admin.ping().server_now;
    let granted = waiter.answer(id).granted();
    assert!(granted.token > held.token);
    // The key stayed closed for the delay, counted from when the holder was told at the earliest.
    assert!(
        granted.server_now + 100_000 > told,
        "{} after {told}",
        granted.server_now
    );
    assert_eq!(holder.release(&ask, held.token).status(), Status::NotHeld);
    let log = server.log();
    assert!(log.contains("stuck"), "who forced and why is logged: {log}");
}

fn a_try_and_its_release_may_go_out_together(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    for _ in 0..50 {
        let ask = Ask::once("k");
        let tried = client.start(&ask);
        let released = client.send(|id, out| {
            let (owner, key) = (ask.owner, ask.key.as_slice());
            Release {
                owner,
                token: TOKEN_ANY,
                key,
            }
            .encode(id, out);
        });
        client.answer(tried).granted();
        assert_eq!(client.answer(released), Message::Released);
    }
    assert_eq!(client.look("k").holders_total, 0);
}

fn the_end_of_a_session_frees_all_its_holds(shards: usize) {
    let server = Server::start(shards);
    let (mut one, mut two) = (Client::open(&server), Client::open(&server));
    for number in 0..500 {
        one.acquire(&Ask::once(format!("key-{number}"))).granted();
    }
    one.close();
    // Close is answered when all is released, on all shards.
    for number in 0..500 {
        two.acquire(&Ask::once(format!("key-{number}"))).granted();
    }
}
