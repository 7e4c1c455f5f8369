//! Connections that break, servers that fall silent, stop or are killed.

use std::time::Duration;

use locker_client::{Client, Error, LostReason};
use rustix::process::Signal;

use crate::cutter::Cutter;
use crate::server::{Server, Setup};
use crate::{LONG, client};

/// A client with a short TTL, as far as a busy machine allows.
fn short_lived(address: impl ToString) -> Client {
    Client::builder()
        .address(address.to_string())
        .ttl(Duration::from_secs(2))
        .connect()
        .unwrap()
}

/// Blocks until the server answers again.
fn wait_for_contact(client: &Client) {
    while client.ping().is_err() {}
}

#[test]
fn a_cut_connection_is_resumed_with_its_locks_and_waiters() {
    for shards in [1, 2, 4] {
        let server = Server::start(shards);
        let cutter = Cutter::to(server.address);
        let cut = Client::connect(cutter.address.to_string()).unwrap();
        let other = client(&server);
        let held = cut.acquire("held").lock().unwrap();
        let in_the_way = other.acquire("wanted").lock().unwrap();
        let pending = cut.acquire("wanted").start().unwrap();
        while other.get("wanted").unwrap().waiters_total == 0 {}
        for round in 0..10 {
            cutter.cut();
            wait_for_contact(&cut);
            assert!(cutter.accepted() >= round + 2);
            assert!(held.is_valid());
            assert!(matches!(
                other.acquire("held").try_now().lock(),
                Err(Error::NotObtained)
            ));
        }
        in_the_way.release().unwrap();
        assert!(pending.wait().unwrap().is_valid());
        held.release().unwrap();
        other
            .acquire("held")
            .try_now()
            .lock()
            .unwrap()
            .release()
            .unwrap();
    }
}

#[test]
fn calls_made_while_the_connection_breaks_are_answered_once() {
    let server = Server::start(2);
    let cutter = Cutter::to(server.address);
    let cut = Client::connect(cutter.address.to_string()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let cut = &cut;
            scope.spawn(move || {
                for round in 0..50 {
                    let key = format!("{thread}-{round}");
                    let lock = cut.acquire(&key).lock().unwrap();
                    lock.release().unwrap();
                }
            });
        }
        for _ in 0..20 {
            wait_for_contact(&cut);
            cutter.cut();
        }
    });
    wait_for_contact(&cut);
    let left: Vec<_> = client(&server).list("").map(Result::unwrap).collect();
    assert_eq!(left, [], "no lock is held by nobody");
}

#[test]
fn a_lock_ends_in_time_without_contact_and_is_settled_before_it_is_taken_again() {
    let server = Server::start(1);
    let cutter = Cutter::to(server.address);
    let cut = short_lived(cutter.address);
    let lock = cut.acquire("k").lock().unwrap();
    cutter.close();
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Session));
    assert!(!lock.is_valid());
    cutter.open();
    wait_for_contact(&cut);
    let again = cut.acquire("k").wait(LONG).lock().unwrap();
    assert!(again.token() > lock.token());
    assert!(matches!(
        lock.release(),
        Err(Error::Lost {
            reason: LostReason::Session
        })
    ));
    assert!(again.is_valid(), "releasing the lost one touches nothing");
}

#[test]
fn a_stopped_server_costs_the_lock_and_not_the_client() {
    let server = Server::start(2);
    let client = short_lived(server.address);
    let lock = client.acquire("k").lock().unwrap();
    server.signal(Signal::STOP);
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Session));
    server.signal(Signal::CONT);
    wait_for_contact(&client);
    client
        .acquire("k")
        .wait(LONG)
        .lock()
        .unwrap()
        .release()
        .unwrap();
}

#[test]
fn a_server_that_comes_back_too_late_costs_the_lock_and_grants_a_greater_token() {
    let setup = Setup::new(1).with("ttl-max", "2s").with("ttl", "2s");
    let server = setup.start();
    let address = server.address;
    let client = short_lived(address);
    let lock = client.acquire("k").lock().unwrap();
    let setup = server.kill().with("listen", &address.to_string());
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Session));
    let _server = setup.start();
    let again = client.acquire("k").wait(LONG).lock().unwrap();
    assert!(again.token() > lock.token());
}

#[test]
fn a_draining_server_lets_its_holders_finish() {
    let mut server = Server::start(2);
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    server.signal(Signal::TERM);
    let refused = loop {
        match client.acquire("other").try_now().lock() {
            Ok(early) => drop(early),
            Err(error) => break error,
        }
    };
    assert!(refused.is_temporary(), "{refused}");
    assert!(lock.is_valid());
    lock.release().unwrap();
    assert!(server.wait().success());
}

#[test]
fn a_forced_release_is_told_to_the_holder() {
    let server = Server::start(4);
    let (holder, operator) = (client(&server), client(&server));
    let lock = holder.acquire("k").lock().unwrap();
    let delay = locker_client::ForceDelay::For(Duration::ZERO);
    let forced = operator
        .force_release("k", Some(lock.token()), delay, "test")
        .unwrap();
    assert_eq!((forced.ended, forced.closed), (1, Duration::ZERO));
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Forced));
    let again = operator.force_release("k", Some(lock.token()), delay, "test");
    assert!(matches!(again, Err(Error::NotHeld)));
}

#[test]
fn a_dropped_client_leaves_nothing_behind() {
    let server = Server::start(2);
    let watching = client(&server);
    let dropped = client(&server);
    let _watched = watching.acquire("watched").lock().unwrap();
    let kept = dropped.acquire("k").lock().unwrap();
    drop((kept, dropped));
    watching
        .acquire("k")
        .wait(LONG)
        .lock()
        .unwrap()
        .release()
        .unwrap();
    while watching.sessions().count() > 1 {}
}
