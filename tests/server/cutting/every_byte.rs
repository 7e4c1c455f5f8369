//! The connection is cut at every byte of the exchange, either way; the client resumes.

use crate::cutting::exchange::{Exchange, assert_answers_agree};
use crate::support::Server;
use crate::support::context::Context;
use crate::support::proxy::{Direction, End, Plan, Proxy};
use crate::support::resuming_client::ResumingClient;
use crate::support::told::InUse;

/// Runs the exchange once, on a key of its own; returns the bytes that went each way.
fn exchange(proxy: &Proxy, rival: &mut ResumingClient, plan: Plan, key: &str) -> [usize; 2] {
    proxy.forget();
    proxy.plan(plan);
    let mut subject = ResumingClient::open(proxy.address());
    let mut exchange = Exchange {
        subject: &mut subject,
        rival,
        key: key.as_bytes(),
    };
    exchange.run();
    drop(subject);
    let links = proxy.links();
    for link in &links {
        link.wait_over();
    }
    assert_answers_agree(&links);
    let went = |direction| links.iter().map(|link| link.heard(direction).len()).sum();
    [Direction::Up, Direction::Down].map(went)
}

fn cut_everywhere(direction: Direction, shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut rival = ResumingClient::open(server.address);
    let whole = exchange(&proxy, &mut rival, Plan::PASS, "uncut-00000");
    let length = whole[direction as usize];
    assert!(
        length > 300,
        "{length} bytes go {direction:?} in an exchange"
    );
    for bytes in 0..length {
        let _context = Context(("cut", direction, bytes));
        // Odd and even places differ in the way of the cut, and the two directions do so too.
        let end = match (bytes + direction as usize) % 2 {
            0 => End::Orderly,
            _ => End::Reset,
        };
        let plan = Plan::cut(direction, bytes, end);
        exchange(&proxy, &mut rival, plan, &format!("key-{bytes:07}"));
    }
    let in_use = InUse::ask(&mut rival);
    let left = (in_use.locks, in_use.waiters, in_use.blocks_used);
    assert_eq!(left, (0, 0, 0), "{in_use:?}");
}

#[test]
fn of_what_the_client_sends_to_1_shard() {
    cut_everywhere(Direction::Up, 1);
}

#[test]
fn of_what_the_client_sends_to_2_shards() {
    cut_everywhere(Direction::Up, 2);
}

#[test]
fn of_what_the_client_sends_to_4_shards() {
    cut_everywhere(Direction::Up, 4);
}

#[test]
fn of_what_1_shard_sends() {
    cut_everywhere(Direction::Down, 1);
}

#[test]
fn of_what_2_shards_send() {
    cut_everywhere(Direction::Down, 2);
}

#[test]
fn of_what_4_shards_send() {
    cut_everywhere(Direction::Down, 4);
}
