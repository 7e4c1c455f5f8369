//! A double of the server: one queue per key, answers at once, and faults when told.
//!
//! It speaks the real protocol, so what the fleet encodes and decodes is what goes over wires.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use locker_protocol::{
    Acquire, Closed, FRAME_BYTES_MAX, GetReply, Granted, HelloOk, Lost, LostReason, Mode,
    OnDisconnect, PREFACE, Pong, RecordList, Refusal, Released, Renewed, Request, Status, U16List,
    split_frame,
};

use crate::nanos::Nanos;

/// How the double misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::load) enum Fault {
    #[default]
    None,
    /// Answers each acquire twice.
    Twice,
    /// Answers an acquire under the id of a request that was never sent.
    WrongId,
    /// Answers acquires as if they were releases.
    WrongKind,
    /// Sends what is no frame.
    Garbage,
    /// Never answers an acquire.
    Mute,
}

#[derive(Debug)]
struct Hold {
    connection: usize,
    owner: u64,
    token: u64,
    mode: Mode,
    until: u64,
}

#[derive(Debug)]
struct Waiter {
    connection: usize,
    id: u64,
    owner: u64,
    mode: Mode,
    limit: u32,
    lease_ms: u32,
    /// When its wait is over.
    until: Nanos,
    wait_ms: u32,
}

#[derive(Debug, Default)]
struct Key {
    holds: Vec<Hold>,
    waiters: VecDeque<Waiter>,
}

impl Key {
    fn admits(&self, mode: Mode, limit: u32) -> bool {
        match mode {
            Mode::Exclusive => self.holds.is_empty(),
            Mode::Shared => self.holds.iter().all(|hold| hold.mode == Mode::Shared),
            Mode::Permit => self.holds.len() < limit as usize,
        }
    }
}

#[derive(Debug, Default)]
struct Peer {
    inbox: Vec<u8>,
    greeted: bool,
    on_disconnect: Option<OnDisconnect>,
}

/// What the double counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::load) struct Seen {
    pub(in crate::load) hellos: u64,
    pub(in crate::load) acquires: u64,
    pub(in crate::load) releases: u64,
    pub(in crate::load) renewals: u64,
    pub(in crate::load) pings: u64,
    pub(in crate::load) gets: u64,
    pub(in crate::load) closes: u64,
    /// Most waiters that a key had.
    pub(in crate::load) waiters_max: usize,
    /// Keys asked for, by the connection that did.
    pub(in crate::load) keys: Vec<(usize, Vec<u8>)>,
    /// Connections in the order of their grants.
    pub(in crate::load) granted: Vec<usize>,
}

/// The double.
#[derive(Debug)]
pub(in crate::load) struct Double {
    pub(in crate::load) fault: Fault,
    pub(in crate::load) seats: u16,
    /// Connections are served by these in turn.
    pub(in crate::load) shards: u16,
    /// Keys that fit.
    pub(in crate::load) keys_max: usize,
    pub(in crate::load) seen: Seen,
    peers: BTreeMap<usize, Peer>,
    keys: BTreeMap<Vec<u8>, Key>,
    tokens: u64,
    now: Nanos,
    /// When waits and leases are over, and some that ended before.
    expiries: BTreeSet<Nanos>,
    /// Frames to be sent, by connection.
    out: Vec<(usize, Vec<u8>)>,
}

impl Double {
    pub(in crate::load) fn new() -> Self {
        Self {
            fault: Fault::None,
            seats: 64,
            shards: 1,
            keys_max: usize::MAX,
            seen: Seen::default(),
            peers: BTreeMap::new(),
            keys: BTreeMap::new(),
            tokens: 0,
            now: Nanos::ZERO,
            expiries: BTreeSet::new(),
            out: Vec::new(),
        }
    }

    /// Takes what is to be sent.
    pub(in crate::load) fn take_out(&mut self) -> Vec<(usize, Vec<u8>)> {
        std::mem::take(&mut self.out)
    }

    /// Keys that are held or waited for.
    pub(in crate::load) fn busy_keys(&self) -> usize {
        self.keys.len()
    }

    pub(in crate::load) fn receive(&mut self, connection: usize, bytes: &[u8], now: Nanos) {
        self.now = now;
        let mut peer = self.peers.remove(&connection).unwrap_or_default();
        peer.inbox.extend_from_slice(bytes);
        let mut at = 0;
        if !peer.greeted && peer.inbox.len() >= PREFACE.len() {
            assert_eq!(peer.inbox[..PREFACE.len()], PREFACE);
            at = PREFACE.len();
        }
        let frame_max = u32::try_from(FRAME_BYTES_MAX).unwrap();
        while let Some((frame, length)) = split_frame(&peer.inbox[at..], frame_max).unwrap() {
            at += length;
            let request = Request::decode(&frame).expect("the fleet keeps to the protocol");
            if let Request::Hello(hello) = &request {
                assert!(!peer.greeted, "one Hello per connection");
                peer.greeted = true;
                peer.on_disconnect = Some(hello.on_disconnect);
            }
            assert!(peer.greeted, "Hello comes first");
            self.serve(connection, frame.header.request_id, &request);
        }
        peer.inbox.drain(..at);
        self.peers.insert(connection, peer);
    }

