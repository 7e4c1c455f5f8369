//! Clients go on through crashes of the server: no hold that is still good by its holder's own
//! deadline overlaps another, and tokens grow all the way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Ask, Client, Server, Setup, on_1_2_and_4_shards};

const TTL: Duration = Duration::from_secs(1);
const CLIENTS: usize = 6;
const CRASHES: usize = 2;

on_1_2_and_4_shards!(holds_never_overlap_over_crashes);

/// What one client believed: from when to when it held.
#[derive(Debug)]
struct Belief {
    token: u64,
    from: Instant,
    to: Instant,
}

fn holds_never_overlap_over_crashes(shards: usize) {
    let running = Mutex::new(Some(Setup::new(shards).with("ttl", "1s").start()));
    let stop = AtomicBool::new(false);
    let mut beliefs: Vec<Belief> = thread::scope(|scope| {
        let (running, stop) = (&running, &stop);
        let run = |_| scope.spawn(move || believe(running, stop));
        let threads: Vec<_> = (0..CLIENTS).map(run).collect();
        for _ in 0..CRASHES {
            let mut watcher = open(running);
            // Crashes come while somebody holds, after the window.
            watcher.look_until("k", |view| !view.grace && view.holders_total == 1);
            let mut server = running.lock().unwrap();
            let setup = server.take().unwrap().kill();
            *server = Some(setup.start());
        }
        let mut last = open(running);
        last.look_until("k", |view| !view.grace && view.holders_total == 1);
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(beliefs.len() > CRASHES, "somebody held in every run");
    beliefs.sort_by_key(|belief| belief.from);
    for pair in beliefs.windows(2) {
        assert!(pair[0].to <= pair[1].from, "two believe to hold: {pair:?}");
        assert!(
            pair[0].token < pair[1].token,
            "tokens do not grow: {pair:?}"
        );
    }
}

/// A session for looking on; longer TTLs would make the windows longer.
fn open(running: &Mutex<Option<Server>>) -> Client {
    let server = running.lock().unwrap();
    Client::open_for_a_second(server.as_ref().unwrap())
}

/// Until when a session is good whose newest answered request was sent then: as the contract tells
/// clients, from before the send, less 1 % and 2 ms.
fn deadline_from(sent: Instant) -> Instant {
    sent + TTL * 99 / 100 - Duration::from_millis(2)
}

/// Holds the key again and again; a crash ends a hold at its own deadline, not before.
fn believe(running: &Mutex<Option<Server>>, stop: &AtomicBool) -> Vec<Belief> {
    let mut beliefs = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let mut client = open(running);
        let mut deadline = deadline_from(sent);
        let ask = Ask::new("k").wait(500);
        let id = client.start(&ask);
        let Some(granted) = client.granted_or_end(id) else {
            continue;
        };
        let from = Instant::now();
        if from >= deadline {
            continue;
        }
        // Works until it releases, or until the server is gone and the deadline has come.
        let mut to = from;
        for _ in 0..20 {
            let sent = Instant::now();
            if !client.try_ping() {
                to = deadline;
                break;
            }
            deadline = deadline_from(sent);
            to = Instant::now();
        }
        beliefs.push(Belief {
            token: granted.token,
            from,
            to,
        });
        client.try_release(&ask, granted.token);
        client.try_close();
    }
    beliefs
}
