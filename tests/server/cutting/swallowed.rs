//! Requests are done but their answers get lost: sent again they get the same answers.

use crate::cutting::exchange::assert_answers_agree;
use crate::support::connection::take_message;
use crate::support::context::Context;
use crate::support::proxy::{Direction, End, Flow, Proxy, Then};
use crate::support::requests::{CLOSE, cancel, exclusive, force, keep, leased, release};
use crate::support::resuming_client::ResumingClient;
use crate::support::told::{Answer, assert_held_alone, look};
use crate::support::{Refused, Server};
use locker_protocol::{CancelOutcome, IfGranted, Status, TOKEN_ANY, WAIT_FOREVER, WAIT_TRY};
use std::time::{Duration, Instant};

/// Batches per server.
const BATCHES: u32 = 60;
/// How long an ended lease may take to be seen.
const SEEN_MAX: Duration = Duration::from_secs(5);

/// A client whose answers are swallowed from now on.
fn deaf_client(proxy: &Proxy) -> ResumingClient {
    proxy.forget();
    let client = ResumingClient::open(proxy.address());
    swallow(proxy);
    client
}

fn swallow(proxy: &Proxy) {
    let link = proxy.link(0);
    let passed = link.heard(Direction::Down).len();
    link.flow(Direction::Down, Flow::until(passed, Then::Swallow));
}

/// Waits until the server has answered so many requests, in vain; then the client resumes.
fn lose_answers(proxy: &Proxy, client: &mut ResumingClient, answers: usize) {
    let link = proxy.link(0);
    loop {
        let mut heard = link.heard(Direction::Down);
        let bytes = heard.len();
        let mut count = 0;
        while let Some((_, message)) = take_message(&mut heard) {
            count += usize::from(Answer::of(&message).is_some());
        }
        if count >= answers {
            break;
        }
        link.wait_heard(Direction::Down, bytes + 1);
    }
    link.cut(End::Orderly);
    client.reconnect();
}

/// Two keys are taken, released and taken again in one write; a third one is refused.
fn pipelined(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut rival = ResumingClient::open(server.address);
    for round in 0..BATCHES {
        let _context = Context(("round", round));
        let [one, two, taken] = ["one", "two", "taken"].map(|name| format!("{name}-{round}"));
        let [one, two, taken] = [one.as_bytes(), two.as_bytes(), taken.as_bytes()];
        let rivals = rival.call(&exclusive(taken, 100, WAIT_TRY)).token();
        let mut client = deaf_client(&proxy);
        let ids = client.issue_all(&[
            exclusive(one, 1, WAIT_TRY),
            exclusive(two, 2, WAIT_TRY),
            release(one, 1, TOKEN_ANY),
            exclusive(one, 3, WAIT_TRY),
            exclusive(taken, 4, WAIT_TRY),
            release(two, 9, TOKEN_ANY),
            leased(two, 2, WAIT_TRY, 60_000),
            exclusive(two, 5, WAIT_TRY),
        ]);
        lose_answers(&proxy, &mut client, ids.len());
        let first = client.answer(ids[0]).token();
        let held = client.answer(ids[1]).token();
        assert_eq!(client.answer(ids[2]), Answer::Released);
        let second = client.answer(ids[3]).token();
        assert!(second > first, "tokens grow");
        assert_eq!(client.answer(ids[4]).status(), Status::Timeout);
        assert_eq!(client.answer(ids[5]).status(), Status::NotHeld);
        assert_eq!(client.answer(ids[6]).status(), Status::AlreadyHeld);
        assert_eq!(client.answer(ids[7]).status(), Status::Timeout);
        assert_answers_agree(&proxy.links());
        for (key, token) in [(one, second), (two, held), (taken, rivals)] {
            assert_held_alone(&mut rival, key, token);
        }
        assert_eq!(client.call(&CLOSE), Answer::Closed);
    }
}

/// A waiter is granted, and another cancelled, while nothing can be heard.
fn granted_unheard(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut rival = ResumingClient::open(server.address);
    for round in 0..BATCHES {
        let _context = Context(("round", round));
        let key = format!("key-{round}");
        let key = key.as_bytes();
        let rivals = rival.call(&exclusive(key, 100, WAIT_TRY)).token();
        let mut client = deaf_client(&proxy);
        let first = client.issue(&exclusive(key, 1, WAIT_FOREVER));
        let second = client.issue(&exclusive(key, 2, WAIT_FOREVER));
        let cancelled = client.issue(&cancel(key, 2, second, IfGranted::Release));
        let outcome = CancelOutcome::Cancelled;
        // Cancel and the acquire that it cancels; the release below makes the third.
        assert_eq!(rival.call(&release(key, 100, rivals)), Answer::Released);
        lose_answers(&proxy, &mut client, 3);
        let token = client.answer(first).token();
        assert!(token > rivals, "tokens grow");
        assert_eq!(client.answer(second).status(), Status::Cancelled);
        assert_eq!(
            client.answer(cancelled),
            Answer::CancelDone { outcome, token: 0 }
        );
        assert_answers_agree(&proxy.links());
        assert_held_alone(&mut rival, key, token);
        assert_eq!(client.call(&CLOSE), Answer::Closed);
    }
}

/// A grant is not heard, and the hold ends before the client asks again: by its lease or by force.
fn lost_unheard(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut rival = ResumingClient::open(server.address);
    for round in 0..BATCHES / 2 {
        for by_force in [false, true] {
            let _context = Context(("round", round, by_force));
            let key = format!("lost-{round}-{by_force}");
            let key = key.as_bytes();
            let mut client = deaf_client(&proxy);
            let lease_ms = if by_force { 60_000 } else { 10 };
            let link = proxy.link(0);
            let passed = link.heard(Direction::Down).len();
            let id = client.issue(&leased(key, 1, WAIT_TRY, lease_ms));
            link.wait_heard(Direction::Down, passed + 1);
            if by_force {
                let ended = rival.call(&force(key, 0));
                assert_eq!(ended, Answer::Forced { ended: 1 });
            }
            await_free(&mut rival, key);
            lose_answers(&proxy, &mut client, 1);
            let answer = client.answer(id);
            assert_eq!(answer.status(), Status::Lost, "{answer:?}");
            let Answer::Refused(Refused { value: token, .. }) = answer else {
                unreachable!("Lost is a refusal");
            };
            let kept = client.call(&keep(key, 1, token));
            assert_eq!(kept.status(), Status::NotHeld);
            let next = rival.call(&exclusive(key, 100, WAIT_TRY)).token();
            assert!(
                next > token,
                "the token lost is named: {token}, then {next}"
            );
            assert_eq!(client.call(&CLOSE), Answer::Closed);
        }
    }
}

fn await_free(watcher: &mut ResumingClient, key: &[u8]) {
    let until = Instant::now() + SEEN_MAX;
    while look(watcher, key).holders_total > 0 {
        assert!(Instant::now() < until, "the hold ends");
    }
}

#[test]
fn pipelined_requests_are_done_once() {
    for shards in [1, 2, 4] {
        let _context = Context(("shards", shards));
        pipelined(shards);
    }
}

#[test]
fn a_grant_that_was_not_heard_stands() {
    for shards in [1, 2, 4] {
        let _context = Context(("shards", shards));
        granted_unheard(shards);
    }
}

#[test]
fn a_grant_that_was_not_heard_and_ended_is_told_as_lost() {
    for shards in [1, 2, 4] {
        let _context = Context(("shards", shards));
        lost_unheard(shards);
    }
}
