//! Before a peer is measured: it answers, and its locks exclude. A figure of something that is no
//! lock would be worth nothing. Shell.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::compare::contestant::Peer;
use crate::compare::dialect::{Dialect, Outcome};
use crate::compare::peers::echo::Echo;
use crate::compare::peers::etcd::Etcd;
use crate::compare::peers::locker::Locker;
use crate::compare::peers::memcached::Memcached;
use crate::compare::peers::postgres::Postgres;
use crate::compare::peers::redis::{Redis, RedisPing};
use crate::net::address::Address;

use super::talk::Talk;

/// How long a server that takes connections may refuse to talk.
const GREETING_PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
/// An acquire without an answer for so long waits.
const WAITING: Duration = Duration::from_millis(100);
/// No load asks for this key.
const KEY: u32 = 95_000_000;
/// Numbers of the two connections, which no load has.
const NUMBERS: [u32; 2] = [900_001, 900_002];

/// Takes a lock on one connection, fails to on another, and takes it there once it is released.
///
/// # Errors
/// What did not go as it should.
pub(super) fn prove(peer: Peer, addresses: &[Address]) -> Result<(), String> {
    match peer {
        Peer::Locker
        | Peer::LockerLease
        | Peer::LockerShards
        | Peer::LockerAware
        | Peer::LockerUnix => excludes(addresses, |_| Locker::new(1, 0)),
        Peer::Redis => excludes(addresses, |number| Redis::new(number, 1)),
        Peer::Memcached => excludes(addresses, |_| Memcached::new(1)),
        Peer::Etcd => excludes(addresses, |number| Etcd::new(number, 1)),
        Peer::Postgres => excludes(addresses, |_| Postgres::new(1)),
        Peer::EchoDriver | Peer::EchoEpoll => answers(addresses, |_| Echo::new(1)),
        Peer::RedisPing => answers(addresses, |_| RedisPing::new(1)),
    }
}

fn excludes<D: Dialect>(addresses: &[Address], dialect: impl Fn(u32) -> D) -> Result<(), String> {
    let failed = |error: io::Error| format!("a lock was asked for: {error}");
    let mut one = begin(&addresses[0], || dialect(NUMBERS[0]))?;
    let mut other = begin(last(addresses), || dialect(NUMBERS[1]))?;
    expect(
        "a free lock",
        one.acquire(KEY).map_err(failed)?,
        Outcome::Got,
    )?;
    let waits = other.acquire_within(KEY, WAITING).map_err(failed)?;
    if let Some(outcome) = &waits {
        expect("a held lock", outcome.clone(), Outcome::NotGot)?;
    }
    expect(
        "its release",
        one.release(KEY).map_err(failed)?,
        Outcome::Released,
    )?;
    let got = match waits {
        Some(_) => other.acquire(KEY),
        None => other.answer(),
    };
    expect(
        "a lock that was released",
        got.map_err(failed)?,
        Outcome::Got,
    )?;
    expect(
        "its release",
        other.release(KEY).map_err(failed)?,
        Outcome::Released,
    )
}

fn answers<D: Dialect>(addresses: &[Address], dialect: impl Fn(u32) -> D) -> Result<(), String> {
    let mut talk = begin(&addresses[0], || dialect(NUMBERS[0]))?;
    let outcome = talk.acquire(KEY).map_err(|error| error.to_string())?;
    expect("a frame", outcome, Outcome::Got)
}

/// Of several addresses of one server the last, so that two connections go by different ways.
fn last(addresses: &[Address]) -> &Address {
    addresses.last().expect("a server has an address")
}

/// Greets, again and again while the server is starting up.
fn begin<D: Dialect>(address: &Address, dialect: impl Fn() -> D) -> Result<Talk<D>, String> {
    let began = Instant::now();
    loop {
        match Talk::begin(address, dialect()) {
            Ok(talk) => return Ok(talk),
            Err(error) if began.elapsed() >= GREETING_PATIENCE => {
                return Err(format!("the greeting is not answered: {error}"));
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn expect(what: &str, outcome: Outcome, expected: Outcome) -> Result<(), String> {
    match outcome == expected {
        true => Ok(()),
        false => Err(format!("{what}: {outcome:?} instead of {expected:?}")),
    }
}
