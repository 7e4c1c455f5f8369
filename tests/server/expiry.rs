//! A session ends when its client is silent for the TTL, connection or not; any byte keeps it.

use std::time::{Duration, Instant};

use locker_protocol::EndReason;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    a_silent_session_ends_though_its_connection_is_open,
    a_ping_now_and_then_keeps_a_session,
);

fn a_silent_session_ends_though_its_connection_is_open(shards: usize) {
    let server = Server::start(shards);
    let (mut silent, mut next) = (Client::open_for_a_second(&server), Client::open(&server));
    let since = Instant::now();
    silent.acquire(&Ask::new("k")).granted();
    let id = next.start(&Ask::new("k"));
    let last = silent.read_to_end().pop();
    assert_eq!(last, Some(Message::SessionEnded(EndReason::Expired)));
    assert!(since.elapsed() >= Duration::from_secs(1), "before the TTL");
    next.answer(id).granted();
    assert!(
        Client::resume(&server, silent.to_resume()).is_err(),
        "it is gone for good"
    );
}

fn a_ping_now_and_then_keeps_a_session(shards: usize) {
    let server = Server::start(shards);
    let (mut busy, mut other) = (Client::open_for_a_second(&server), Client::open(&server));
    let token = busy.acquire(&Ask::new("k")).granted().token;
    // Twice the TTL, told by the server's clock.
    let until = busy.ping().server_now + 2_000_000;
    while busy.ping().server_now < until {}
    assert_eq!(other.look("k").holders[0].2, token);
    assert_eq!(busy.pushes(), []);
}
