//! A server that is killed or stopped and started again while locks are held: they go on.

use std::fs::remove_dir_all;
use std::time::Duration;

use locker_client::{Client, CounterId, Error, KeyView, Lock, LostReason, Status};
use rustix::process::Signal;

use crate::LONG;
use crate::client;
use crate::server::{Server, Setup};

/// Kills the server and starts it again at the same place, with so many shards.
fn kill_and_start(server: Server, shards: usize) -> Server {
    let address = server.address.to_string();
    let setup = server.kill().with("listen", &address);
    setup.with("shards", &shards.to_string()).start()
}

/// Asks the restarted server for `key` until the hold of `token` is there. The lock stays valid.
fn until_had_back(observer: &Client, lock: &Lock) -> KeyView {
    loop {
        assert!(lock.is_valid(), "{lock}: {:?}", lock.lost_reason());
        let view = observer.get(lock.key()).unwrap();
        if view
            .holders
            .iter()
            .any(|holder| holder.token == lock.token())
        {
            return view;
        }
    }
}

/// Blocks until the grace window is over in every shard: each hears of it in a turn of its own.
fn until_open(observer: &Client) {
    for number in 0..64 {
        while observer.get(format!("nobody's/{number}")).unwrap().grace {}
    }
}

#[test]
fn every_kind_of_lock_goes_on_over_a_kill_and_waiters_wait_until_it_is_released() {
    let server = Server::start(2);
    let (holder, other) = (client(&server), client(&server));
    let locks = [
        holder.acquire("exclusive").metadata("who").lock().unwrap(),
        holder.acquire("shared").shared().lock().unwrap(),
        other.acquire("shared").shared().lock().unwrap(),
        holder.acquire("permit").permits(2, 3).lock().unwrap(),
        holder.acquire("leased").lease(LONG).lock().unwrap(),
        holder
            .acquire("renewed")
            .lease(Duration::from_secs(6))
            .auto_renew()
            .lock()
            .unwrap(),
    ];
    let entered = holder.acquire("entered").lock_reentrant().unwrap();
    let waiting = other.acquire("exclusive").start().unwrap();
    let server = kill_and_start(server, 2);
    let observer = client(&server);
    for lock in locks.iter().chain([&*entered]) {
        until_had_back(&observer, lock);
    }
    let view = observer.get("exclusive").unwrap();
    assert_eq!(view.holders[0].metadata, b"who");
    assert_eq!(observer.get("shared").unwrap().holders_total, 2);
    let view = observer.get("permit").unwrap();
    assert_eq!((view.permits_used, view.limit), (2, 3));
    let again = holder.acquire("entered").lock_reentrant().unwrap();
    assert_eq!(again.depth(), 2);
    until_open(&observer);
    for key in ["exclusive", "shared", "leased", "renewed", "entered"] {
        let tried = observer.acquire(key).try_now().lock();
        assert!(matches!(tried, Err(Error::NotObtained)), "{key}: {tried:?}");
    }
    let permit = observer.acquire("permit").permits(1, 3).try_now().lock();
    permit
        .expect("one of three is left")
        .release()
        .expect("it was held");
    let waiting = waiting.wait_for(Duration::ZERO).unwrap_err();
    again.release().unwrap();
    entered.release().unwrap();
    let tokens = locks.each_ref().map(Lock::token);
    for lock in locks {
        assert!(lock.is_valid());
        lock.release().expect("it was held until now");
    }
    let granted = waiting.wait().unwrap();
    assert!(granted.token() > tokens[0]);
}

#[test]
fn sessions_of_shards_take_their_locks_back_from_other_shards_and_again_inside_the_window() {
    let server = Setup::new(2).with("shard-port-base", "0").start();
    let aware = Client::builder().address(server.address.to_string());
    let aware = aware.shard_aware().connect().unwrap();
    // More than a session has seats.
    let locks: Vec<Lock> = (0..200)
        .map(|number| aware.acquire(format!("key/{number}")).lock().unwrap())
        .collect();
    let mut server = server;
    for shards in [4, 1, 2] {
        server = kill_and_start(server, shards);
        let observer = client(&server);
        for lock in &locks {
            until_had_back(&observer, lock);
            let tried = observer.acquire(lock.key()).try_now().lock();
            let Err(Error::Refused(refusal)) = tried else {
                panic!("{tried:?}")
            };
            assert_eq!(refusal.status, Status::GraceWindow);
        }
    }
    for lock in locks {
        lock.release().expect("it was held until now");
    }
}

