//! Many threads of several clients: exclusion, order of tokens, permits, more waiters than seats.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use crate::client;
use crate::server::Server;

const KEYS: usize = 8;

/// What the locks protect: a plain load and store lose counts unless one thread is inside.
#[derive(Default)]
struct Protected {
    inside: AtomicU32,
    count: AtomicU64,
    last_token: AtomicU64,
}

#[test]
fn threads_of_several_clients_exclude_one_another() {
    for shards in [1, 2, 4] {
        let server = Server::start(shards);
        let protected: Arc<[Protected; KEYS]> = Arc::default();
        let threads: Vec<_> = (0..8)
            .flat_map(|_| {
                let client = client(&server);
                (0..8)
                    .map(move |thread| (client.clone(), thread))
                    .collect::<Vec<_>>()
            })
            .map(|(client, thread)| {
                let protected = Arc::clone(&protected);
                thread::spawn(move || {
                    for round in 0..25 {
                        let place = (round + thread) % KEYS;
                        let lock = client.acquire(format!("key-{place}")).lock().unwrap();
                        enter(&protected[place], lock.token());
                        assert!(lock.is_valid());
                        lock.release().unwrap();
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let counted: u64 = protected
            .iter()
            .map(|it| it.count.load(Ordering::SeqCst))
            .sum();
        assert_eq!(counted, 64 * 25, "{shards} shards");
    }
}

fn enter(protected: &Protected, token: u64) {
    assert_eq!(
        protected.inside.fetch_add(1, Ordering::SeqCst),
        0,
        "one at a time"
    );
    let count = protected.count.load(Ordering::SeqCst);
    assert!(
        protected.last_token.swap(token, Ordering::SeqCst) < token,
        "tokens grow"
    );
    thread::yield_now();
    protected.count.store(count + 1, Ordering::SeqCst);
    protected.inside.fetch_sub(1, Ordering::SeqCst);
}

#[test]
fn permits_let_so_many_in_and_no_more() {
    let server = Server::start(2);
    let client = client(&server);
    let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let lock = client.acquire("pool").permits(1, 3).lock().unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    lock.release().unwrap();
                }
            });
        }
    });
    assert!((1..=3).contains(&most.into_inner()));
}

#[test]
fn more_threads_than_seats_all_get_their_turn() {
    let server = Server::start(1);
    let client = client(&server);
    let seats = usize::from(client.server().unwrap().seats);
    let first = client.acquire("k").lock().unwrap();
    let (sender, granted) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..seats * 3 {
            let sender = sender.clone();
            scope.spawn(|| {
                let lock = client.acquire("k").lock().unwrap();
                sender.send(()).unwrap();
                lock.release().unwrap();
                drop(sender);
            });
        }
        // Every seat that waiters may use is taken, and yet other calls go through.
        while u64::from(client.get("k").unwrap().waiters_total) < seats as u64 * 7 / 8 {}
        first.release().unwrap();
    });
    drop(sender);
    assert_eq!(granted.iter().count(), seats * 3);
}

#[test]
fn readers_share_and_a_writer_has_it_alone() {
    let server = Server::start(2);
    let (readers, writer) = (client(&server), client(&server));
    let first = readers.acquire("k").shared().lock().unwrap();
    let second = readers.acquire("k").shared().lock().unwrap();
    assert!(writer.acquire("k").try_now().lock().is_err());
    let waiting = writer.acquire("k").start().unwrap();
    first.release().unwrap();
    second.release().unwrap();
    let writing = waiting.wait().unwrap();
    assert!(readers.acquire("k").shared().try_now().lock().is_err());
    writing.release().unwrap();
}