    /// The connection is gone; in order or not.
    pub(in crate::load) fn disconnected(&mut self, connection: usize, in_order: bool) {
        let Some(peer) = self.peers.remove(&connection) else {
            return;
        };
        if in_order && peer.on_disconnect == Some(OnDisconnect::Release) {
            self.end_session(connection);
        }
    }

    /// A session ends, as by its TTL: its holds and waiters are gone.
    pub(in crate::load) fn end_session(&mut self, connection: usize) {
        let names: Vec<Vec<u8>> = self.keys.keys().cloned().collect();
        for name in names {
            let key = self.keys.get_mut(&name).unwrap();
            key.holds.retain(|hold| hold.connection != connection);
            key.waiters.retain(|waiter| waiter.connection != connection);
            self.grant(&name);
        }
    }

    /// Ends what is due: waits and leases.
    pub(in crate::load) fn expire(&mut self, now: Nanos) {
        self.now = now;
        if self.next_expiry() > now {
            return;
        }
        self.expiries = self.expiries.split_off(&(now + Nanos(1)));
        let names: Vec<Vec<u8>> = self.keys.keys().cloned().collect();
        let us = now.0 / 1_000;
        for name in names {
            let key = self.keys.get_mut(&name).unwrap();
            let (late, left): (VecDeque<_>, VecDeque<_>) = key
                .waiters
                .drain(..)
                .partition(|waiter| waiter.until <= now);
            key.waiters = left;
            let (ended, holds): (Vec<_>, Vec<_>) = key
                .holds
                .drain(..)
                .partition(|hold| hold.until != 0 && hold.until <= us);
            key.holds = holds;
            for waiter in late {
                self.refuse(waiter.connection, waiter.id, Status::Timeout, Acquire::OP);
            }
            for hold in ended {
                let mut frame = Vec::new();
                let lost = Lost {
                    token: hold.token,
                    owner: hold.owner,
                    reason: LostReason::Lease,
                    key: &name,
                };
                lost.encode(&mut frame);
                self.out.push((hold.connection, frame));
            }
            self.grant(&name);
        }
    }

    /// When something is due.
    pub(in crate::load) fn next_expiry(&self) -> Nanos {
        let next = self.expiries.first().copied();
        next.unwrap_or(Nanos::FOREVER)
    }

    fn expires(&mut self, at: Nanos) {
        if at != Nanos::FOREVER {
            self.expiries.insert(at);
        }
    }

    fn server_now(&self) -> u64 {
        self.now.0 / 1_000
    }

    fn send(&mut self, connection: usize, encode: impl Fn(&mut Vec<u8>)) {
        let mut frame = Vec::new();
        encode(&mut frame);
        self.out.push((connection, frame));
    }

    fn refuse(&mut self, connection: usize, id: u64, status: Status, op: u8) {
        let refusal = Refusal {
            status,
            limit: 0,
            value: 0,
            detail: "",
        };
        self.send(connection, |out| refusal.encode(op | 0x80, id, out));
    }

    fn serve(&mut self, connection: usize, id: u64, request: &Request<'_>) {
        let server_now = self.server_now();
        match request {
            Request::Hello(_) => self.hello(connection, id),
            Request::Ping(_) => {
                self.seen.pings += 1;
                self.send(connection, |out| Pong { server_now }.encode(id, out));
            }
            Request::Close(_) => {
                self.seen.closes += 1;
                self.end_session(connection);
                self.send(connection, |out| Closed.encode(id, out));
            }
            Request::Acquire(acquire) => self.acquire(connection, id, acquire),
            Request::Release(release) => {
                self.seen.releases += 1;
                let is_held = self.take(connection, release.key, release.owner, release.token);
                match is_held {
                    true => self.send(connection, |out| Released.encode(id, out)),
                    false => self.refuse(connection, id, Status::NotHeld, 0x12),
                }
                self.grant(release.key);
            }
            Request::Renew(renew) => {
                self.seen.renewals += 1;
                let until = self.until(renew.lease_ms);
                let holds = self.keys.get_mut(renew.key).map(|key| &mut key.holds);
                let mut holds = holds.into_iter().flatten();
                let hold = holds.find(|hold| {
                    (hold.connection, hold.owner, hold.token)
                        == (connection, renew.owner, renew.token)
                });
                match hold {
                    Some(hold) => {
                        hold.until = until;
                        let renewed = Renewed { until, server_now };
                        self.send(connection, |out| renewed.encode(id, out));
                    }
                    None => self.refuse(connection, id, Status::NotHeld, 0x13),
                }
            }
            Request::Get(_) => {
                self.seen.gets += 1;
                self.send(connection, |out| empty_reply(server_now).encode(id, out));
            }
            other => panic!("the fleet does not ask {other:?}"),
        }
    }

