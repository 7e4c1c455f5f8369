//! Stops with locks held or a grace window open: what the next start makes of them.

use locker_protocol::{GoAwayReason, LEASE_KEEP, Status};
use rustix::process::Signal;

use crate::support::{Ask, Client, Message, Open, Server, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    a_hold_outlives_a_stop_that_it_did_not_end_for,
    a_stop_inside_the_window_opens_another,
    the_log_tells_of_the_window_from_begin_to_end,
);

fn reclaiming(server: &Server) -> Client {
    let open = Open {
        reclaiming: true,
        ..Open::default()
    };
    Client::open_as(server, open).expect("the session opens")
}

fn setup(shards: usize) -> Setup {
    Setup::new(shards).with("ttl", "1s").with("drain", "300ms")
}

#[track_caller]
fn stop(server: &mut Server, client: &mut Client) {
    server.signal(Signal::TERM);
    let push = client.push();
    assert!(
        matches!(push, Message::GoAway(away) if away.reason == GoAwayReason::Restart),
        "{push:?}"
    );
}

fn a_hold_outlives_a_stop_that_it_did_not_end_for(shards: usize) {
    let mut server = setup(shards).start();
    let mut holder = Client::open(&server);
    let ask = Ask::new("k");
    let token = holder.acquire(&ask).granted().token;
    let run = holder.welcome.run;
    stop(&mut server, &mut holder);
    assert_eq!(holder.read(), None);
    let status = server.wait();
    assert!(status.success(), "{status}");
    assert!(server.log().contains("stopped with locks held"));
    let server = server.setup().start();
    let mut holder = reclaiming(&server);
    holder.reclaim(&ask, token, run).reclaimed();
    assert_eq!(
        holder.acquire(&Ask::once("k")).status(),
        Status::GraceWindow
    );
}

fn a_stop_inside_the_window_opens_another(shards: usize) {
    let server = setup(shards).start();
    let mut holder = Client::open(&server);
    let asks = [Ask::new("back at once"), Ask::new("back later")];
    let tokens = asks.clone().map(|ask| holder.acquire(&ask).granted().token);
    let run = holder.welcome.run;
    let mut server = server.kill().with("drain", "1m").start();
    let mut holder = reclaiming(&server);
    holder.reclaim(&asks[0], tokens[0], run).reclaimed();
    stop(&mut server, &mut holder);
    holder.renew(&asks[0], tokens[0], LEASE_KEEP).renewed();
    // A stop waits for holds and not for the window: with the last hold it is over.
    assert_eq!(holder.release(&asks[0], tokens[0]), Message::Released);
    let status = server.wait();
    assert!(status.success(), "{status}");
    assert!(server.log().contains("a grace window open"));
    let server = server.setup().start();
    let mut holder = reclaiming(&server);
    assert!(holder.welcome.grace_left_ms > 0);
    holder.reclaim(&asks[1], tokens[1], run).reclaimed();
}

fn the_log_tells_of_the_window_from_begin_to_end(shards: usize) {
    let server = setup(shards).start();
    let short = Open {
        ttl_ms: 3_000,
        ..Open::default()
    };
    let mut holder = Client::open_as(&server, short).expect("the session opens");
    let asks = [Ask::new("a"), Ask::new("b"), Ask::new("c")];
    let tokens = asks.clone().map(|ask| holder.acquire(&ask).granted().token);
    let run = holder.welcome.run;
    let server = server.kill().start();
    let begun = server.log();
    let mut holder = reclaiming(&server);
    for (ask, token) in asks.iter().zip(tokens) {
        holder.reclaim(ask, token, run).reclaimed();
    }
    let refused = holder.reclaim(&asks[0], tokens[0], run + (1 << 40));
    assert_eq!(refused.status(), Status::WrongRun);
    holder.look_until("a", |view| !view.grace);
    holder.close();
    // A stop in order hears every shard out first.
    let mut server = server;
    server.signal(Signal::TERM);
    server.wait();
    // The bound is rounded up to five seconds.
    assert!(begun.contains("grace window of 5150 ms"), "{begun}");
    let log = server.log();
    assert!(log.contains("grace window over after 5"), "{log}");
    assert!(log.contains("3 holds reclaimed, 1 refused"), "{log}");
    assert!(log.contains("stopped with no lock held"), "{log}");
}
