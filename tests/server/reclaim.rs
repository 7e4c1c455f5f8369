//! `kill -9` of the server, and its holders take their holds back.

use std::time::{Duration, Instant};

use locker_protocol::{CounterId, FEATURES_RECLAIM, LEASE_KEEP, Mode, Status};

use crate::support::{Ask, Client, Message, Open, Server, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    holds_of_all_modes_come_back_with_their_tokens,
    a_reclaim_after_the_window_is_too_late,
    a_hold_of_before_the_last_window_is_refused,
    a_crash_inside_the_window_opens_another,
    a_waiter_of_the_window_comes_after_the_hold_that_came_back,
    of_two_claims_on_one_key_the_higher_token_stays,
    nothing_can_be_reclaimed_where_no_window_is,
);

/// A window that is open for longer fails the test: the longest waited for has seconds.
const WINDOW_PATIENCE: Duration = Duration::from_secs(60);

/// The bound is the longest TTL of any session, so this makes the shortest window.
fn brief(server: &Server) -> Client {
    open(server, 2_000)
}

/// A session that comes back for its holds.
pub(crate) fn open(server: &Server, ttl_ms: u32) -> Client {
    let open = Open {
        ttl_ms,
        reclaiming: true,
        ..Open::default()
    };
    Client::open_as(server, open).expect("the session opens")
}

fn restart(server: Server) -> Server {
    server.kill().start()
}

/// Waits until the window is over at all shards; each look is a round trip.
fn until_no_window(client: &mut Client) {
    let since = Instant::now();
    while client.counter(CounterId::GraceLeftMsMax) > 0 {
        assert!(since.elapsed() < WINDOW_PATIENCE, "a window stays open");
    }
}

pub(crate) fn setup(shards: usize) -> Setup {
    Setup::new(shards).with("ttl", "1s")
}

fn holds_of_all_modes_come_back_with_their_tokens(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let asks = [
        Ask::new("exclusive").metadata(b"who: me"),
        Ask::new("shared").shared(),
        Ask::new("shared").shared().lease(30_000),
        Ask::new("permit").permits(2, 5),
        Ask::new("permit").permits(3, 5),
    ];
    let tokens = asks.clone().map(|ask| holder.acquire(&ask).granted().token);
    let run = holder.welcome.run;
    let server = restart(server);
    let mut holder = open(&server, 60_000);
    assert_eq!(holder.welcome.features, FEATURES_RECLAIM);
    assert!(holder.welcome.grace_left_ms > 0);
    for (ask, token) in asks.iter().zip(tokens).rev() {
        let back = holder.reclaim(ask, token, run).reclaimed();
        let (left, lease) = (back.until.saturating_sub(back.server_now), ask.lease_ms);
        assert!(left <= u64::from(lease) * 1_000, "{left} us left");
        assert_eq!(left > 0, lease > 0, "a lease counts anew");
    }
    assert_eq!(holder.counter(CounterId::Reclaims), 5);
    assert!(holder.counter(CounterId::GraceLeftMsMax) > 0);
    let view = holder.look("exclusive");
    let session = holder.welcome.session_id;
    let held = (session, asks[0].owner, tokens[0], b"who: me".to_vec());
    assert_eq!(view.holders, [held]);
    let view = holder.look("permit");
    assert_eq!((view.mode, view.limit), (Some(Mode::Permit), 5));
    assert_eq!((view.permits_used, view.holders_total), (5, 2));
    for (ask, token) in asks.iter().zip(tokens) {
        holder.renew(ask, token, LEASE_KEEP).renewed();
        assert_eq!(holder.release(ask, token), Message::Released);
        assert_eq!(holder.release(ask, token).status(), Status::NotHeld);
    }
}

fn a_reclaim_after_the_window_is_too_late(shards: usize) {
    let server = setup(shards).start();
    let mut holder = brief(&server);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = restart(server);
    let mut holder = Client::open(&server);
    // Shards hear of the end one by one: the key's own may be ahead of others, as of this client's.
    until_no_window(&mut holder);
    let late = holder.reclaim(&ask, token, run).refused();
    assert_eq!(late.status, Status::WindowOver);
    assert!(late.value > 0, "ms since its end: {late:?}");
    let fresh = holder.acquire(&Ask::once("k")).granted().token;
    assert!(fresh > token);
    assert_eq!(holder.counter(CounterId::GraceLeftMsMax), 0);
    assert_eq!(holder.counter(CounterId::ReclaimsRefused), 1);
}

