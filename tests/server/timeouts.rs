//! A wait ends in time, and never before its time.

use std::time::{Duration, Instant};

use locker_protocol::Status;

use crate::support::{Ask, Client, Message, Refused, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    a_try_fails_at_once,
    a_wait_is_not_cut_short,
    a_timed_out_waiter_gets_nothing_later,
    a_cancelled_waiter_is_passed_over,
);

fn a_try_fails_at_once(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut other) = (Client::open(&server), Client::open(&server));
    holder.acquire(&Ask::new("k")).granted();
    assert_eq!(other.acquire(&Ask::once("k")).status(), Status::Timeout);
}

fn a_wait_is_not_cut_short(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut other) = (Client::open(&server), Client::open(&server));
    holder.acquire(&Ask::new("k")).granted();
    for wait_ms in [1, 30, 150] {
        let since = Instant::now();
        let refused = other.acquire(&Ask::new("k").wait(wait_ms)).refused();
        assert!(since.elapsed() >= Duration::from_millis(wait_ms.into()));
        let expected = Refused {
            status: Status::Timeout,
            limit: wait_ms.into(),
            ..refused
        };
        assert_eq!(refused, expected);
    }
}

fn a_timed_out_waiter_gets_nothing_later(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut other) = (Client::open(&server), Client::open(&server));
    let held = Ask::new("k");
    let token = holder.acquire(&held).granted().token;
    assert_eq!(
        other.acquire(&Ask::new("k").wait(20)).status(),
        Status::Timeout
    );
    assert_eq!(holder.release(&held, token), Message::Released);
    let view = holder.look("k");
    assert_eq!((view.holders_total, view.waiters_total), (0, 0));
    assert!(other.pushes().is_empty());
}

fn a_cancelled_waiter_is_passed_over(shards: usize) {
    use locker_protocol::{CancelOutcome, IfGranted};
    let server = Server::start(shards);
    let (mut holder, mut quitter, mut third) = (
        Client::open(&server),
        Client::open(&server),
        Client::open(&server),
    );
    let (held, quit, wanted) = (Ask::new("k"), Ask::new("k"), Ask::new("k"));
    let token = holder.acquire(&held).granted().token;
    let quit_id = quitter.start(&quit);
    holder.until_waiters("k", 1);
    let wanted_id = third.start(&wanted);
    holder.until_waiters("k", 2);
    let Message::CancelDone(done) = quitter.cancel(&quit, quit_id, IfGranted::Release) else {
        panic!("cancel is answered by what it did");
    };
    assert_eq!(done.outcome, CancelOutcome::Cancelled);
    assert_eq!(quitter.answer(quit_id).status(), Status::Cancelled);
    assert_eq!(holder.release(&held, token), Message::Released);
    third.answer(wanted_id).granted();
}
