//! Waiters are granted in the order in which they queued; nobody overtakes.

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

const WAITERS: u32 = 20;

on_1_2_and_4_shards!(
    waiters_are_granted_in_order_of_arrival,
    a_shared_request_does_not_overtake_an_exclusive_waiter,
    a_wide_permit_request_at_the_head_is_not_starved,
);

fn waiters_are_granted_in_order_of_arrival(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    let held = Ask::new("line");
    let mut token = holder.acquire(&held).granted().token;
    let mut waiters = Vec::new();
    for count in 1..=WAITERS {
        let (mut client, ask) = (Client::open(&server), Ask::new("line"));
        let id = client.start(&ask);
        holder.until_waiters("line", count);
        waiters.push((client, ask, id));
    }
    assert_eq!(holder.release(&held, token), Message::Released);
    let count = waiters.len();
    for (index, (client, ask, id)) in waiters.iter_mut().enumerate() {
        let granted = client.answer(*id).granted();
        assert!(granted.token > token, "token of waiter {index}");
        token = granted.token;
        // While this one holds nobody behind it was granted.
        let behind = count - index - 1;
        let view = client.look("line");
        assert_eq!(view.holders.len(), 1);
        assert_eq!(view.holders[0].1, ask.owner, "waiter {index}");
        assert_eq!(view.waiters_total as usize, behind);
        assert_eq!(client.release(ask, token), Message::Released);
    }
}

fn a_shared_request_does_not_overtake_an_exclusive_waiter(shards: usize) {
    let server = Server::start(shards);
    let (mut one, mut two, mut three) = (
        Client::open(&server),
        Client::open(&server),
        Client::open(&server),
    );
    let (read, write, late) = (
        Ask::new("page").shared(),
        Ask::new("page"),
        Ask::new("page").shared(),
    );
    let reading = one.acquire(&read).granted();
    let writing = two.start(&write);
    one.until_waiters("page", 1);
    let tried = Ask::once("page").shared();
    assert_eq!(
        three.acquire(&tried).status(),
        locker_protocol::Status::Timeout
    );
    let reading_late = three.start(&late);
    one.until_waiters("page", 2);
    assert_eq!(one.release(&read, reading.token), Message::Released);
    let written = two.answer(writing).granted();
    assert_eq!(two.look("page").waiters_total, 1);
    assert_eq!(two.release(&write, written.token), Message::Released);
    assert!(three.answer(reading_late).granted().token > written.token);
}

fn a_wide_permit_request_at_the_head_is_not_starved(shards: usize) {
    let server = Server::start(shards);
    let (mut one, mut two, mut three) = (
        Client::open(&server),
        Client::open(&server),
        Client::open(&server),
    );
    let (narrow, wide, late) = (
        Ask::new("pool").permits(2, 3),
        Ask::new("pool").permits(3, 3),
        Ask::new("pool").permits(1, 3),
    );
    let token = one.acquire(&narrow).granted().token;
    let wide_id = two.start(&wide);
    one.until_waiters("pool", 1);
    // One permit is free, but the wide request stands in front.
    let late_id = three.start(&late);
    one.until_waiters("pool", 2);
    assert_eq!(one.release(&narrow, token), Message::Released);
    let token = two.answer(wide_id).granted().token;
    assert_eq!(two.look("pool").permits_used, 3);
    assert_eq!(two.release(&wide, token), Message::Released);
    three.answer(late_id).granted();
}
