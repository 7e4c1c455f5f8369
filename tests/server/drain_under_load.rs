//! SIGTERM amid a crowd of clients that ask, wait and hold: each hears that the server goes, and it
//! is gone soon after the bound.

use crate::support::connection::{Connection, Heard};
use crate::support::random::Random;
use crate::support::requests::{exclusive, release};
use crate::support::resuming_client::{Opening, open};
use crate::support::{Message, Setup, on_1_2_and_4_shards};
use locker_protocol::{GoAwayReason, RequestId, Status, TOKEN_ANY, WAIT_FOREVER, WAIT_TRY};
use rustix::process::Signal;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Clients at a time.
const CLIENTS: usize = 16;
/// Keys that they all want.
const KEYS: u64 = 6;
/// Answers that must have come before the server is told to go.
const ANSWERS_MIN: u32 = 2_000;
/// The bound of the drain, and how much later the process may be gone.
const BOUND: Duration = Duration::from_secs(1);
const LATE_MAX: Duration = Duration::from_secs(4);

on_1_2_and_4_shards!(everybody_is_told_and_the_server_goes);

/// What a client heard of the end.
#[derive(Debug, Default)]
struct End {
    go_aways: u32,
    ended: bool,
}

/// Asks without end on one connection, until the server ends it.
fn ask_on(address: SocketAddr, mut random: Random, answers: &AtomicU32) -> End {
    let mut end = End::default();
    let mut connection = Connection::dial(address).unwrap();
    connection.greet(&open(Opening::default()), &[]).unwrap();
    let mut sequence = 0;
    loop {
        sequence += 1;
        let key = format!("key-{}", random.below(KEYS));
        let wait_ms = [WAIT_TRY, WAIT_FOREVER][usize::from(random.below(4) == 0)];
        let [seat, other] = [0, 1].map(|nth| u16::try_from(sequence % 30 * 2 + nth).unwrap());
        let mut bytes = Vec::new();
        let id = |seat| RequestId { seat, sequence }.pack();
        exclusive(key.as_bytes(), sequence, wait_ms).encode(id(seat), &mut bytes);
        release(key.as_bytes(), sequence, TOKEN_ANY).encode(id(other), &mut bytes);
        let _ = connection.send(&bytes);
        loop {
            match connection.next(Duration::from_millis(1)) {
                Heard::Message(_, Message::GoAway(told)) => {
                    assert_eq!(told.reason, GoAwayReason::Restart);
                    end.go_aways += 1;
                }
                Heard::Message(_, Message::Refused(refused)) => {
                    let fine = [Status::Timeout, Status::NotHeld, Status::Draining];
                    let seat_waits = refused.status == Status::BadRequestId;
                    assert!(seat_waits || fine.contains(&refused.status), "{refused:?}");
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                Heard::Message(..) => {
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                Heard::Silence => break,
                Heard::End => {
                    end.ended = true;
                    return end;
                }
            }
        }
    }
}

fn everybody_is_told_and_the_server_goes(shards: usize) {
    let mut server = Setup::new(shards)
        .with("drain", &format!("{}ms", BOUND.as_millis()))
        .start();
    let mut random = Random::seeded(shards as u64);
    let answers = AtomicU32::new(0);
    thread::scope(|scope| {
        let clients = [(); CLIENTS].map(|()| {
            let (random, address, answers) = (random.split(), server.address, &answers);
            scope.spawn(move || ask_on(address, random, answers))
        });
        while answers.load(Ordering::Relaxed) < ANSWERS_MIN {
            thread::yield_now();
        }
        let since = Instant::now();
        server.signal(Signal::TERM);
        let status = server.wait();
        let took = since.elapsed();
        assert!(status.success(), "{status}\n{}", server.log());
        assert!(took < BOUND + LATE_MAX, "gone after {took:?}");
        for client in clients {
            let end = client.join().unwrap();
            assert!(end.ended && end.go_aways == 1, "{end:?}");
        }
    });
}
