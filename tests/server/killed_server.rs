//! `kill -9` of the server with a held lock: nobody else gets it inside the grace window.

use std::time::{Duration, Instant};

use locker_protocol::{OnDisconnect, Status};

use crate::support::{Ask, Client, Open, Server, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    nobody_else_holds_inside_the_window,
    an_idle_server_opens_no_window,
);

/// The default TTL is the least that the bound can be, and so the least window.
fn setup(shards: usize) -> Setup {
    Setup::new(shards).with("ttl", "1s")
}

/// A session whose TTL is the bound.
fn open(server: &Server) -> Client {
    let open = Open {
        ttl_ms: 2_000,
        on_disconnect: OnDisconnect::Grace,
        ..Open::default()
    };
    Client::open_as(server, open).unwrap()
}

fn nobody_else_holds_inside_the_window(shards: usize) {
    const WINDOW: Duration = Duration::from_millis(2_000 * 102 / 100 + 50);
    let server = setup(shards).start();
    let mut holder = open(&server);
    let before = holder.acquire(&Ask::new("k")).granted();
    let old_run = holder.welcome.run;
    let dead = server.kill();
    let killed = Instant::now();
    let server = dead.start();
    let ready = Instant::now();
    // It waits in silence, so its TTL must be longer than the window.
    let mut next = Client::open(&server);
    assert!(next.welcome.run > old_run);
    let grace_left = next.welcome.grace_left_ms;
    assert!(
        (1..=2_100).contains(&grace_left),
        "{grace_left} ms of grace"
    );
    for key in ["k", "never locked before"] {
        let refused = next.acquire(&Ask::once(key)).refused();
        assert_eq!(refused.status, Status::GraceWindow);
        assert!(
            (1..=2_100).contains(&refused.value),
            "{} ms left",
            refused.value
        );
    }
    assert!(next.look("k").grace);
    let after = next.acquire(&Ask::new("k")).granted();
    assert!(killed.elapsed() >= WINDOW, "inside the window");
    assert!(
        ready.elapsed() < WINDOW + Duration::from_secs(1),
        "the window stays open"
    );
    assert!(after.token > before.token);
    // Its shard may hear of the end of the window a moment later.
    next.acquire(&Ask::new("other")).granted();
    // The dead server's session is gone for good.
    let refusal = Client::resume(&server, holder.to_resume()).err().unwrap();
    assert_eq!(refusal.status(), Status::NoSession);
}

fn an_idle_server_opens_no_window(shards: usize) {
    let server = setup(shards).start().kill().start();
    let mut client = open(&server);
    assert_eq!(client.welcome.grace_left_ms, 0);
    client.acquire(&Ask::once("k")).granted();
}
