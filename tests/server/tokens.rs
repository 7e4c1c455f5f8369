//! Tokens of a key grow over everything: releases, restarts, crashes, other shard counts.

use crate::support::{Ask, Client, Message, Server, Setup};

/// Locks and releases each key; asserts that each token is above that key's last.
#[track_caller]
fn lock_all(server: &Server, last: &mut [u64; 32]) {
    let mut client = Client::open_for_a_second(server);
    client.look_until("key-0", |view| !view.grace);
    for (number, last) in last.iter_mut().enumerate() {
        let ask = Ask::new(format!("key-{number}"));
        for _ in 0..3 {
            let token = client.acquire(&ask).granted().token;
            assert!(token > *last, "key-{number}: {token} after {last}");
            *last = token;
            assert_eq!(client.release(&ask, token), Message::Released);
        }
    }
    client.close();
}

#[test]
fn they_grow_over_clean_restarts_with_1_3_and_2_shards() {
    let mut last = [0; 32];
    let mut setup = Setup::new(1);
    for shards in ["1", "3", "2"] {
        let server = setup.with("shards", shards).start();
        lock_all(&server, &mut last);
        setup = server.stop();
    }
}

#[test]
fn they_grow_over_crashes_with_1_3_and_2_shards() {
    let mut last = [0; 32];
    let mut setup = Setup::new(1).with("ttl", "1s");
    for shards in ["1", "3", "2"] {
        let server = setup.with("shards", shards).start();
        lock_all(&server, &mut last);
        setup = server.kill();
    }
}

#[test]
fn they_grow_when_a_data_dir_is_wiped() {
    let mut last = [0; 32];
    let server = Setup::new(2).with("ttl", "1s").start();
    lock_all(&server, &mut last);
    let setup = server.kill();
    std::fs::remove_dir_all(setup.data_dir()).unwrap();
    let server = setup.start();
    assert!(
        server.log().to_lowercase().contains("warn"),
        "a wiped dir is worth a warning"
    );
    // The epoch also follows the time of day in steps of 10 s, so a wipe this soon may take the
    // same one again: only what the contract says is asked, tokens of one run grow.
    let mut fresh = [0; 32];
    lock_all(&server, &mut fresh);
}
