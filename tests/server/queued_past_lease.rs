//! A lease counts from the grant: a waiter that queued longer than its lease still gets all of it.

use locker_protocol::LEASE_KEEP;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(a_waiter_that_queues_longer_than_its_lease_gets_its_whole_lease);

fn a_waiter_that_queues_longer_than_its_lease_gets_its_whole_lease(shards: usize) {
    const LEASE_MS: u32 = 400;
    let server = Server::start(shards);
    let (mut holder, mut waiter) = (Client::open(&server), Client::open(&server));
    let (held, wanted) = (Ask::new("k").lease(60_000), Ask::new("k").lease(LEASE_MS));
    let token = holder.acquire(&held).granted().token;
    let queued_at = waiter.ping().server_now;
    let id = waiter.start(&wanted);
    // Another key's lease is the clock of this test: it outlasts the waiter's.
    holder
        .acquire(&Ask::new("clock").lease(LEASE_MS + 200))
        .granted();
    assert!(matches!(holder.push(), Message::Lost { .. }));
    assert!(!waiter.has_answer(id));
    assert_eq!(holder.release(&held, token), Message::Released);
    let granted = waiter.answer(id).granted();
    assert!(
        granted.server_now > queued_at + u64::from(LEASE_MS) * 1_000,
        "queued for long"
    );
    // The home shard stamps the answer: a hop between shards may have passed since the grant.
    let left = granted.until - granted.server_now;
    assert!(
        left >= u64::from(LEASE_MS / 2) * 1_000,
        "a whole lease, not {left} us"
    );
    waiter.renew(&wanted, granted.token, LEASE_KEEP).renewed();
}