#[test]
fn a_stopped_server_with_a_hold_left_gives_it_back_and_nobody_who_waits_is_refused() {
    let mut server = Setup::new(2).with("drain", "300ms").start();
    let address = server.address.to_string();
    let (holder, other) = (client(&server), client(&server));
    let lock = holder.acquire("k").lock().unwrap();
    let waiting = other.acquire("k").start().unwrap();
    while holder.get("k").unwrap().waiters_total == 0 {}
    server.signal(Signal::TERM);
    // Asked for before the server goes or after it went, it is granted in its turn.
    let asked_late = other.acquire("free").start().unwrap();
    server.wait();
    assert!(lock.is_valid(), "the stopped server's promise stands");
    let server = server.setup().with("listen", &address).start();
    let observer = client(&server);
    until_had_back(&observer, &lock);
    lock.release().expect("it was held until now");
    waiting.wait().unwrap().release().unwrap();
    asked_late.wait().unwrap().release().unwrap();
}

#[test]
fn a_try_while_the_server_stops_hears_that_it_does() {
    let server = Setup::new(1).with("drain", "1m").start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    server.signal(Signal::TERM);
    let refusal = loop {
        match client.acquire("other").try_now().lock() {
            Ok(early) => drop(early),
            Err(Error::Refused(refusal)) => break refusal,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(refusal.status, Status::Draining);
    assert!(lock.is_valid());
}

#[test]
fn a_lock_released_while_the_server_is_away_is_not_taken_back() {
    let server = Server::start(1);
    let address = server.address.to_string();
    let holder = Client::builder()
        .address(&address)
        .answer_timeout(Duration::from_millis(100))
        .connect()
        .unwrap();
    let (released, kept) = (
        holder.acquire("released").lock().unwrap(),
        holder.acquire("kept").lock().unwrap(),
    );
    let setup = server.kill().with("listen", &address);
    let release = released.release();
    assert!(matches!(release, Err(Error::NoAnswer)), "{release:?}");
    let server = setup.start();
    let observer = client(&server);
    until_had_back(&observer, &kept);
    // It would have gone ahead of the other one, which was acquired later.
    assert_eq!(observer.get("released").unwrap().holders_total, 0);
    kept.release().unwrap();
}

#[test]
fn a_wiped_data_directory_costs_the_locks_as_soon_as_the_server_is_there() {
    let server = Server::start(1);
    let address = server.address.to_string();
    let holder = client(&server);
    let lock = holder.acquire("k").lock().unwrap();
    let setup = server.kill().with("listen", &address);
    remove_dir_all(setup.data_dir()).unwrap();
    let left = lock.remaining();
    let _server = setup.start();
    // Its own deadline lies far ahead: the greeting tells.
    assert_eq!(lock.wait_lost(left / 2), Some(LostReason::Session));
    assert!(!lock.is_valid());
    assert!(matches!(lock.release(), Err(Error::Lost { .. })));
}

/// `cargo test --release --test client hundred_thousand -- --ignored --nocapture` tells the times.
#[test]
#[ignore = "a minute, and a thousand threads"]
fn a_hundred_thousand_locks_of_a_thousand_sessions_come_back_at_once() {
    const SESSIONS: usize = 1_000;
    const LOCKS_EACH: usize = 100;
    let setup = Setup::new(2).with("memory", "512MiB");
    let server = setup.with("connections", "4000").start();
    let clients: Vec<Client> = (0..SESSIONS).map(|_| client(&server)).collect();
    let mut locks = Vec::with_capacity(SESSIONS * LOCKS_EACH);
    for (number, client) in clients.iter().enumerate() {
        let asked: Vec<_> = (0..LOCKS_EACH)
            .map(|lock| client.acquire(format!("{number}/{lock}")).start().unwrap())
            .collect();
        locks.extend(asked.into_iter().map(|asked| asked.wait().unwrap()));
    }
    let server = kill_and_start(server, 2);
    let started = std::time::Instant::now();
    let observer = client(&server);
    let count = |id: CounterId| -> u64 {
        let pages = observer.stats().unwrap();
        let counters = pages.iter().flat_map(|page| &page.counters);
        let of_id = counters.filter(|(counter, _)| *counter == id.code());
        of_id.map(|(_, value)| value).sum()
    };
    let mut back = 0;
    while back < (SESSIONS * LOCKS_EACH) as u64 {
        let lost = locks.iter().filter(|lock| !lock.is_valid()).count();
        assert_eq!(lost, 0, "{back} are back after {:?}", started.elapsed());
        back = count(CounterId::Reclaims);
    }
    println!(
        "{back} holds back {:?} after the server listened",
        started.elapsed()
    );
    assert_eq!(count(CounterId::ReclaimsRefused), 0);
    until_open(&observer);
    println!("the window was over after {:?}", started.elapsed());
    let tried = observer.acquire("0/0").try_now().lock();
    assert!(matches!(tried, Err(Error::NotObtained)), "{tried:?}");
    for lock in locks {
        assert!(lock.is_valid());
        lock.release().expect("it was held until now");
    }
}
