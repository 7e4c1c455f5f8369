//! A port for each shard: whoever connects there is served by that shard.

use std::net::SocketAddr;

use crate::support::{Ask, Client, Open, Server, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    a_connection_to_a_shards_port_lands_on_that_shard,
    a_session_is_resumed_through_another_shards_port,
    locks_are_exclusive_whatever_the_port,
    ports_may_be_chosen_by_the_operator,
);

fn start(shards: usize) -> Server {
    Setup::new(shards).with("shard-port-base", "0").start()
}

/// The address of each shard's port, as HelloOk tells it.
fn shard_addresses(server: &Server) -> Vec<SocketAddr> {
    let ports = Client::open(server).welcome.ports;
    assert_eq!(ports, told_on_stdout(server), "{}", server.ready);
    let at = |port| SocketAddr::new(server.address.ip(), port);
    ports.into_iter().map(at).collect()
}

fn told_on_stdout(server: &Server) -> Vec<u16> {
    let mut words = server.ready.split(' ');
    let list = words.find_map(|word| word.strip_prefix("shard-ports="));
    let ports = list.unwrap().trim_end().split(',');
    ports.map(|port| port.parse().unwrap()).collect()
}

fn open_at(address: SocketAddr) -> Client {
    Client::open_at(address, Open::default()).expect("the session opens")
}

fn a_connection_to_a_shards_port_lands_on_that_shard(shards: usize) {
    let server = start(shards);
    let addresses = shard_addresses(&server);
    assert_eq!(addresses.len(), shards);
    let mut open = Vec::new();
    for (shard, address) in addresses.iter().enumerate().rev() {
        for _ in 0..5 {
            let client = open_at(*address);
            assert_eq!(usize::from(client.welcome.shard), shard);
            assert!(client.welcome.admin, "a loopback listener as the others");
            open.push(client);
        }
    }
    // The common port deals to whoever has the fewest, those counted.
    let dealt = (0..shards).map(|_| {
        let client = Client::open(&server);
        let shard = client.welcome.shard;
        open.push(client);
        shard
    });
    let mut dealt: Vec<u16> = dealt.collect();
    dealt.sort_unstable();
    let each: Vec<u16> = (0..).take(shards).collect();
    assert_eq!(dealt, each);
}

fn a_session_is_resumed_through_another_shards_port(shards: usize) {
    let server = start(shards);
    let addresses = shard_addresses(&server);
    for (home, address) in addresses.iter().enumerate() {
        let mut client = open_at(*address);
        let ask = Ask::once(format!("key of {home}"));
        let token = client.acquire(&ask).granted().token;
        let resume = client.to_resume();
        drop(client);
        let other = addresses[(home + 1) % shards];
        let mut client = Client::resume_at(other, resume).expect("the session lives");
        assert_eq!(usize::from(client.welcome.shard), home, "handed over");
        assert!(client.welcome.resumed);
        assert_eq!(client.welcome.ports.len(), shards);
        client.skip_seats();
        client.release(&ask, token);
    }
}

fn locks_are_exclusive_whatever_the_port(shards: usize) {
    let server = start(shards);
    let mut clients: Vec<Client> = shard_addresses(&server).into_iter().map(open_at).collect();
    clients.push(Client::open(&server));
    let holder = clients.len() - 1;
    let ask = Ask::once("k");
    let token = clients[holder].acquire(&ask).granted().token;
    for client in &mut clients[..holder] {
        client.acquire(&Ask::once("k")).refused();
    }
    clients[holder].release(&ask, token);
    clients[0].acquire(&Ask::once("k")).granted();
}

/// No port is sure to be free, but at an address of our own on loopback nobody else takes any.
fn ports_may_be_chosen_by_the_operator(shards: usize) {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let own = format!("127.{}.{middle}.{low}:0", 128 + shards + usize::from(high));
    let setup = Setup::new(shards).with("listen", &own);
    let mut server = setup.with("shard-port-base", "20000").start();
    let ports: Vec<u16> = (20_000..).take(shards).collect();
    for address in shard_addresses(&server) {
        assert_eq!(open_at(address).welcome.ports, ports);
    }
    // They are free again for the next start at once.
    server = server.kill().start();
    assert_eq!(told_on_stdout(&server), ports);
}
