//! More is asked of another shard than the lanes between them hold, by clients of which half die in
//! the midst of it: everything is answered, only acquires and reads may be refused `Busy`, and
//! nothing is left behind.

use crate::support::random::Random;
use crate::support::requests::{CLOSE, exclusive, keep, release};
use crate::support::resuming_client::{Opening, ResumingClient};
use crate::support::told::{Answer, InUse, counter};
use crate::support::{Server, Setup};
use locker_protocol::{
    Acquire, CounterId, KEY_BYTES_MAX, METADATA_BYTES_MAX, Mode, Request, Status, TOKEN_ANY,
    WAIT_FOREVER, WAIT_TRY,
};
use std::thread;
use std::time::{Duration, Instant};

/// Clients at once: their requests together are several times what a lane holds.
const CLIENTS: usize = 24;
/// Requests in flight of each.
const DEPTH: usize = 30;
/// Writes of so many requests by each client.
const ROUNDS: usize = 40;
/// Keys of each client, and keys that all want.
const KEYS: u64 = 16;
/// TTL of the clients that die: long enough for a round on a busy machine.
const TTL_MS: u32 = 3_000;
/// How long what clients had may take to go: TTL and a second.
const GONE_MAX: Duration = Duration::from_millis(TTL_MS as u64 + 1_000);

/// A long key, so that a lane holds few requests: of one client, or of all.
fn key(client: usize, number: u64) -> Vec<u8> {
    let mut key = match number % 4 {
        0 => format!("all-{number}-"),
        _ => format!("{client}-{number}-"),
    };
    key.extend(std::iter::repeat_n('k', KEY_BYTES_MAX - key.len()));
    key.into_bytes()
}

fn acquire(key: &[u8], owner: u64, wait_ms: u32) -> Request<'_> {
    Request::Acquire(Acquire {
        owner,
        wait_ms,
        lease_ms: 0,
        permits: 0,
        limit: 0,
        mode: Mode::Shared,
        resize: false,
        key,
        metadata: &[b'm'; METADATA_BYTES_MAX],
    })
}

/// Asks as much as fits at once, again and again; counts what was refused `Busy`. Every other
/// client is gone before its last answers come.
fn flood(server: &Server, client_number: usize, mut random: Random) -> usize {
    let dies = client_number % 2 == 1;
    let mut opening = Opening::default();
    if dies {
        opening.ttl_ms = TTL_MS;
    }
    let mut client = ResumingClient::open_with(server.address, opening);
    let keys: Vec<Vec<u8>> = (0..KEYS).map(|number| key(client_number, number)).collect();
    let mut busy = 0;
    for round in 0..ROUNDS {
        let requests = (0..DEPTH).map(|place| {
            let key = &keys[usize::try_from(random.below(KEYS)).unwrap()];
            let owner = u64::try_from(round * DEPTH + place).unwrap();
            match random.below(4) {
                0 => acquire(key, owner, WAIT_TRY),
                1 => acquire(key, owner, WAIT_FOREVER),
                2 => release(key, owner.saturating_sub(random.below(40)), TOKEN_ANY),
                _ => keep(key, owner, 1),
            }
        });
        let requests: Vec<Request<'_>> = requests.collect();
        let ids = client.issue_all(&requests);
        if dies && round + 1 == ROUNDS {
            return busy;
        }
        for (id, request) in ids.into_iter().zip(&requests) {
            let status = client.answer(id).status();
            let may = match request {
                Request::Acquire(_) => [Status::Ok, Status::Busy],
                _ => [Status::Ok, Status::NotHeld],
            };
            assert!(may.contains(&status), "{status} to {:?}", request.opcode());
            busy += usize::from(status == Status::Busy);
        }
    }
    assert_eq!(client.resumes(), 0, "no connection was lost");
    assert_eq!(client.call(&CLOSE), Answer::Closed);
    busy
}

fn everything_is_answered(shards: usize) {
    let server = Setup::new(shards)
        .with("lane-bytes", "128KiB")
        .with("key-bytes-max", &KEY_BYTES_MAX.to_string())
        .with("memory", "256MiB")
        .start();
    let mut random = Random::seeded(shards as u64);
    let busy: usize = thread::scope(|scope| {
        let clients = [(); CLIENTS].map(|()| random.split());
        let clients = clients.into_iter().enumerate();
        let clients = clients.map(|(number, random)| {
            let server = &server;
            scope.spawn(move || flood(server, number, random))
        });
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    let mut watcher = ResumingClient::watch(server.address);
    let paused: u64 = counter(&mut watcher, CounterId::ReadsPaused).iter().sum();
    println!("{busy} acquires refused as Busy, reading paused {paused} times");
    assert!(busy > 0 || paused > 0, "the lanes were full");
    let since = Instant::now();
    let nothing = InUse {
        connections: 1,
        ..InUse::default()
    };
    while InUse::ask(&mut watcher) != nothing {
        let in_use = InUse::ask(&mut watcher);
        assert!(since.elapsed() < GONE_MAX, "still in use: {in_use:?}");
    }
    let mut after = ResumingClient::open(server.address);
    for number in 0..64 {
        let key = key(0, number);
        after.call(&exclusive(&key, 1, WAIT_TRY)).token();
    }
}

#[test]
fn between_2_shards() {
    everything_is_answered(2);
}

#[test]
fn between_4_shards() {
    everything_is_answered(4);
}
