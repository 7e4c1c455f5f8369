//! A server of some shards in memory: clients' bytes in, frames out, time by hand.

use crate::lock::input::Peer;
use crate::lock::op::ShardId;
use crate::lock::{EngineConfig, TokenSource};
use crate::shard::io::{ConnectionId, FromControl, Reading, ToControl};
use crate::shard::machine::{Machine, NextTurn};
use crate::shard::tests::fake_io::FakeIo;
use crate::shard::{Core, CoreConfig};
use crate::time::{Instant, Millis};
use locker_protocol::{
    FromServer, Hello, HelloAction, HelloOk, OnDisconnect, PREFACE, Reply, RequestId, VERSION,
    split_frame,
};
use std::collections::BTreeMap;

/// A client's connection, wherever its socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link(pub(super) usize);

struct LinkState {
    at: Option<(usize, ConnectionId)>,
    peer: Peer,
    /// Sent by the client, not yet taken by a core.
    sent: Vec<u8>,
    /// Bytes that were offered and not taken: they are offered again with more, or once the
    /// connection is read again.
    left: Option<usize>,
    /// Came back, not yet looked at.
    received: Vec<u8>,
}

pub(super) struct Shard {
    pub(super) core: Core,
    pub(super) io: FakeIo,
    links: BTreeMap<u32, Link>,
    words: Vec<FromControl>,
    pub(super) next: NextTurn,
    slots: u32,
    generation: u32,
}

pub(super) struct Bench {
    pub(super) shards: Vec<Shard>,
    links: Vec<LinkState>,
    pub(super) now: Instant,
    /// Answers of the control thread come by themselves.
    pub(super) obliging: bool,
    /// A connection arrived since the last look.
    arrived: bool,
}

/// What a bench is made of, where tests differ.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) shards: u16,
    pub(super) lane_bytes: usize,
    pub(super) sessions: u32,
    pub(super) connections: u32,
    pub(super) seats: u16,
    pub(super) blocks: u32,
    pub(super) key_bytes_max: u16,
    pub(super) ttl_durable: Millis,
    pub(super) ttl_max: Millis,
    pub(super) ttl_default: Millis,
    pub(super) grace_until: Option<Instant>,
    pub(super) ephemeral: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            shards: 1,
            lane_bytes: 128 * 1024,
            sessions: 16,
            connections: 32,
            seats: 8,
            blocks: 1_024,
            key_bytes_max: 256,
            ttl_durable: Millis(3_600_000),
            ttl_max: Millis(3_600_000),
            ttl_default: Millis(10_000),
            grace_until: None,
            ephemeral: false,
        }
    }
}

pub(super) fn core_config(setup: &Setup, shard: u8) -> CoreConfig {
    CoreConfig {
        shard: ShardId(shard),
        shards: setup.shards,
        connections_max: setup.connections,
        sessions_max: setup.sessions,
        seats: setup.seats,
        lane_bytes: setup.lane_bytes,
        key_bytes_max: setup.key_bytes_max,
        metadata_bytes_max: 64,
        frame_bytes_max: 4_096,
        lease_min: Millis(10),
        lease_max: Millis(86_400_000),
        ttl_default: setup.ttl_default,
        ttl_max: setup.ttl_max,
        ttl_durable: setup.ttl_durable,
        ephemeral: setup.ephemeral,
        server_id: [9; 16],
        run: 5,
        floor: 3,
        grace_until: setup.grace_until,
        grace: Millis(setup.grace_until.map_or(0, |_| 9_000)),
        ports: vec![7_001; usize::from(setup.shards)],
    }
}

pub(super) fn engine_config(setup: &Setup, shard: u8, now: Instant) -> EngineConfig {
    EngineConfig {
        shard: ShardId(shard),
        shards: setup.shards,
        sessions_per_shard: setup.sessions,
        blocks: setup.blocks,
        block_bytes: 128,
        waiters_max: setup.blocks,
        key_waiters_max: setup.blocks,
        seed: [1, 2],
        tokens: TokenSource::epoch(5),
        grace_until: setup.grace_until,
        now,
    }
}

impl Bench {
    pub(super) fn new(setup: &Setup) -> Self {
        let now = Instant(1_000_000);
        let shard = |index: u16| {
            let index = u8::try_from(index).unwrap();
            let engine = engine_config(setup, index, now);
            Shard {
                core: Core::new(core_config(setup, index), engine).unwrap(),
                io: FakeIo::new(setup.shards, setup.lane_bytes),
                links: BTreeMap::new(),
                words: Vec::new(),
                next: NextTurn::default(),
                slots: setup.connections,
                generation: 0,
            }
        };
        Self {
            shards: (0..setup.shards).map(shard).collect(),
            links: Vec::new(),
            now,
            obliging: true,
            arrived: false,
        }
    }

