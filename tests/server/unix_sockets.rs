//! Clients of a Unix socket are clients as others.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::support::{Ask, Client, Server, Setup, on_1_2_and_4_shards};
use locker_protocol::CounterId;

on_1_2_and_4_shards!(
    a_lock_goes_from_a_unix_client_to_a_tcp_client_and_back,
    unix_clients_are_dealt_to_all_shards_beside_ports,
    a_session_opened_by_a_unix_socket_is_resumed_by_tcp,
    a_killed_server_leaves_a_file_that_the_next_one_replaces,
);

/// A server at both, with a port for each shard.
fn start(shards: usize) -> (Server, PathBuf) {
    let setup = Setup::new(shards).with("shard-port-base", "0");
    let socket = setup.socket();
    let listen = format!("unix:{},127.0.0.1:0", socket.display());
    (setup.with("listen", &listen).start(), socket)
}

fn a_lock_goes_from_a_unix_client_to_a_tcp_client_and_back(shards: usize) {
    let (server, socket) = start(shards);
    let mut unix = Client::open_unix(&socket);
    let mut tcp = Client::open(&server);
    for round in 0..20 {
        let ask = Ask::new(format!("key {round}"));
        let first = unix.acquire(&ask).granted().token;
        let waiting = tcp.start(&ask);
        unix.until_waiters(&ask.key, 1);
        unix.release(&ask, first);
        let second = tcp.answer(waiting).granted().token;
        let waiting = unix.start(&ask);
        tcp.until_waiters(&ask.key, 1);
        tcp.release(&ask, second);
        let third = unix.answer(waiting).granted().token;
        assert!(first < second && second < third);
        unix.release(&ask, third);
    }
}

fn unix_clients_are_dealt_to_all_shards_beside_ports(shards: usize) {
    let (server, socket) = start(shards);
    let mut clients: Vec<Client> = (0..shards).map(|_| Client::open_unix(&socket)).collect();
    let mut served: Vec<u16> = clients.iter().map(|client| client.welcome.shard).collect();
    served.sort_unstable();
    assert_eq!(served, (0..).take(shards).collect::<Vec<u16>>());
    for client in &clients {
        assert!(client.welcome.admin, "as loopback");
        assert_eq!(client.welcome.ports, [], "of no host that it knows");
    }
    assert_eq!(Client::open(&server).welcome.ports.len(), shards);
    assert!(clients[0].counter(CounterId::ConnectionsAccepted) > 0);
}

fn a_session_opened_by_a_unix_socket_is_resumed_by_tcp(shards: usize) {
    let (server, socket) = start(shards);
    let ask = Ask::once("k");
    for _ in 0..shards {
        let mut client = Client::open_unix(&socket);
        let token = client.acquire(&ask).granted().token;
        let (home, resume) = (client.welcome.shard, client.to_resume());
        drop(client);
        let mut client = Client::resume(&server, resume).expect("the session lives");
        assert_eq!(client.welcome.shard, home);
        client.skip_seats();
        client.release(&ask, token);
    }
}

fn a_killed_server_leaves_a_file_that_the_next_one_replaces(shards: usize) {
    let (server, socket) = start(shards);
    assert_eq!(socket.metadata().unwrap().mode() & 0o7777, 0o600);
    let _lost = Client::open_unix(&socket);
    let setup = server.kill();
    assert!(socket.exists());
    let setup = setup.with("listen-mode", "0666");
    let server = setup.start();
    assert_eq!(socket.metadata().unwrap().mode() & 0o7777, 0o666);
    Client::open_unix(&socket).close();
    server.stop();
    assert!(!socket.exists());
}
