//! The connection is cut at every byte of the exchange, either way; the client resumes. Then every
//! connection is cut somewhere, again and again.

use crate::cutting::exchange::{Exchange, assert_answers_agree};
use crate::support::context::Context;
use crate::support::proxy::{Direction, End, Plan, Proxy};
use crate::support::random::Random;
use crate::support::resuming_client::ResumingClient;
use crate::support::told::InUse;
use crate::support::{Server, on_1_2_and_4_shards};

/// Exchanges whose connections are cut again and again.
const ROUNDS: u32 = 80;
/// Cuts of one of them at most.
const CUTS: usize = 12;
/// A cut connection gets this far at most: hardly past its greeting, or to the end.
const CUT_MAX: u64 = 500;

/// Runs the exchange once, on a key of its own; returns the bytes that went each way.
fn exchange(proxy: &Proxy, rival: &mut ResumingClient, plans: &[Plan], key: &str) -> [usize; 2] {
    proxy.forget();
    plans.iter().for_each(|plan| proxy.plan(*plan));
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
    let whole = exchange(&proxy, &mut rival, &[], "uncut-00000");
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
        exchange(&proxy, &mut rival, &[plan], &format!("key-{bytes:07}"));
    }
    assert_nothing_held(&mut rival);
}

fn assert_nothing_held(rival: &mut ResumingClient) {
    let in_use = InUse::ask(rival);
    let left = (in_use.locks, in_use.waiters, in_use.blocks_used);
    assert_eq!(left, (0, 0, 0), "{in_use:?}");
}

fn again_and_again(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut rival = ResumingClient::open(server.address);
    let mut random = Random::seeded(shards as u64);
    for round in 0..ROUNDS {
        let plans = [(); CUTS].map(|()| random_cut(&mut random));
        let _context = Context(("round", round, plans));
        exchange(&proxy, &mut rival, &plans, &format!("again-{round:05}"));
    }
    assert_nothing_held(&mut rival);
}

/// A cut at a random byte, either way.
fn random_cut(random: &mut Random) -> Plan {
    let direction = match random.below(2) {
        0 => Direction::Up,
        _ => Direction::Down,
    };
    let end = match random.below(2) {
        0 => End::Orderly,
        _ => End::Reset,
    };
    let bytes = usize::try_from(random.below(CUT_MAX)).unwrap();
    Plan::cut(direction, bytes, end)
}

on_1_2_and_4_shards!(again_and_again);

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