    fn until(&mut self, lease_ms: u32) -> u64 {
        if lease_ms == 0 {
            return 0;
        }
        let until = self.server_now() + u64::from(lease_ms) * 1_000;
        self.expires(Nanos(until * 1_000));
        until
    }

    fn hello(&mut self, connection: usize, id: u64) {
        self.seen.hellos += 1;
        let shard = u16::try_from(connection).unwrap() % self.shards;
        let ok = HelloOk {
            version: 1,
            ephemeral: false,
            admin: true,
            resumed: false,
            draining: false,
            shard,
            shards: self.shards,
            seats: self.seats,
            features: 0,
            server_id: [0; 16],
            run: 1,
            session_id: self.seen.hellos,
            secret: [0; 16],
            attach: 0,
            ttl_ms: 10_000,
            keepalive_ms: 3_333,
            grace_left_ms: 0,
            server_now: self.server_now(),
            margin_permille: 10,
            margin_ms: 2,
            frame_max: 65_536,
            key_max: 256,
            metadata_max: 256,
            lease_min_ms: 10,
            lease_max_ms: u32::MAX,
            ports: U16List::from_bytes(&[]),
        };
        self.send(connection, |out| ok.encode(id, out));
    }

    fn acquire(&mut self, connection: usize, id: u64, acquire: &Acquire<'_>) {
        self.seen.acquires += 1;
        self.seen.keys.push((connection, acquire.key.to_vec()));
        match self.fault {
            Fault::Mute => return,
            Fault::WrongKind => {
                let renewed = Renewed {
                    until: 0,
                    server_now: 0,
                };
                self.send(connection, |out| renewed.encode(id, out));
                return;
            }
            Fault::Garbage => {
                self.send(connection, |out| out.extend_from_slice(&[0xEE; 40]));
                return;
            }
            _ => {}
        }
        if !self.keys.contains_key(acquire.key) && self.keys.len() >= self.keys_max {
            self.refuse(connection, id, Status::TableFull, Acquire::OP);
            return;
        }
        let wait = match acquire.wait_ms {
            u32::MAX => Nanos::FOREVER,
            ms => self.now + Nanos::from_ms(u64::from(ms)),
        };
        if acquire.wait_ms > 0 {
            self.expires(wait);
        }
        let key = self.keys.entry(acquire.key.to_vec()).or_default();
        key.waiters.push_back(Waiter {
            connection,
            id,
            owner: acquire.owner,
            mode: acquire.mode,
            limit: acquire.limit,
            lease_ms: acquire.lease_ms,
            until: wait,
            wait_ms: acquire.wait_ms,
        });
        self.grant(acquire.key);
        let Some(key) = self.keys.get_mut(acquire.key) else {
            return;
        };
        if key.waiters.back().is_some_and(|waiter| waiter.wait_ms == 0) {
            key.waiters.pop_back();
            self.refuse(connection, id, Status::Timeout, Acquire::OP);
            return;
        }
        self.seen.waiters_max = self.seen.waiters_max.max(key.waiters.len());
    }

    /// Grants from the head what can be granted.
    fn grant(&mut self, name: &[u8]) {
        loop {
            let Some(key) = self.keys.get_mut(name) else {
                return;
            };
            if key.holds.is_empty() && key.waiters.is_empty() {
                self.keys.remove(name);
                return;
            }
            let admits = |waiter: &Waiter| key.admits(waiter.mode, waiter.limit);
            if !key.waiters.front().is_some_and(admits) {
                return;
            }
            let waiter = key.waiters.pop_front().unwrap();
            self.tokens += 1;
            let (token, server_now) = (self.tokens, self.server_now());
            let until = self.until(waiter.lease_ms);
            let key = self.keys.get_mut(name).unwrap();
            key.holds.push(Hold {
                connection: waiter.connection,
                owner: waiter.owner,
                token,
                mode: waiter.mode,
                until,
            });
            self.seen.granted.push(waiter.connection);
            let granted = Granted {
                token,
                until,
                server_now,
            };
            let id = match self.fault {
                Fault::WrongId => waiter.id + (7 << 16),
                _ => waiter.id,
            };
            self.send(waiter.connection, |out| granted.encode(id, out));
            if self.fault == Fault::Twice {
                self.send(waiter.connection, |out| granted.encode(id, out));
            }
        }
    }

    /// Ends a hold; whether there was one.
    fn take(&mut self, connection: usize, key: &[u8], owner: u64, token: u64) -> bool {
        let Some(key) = self.keys.get_mut(key) else {
            return false;
        };
        let held = key.holds.iter().position(|hold| {
            let is_token = hold.token == token || token == 0;
            hold.connection == connection && hold.owner == owner && is_token
        });
        held.map(|index| key.holds.remove(index)).is_some()
    }
}

fn empty_reply<'a>(server_now: u64) -> GetReply<'a> {
    GetReply {
        server_now,
        mode: None,
        closed: false,
        grace: false,
        limit: 0,
        permits_used: 0,
        holders_total: 0,
        waiters_total: 0,
        closed_ms: 0,
        holders: RecordList::from_records(&[], 0),
        waiters: RecordList::from_records(&[], 0),
    }
}
