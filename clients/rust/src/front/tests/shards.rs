//! A shard-aware client and a server of several shards.

use std::net::TcpListener;
use std::sync::mpsc;

use locker_protocol::{shard_of_slot, slot_of};

use super::LONG;
use super::server::FakeServer;
use crate::machine::{Ended, LostReason};
use crate::{Client, Error};

fn aware(server: &FakeServer) -> Client {
    let builder = Client::builder().address(server.address.clone());
    builder.shard_aware().connect().unwrap()
}

/// A key that belongs to the shard.
fn key_of(shard: u16, shards: u16) -> String {
    let mut keys = (0..).map(|number| format!("key-{number}"));
    let is_there = |key: &String| shard_of_slot(slot_of(key.as_bytes()), shards) == shard;
    keys.find(is_there).unwrap()
}

/// Locks and releases a key of each shard.
fn visit(client: &Client, shards: u16) {
    for shard in 0..shards {
        let lock = client.acquire(key_of(shard, shards)).lock().unwrap();
        lock.release().unwrap();
    }
}

/// Blocks until so many shards serve the client directly.
fn wait_until_reached(client: &Client, shards: usize) {
    while client.shards_reached() != shards {
        std::thread::yield_now();
    }
}

#[test]
fn every_shard_gets_a_session_of_one_group_and_no_request_a_hop() {
    let server = FakeServer::start_sharded(3);
    let client = aware(&server);
    assert_eq!(server.sessions(), [0, 1, 2]);
    assert_eq!(client.shards_reached(), 3);
    assert_eq!(server.groups().len(), 1);
    assert_ne!(server.groups(), [[0; 16]]);
    visit(&client, 3);
    assert_eq!((server.requests("Release"), server.hops()), (3, 0));
}

#[test]
fn a_group_that_was_given_is_kept() {
    let server = FakeServer::start_sharded(2);
    let builder = Client::builder().address(server.address.clone());
    let _client = builder.group([7; 16]).shard_aware().connect().unwrap();
    assert_eq!(server.groups(), [[7; 16]]);
}

#[test]
fn who_does_not_ask_for_it_has_one_session() {
    let server = FakeServer::start_sharded(2);
    let client = super::client(&server);
    visit(&client, 2);
    assert_eq!((server.sessions(), server.hops()), (vec![0], 2));
}

#[test]
fn a_server_without_ports_has_one_session() {
    let server = FakeServer::start();
    let client = aware(&server);
    visit(&client, 1);
    assert_eq!((server.connections(), client.shards_reached()), (1, 1));
}

#[test]
fn a_shard_out_of_reach_is_served_through_the_common_address() {
    let server = FakeServer::start_sharded(2);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = closed.local_addr().unwrap().port();
    drop(closed);
    server.say_ports(&[server.ports[0], dead]);
    let client = aware(&server);
    assert_eq!(client.shards_reached(), 1);
    visit(&client, 2);
    assert_eq!(server.hops(), 2, "the acquire and the release of one key");
    assert_eq!(
        server.sessions(),
        [0, 0],
        "what went astray is not tried again"
    );
}

#[test]
fn while_a_shards_session_is_out_of_contact_the_first_one_serves() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    let key = key_of(1, 2);
    let held = client.acquire(&key).lock().unwrap();
    server.refuse_hello(Some(locker_protocol::Status::Draining));
    server.cut_shard(1);
    wait_until_reached(&client, 1);
    let other = client.acquire(&key).try_now().lock();
    assert!(matches!(other, Err(Error::NotObtained)), "{other:?}");
    assert!(held.is_valid(), "the session lives on");
    server.refuse_hello(None);
    wait_until_reached(&client, 2);
    held.release().unwrap();
    assert_eq!(server.sessions(), [0, 1], "resumed");
}

