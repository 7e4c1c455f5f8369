//! Clients that ask too much, or nothing that makes sense, cost those that behave no lock, and the
//! server takes new ones as soon as they are gone.

use std::io::Write as _;
use std::net::TcpStream;

use locker_protocol::{CounterId, Status};

use crate::support::{Ask, Client, Open, Server, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    half_open_connections_stop_no_renewal,
    one_session_on_all_its_seats_starves_nobody,
    a_full_table_of_sessions_stops_no_renewal_and_takes_new_ones_once_there_is_room,
);

const LEASE_MS: u32 = 60_000;

fn half_open_connections_stop_no_renewal(shards: usize) {
    let mut server = Setup::new(shards).with("connections", "60").start();
    let (mut holder, ask) = (Client::open(&server), Ask::new("k").lease(LEASE_MS));
    let token = holder.acquire(&ask).granted().token;
    let before = server.resident_kib();
    for _ in 0..5 {
        let mut flood: Vec<_> = (0..100)
            .map(|_| TcpStream::connect(server.address).unwrap())
            .collect();
        for (number, stream) in flood.iter_mut().enumerate() {
            // A third says nothing, a third the begin of something, a third what means nothing.
            let words: &[u8] = [&b""[..], b"LOCK", &[0xA5; 100]][number % 3];
            // One too many may be closed already.
            let _ = stream.write_all(words);
        }
        holder.renew(&ask, token, LEASE_MS).renewed();
        drop(flood);
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    assert!(holder.counter(CounterId::ConnectionsRefused) > 0);
    while Client::open_if_room(&server).is_none() {}
    holder.release(&ask, token);
    server.assert_alive();
}

fn one_session_on_all_its_seats_starves_nobody(shards: usize) {
    let server = Server::start(shards);
    let (mut hot, mut modest) = (Client::open(&server), Client::open(&server));
    let seats = u32::from(hot.welcome.seats);
    for round in 0..20 {
        let asked: Vec<u64> = (0..seats - 2)
            .map(|number| hot.start(&Ask::once(format!("hot-{round}-{number}"))))
            .collect();
        // Nothing of the hot session is read before the other was served, twice.
        let ask = Ask::once(format!("modest-{round}"));
        let token = modest.acquire(&ask).granted().token;
        modest.release(&ask, token);
        asked.into_iter().for_each(|id| {
            hot.answer(id).granted();
        });
    }
}

fn a_full_table_of_sessions_stops_no_renewal_and_takes_new_ones_once_there_is_room(shards: usize) {
    let server = Setup::new(shards).with("sessions", "8").start();
    let (mut holder, ask) = (Client::open(&server), Ask::new("k").lease(LEASE_MS));
    let token = holder.acquire(&ask).granted().token;
    let mut open = Vec::new();
    let refusal = loop {
        match Client::open_as(&server, Open::default()) {
            Ok(client) => open.push(client),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.status(), Status::SessionsFull);
    holder.renew(&ask, token, LEASE_MS).renewed();
    open.into_iter().for_each(Client::close);
    while Client::open_if_room(&server).is_none() {}
    holder.release(&ask, token);
}
