//! The Rust client over a network that cuts its connections at random: threads that lock through it
//! notice nothing, and exclude each other all the same.

use crate::support::context::Context;
use crate::support::proxy::{Direction, End, Plan, Proxy};
use crate::support::random::Random;
use crate::support::resuming_client::ResumingClient;
use crate::support::told::InUse;
use crate::support::{Server, on_1_2_and_4_shards};
use locker_client::Client;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Clients, each with a connection of its own.
const CLIENTS: usize = 4;
/// Threads of each client.
const THREADS: usize = 3;
/// Keys that they all want.
const KEYS: usize = 3;
/// Locks that each thread takes.
const LOCKS: u32 = 60;
/// Bytes after which a connection is cut: from the Hello to a few dozen requests.
const CUT_MIN: u64 = 60;
const CUT_MAX: u64 = 1_500;
/// Cuts prepared; the connections after them last.
const CUTS: u64 = 2_000;
/// Cuts that must have come, for the test to mean anything.
const CUTS_MIN: usize = 50;
/// How long what the clients had may take to go when they have closed.
const GONE_MAX: Duration = Duration::from_secs(15);

/// A key as its holders see it.
#[derive(Default)]
struct Guarded {
    taken: AtomicBool,
    token: AtomicU64,
}

on_1_2_and_4_shards!(threads_exclude_each_other_over_a_bad_network);

fn threads_exclude_each_other_over_a_bad_network(shards: usize) {
    let server = Server::start(shards);
    let proxy = Proxy::start(server.address);
    let mut random = Random::seeded(shards as u64);
    for _ in 0..CUTS {
        proxy.plan(random_cut(&mut random));
    }
    let keys: [Guarded; KEYS] = Default::default();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (keys, address) = (&keys, proxy.address());
            let picks = [(); THREADS].map(|()| random.split());
            scope.spawn(move || lock_and_release(address, keys, picks));
        }
    });
    let cuts = proxy.links().len() - CLIENTS;
    assert!(cuts > CUTS_MIN, "{cuts} connections were cut");
    await_nothing(&mut ResumingClient::watch(server.address));
}

fn random_cut(random: &mut Random) -> Plan {
    let direction = match random.below(2) {
        0 => Direction::Up,
        _ => Direction::Down,
    };
    let end = match random.below(2) {
        0 => End::Orderly,
        _ => End::Reset,
    };
    let bytes = CUT_MIN + random.below(CUT_MAX - CUT_MIN);
    Plan::cut(direction, usize::try_from(bytes).unwrap(), end)
}

/// One client, shared by its threads.
fn lock_and_release(address: SocketAddr, keys: &[Guarded; KEYS], picks: [Random; THREADS]) {
    let client = connect(address);
    thread::scope(|scope| {
        for mut random in picks {
            let client = &client;
            scope.spawn(move || {
                for round in 0..LOCKS {
                    let _context = Context(("round", round));
                    let key = usize::try_from(random.below(KEYS as u64)).unwrap();
                    hold_once(client, key, &keys[key]);
                }
            });
        }
    });
    client.close().expect("the session closes over any network");
}

/// A connection may be cut before the session is open; then there is nothing to take up.
fn connect(address: SocketAddr) -> Client {
    let builder = || {
        Client::builder()
            .address(address.to_string())
            .backoff_max(Duration::from_millis(5))
    };
    for _ in 0..100 {
        if let Ok(client) = builder().connect() {
            return client;
        }
    }
    panic!("no session in a hundred attempts");
}

fn hold_once(client: &Client, key: usize, guarded: &Guarded) {
    let lock = client.acquire(format!("key-{key}")).lock();
    let lock = lock.expect("a lock waited for without end is obtained");
    assert!(
        !guarded.taken.swap(true, Ordering::SeqCst),
        "two hold one key"
    );
    let before = guarded.token.swap(lock.token(), Ordering::SeqCst);
    assert!(
        lock.token() > before,
        "tokens grow: {before} then {}",
        lock.token()
    );
    thread::yield_now();
    guarded.taken.store(false, Ordering::SeqCst);
    lock.release().expect("held to the end");
}

/// Waits until the server has nothing of anybody.
fn await_nothing(watcher: &mut ResumingClient) {
    let since = Instant::now();
    let nothing = InUse {
        connections: 1,
        ..InUse::default()
    };
    loop {
        let in_use = InUse::ask(watcher);
        if in_use == nothing {
            return;
        }
        assert!(since.elapsed() < GONE_MAX, "still in use: {in_use:?}");
    }
}
