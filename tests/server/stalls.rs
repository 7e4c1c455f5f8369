//! The server stands still past a deadline, while what would have moved the deadline lies in its
//! sockets: what arrived in time counts, and nothing ends early.

use std::thread;
use std::time::{Duration, Instant};

use locker_protocol::{Renew, Status};
use rustix::process::Signal;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

/// A lease, and how long the server stands still.
const LEASE_MS: u32 = 400;
const STALL: Duration = Duration::from_millis(900);
/// The least TTL, and how long the server stands still for it.
const TTL: Duration = Duration::from_secs(1);
const LONG_STALL: Duration = Duration::from_millis(1_600);

on_1_2_and_4_shards!(
    a_renewal_sent_before_the_lease_ended_wins,
    a_session_that_spoke_before_its_ttl_ended_lives,
    a_lease_without_renewal_ends_after_the_stall,
);

/// Stops the server, does something meanwhile, and lets it go on after `stall`.
fn stalled(server: &Server, stall: Duration, meanwhile: impl FnOnce()) {
    server.signal(Signal::STOP);
    let since = Instant::now();
    meanwhile();
    // The length of the stall is what is tested.
    thread::sleep(stall.saturating_sub(since.elapsed()));
    server.signal(Signal::CONT);
}

fn a_renewal_sent_before_the_lease_ended_wins(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut next) = (Client::open(&server), Client::open(&server));
    // Several keys, so that some lie on another shard than the session.
    let asks = ["a", "b", "c", "d", "e"].map(|key| Ask::new(key).lease(LEASE_MS));
    let tokens = asks
        .each_ref()
        .map(|ask| holder.acquire(ask).granted().token);
    asks.iter().for_each(|ask| {
        next.start(&Ask::new(&ask.key));
    });
    for ask in &asks {
        next.until_waiters(&ask.key, 1);
    }
    let mut ids = Vec::new();
    stalled(&server, STALL, || {
        for (ask, token) in asks.iter().zip(tokens) {
            ids.push(holder.send(|id, out| {
                let renew = Renew {
                    owner: ask.owner,
                    token,
                    lease_ms: 60_000,
                    key: &ask.key,
                };
                renew.encode(id, out);
            }));
        }
    });
    for id in ids {
        holder.answer(id).renewed();
    }
    for (ask, token) in asks.iter().zip(tokens) {
        assert_eq!(next.look(&ask.key).holders[0].2, token);
    }
    assert_eq!(holder.pushes(), []);
}

fn a_session_that_spoke_before_its_ttl_ended_lives(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open_for_a_second(&server);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let mut id = 0;
    stalled(&server, LONG_STALL, || {
        id = holder.start(&Ask::once("other"));
    });
    assert!(LONG_STALL > TTL, "the TTL ends meanwhile");
    holder.answer(id).granted();
    assert_eq!(holder.look("k").holders[0].2, token);
    assert_eq!(holder.release(&ask, token), Message::Released);
}

fn a_lease_without_renewal_ends_after_the_stall(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut next) = (Client::open(&server), Client::open(&server));
    let ask = Ask::new("k").lease(LEASE_MS);
    let since = Instant::now();
    let token = holder.acquire(&ask).granted().token;
    let id = next.start(&Ask::new("k"));
    next.until_waiters("k", 1);
    stalled(&server, STALL, || {});
    let grant = next.answer(id).granted();
    assert!(grant.token > token, "tokens grow");
    assert!(since.elapsed() > Duration::from_millis(LEASE_MS.into()));
    let late = Message::Lost {
        token,
        owner: ask.owner,
        reason: locker_protocol::LostReason::Lease,
        key: b"k".to_vec(),
    };
    assert_eq!(holder.push(), late);
    assert_eq!(holder.release(&ask, token).status(), Status::NotHeld);
}
