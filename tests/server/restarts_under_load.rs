//! `kill -9` of the server again and again, amid clients that lock, one of which hears nothing of
//! it: two never believe at one time that they hold a key, and tokens grow over all of it, with
//! another number of shards each time.

use crate::support::Setup;
use crate::support::proxy::Proxy;
use crate::support::random::Random;
use locker_client::Client;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Threads, each with a client of its own.
const CLIENTS: usize = 8;
/// Keys that they all want.
const KEYS: usize = 3;
/// TTL of all sessions, and so nearly the window in which a restarted server grants nothing.
const TTL: Duration = Duration::from_secs(1);
/// Holds that each server must grant before it is killed.
const HOLDS_PER_SERVER: usize = 150;
/// How long a holder keeps looking whether it holds still, at most.
const HOLD_US_MAX: u64 = 30_000;
/// How long the holds of one server may take to come.
const HOLDS_MAX: Duration = Duration::from_secs(30);

/// One hold as its holder believed in it.
#[derive(Clone, Copy, Debug)]
struct Held {
    key: usize,
    token: u64,
    /// When the grant had been heard.
    from: Instant,
    /// The last instant for which the client said that the hold is valid.
    to: Instant,
}

/// Locks and looks on, until told to stop; whatever goes wrong, tries again.
fn lock_on(address: SocketAddr, mut random: Random, held: &Mutex<Vec<Held>>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let builder = Client::builder().address(address.to_string()).ttl(TTL);
        let builder = builder.backoff_max(Duration::from_millis(20));
        let Ok(client) = builder.connect() else {
            thread::yield_now();
            continue;
        };
        while !stop.load(Ordering::Relaxed) {
            let key = usize::try_from(random.below(KEYS as u64)).unwrap();
            let hold = Duration::from_micros(random.below(HOLD_US_MAX));
            let Some(one) = hold_once(&client, key, hold) else {
                break;
            };
            held.lock().unwrap().push(one);
        }
    }
}

/// Holds a key for a while, or as long as the client believes in it; `None` if nothing came of it.
fn hold_once(client: &Client, key: usize, hold: Duration) -> Option<Held> {
    let lock = client
        .acquire(format!("key-{key}"))
        .wait(TTL * 4)
        .lock()
        .ok()?;
    let from = Instant::now();
    let mut to = from;
    while from.elapsed() < hold {
        let now = Instant::now();
        if !lock.is_valid() {
            break;
        }
        to = now;
        thread::yield_now();
    }
    let token = lock.token();
    // Lost or not: what counts is when the client believed.
    drop(lock);
    Some(Held {
        key,
        token,
        from,
        to,
    })
}

/// Takes a key, and is then cut off without noticing: believes until its own deadline.
fn hold_stranded(server: SocketAddr, key: usize) -> impl FnOnce() -> Held {
    let proxy = Proxy::start(server);
    let client = Client::builder().address(proxy.address().to_string());
    let client = client.ttl(TTL).connect().unwrap();
    let lock = client.acquire(format!("key-{key}")).wait(TTL * 4).lock();
    let lock = lock.unwrap();
    let from = Instant::now();
    proxy.link(0).strand();
    move || {
        let mut to = from;
        loop {
            let now = Instant::now();
            if !lock.is_valid() {
                break;
            }
            to = now;
            thread::yield_now();
        }
        // It believed for longer than the server took to come back, or this shows nothing.
        assert!(to > from + TTL / 2, "it heard of the end");
        let token = lock.token();
        drop((lock, client, proxy));
        Held {
            key,
            token,
            from,
            to,
        }
    }
}

/// Waits until so many holds more have been had.
fn await_holds(held: &Mutex<Vec<Held>>) {
    let since = Instant::now();
    let before = held.lock().unwrap().len();
    while held.lock().unwrap().len() < before + HOLDS_PER_SERVER {
        assert!(since.elapsed() < HOLDS_MAX, "locks are granted again");
        thread::yield_now();
    }
}

/// In order of their tokens, one hold of a key ends before the next begins.
fn assert_apart(mut held: Vec<Held>) {
    held.sort_by_key(|one| (one.key, one.token));
    for pair in held.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if first.key != second.key {
            continue;
        }
        assert!(
            first.token < second.token,
            "a token is granted once: {pair:?}"
        );
        assert!(
            first.to <= second.from,
            "two believe that they hold: {pair:?}"
        );
    }
}

#[test]
fn nobody_overlaps_and_tokens_grow() {
    let setup = |setup: Setup, shards: u16| {
        let setup = setup.with("shards", &shards.to_string());
        setup.with("ttl", &format!("{}s", TTL.as_secs()))
    };
    let mut server = setup(Setup::new(1), 1).start();
    let proxy = Proxy::start(server.address);
    let mut random = Random::seeded(9);
    let held = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (random, held, stop) = (random.split(), &held, &stop);
            let address = proxy.address();
            scope.spawn(move || lock_on(address, random, held, stop));
        }
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for shards in [3, 2, 4, 1] {
                await_holds(&held);
                let key = usize::from(shards) % KEYS;
                let believe = hold_stranded(server.address, key);
                let killed = server.kill();
                let stranded = scope.spawn(believe);
                server = setup(killed, shards).start();
                proxy.lead_to(server.address);
                held.lock().unwrap().push(stranded.join().unwrap());
            }
            await_holds(&held);
            server
        }));
        stop.store(true, Ordering::Relaxed);
        ran.map(drop)
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert_apart(held.into_inner().unwrap());
}
