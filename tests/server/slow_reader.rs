//! A client that stops reading while the server has ever more to tell it is cut off at a bound; its
//! session lives on, and nobody else is hurt.

use std::time::{Duration, Instant};

use locker_protocol::CounterId;

use crate::support::{Ask, Client, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(too_much_unread_output_ends_the_connection_and_not_the_session);

/// Each tells of its loss in 296 bytes: together more than a kernel buffers for one connection.
const HOLDS: usize = 60_000;
/// Long enough that all are held before the first ends.
const LEASE_MS: u32 = 8_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn too_much_unread_output_ends_the_connection_and_not_the_session(shards: usize) {
    let setup = Setup::new(shards)
        .with("seats", "4096")
        .with("sessions", "64");
    let mut server = setup.with("memory", "256MiB").start();
    let (mut deaf, mut other) = (Client::open(&server), Client::open(&server));
    let asks: Vec<Ask> = (0..HOLDS)
        .map(|number| Ask::once(format!("{number:0>256}")).lease(LEASE_MS))
        .collect();
    for some in asks.chunks(200) {
        let ids: Vec<u64> = some.iter().map(|ask| deaf.start(ask)).collect();
        for id in ids {
            deaf.answer(id).granted();
        }
    }
    let before = server.resident_kib();
    let since = Instant::now();
    while other.counter(CounterId::OutputOverruns) == 0 {
        assert!(since.elapsed() < PATIENCE, "all of it was buffered");
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    // The session waits for its client, which learns by asking what it lost.
    let mut resumed = Client::resume(&server, deaf.to_resume()).unwrap();
    resumed.skip_seats();
    resumed.close();
    server.assert_alive();
    other.acquire(&Ask::once("k")).granted();
}
