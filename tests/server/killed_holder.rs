//! `kill -9` of a process that holds: the next one is granted within TTL + 1 s, and never before
//! the deadline up to which the dead one could have believed that it holds.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::support::{Ask, Client, Open, Server, on_1_2_and_4_shards};

/// Address of the server, for the holder's process.
const ADDRESS: &str = "HOLDER_OF_TEST_CONNECTS_TO";
const TTL: Duration = Duration::from_secs(1);

on_1_2_and_4_shards!(the_next_one_is_granted_within_the_ttl_and_a_second);

fn the_next_one_is_granted_within_the_ttl_and_a_second(shards: usize) {
    let server = Server::start(shards);
    let mut next = Client::open(&server);
    let mut holder = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "killed_holder::holder_process",
            "--ignored",
            "--nocapture",
        ])
        .env(ADDRESS, server.address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let deadline_ms = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("holds until ")?
                .parse::<u64>()
                .ok()
        })
        .expect("the other process holds");
    let id = next.start(&Ask::new("k"));
    next.until_waiters("k", 1);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let killed = Instant::now();
    next.answer(id).granted();
    assert!(now_ms() >= deadline_ms, "before the holder's own deadline");
    assert!(killed.elapsed() < TTL + Duration::from_secs(1), "late");
}

/// The clock that all processes of the machine share.
fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000 + now.tv_nsec / 1_000_000).unwrap()
}

/// The holder: opens, acquires, says so, and stands still until it is killed.
#[test]
#[ignore = "the other process of the_next_one_is_granted_within_the_ttl_and_a_second"]
fn holder_process() {
    let Ok(address) = env::var(ADDRESS) else {
        return;
    };
    let open = Open {
        ttl_ms: 1_000,
        ..Open::default()
    };
    let mut client = Client::open_at(address.parse().unwrap(), open).unwrap();
    let sent_ms = now_ms();
    client.acquire(&Ask::new("k")).granted();
    // As the contract tells clients: from before the send, less 1 % and 2 ms.
    println!("holds until {}", sent_ms + 990 - 2);
    std::io::stdout().flush().unwrap();
    // Ends when the test is gone, if it did not kill us.
    drop(std::io::stdin().read(&mut [0]));
}
