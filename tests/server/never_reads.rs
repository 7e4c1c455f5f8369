//! A client that sends and never reads is stopped and cut off; it costs the others nothing and the
//! server no memory without bound.

use locker_protocol::Ping;

use crate::support::{Ask, Client, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(a_client_that_never_reads_is_bounded);

/// More answers than all buffers of the kernel and the server together hold.
const REQUEST_BYTES: usize = 64 << 20;

fn a_client_that_never_reads_is_bounded(shards: usize) {
    let mut server = Server::start(shards);
    let (mut other, mut greedy) = (Client::open(&server), Client::open(&server));
    let ask = Ask::new("k");
    other.acquire(&ask).granted();
    let before = server.resident_kib();
    let mut frames = Vec::new();
    while frames.len() < 64 * 1024 {
        Ping.encode(0x1_FFFF, &mut frames);
    }
    let (mut sent, mut stuck) = (0, 0);
    while sent < REQUEST_BYTES && stuck < 100 {
        let written = greedy.write_some(&frames[sent % 16..]);
        sent += written;
        // Each look at the other client is a round trip, so the server had its turns.
        stuck = if written == 0 { stuck + 1 } else { 0 };
        assert_eq!(other.look("k").holders_total, 1);
    }
    assert!(
        stuck == 100,
        "the server took {sent} bytes whose answers nobody reads"
    );
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    server.assert_alive();
    drop(greedy);
    Client::open(&server).close();
}
