//! Two connections resume one session: exactly one of them carries it afterwards.

use crate::support::connection::Connection;
use crate::support::context::Context;
use crate::support::requests::{exclusive, keep};
use crate::support::resuming_client::{ResumingClient, Session, resume};
use crate::support::told::{Answer, assert_held_alone};
use crate::support::{Message, Refused, Server};
use locker_protocol::{GoAwayReason, Status, WAIT_TRY};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;

/// Races of each kind per server.
const RACES: u32 = 60;
/// Seat 9, which the client itself has not come to.
const RENEW_ID: u64 = 1 << 16 | 9;

/// How a resume came out.
enum Outcome {
    Carries(Connection),
    Stale,
}

fn attempt(address: SocketAddr, session: Session, start: &Barrier) -> Outcome {
    let mut connection = Connection::dial(address).unwrap();
    start.wait();
    connection.greet(&resume(session), &[]).unwrap();
    match connection.expect().1 {
        Message::Welcome(hello) => {
            assert_eq!(hello.attach, session.attach);
            assert_eq!(hello.session_id, session.id);
            Outcome::Carries(connection)
        }
        Message::Refused(refusal) => {
            assert_eq!(refusal.status, Status::StaleResume);
            assert_eq!(refusal.value, session.attach.into());
            assert!(refusal.limit >= refusal.value, "{refusal:?}");
            connection.expect_end();
            Outcome::Stale
        }
        other => panic!("a resume is answered otherwise: {other:?}"),
    }
}

/// Both attempts at once, with those attach numbers.
fn race(address: SocketAddr, session: Session, attach: [u32; 2]) -> [Outcome; 2] {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let racers = attach.map(|attach| {
            let session = Session { attach, ..session };
            let start = &start;
            scope.spawn(move || attempt(address, session, start))
        });
        racers.map(|racer| racer.join().unwrap())
    })
}

/// Asks on that very connection whether the session's hold stands.
fn assert_carries(connection: &mut Connection, key: &[u8], token: u64) {
    let mut frame = Vec::new();
    keep(key, 1, token).encode(RENEW_ID, &mut frame);
    connection.send(&frame).unwrap();
    let (id, answer) = connection.expect();
    assert_eq!(id, RENEW_ID);
    assert_eq!(Answer::of(&answer), Some(Answer::Renewed { until: 0 }));
}

/// The connection hears that another one has the session, and ends.
fn assert_taken_over(connection: &mut Connection) {
    let (_, heard) = connection.expect();
    let Message::GoAway(told) = heard else {
        panic!("GoAway, not {heard:?}");
    };
    assert_eq!(told.reason, GoAwayReason::TakenOver);
    connection.expect_end();
}

fn holder(server: &Server, key: &[u8]) -> (ResumingClient, u64) {
    let mut client = ResumingClient::open(server.address);
    let token = client.call(&exclusive(key, 1, WAIT_TRY)).token();
    (client, token)
}

fn equal_attach_numbers(shards: usize) {
    let server = Server::start(shards);
    let mut watcher = ResumingClient::open(server.address);
    for round in 0..RACES {
        let _context = Context(("round", round));
        let key = format!("twin-{round}");
        let (mut client, token) = holder(&server, key.as_bytes());
        let outcomes = race(server.address, client.session(), [1, 1]);
        let mut winner = match outcomes {
            [Outcome::Carries(one), Outcome::Stale] | [Outcome::Stale, Outcome::Carries(one)] => {
                one
            }
            [Outcome::Stale, Outcome::Stale] => panic!("nobody has the session"),
            _ => panic!("both have the session"),
        };
        assert_taken_over(client.connection());
        assert_carries(&mut winner, key.as_bytes(), token);
        assert_held_alone(&mut watcher, key.as_bytes(), token);
    }
}

fn rising_attach_numbers(shards: usize) {
    let server = Server::start(shards);
    let mut watcher = ResumingClient::open(server.address);
    for round in 0..RACES {
        let _context = Context(("round", round));
        let key = format!("twin-{round}");
        let (mut client, token) = holder(&server, key.as_bytes());
        let [lower, higher] = race(server.address, client.session(), [1, 2]);
        let Outcome::Carries(mut winner) = higher else {
            panic!("the greater attach number wins");
        };
        if let Outcome::Carries(mut overtaken) = lower {
            assert_taken_over(&mut overtaken);
        }
        assert_taken_over(client.connection());
        assert_carries(&mut winner, key.as_bytes(), token);
        assert_held_alone(&mut watcher, key.as_bytes(), token);
    }
}

/// The very bytes of a resume that was served come again, on connections that are dealt to every
/// shard.
fn repeated_resume(shards: usize) {
    let server = Server::start(shards);
    let mut watcher = ResumingClient::open(server.address);
    let (mut client, token) = holder(&server, b"again");
    client.reconnect();
    let session = client.session();
    for _ in 0..2 * shards {
        let alone = Barrier::new(1);
        let outcome = attempt(server.address, session, &alone);
        assert!(
            matches!(outcome, Outcome::Stale),
            "an equal attach number is stale"
        );
    }
    let kept = client.call(&keep(b"again", 1, token));
    assert_eq!(
        kept,
        Answer::Renewed { until: 0 },
        "the session is not disturbed"
    );
    assert_held_alone(&mut watcher, b"again", token);
}

/// A wrong secret and an unknown session are refused alike and disturb nobody.
fn wrong_secret(shards: usize) {
    let server = Server::start(shards);
    let (mut client, token) = holder(&server, b"secret");
    let right = client.session();
    let mut wrong = right.secret;
    wrong[15] ^= 1;
    let attempts = [
        (right.id, wrong),
        (right.id ^ 1 << 20, right.secret),
        (right.id ^ 1 << 56, right.secret),
        (u64::MAX, right.secret),
        (0, right.secret),
    ];
    for (id, secret) in attempts {
        let mut connection = Connection::dial(server.address).unwrap();
        let session = Session {
            id,
            secret,
            attach: 7,
            shard: 0,
        };
        connection.greet(&resume(session), &[]).unwrap();
        let answer = Answer::of(&connection.expect().1);
        let refused = Answer::Refused(Refused {
            status: Status::NoSession,
            limit: 0,
            value: 0,
        });
        assert_eq!(answer, Some(refused), "session {id:#x}");
        connection.expect_end();
    }
    let kept = client.call(&keep(b"secret", 1, token));
    assert_eq!(kept, Answer::Renewed { until: 0 });
    assert_eq!(client.resumes(), 0, "its connection was not touched");
}

fn on_all_shard_counts(test: impl Fn(usize)) {
    for shards in [1, 2, 4] {
        let _context = Context(("shards", shards));
        test(shards);
    }
}

#[test]
fn of_two_with_equal_attach_numbers_one_is_stale() {
    on_all_shard_counts(equal_attach_numbers);
}

#[test]
fn of_two_the_greater_attach_number_wins() {
    on_all_shard_counts(rising_attach_numbers);
}

#[test]
fn a_resume_that_comes_again_is_stale() {
    on_all_shard_counts(repeated_resume);
}

#[test]
fn a_resume_without_the_secret_is_refused() {
    on_all_shard_counts(wrong_secret);
}