#[test]
fn a_restart_is_survived_by_each_session_and_all_locks_are_lost() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    let locks = [0, 1].map(|shard| client.acquire(key_of(shard, 2)).lock().unwrap());
    let (sender, receiver) = mpsc::channel();
    for lock in &locks {
        let sender = sender.clone();
        lock.on_lost(move |reason| sender.send(reason).unwrap())
            .unwrap();
    }
    server.forget();
    for _ in &locks {
        assert_eq!(receiver.recv_timeout(LONG), Ok(LostReason::Session));
    }
    wait_until_reached(&client, 2);
    visit(&client, 2);
    assert_eq!(server.hops(), 0);
    assert_eq!(
        server.connections(),
        2 + 2 * 2,
        "a resume and an open for each, each at its own shard"
    );
}

#[test]
fn after_a_restart_with_another_number_of_shards_keys_go_their_new_ways() {
    let server = FakeServer::start_sharded(3);
    let ports = server.ports.clone();
    server.say_ports(&ports[..2]);
    let client = aware(&server);
    visit(&client, 2);
    server.say_ports(&ports);
    server.forget();
    wait_until_reached(&client, 3);
    visit(&client, 3);
    assert_eq!(server.hops(), 0);
}

#[test]
fn after_a_restart_without_ports_the_first_session_serves_everything() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    server.say_ports(&[]);
    server.forget();
    server.wait_for("Hello", 3);
    let lock = client.acquire(key_of(1, 2)).lock().unwrap();
    lock.release().unwrap();
    wait_until_reached(&client, 1);
}

#[test]
fn a_first_session_that_comes_back_in_another_shard_leaves_none_without() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    server.set_common_shard(1);
    server.forget();
    while client.server().unwrap().shard != 1 {
        std::thread::yield_now();
    }
    wait_until_reached(&client, 2);
    let before = server.hops();
    visit(&client, 2);
    assert_eq!(server.hops(), before);
}

#[test]
fn a_waiter_is_granted_and_cancelled_in_its_own_session() {
    let server = FakeServer::start_sharded(2);
    let (holder, client) = (aware(&server), aware(&server));
    for shard in 0..2 {
        let key = key_of(shard, 2);
        let held = holder.acquire(&key).lock().unwrap();
        let cancelled = client.acquire(&key).start().unwrap();
        let granted = client.acquire(&key).start().unwrap();
        server.wait_for_waiters(key.as_bytes(), 2);
        cancelled.canceller().cancel();
        assert!(matches!(cancelled.wait(), Err(Error::Cancelled)));
        held.release().unwrap();
        granted.wait().unwrap().release().unwrap();
    }
    assert_eq!(server.hops(), 0);
}

#[test]
fn a_lock_is_entered_again_whatever_session_it_is_of() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    for shard in 0..2 {
        let outer = client.acquire(key_of(shard, 2)).lock_reentrant().unwrap();
        let inner = client.acquire(key_of(shard, 2)).lock_reentrant().unwrap();
        assert_eq!(inner.depth(), 2);
        inner.release().unwrap();
        outer.release().unwrap();
    }
    assert_eq!(server.requests("Acquire"), 2);
}

#[test]
fn closing_ends_every_session_and_every_later_call() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    let locks = [0, 1].map(|shard| client.acquire(key_of(shard, 2)).lock().unwrap());
    client.clone().close().unwrap();
    assert!(server.sessions().is_empty());
    for (shard, lock) in (0..).zip(&locks) {
        assert!(!lock.is_valid());
        let refused = client.acquire(key_of(shard, 2)).lock();
        assert!(matches!(refused, Err(Error::Ended(Ended::Closed))));
    }
    assert_eq!(client.shards_reached(), 0);
}

#[test]
fn dropping_the_client_closes_every_session_but_those_of_its_locks() {
    let server = FakeServer::start_sharded(2);
    let client = aware(&server);
    let lock = client.acquire(key_of(1, 2)).lock().unwrap();
    drop(client);
    server.wait_for("Close", 1);
    assert_eq!(server.sessions(), [1]);
    assert!(lock.is_valid());
    drop(lock);
    server.wait_for("Close", 2);
}
