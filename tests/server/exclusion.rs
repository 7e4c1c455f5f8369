//! 64 clients on 8 keys: no two holds of a key ever overlap, and tokens grow from hold to hold.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

const CLIENTS: usize = 64;
const KEYS: usize = 8;
const HOLDS_EACH: usize = 25;

on_1_2_and_4_shards!(many_clients_exclude_each_other);

/// One hold as its client saw it.
struct Held {
    key: usize,
    token: u64,
    from: Instant,
    to: Instant,
}

fn many_clients_exclude_each_other(shards: usize) {
    let server = Server::start(shards);
    // Counters that only exclusion protects: each step reads, then writes one more.
    let counters: [AtomicU64; KEYS] = std::array::from_fn(|_| AtomicU64::new(0));
    let mut holds: Vec<Held> = thread::scope(|scope| {
        let counters = &counters;
        let server = &server;
        let run = |number| scope.spawn(move || hold_in_turn(server, number, counters));
        let threads: Vec<_> = (0..CLIENTS).map(run).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let counted: u64 = counters
        .iter()
        .map(|counter| counter.load(Ordering::Relaxed))
        .sum();
    assert_eq!(counted, (CLIENTS * HOLDS_EACH) as u64, "a step was lost");
    holds.sort_by_key(|held| (held.key, held.from));
    for pair in holds.windows(2).filter(|pair| pair[0].key == pair[1].key) {
        assert!(
            pair[0].to <= pair[1].from,
            "two holds of key {} overlap",
            pair[0].key
        );
        assert!(
            pair[0].token < pair[1].token,
            "tokens of key {} do not grow",
            pair[0].key
        );
    }
}

fn hold_in_turn(server: &Server, number: usize, counters: &[AtomicU64; KEYS]) -> Vec<Held> {
    let mut client = Client::open(server);
    let mut holds = Vec::new();
    for round in 0..HOLDS_EACH {
        let key = (number + round) % KEYS;
        let ask = Ask::new(format!("key-{key}"));
        let token = client.acquire(&ask).granted().token;
        let from = Instant::now();
        let counted = counters[key].load(Ordering::Relaxed);
        thread::yield_now();
        counters[key].store(counted + 1, Ordering::Relaxed);
        let to = Instant::now();
        assert_eq!(client.release(&ask, token), Message::Released);
        holds.push(Held {
            key,
            token,
            from,
            to,
        });
    }
    client.close();
    holds
}