fn a_hold_of_before_the_last_window_is_refused(shards: usize) {
    let server = setup(shards).start();
    let mut first = brief(&server);
    let (ask, next_ask) = (Ask::new("k"), Ask::new("k"));
    let token = first.acquire(&ask).granted().token;
    let run = first.welcome.run;
    // It is cut off all through the second run, in which somebody else gets the key.
    let server = restart(server);
    let mut next = Client::open(&server);
    let next_token = next.acquire(&next_ask).granted().token;
    let next_run = next.welcome.run;
    let server = restart(server);
    let mut first = open(&server, 60_000);
    let refused = first.reclaim(&ask, token, run).refused();
    assert_eq!(refused.status, Status::WrongRun);
    assert_eq!((refused.limit, refused.value), (next_run, run));
    let mut next = open(&server, 60_000);
    next.reclaim(&next_ask, next_token, next_run).reclaimed();
    let own_run = next.welcome.run;
    let refused = next.reclaim(&next_ask, next_token, own_run).refused();
    assert_eq!(refused.status, Status::WrongRun);
}

fn a_crash_inside_the_window_opens_another(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let asks = [Ask::new("one"), Ask::new("two")];
    let tokens = asks.clone().map(|ask| holder.acquire(&ask).granted().token);
    let run = holder.welcome.run;
    let server = restart(server);
    let mut holder = open(&server, 60_000);
    let whole = holder.welcome.grace_left_ms;
    holder.reclaim(&asks[0], tokens[0], run).reclaimed();
    let second_run = holder.welcome.run;
    let server = restart(server);
    let mut holder = open(&server, 60_000);
    let left = holder.welcome.grace_left_ms;
    // The bound has not fallen, so the window is as long as the first was.
    assert!(left > whole / 2, "{left} ms of {whole} left");
    holder.reclaim(&asks[0], tokens[0], second_run).reclaimed();
    holder.reclaim(&asks[1], tokens[1], run).reclaimed();
}

fn a_waiter_of_the_window_comes_after_the_hold_that_came_back(shards: usize) {
    let server = setup(shards).start();
    let mut holder = open(&server, 4_000);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    let server = restart(server);
    let (mut holder, mut waiter) = (open(&server, 60_000), Client::open(&server));
    let id = waiter.start(&Ask::new("k"));
    holder.until_waiters("k", 1);
    holder.reclaim(&ask, token, run).reclaimed();
    let view = holder.look_until("k", |view| !view.grace);
    assert_eq!((view.holders_total, view.waiters_total), (1, 1));
    assert!(!waiter.has_answer(id));
    assert_eq!(holder.release(&ask, token), Message::Released);
    assert!(waiter.answer(id).granted().token > token);
}

fn of_two_claims_on_one_key_the_higher_token_stays(shards: usize) {
    let server = setup(shards).start();
    let mut client = Client::open(&server);
    let (stale, last) = (Ask::new("k"), Ask::new("k"));
    let old = client.acquire(&stale).granted().token;
    client.release(&stale, old);
    let token = client.acquire(&last).granted().token;
    let run = client.welcome.run;
    let server = restart(server);
    // Who believes in what it released breaks the rules; the server holds on to its own.
    let mut liar = open(&server, 60_000);
    liar.reclaim(&stale, old, run).reclaimed();
    let mut client = open(&server, 60_000);
    client.reclaim(&last, token, run).reclaimed();
    let push = liar.push();
    assert!(
        matches!(&push, Message::Lost { token, reason, .. }
            if *token == old && *reason == locker_protocol::LostReason::Conflict),
        "{push:?}"
    );
    let refused = liar.reclaim(&stale, old, run).refused();
    assert_eq!(refused.status, Status::ReclaimConflict);
    assert_eq!(refused.value, token);
    assert_eq!(client.counter(CounterId::LostConflict), 1);
}

fn nothing_can_be_reclaimed_where_no_window_is(shards: usize) {
    let server = setup(shards).start();
    let mut client = Client::open(&server);
    let ask = Ask::new("k");
    let token = client.acquire(&ask).granted().token;
    let run = client.welcome.run;
    assert_eq!(client.release(&ask, token), Message::Released);
    client.close();
    let server = server.stop().start();
    let mut client = open(&server, 60_000);
    let refused = client.reclaim(&ask, token, run).refused();
    assert_eq!((refused.status, refused.value), (Status::WindowOver, 0));
    drop(server);
    let server = setup(shards).without("data-dir").with("ephemeral", "true");
    let server = server.start();
    let mut client = open(&server, 60_000);
    assert_eq!(client.welcome.features, 0);
    let refused = client.reclaim(&ask, token, run).refused();
    assert_eq!(refused.status, Status::Unsupported);
}