    pub(super) fn one() -> Self {
        Self::new(&Setup::default())
    }

    /// A fresh connection to a shard.
    pub(super) fn connect_to(&mut self, shard: usize, admin: bool) -> Link {
        let peer = Peer {
            port: 1_000,
            ..Peer::default()
        };
        self.connect_from(peer, shard, admin)
    }

    /// A fresh connection of a client at some address.
    pub(super) fn connect_from(&mut self, peer: Peer, shard: usize, admin: bool) -> Link {
        let link = Link(self.links.len());
        self.links.push(LinkState {
            at: None,
            peer,
            sent: Vec::new(),
            left: None,
            received: Vec::new(),
        });
        self.arrive(link, shard, admin);
        link
    }

    fn arrive(&mut self, link: Link, index: usize, admin: bool) {
        let shard = &mut self.shards[index];
        let slot = (0..shard.slots).find(|slot| !shard.links.contains_key(slot));
        shard.generation += 1;
        let id = ConnectionId {
            slot: slot.expect("a connection slot is free"),
            generation: shard.generation,
        };
        shard.links.insert(id.slot, link);
        shard.io.reading.insert(id.slot, Reading::Single);
        let peer = self.links[link.0].peer;
        shard.core.connected(id, peer, admin, &mut shard.io);
        self.links[link.0].at = Some((index, id));
        self.arrived = true;
    }

    pub(super) fn send(&mut self, link: Link, bytes: &[u8]) {
        self.links[link.0].sent.extend_from_slice(bytes);
    }

    /// The client, or the network, ends the connection.
    pub(super) fn drop_link(&mut self, link: Link, orderly: bool) {
        if let Some((shard, id)) = self.links[link.0].at.take() {
            let shard = &mut self.shards[shard];
            shard.links.remove(&id.slot);
            shard.io.corked.remove(&id.slot);
            shard.core.disconnected(id, orderly, &mut shard.io);
        }
    }

    pub(super) fn is_open(&self, link: Link) -> bool {
        self.links[link.0].at.is_some()
    }

    pub(super) fn is_paused(&self, link: Link) -> bool {
        self.links[link.0].at.is_some_and(|(shard, id)| {
            self.shards[shard].io.reading.get(&id.slot) == Some(&Reading::Paused)
        })
    }

    /// The core expects more output on the connection soon.
    pub(super) fn is_corked(&self, link: Link) -> bool {
        let (shard, id) = self.links[link.0].at.unwrap();
        self.shards[shard].io.corked.contains(&id.slot)
    }

    pub(super) fn shard_of(&self, link: Link) -> Option<usize> {
        self.links[link.0].at.map(|(shard, _)| shard)
    }

    /// The client's socket takes no more output, or does again.
    pub(super) fn set_full(&mut self, link: Link, full: bool) {
        let (shard, id) = self.links[link.0].at.unwrap();
        self.links[link.0].left = None;
        let set = &mut self.shards[shard].io.full;
        if full {
            set.insert(id.slot);
        } else {
            set.remove(&id.slot);
        }
    }

    pub(super) fn tell(&mut self, shard: usize, word: FromControl) {
        self.shards[shard].words.push(word);
    }

    /// One turn of a shard that takes at most `messages` from each lane.
    pub(super) fn turn(&mut self, index: usize, messages: usize) {
        let mut lanes = Vec::new();
        for from in 0..self.shards.len() {
            let lane = &mut self.shards[from].io.lanes[index];
            for _ in 0..messages {
                let Some(message) = lane.take() else { break };
                lanes.push((ShardId(u8::try_from(from).unwrap()), message));
            }
        }
        let now = self.now;
        let shard = &mut self.shards[index];
        shard.core.turn_begin(now, &mut shard.io);
        for (slot, link) in shard.links.clone() {
            let (_, id) = self.links[link.0].at.unwrap();
            let reading = shard.io.reading[&slot];
            let LinkState { sent, left, .. } = &mut self.links[link.0];
            let nothing_new = sent.is_empty() || *left == Some(sent.len());
            if reading == Reading::Paused || nothing_new {
                continue;
            }
            let taken = shard.core.received(id, sent, &mut shard.io);
            sent.drain(..taken);
            *left = Some(sent.len());
        }
        for (from, message) in lanes {
            shard.core.lane_message(from, &message, &mut shard.io);
        }
        for word in std::mem::take(&mut shard.words) {
            shard.core.control(word, &mut shard.io);
        }
        shard.next = shard.core.turn_end(&mut shard.io);
        self.collect(index);
    }

