//! Clients come and die in every way at random under load; afterwards nothing of them is left.

use crate::support::connection::Connection;
use crate::support::context::Context;
use crate::support::random::Random;
use crate::support::requests::{CLOSE, cancel, exclusive, force, leased, release};
use crate::support::resuming_client::{Opening, ResumingClient, open};
use crate::support::told::{Answer, InUse, counter, look};
use crate::support::{Server, Setup};
use locker_protocol::{
    Acquire, CounterId, IfGranted, Mode, OnDisconnect, PREFACE, Request, TOKEN_ANY, WAIT_FOREVER,
    WAIT_TRY,
};
use std::collections::BTreeSet;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Lives of each thread, one after the other; together they take a few seconds.
const LIVES: u32 = 500;
/// TTL of every session, the least there is.
const TTL_MS: u32 = 1_000;
/// When everything must have ended: TTL and a second.
const GONE_MAX: Duration = Duration::from_millis(TTL_MS as u64 + 1_000);
/// Clients at a time.
const CLIENTS: u32 = 12;
/// Sessions that the server may have: all of them, as far as the TTL is concerned.
const SESSIONS: &str = "16000";
/// Keys that all clients want.
const HOT_KEYS: u64 = 12;
/// Requests of one life at most.
const REQUESTS_MAX: u64 = 24;

/// How a client's connection ends.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// It closes its session and hears the answer.
    Closed,
    /// FIN; unread answers make it a reset later on.
    Dropped,
    /// RST.
    Reset,
    /// FIN from a client that reads no more but stays for a while.
    HalfClosed,
    /// In the middle of a frame, by FIN.
    MidFrame,
    /// In the middle of a frame, by RST.
    MidFrameReset,
    /// It resumes once, and is then reset.
    Resumed,
    /// In the middle of its Hello.
    MidHello,
}

const DEATHS: [Death; 8] = [
    Death::Closed,
    Death::Dropped,
    Death::Reset,
    Death::HalfClosed,
    Death::MidFrame,
    Death::MidFrameReset,
    Death::Resumed,
    Death::MidHello,
];

/// One client after the other.
fn live_and_die(address: SocketAddr, mut random: Random) {
    let mut half_closed = Vec::new();
    for _ in 0..LIVES {
        let death = DEATHS[usize::try_from(random.below(8)).unwrap()];
        let opening = Opening {
            ttl_ms: TTL_MS,
            on_disconnect: match random.below(2) {
                0 => OnDisconnect::Grace,
                _ => OnDisconnect::Release,
            },
        };
        if let Death::MidHello = death {
            die_in_hello(address, opening, &mut random);
            continue;
        }
        let mut client = ResumingClient::open_with(address, opening);
        ask(&mut client, &mut random);
        if random.below(2) == 0 {
            client.pump(Duration::from_micros(random.below(500)));
        }
        half_closed.extend(die(client, death, &mut random));
        if half_closed.len() > 8 {
            half_closed.clear();
        }
    }
}

/// Sends requests without waiting for their answers.
fn ask(client: &mut ResumingClient, random: &mut Random) {
    let mut last: Option<(u64, Vec<u8>, u64)> = None;
    for owner in 1..=1 + random.below(REQUESTS_MAX) {
        let key = format!("hot-{}", random.below(HOT_KEYS));
        let key = key.as_bytes();
        let before = last.clone();
        let request = match random.below(8) {
            0 => exclusive(key, owner, WAIT_TRY),
            1 | 2 => exclusive(key, owner, WAIT_FOREVER),
            3 => leased(key, owner, 20, 50),
            4 => permits(key, owner),
            5 => release(key, random.below(owner), TOKEN_ANY),
            6 => match &before {
                Some((id, key, owner)) => cancel(key, *owner, *id, IfGranted::Release),
                None => force(key, 0),
            },
            _ => {
                // Long keys and metadata take blocks of their own.
                exclusive(
                    &LONG_KEY[..usize::try_from(60 + random.below(190)).unwrap()],
                    owner,
                    30,
                )
            }
        };
        let id = client.issue(&request);
        if let Request::Acquire(acquire) = request {
            last = Some((id, acquire.key.to_vec(), owner));
        }
    }
}

const LONG_KEY: [u8; 256] = [b'k'; 256];

const fn permits(key: &[u8], owner: u64) -> Request<'_> {
    Request::Acquire(Acquire {
        owner,
        wait_ms: WAIT_FOREVER,
        lease_ms: 0,
        permits: 2,
        limit: 5,
        mode: Mode::Permit,
        resize: false,
        key,
        metadata: &LONG_KEY,
    })
}

