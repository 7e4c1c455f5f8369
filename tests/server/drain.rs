//! SIGTERM drains: no new locks, holders may finish, and the exit is clean if nothing is held.

use std::time::{Duration, Instant};

use locker_protocol::{GoAwayReason, LEASE_KEEP, Status};
use rustix::process::Signal;

use crate::support::{Ask, Client, Message, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    holders_may_release_and_then_the_server_stops_clean,
    at_the_bound_the_waiters_are_told_and_the_next_start_has_a_window,
    a_second_signal_ends_it_at_once,
);

#[track_caller]
fn assert_go_away(client: &mut Client) {
    let push = client.push();
    assert!(
        matches!(push, Message::GoAway(away) if away.reason == GoAwayReason::Restart),
        "{push:?}"
    );
}

fn holders_may_release_and_then_the_server_stops_clean(shards: usize) {
    let mut server = Setup::new(shards).with("drain", "1m").start();
    let (mut holder, mut other) = (Client::open(&server), Client::open(&server));
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let since = Instant::now();
    server.signal(Signal::TERM);
    assert_go_away(&mut holder);
    assert_go_away(&mut other);
    assert_eq!(other.acquire(&Ask::once("free")).status(), Status::Draining);
    assert_eq!(other.acquire(&Ask::new("free")).status(), Status::Draining);
    assert!(holder.ping().server_now > 0);
    holder
        .renew(&Ask::new("k").owner(ask.owner), token, LEASE_KEEP)
        .renewed();
    assert_eq!(holder.release(&ask, token), Message::Released);
    assert_eq!(holder.read(), None);
    let status = server.wait();
    assert!(status.success(), "{status}\n{}", server.log());
    assert!(
        since.elapsed() < Duration::from_secs(30),
        "it waited for the bound"
    );
    let server = server.setup().start();
    let client = Client::open(&server);
    assert_eq!(
        client.welcome.grace_left_ms, 0,
        "a clean stop opens no window"
    );
}

fn at_the_bound_the_waiters_are_told_and_the_next_start_has_a_window(shards: usize) {
    let mut server = Setup::new(shards)
        .with("drain", "300ms")
        .with("ttl", "1s")
        .start();
    let (mut holder, mut waiter) = (Client::open(&server), Client::open(&server));
    holder.acquire(&Ask::new("k")).granted();
    let id = waiter.start(&Ask::new("k"));
    holder.until_waiters("k", 1);
    server.signal(Signal::TERM);
    assert_go_away(&mut waiter);
    assert_eq!(waiter.answer(id).status(), Status::Draining);
    assert_eq!(waiter.read(), None);
    server.wait();
    let server = server.setup().start();
    let client = Client::open(&server);
    assert!(client.welcome.grace_left_ms > 0, "a hold was left");
}

fn a_second_signal_ends_it_at_once(shards: usize) {
    let mut server = Setup::new(shards).with("drain", "1h").start();
    let mut holder = Client::open(&server);
    holder.acquire(&Ask::new("k")).granted();
    server.signal(Signal::TERM);
    assert_go_away(&mut holder);
    server.signal(Signal::TERM);
    server.wait();
    let server = server.setup().start();
    let client = Client::open(&server);
    assert!(client.welcome.grace_left_ms > 0, "a hold was left");
}
