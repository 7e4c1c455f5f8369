//! Thousands of connections opened at once and dropped leave nothing behind.

use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Ask, Client, Setup, on_1_2_and_4_shards};

const CONNECTIONS: usize = 8_000;

on_1_2_and_4_shards!(thousands_of_connections_come_and_go);

/// Raises the soft descriptor limit; how many connections it allows.
fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let room = limit
        .maximum
        .map_or(usize::MAX, |most| usize::try_from(most).unwrap());
    CONNECTIONS.min(room.saturating_sub(200))
}

fn thousands_of_connections_come_and_go(shards: usize) {
    let count = connections();
    let setup = Setup::new(shards)
        .with("connections", "10000")
        .with("sessions", "1000");
    let mut server = setup.with("memory", "128MiB").start();
    let mut holder = Client::open(&server);
    holder.acquire(&Ask::new("k")).granted();
    let open_and_drop = || {
        let all: Vec<_> = (0..count)
            .map(|_| TcpStream::connect(server.address).unwrap())
            .collect();
        drop(all);
    };
    // The first round touches the tables; what they keep is theirs, sized at the start.
    open_and_drop();
    until_gone(&mut holder);
    let after_one = server.resident_kib();
    open_and_drop();
    until_gone(&mut holder);
    let after_two = server.resident_kib();
    let grown = after_two.saturating_sub(after_one);
    assert!(grown < 4 * 1024, "{grown} KiB more after the second round");
    assert_eq!(holder.look("k").holders_total, 1);
    server.assert_alive();
    Client::open(&server).close();
}

/// Waits until the server counts no connection but this client's.
fn until_gone(client: &mut Client) {
    while client.counter(locker_protocol::CounterId::Connections) > 1 {}
}