    fn collect(&mut self, index: usize) {
        let shard = &mut self.shards[index];
        for (slot, bytes) in std::mem::take(&mut shard.io.written) {
            if let Some(link) = shard.links.get(&slot) {
                self.links[link.0].received.extend(bytes);
            }
        }
        for slot in std::mem::take(&mut shard.io.resumed) {
            if let Some(link) = shard.links.get(&slot) {
                self.links[link.0].left = None;
            }
        }
        for (slot, _) in std::mem::take(&mut shard.io.closed) {
            if let Some(link) = shard.links.remove(&slot) {
                self.links[link.0].at = None;
            }
        }
        if self.obliging {
            for ask in std::mem::take(&mut shard.io.control) {
                if let ToControl::RaiseBound { ttl_ms } = ask {
                    shard.words.push(FromControl::BoundRaised { ttl_ms });
                }
            }
        }
        for (id, to, bytes) in std::mem::take(&mut shard.io.handed_over) {
            let link = self.shards[index].links.remove(&id.slot).unwrap();
            let rest = std::mem::replace(&mut self.links[link.0].sent, bytes);
            self.links[link.0].sent.extend(rest);
            self.links[link.0].left = None;
            self.arrive(link, usize::from(to.0), true);
        }
    }

    /// Turns until nothing moves any more; time stands still.
    pub(super) fn settle(&mut self) {
        for _ in 0..1_000 {
            for index in 0..self.shards.len() {
                self.turn(index, usize::MAX);
            }
            let quiet = self.shards.iter().all(|shard| {
                let lanes_empty = shard.io.lanes.iter().all(|lane| lane.messages.is_empty());
                lanes_empty && !shard.next.more && shard.words.is_empty()
            });
            if quiet && !std::mem::take(&mut self.arrived) {
                return;
            }
        }
        panic!("the server never comes to rest");
    }

    /// Lets time pass in steps of 10 ms, turning each.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now.0 + ms * 1_000;
        while self.now.0 < until {
            self.now = Instant((self.now.0 + 10_000).min(until));
            self.settle();
        }
    }

    /// The frames that came back, each once: (request id, message).
    pub(super) fn frames(&mut self, link: Link) -> Vec<(u64, Vec<u8>)> {
        let bytes = std::mem::take(&mut self.links[link.0].received);
        let mut rest = bytes.as_slice();
        let mut frames = Vec::new();
        while let Some((frame, length)) = split_frame(rest, u32::MAX).unwrap() {
            FromServer::decode(&frame).expect("the server speaks the protocol");
            frames.push((frame.header.request_id, rest[..length].to_vec()));
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "the server writes whole frames");
        frames
    }

    /// What came back, as text that tests compare.
    pub(super) fn heard(&mut self, link: Link) -> Vec<String> {
        let shown = |frame: &Vec<u8>| match parse(frame) {
            FromServer::Reply(reply) => format!("{reply:?}"),
            FromServer::Push(push) => format!("{push:?}"),
        };
        self.frames(link)
            .iter()
            .map(|(_, frame)| shown(frame))
            .collect()
    }

    /// Opens a session on a fresh connection and tells its id and secret.
    pub(super) fn open(&mut self, shard: usize) -> Client {
        let link = self.connect_to(shard, true);
        self.send(link, &greeting(&hello()));
        self.settle();
        let frames = self.frames(link);
        let ok = hello_ok(&frames[0].1);
        Client {
            link,
            session: ok.session_id,
            secret: ok.secret,
        }
    }
}

/// A client with an open session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) link: Link,
    pub(super) session: u64,
    pub(super) secret: [u8; 16],
}

impl Client {
    pub(super) fn resume(&self, attach: u32) -> Vec<u8> {
        greeting(&Hello {
            action: HelloAction::Resume,
            session_id: self.session,
            secret: self.secret,
            attach,
            ..hello()
        })
    }
}

pub(super) fn parse(frame: &[u8]) -> FromServer<'_> {
    let (frame, _) = split_frame(frame, u32::MAX).unwrap().unwrap();
    FromServer::decode(&frame).unwrap()
}

pub(super) fn hello_ok(frame: &[u8]) -> HelloOk<'_> {
    match parse(frame) {
        FromServer::Reply(Reply::HelloOk(ok)) => ok,
        other => panic!("expected HelloOk, got {other:?}"),
    }
}

pub(super) fn hello() -> Hello<'static> {
    Hello {
        version_min: VERSION,
        version_max: VERSION,
        action: HelloAction::Open,
        on_disconnect: OnDisconnect::Grace,
        ttl_ms: 0,
        features: 0,
        session_id: 0,
        secret: [0; 16],
        attach: 0,
        reclaiming: false,
        group: [0; 16],
        name: "worker",
        library: "test",
    }
}

pub(super) fn greeting(hello: &Hello<'_>) -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    hello.encode(1 << 16, &mut bytes);
    bytes
}

/// The id of the request on that seat with that sequence.
pub(super) fn id(seat: u16, sequence: u64) -> u64 {
    RequestId { seat, sequence }.pack()
}