/// Ends the client; a connection that only ended its own sending is handed back.
fn die(mut client: ResumingClient, death: Death, random: &mut Random) -> Option<TcpStream> {
    match death {
        Death::Closed => {
            let id = client.issue(&CLOSE);
            assert_eq!(client.answer(id), Answer::Closed);
            assert!(client.ended());
            None
        }
        Death::Dropped => None,
        Death::Reset => reset(client.into_stream()),
        Death::HalfClosed => {
            let stream = client.into_stream();
            let _ = stream.shutdown(Shutdown::Write);
            Some(stream)
        }
        Death::MidFrame | Death::MidFrameReset => {
            let mut frame = Vec::new();
            exclusive(b"never", 99, WAIT_FOREVER).encode(1 << 16 | 40, &mut frame);
            let part = 1 + random.below(frame.len() as u64 - 1);
            let part = usize::try_from(part).unwrap();
            let _ = client.connection().send(&frame[..part]);
            match death {
                Death::MidFrame => None,
                _ => reset(client.into_stream()),
            }
        }
        Death::Resumed => {
            client.reconnect();
            if client.ended() {
                return None;
            }
            client.pump(Duration::from_micros(random.below(2_000)));
            reset(client.into_stream())
        }
        Death::MidHello => unreachable!("it has no session"),
    }
}

fn reset(stream: TcpStream) -> Option<TcpStream> {
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    None
}

fn die_in_hello(address: SocketAddr, opening: Opening, random: &mut Random) {
    let mut bytes = PREFACE.to_vec();
    open(opening).encode(1, &mut bytes);
    let part = usize::try_from(random.below(bytes.len() as u64)).unwrap();
    let mut connection = Connection::dial(address).unwrap();
    let _ = connection.send(&bytes[..part]);
    if random.below(2) == 0 {
        reset(connection.into_stream());
    }
}

/// Waits until the server has nothing of anybody, and shows what it had if that takes too long.
fn await_nothing(watcher: &mut ResumingClient, since: Instant) {
    let nothing = InUse {
        connections: 1,
        ..InUse::default()
    };
    loop {
        let in_use = InUse::ask(watcher);
        if in_use == nothing {
            return;
        }
        assert!(since.elapsed() < GONE_MAX, "still in use: {in_use:?}");
    }
}

/// Every hot key can be taken by a session of every shard: no lane is clogged.
fn assert_serves(server: &Server, shards: usize) {
    let mut clients: Vec<ResumingClient> = Vec::new();
    for _ in 0..2 * shards {
        clients.push(ResumingClient::open(server.address));
    }
    let mut homes = BTreeSet::new();
    for client in &mut clients {
        homes.insert(client.session().shard);
        for key in 0..HOT_KEYS {
            let key = format!("hot-{key}");
            let token = client.call(&exclusive(key.as_bytes(), 1, WAIT_TRY)).token();
            assert_eq!(look(client, key.as_bytes()).holders_total, 1);
            let released = client.call(&release(key.as_bytes(), 1, token));
            assert_eq!(released, Answer::Released);
        }
        assert_eq!(client.call(&CLOSE), Answer::Closed);
    }
    assert_eq!(homes.len(), shards, "all shards have sessions: {homes:?}");
}

fn churn(shards: usize) {
    let _context = Context(("shards", shards));
    let server = Setup::new(shards)
        .with("lane-bytes", "128KiB")
        .with("memory", "256MiB")
        .with("sessions", SESSIONS)
        .with("log", "error")
        .start();
    let mut random = Random::seeded(shards as u64);
    let mut watcher = ResumingClient::watch(server.address);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (random, address) = (random.split(), server.address);
            scope.spawn(move || live_and_die(address, random));
        }
    });
    await_nothing(&mut watcher, Instant::now());
    let opened: u64 = counter(&mut watcher, CounterId::SessionsOpened)
        .iter()
        .sum();
    println!("{opened} sessions");
    let most = u64::from(CLIENTS * LIVES) * 3 / 4;
    assert!(opened > most, "{opened} sessions are no churn");
    assert_serves(&server, shards);
    await_nothing(&mut watcher, Instant::now());
}

#[test]
fn leaves_nothing_in_1_shard() {
    churn(1);
}

#[test]
fn leaves_nothing_in_2_shards() {
    churn(2);
}

#[test]
fn leaves_nothing_in_4_shards() {
    churn(4);
}
