//! Looking at the server through the client.

use std::collections::BTreeSet;

use locker_client::{Client, Error, Status};

use crate::client;
use crate::server::{Server, Setup};

#[test]
fn a_listing_goes_through_all_pages_of_all_shards() {
    let server = Server::start(4);
    let client = client(&server);
    let keys: BTreeSet<Vec<u8>> = (0..3_000)
        .map(|number| format!("key/{number}").into_bytes())
        .collect();
    let _locks: Vec<_> = keys
        .iter()
        .map(|key| client.acquire(key).lock().unwrap())
        .collect();
    let listed: BTreeSet<Vec<u8>> = client.list("key/").map(|lock| lock.unwrap().key).collect();
    assert_eq!(listed, keys);
    let some = client
        .list("key/29")
        .map(Result::unwrap)
        .filter(|lock| lock.holders == 1);
    assert_eq!(some.count(), 111);
}

#[test]
fn keys_of_any_bytes_are_told_as_they_are() {
    let server = Server::start(2);
    let client = client(&server);
    let key: Vec<u8> = (0..=255).collect();
    let lock = client.acquire(&key).metadata([0, 255, 10]).lock().unwrap();
    let view = client.get(&key).unwrap();
    assert_eq!(view.holders[0].metadata, [0, 255, 10]);
    assert_eq!(view.holders[0].token, lock.token());
    assert_eq!(client.list("").next().unwrap().unwrap().key, key);
}

#[test]
fn a_looking_client_may_look_and_not_lock() {
    let server = Server::start(1);
    let looking = Client::builder()
        .address(server.address.to_string())
        .inspect_only()
        .connect()
        .unwrap();
    assert_eq!(looking.sessions().count(), 0);
    looking.ping().unwrap();
    match looking.acquire("k").lock() {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.status, Status::NoSessionOpen),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_for_administrators_is_refused_to_others() {
    let server = Setup::new(1).with("admin", "none").start();
    let client = client(&server);
    assert!(!client.server().unwrap().admin);
    let first = client.list("").next().unwrap();
    assert!(matches!(first, Err(Error::Refused(refusal)) if refusal.status == Status::NotAdmin));
}
