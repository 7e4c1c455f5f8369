//! Bytes of a connection that was replaced arrive after the resume: they do nothing.

use crate::cutting::exchange::assert_answers_agree;
use crate::support::Server;
use crate::support::context::Context;
use crate::support::proxy::{Direction, Flow, Proxy, Then};
use crate::support::requests::{CLOSE, exclusive, keep, release};
use crate::support::resuming_client::ResumingClient;
use crate::support::told::{Answer, assert_held_alone};
use locker_protocol::{Request, RequestId, TOKEN_ANY, WAIT_TRY};

/// A seat that the client itself has not come to: the server would take the request as new.
const LATE_ID: RequestId = RequestId {
    seat: 20,
    sequence: 1,
};

/// When the withheld bytes are delivered.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// After the resume was answered.
    Behind,
    /// While the resume is on its way.
    Beside,
}

/// The client's last request goes through up to that byte; the rest comes late.
fn withhold(
    proxy: &Proxy,
    watcher: &mut ResumingClient,
    request: &Request<'_>,
    part: usize,
    key: &[u8],
) {
    proxy.forget();
    let mut client = ResumingClient::open(proxy.address());
    let token = client.call(&exclusive(key, 1, WAIT_TRY)).token();
    let link = proxy.link(0);
    let sent = link.heard(Direction::Up).len();
    link.flow(Direction::Up, Flow::until(sent + part, Then::Hold));
    let mut frame = Vec::new();
    request.encode(LATE_ID.pack(), &mut frame);
    client.connection().send(&frame).unwrap();
    link.wait_heard(Direction::Up, sent + frame.len());

    client.reconnect();
    link.flow(Direction::Up, Flow::PASS);
    link.wait_over();

    let kept = client.call(&keep(key, 1, token));
    assert_eq!(
        kept,
        Answer::Renewed { until: 0 },
        "what came late did nothing"
    );
    assert_held_alone(watcher, key, token);
    assert_eq!(client.call(&release(key, 1, token)), Answer::Released);
    assert_eq!(client.call(&CLOSE), Answer::Closed);
}

/// A request is withheld, sent again after the resume, and then comes late as well.
fn come_twice(proxy: &Proxy, watcher: &mut ResumingClient, late: Late, part: usize, key: &[u8]) {
    proxy.forget();
    let mut client = ResumingClient::open(proxy.address());
    let token = client.call(&exclusive(key, 1, WAIT_TRY)).token();
    let link = proxy.link(0);
    let sent = link.heard(Direction::Up).len();
    link.flow(Direction::Up, Flow::until(sent + part, Then::Hold));
    let ids = client.issue_all(&[
        release(key, 1, TOKEN_ANY),
        exclusive(key, 2, WAIT_TRY),
        release(key, 2, TOKEN_ANY),
        exclusive(key, 3, WAIT_TRY),
    ]);
    link.wait_heard(Direction::Up, sent + part + 1);
    match late {
        Late::Behind => {
            client.reconnect();
            link.flow(Direction::Up, Flow::PASS);
        }
        Late::Beside => {
            link.flow(Direction::Up, Flow::PASS);
            client.reconnect();
        }
    }
    assert_eq!(client.answer(ids[0]), Answer::Released);
    let second = client.answer(ids[1]).token();
    assert_eq!(client.answer(ids[2]), Answer::Released);
    let third = client.answer(ids[3]).token();
    assert!(token < second && second < third, "tokens grow");
    link.wait_over();
    assert_answers_agree(&proxy.links());
    assert_held_alone(watcher, key, third);
    assert_eq!(client.call(&CLOSE), Answer::Closed);
}

fn a_request_of_its_own(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut watcher = ResumingClient::open(server.address);
    for part in 0..48 {
        let _context = Context(("part of a release", part));
        let key = format!("late-{part:03}");
        let request = release(key.as_bytes(), 1, TOKEN_ANY);
        withhold(&proxy, &mut watcher, &request, part, key.as_bytes());
    }
    for part in 0..16 {
        let _context = Context(("part of a close", part));
        let key = format!("shut-{part:03}");
        withhold(&proxy, &mut watcher, &CLOSE, part, key.as_bytes());
    }
}

fn a_request_sent_again(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut watcher = ResumingClient::open(server.address);
    for late in [Late::Behind, Late::Beside] {
        for part in 0..180 {
            let _context = Context((late, part));
            let key = format!("{late:?}-{part:03}");
            come_twice(&proxy, &mut watcher, late, part, key.as_bytes());
        }
    }
}

#[test]
fn a_late_request_does_nothing() {
    for shards in [1, 2, 4] {
        let _context = Context(("shards", shards));
        a_request_of_its_own(shards);
    }
}

#[test]
fn a_request_that_comes_twice_is_done_once() {
    for shards in [1, 2, 4] {
        let _context = Context(("shards", shards));
        a_request_sent_again(shards);
    }
}
