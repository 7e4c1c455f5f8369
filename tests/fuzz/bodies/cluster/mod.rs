//! A server of some shards, and clients that send anything: whole requests, cut ones, sent twice,
//! and bytes that are none. The fuzz target `cluster`.
//!
//! - The core never panics, and what it writes is well formed.
//! - It asks for the room of a lane before it uses it, and moves a socket only while it may.
//! - One honest client keeps its lock, whatever the others do (those on admin listeners may force
//!   locks, but not that one), and gives it back in the end.
//! - When all have gone and all times have passed, no session, lock, waiter or block is left, and
//!   no answer is awaited by any shard.

mod asks;
mod io;

use super::feed::Feed;
use asks::{Known, framed, greeting, plain};
use io::Shell;
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::lock::{EngineConfig, TokenSource};
use locker::shard::io::{ConnectionId, FromControl, Reading, ToControl};
use locker::shard::machine::{HEAD_BYTES, Machine, NextTurn};
use locker::shard::{Core, CoreConfig};
use locker::time::{Instant, Millis};
use locker_protocol::{
    Acquire, CounterId, FromServer, HelloAction, Mode, Ping, Reply, Request, RequestId, Stats,
    split_frame,
};
use std::collections::BTreeMap;

/// Connection slots of a shard, and links at most.
const SLOTS: u32 = 12;
const LINKS_MAX: usize = 10;
const SEATS: u16 = 8;
const SESSIONS: u32 = 6;
/// Tokens and sessions that are remembered.
const KNOWN_MAX: usize = 16;
/// The longest TTL; the wheel goes 50 ms a turn.
const TTL_MS_MAX: u32 = 1_000;
/// A turn's time while everything ends.
const STEP_US: u64 = 50_000;
/// Turns until all times have passed: TTL, a forced hold's delay of a TTL more, waits.
const TURNS_TO_THE_END: u32 = 80;
/// The honest client's own key.
const SAFE: &[u8] = b"the honest client's";

/// Runs the script.
///
/// # Panics
/// If a promise is broken.
pub(crate) fn run(bytes: &[u8]) {
    let mut feed = Feed(bytes);
    let mut server = Server::new(&mut feed);
    let honest = server.honest(&mut feed);
    while !feed.is_empty() {
        server.act(&mut feed);
    }
    server.end(honest);
}

/// A client's connection, wherever its socket is.
struct Link {
    at: Option<(usize, ConnectionId)>,
    admin: bool,
    /// Sent by the client, not yet taken by a core.
    sent: Vec<u8>,
    /// How much of that has arrived.
    arrived: usize,
    /// Offered and not taken: offered again with more, or once the connection is read again.
    left: Option<usize>,
    received: Vec<u8>,
    sequences: [u64; SEATS as usize + 1],
}

struct Shard {
    core: Core,
    shell: Shell,
    links: BTreeMap<u32, usize>,
    words: Vec<FromControl>,
    next: NextTurn,
    generation: u32,
}

struct Server {
    shards: Vec<Shard>,
    links: Vec<Link>,
    now: Instant,
    known: Vec<Known>,
    tokens: Vec<u64>,
    /// What the control thread was asked and has not answered.
    asked: Vec<(usize, ToControl)>,
    epochs: u32,
    drained: bool,
    /// The honest client has its lock.
    honest_is_in: bool,
    /// Released answers to the honest client.
    released: u32,
    /// The counters of the last pages.
    stats: BTreeMap<u16, u64>,
}

struct Honest {
    link: usize,
    token: u64,
}

impl Server {
    fn new(feed: &mut Feed<'_>) -> Self {
        let shards = feed.pick(&[1, 2, 2, 3]);
        let lane_bytes = feed.pick(&[32 * 1024, 18 * 1024, 8_192, 4_096]);
        let grace = feed.below(4) == 0;
        let now = Instant(1_000_000);
        let grace_until = grace.then_some(Instant(now.0 + 300_000));
        let ttl_durable = Millis(feed.pick(&[TTL_MS_MAX, 0]));
        let shard = |index: u8| {
            let engine = EngineConfig {
                shard: ShardId(index),
                shards,
                sessions_per_shard: SESSIONS,
                blocks: 48,
                block_bytes: 128,
                waiters_max: 20,
                key_waiters_max: 12,
                seed: [1, 2],
                tokens: TokenSource::epoch(5 + u32::from(index)),
                grace_until,
                now,
            };
            let config = core_config(index, shards, lane_bytes, ttl_durable, grace_until);
            Shard {
                core: Core::new(config, engine).expect("a few blocks can be had"),
                shell: Shell::new(index, shards, lane_bytes),
                links: BTreeMap::new(),
                words: Vec::new(),
                next: NextTurn::default(),
                generation: 0,
            }
        };
        Self {
            shards: (0..u8::try_from(shards).expect("few")).map(shard).collect(),
            links: Vec::new(),
            now,
            known: Vec::new(),
            tokens: Vec::new(),
            asked: Vec::new(),
            epochs: 100,
            drained: false,
            honest_is_in: false,
            released: 0,
            stats: BTreeMap::new(),
        }
    }

    /// One client that opens a session and takes a lock before the others come.
    fn honest(&mut self, feed: &mut Feed<'_>) -> Honest {
        let shard = feed.below(self.shards.len());
        let link = self.connect(shard, false);
        self.send(link, &framed(&plain(HelloAction::Open)));
        for shard in &mut self.shards {
            // Before the window's end nobody is granted.
            shard.words.push(FromControl::WindowOver);
        }
        let acquire = Request::Acquire(Acquire {
            owner: 1,
            wait_ms: u32::MAX,
            lease_ms: 0,
            permits: 0,
            limit: 0,
            mode: Mode::Exclusive,
            resize: false,
            key: SAFE,
            metadata: b"",
        });
        self.settle();
        self.ask(link, &acquire, 1);
        self.settle();
        // What it heard is nobody else's business.
        self.known.clear();
        let token = self.tokens.pop().expect("the first acquire is granted");
        self.honest_is_in = true;
        Honest { link, token }
    }

    fn ask(&mut self, link: usize, request: &Request<'_>, sequence: u64) {
        let id = RequestId { seat: 0, sequence };
        let mut bytes = Vec::new();
        request.encode(id.pack(), &mut bytes);
        self.send(link, &bytes);
    }

    fn act(&mut self, feed: &mut Feed<'_>) {
        let kind = feed.below(24);
        match kind {
            0..=2 => {
                let (shard, admin) = (feed.below(self.shards.len()), feed.below(4) == 0);
                if self.links.iter().filter(|link| link.at.is_some()).count() < LINKS_MAX {
                    let link = self.connect(shard, admin);
                    let bytes = greeting(feed, &self.known);
                    self.push(link, &bytes, feed);
                }
            }
            3 => {
                if let Some(link) = self.some_link(feed) {
                    let bytes = greeting(feed, &self.known);
                    self.push(link, &bytes, feed);
                }
            }
            4..=12 => {
                if let Some(link) = self.some_link(feed) {
                    let sequences = &mut self.links[link].sequences;
                    let bytes = asks::request(feed, &self.tokens, sequences);
                    self.push(link, &bytes, feed);
                }
            }
            13 => {
                let link = self.some_link(feed);
                let length = feed.below(64);
                let bytes = feed.bytes(length);
                // One that may force locks sends only what is whole: the delays are known then.
                if let Some(link) = link.filter(|link| !self.links[*link].admin) {
                    self.push(link, bytes, feed);
                }
            }
            14 => {
                if let Some(link) = self.some_link(feed) {
                    self.drop_link(link, feed.flag());
                }
            }
            15 => self.set_full(feed),
            16 => self.now.0 += feed.pick(&[0, 1, 1_000, 10_000, 60_000, 700_000]),
            17 => self.control(feed),
            _ => {
                let (shard, messages) = (feed.below(self.shards.len()), feed.below(8));
                self.shards[shard].shell.input_waits = feed.below(16) == 0;
                self.turn(shard, messages);
            }
        }
    }

    /// Any link but the honest client's.
    fn some_link(&self, feed: &mut Feed<'_>) -> Option<usize> {
        let open = (1..self.links.len()).filter(|link| self.links[*link].at.is_some());
        let open: Vec<usize> = open.collect();
        open.get(feed.below(open.len().max(1))).copied()
    }

    fn set_full(&mut self, feed: &mut Feed<'_>) {
        let Some((link, (shard, id))) = self
            .some_link(feed)
            .and_then(|link| Some((link, self.links[link].at?)))
        else {
            return;
        };
        self.links[link].left = None;
        let full = &mut self.shards[shard].shell.full;
        if !full.remove(&id.slot) {
            full.insert(id.slot);
        }
    }

    /// The control thread answers what it was asked; rarely it ends the server.
    fn control(&mut self, feed: &mut Feed<'_>) {
        self.answer_asked();
        let kind = feed.byte();
        if kind < 252 {
            return;
        }
        let word = match self.drained {
            false => FromControl::Drain { bound_ms: 500 },
            true => FromControl::DrainOver,
        };
        self.drained = true;
        for shard in &mut self.shards {
            shard.words.push(word);
        }
    }

    fn answer_asked(&mut self) {
        for (shard, ask) in std::mem::take(&mut self.asked) {
            let word = match ask {
                ToControl::RaiseBound { ttl_ms } => {
                    assert!(ttl_ms <= TTL_MS_MAX, "TTLs are clamped");
                    FromControl::BoundRaised { ttl_ms }
                }
                ToControl::NextEpoch => {
                    self.epochs += 1;
                    FromControl::Epoch { epoch: self.epochs }
                }
                ToControl::Idle | ToControl::Holding | ToControl::WindowEnded(_) => {
                    continue;
                }
            };
            self.shards[shard].words.push(word);
        }
    }

    fn connect(&mut self, shard: usize, admin: bool) -> usize {
        self.links.push(Link {
            at: None,
            admin,
            sent: Vec::new(),
            arrived: 0,
            left: None,
            received: Vec::new(),
            sequences: [0; SEATS as usize + 1],
        });
        let link = self.links.len() - 1;
        self.arrive(link, shard);
        link
    }

    fn arrive(&mut self, link: usize, index: usize) {
        let shard = &mut self.shards[index];
        let Some(slot) = (0..SLOTS).find(|slot| !shard.links.contains_key(slot)) else {
            // The driver closes what it has no slot for.
            self.links[link].at = None;
            return;
        };
        shard.generation += 1;
        let id = ConnectionId {
            slot,
            generation: shard.generation,
        };
        shard.links.insert(slot, link);
        shard.shell.reading.insert(slot, Reading::Single);
        shard.shell.full.remove(&slot);
        let admin = self.links[link].admin;
        let peer = Peer::default();
        shard.core.connected(id, peer, admin, &mut shard.shell);
        self.links[link].at = Some((index, id));
    }

    /// Sends bytes of which some arrive now and the rest with what is sent next.
    fn push(&mut self, link: usize, bytes: &[u8], feed: &mut Feed<'_>) {
        let link = &mut self.links[link];
        let cut = match feed.below(4) {
            0 => feed.below(bytes.len().clamp(1, 256)),
            _ => bytes.len(),
        };
        link.arrived = link.sent.len() + cut;
        link.sent.extend_from_slice(bytes);
    }

    fn send(&mut self, link: usize, bytes: &[u8]) {
        let link = &mut self.links[link];
        link.sent.extend_from_slice(bytes);
        link.arrived = link.sent.len();
    }

    fn drop_link(&mut self, link: usize, orderly: bool) {
        if let Some((shard, id)) = self.links[link].at.take() {
            let shard = &mut self.shards[shard];
            shard.links.remove(&id.slot);
            shard.core.disconnected(id, orderly, &mut shard.shell);
        }
    }
}

impl Server {
    /// One turn of a shard that takes at most `messages` from each lane.
    fn turn(&mut self, index: usize, messages: usize) {
        self.keep_alive(index);
        let mut lanes = Vec::new();
        for from in 0..self.shards.len() {
            let lane = &mut self.shards[from].shell.lanes[index];
            let count = messages.min(lane.len());
            let from = ShardId(u8::try_from(from).expect("few"));
            lanes.extend(lane.drain(..count).map(|message| (from, message)));
        }
        let now = self.now;
        let shard = &mut self.shards[index];
        shard.core.turn_begin(now, &mut shard.shell);
        for (slot, link) in shard.links.clone() {
            let link = &mut self.links[link];
            let (_, id) = link.at.expect("it has a slot");
            let offered = &link.sent[..link.arrived];
            let paused = shard.shell.reading[&slot] == Reading::Paused;
            let head = &offered[..offered.len().min(HEAD_BYTES)];
            let is_new = !offered.is_empty() && link.left != Some(offered.len());
            if paused || !is_new || offered.len() < shard.core.whole_at(id, head) {
                continue;
            }
            let taken = shard.core.received(id, offered, &mut shard.shell);
            assert!(taken <= offered.len(), "it takes what there is");
            link.sent.drain(..taken);
            link.arrived -= taken;
            link.left = Some(link.arrived);
        }
        for (from, message) in lanes {
            shard.core.lane_message(from, &message, &mut shard.shell);
        }
        for word in std::mem::take(&mut shard.words) {
            shard.core.control(word, &mut shard.shell);
        }
        shard.next = shard.core.turn_end(&mut shard.shell);
        self.collect(index);
    }

    /// The honest client has always just sent a sign of life.
    fn keep_alive(&mut self, index: usize) {
        let Some(link) = self.links.first() else {
            return;
        };
        let is_here = link.at.is_some_and(|(shard, _)| shard == index);
        if is_here && link.sent.is_empty() && self.honest_is_in {
            self.ask(0, &Request::Ping(Ping), 1 << 20);
        }
    }

    /// Takes up what the core said in its turn.
    fn collect(&mut self, index: usize) {
        let shell = &mut self.shards[index].shell;
        let written = std::mem::take(&mut shell.written);
        let resumed = std::mem::take(&mut shell.resumed);
        let closed = std::mem::take(&mut shell.closed);
        let moved = std::mem::take(&mut shell.handed_over);
        let asks = std::mem::take(&mut shell.control);
        self.asked.extend(asks.into_iter().map(|ask| (index, ask)));
        for (slot, bytes) in written {
            if let Some(&link) = self.shards[index].links.get(&slot) {
                self.links[link].received.extend(bytes);
                self.listen(link);
            }
        }
        for slot in resumed {
            if let Some(&link) = self.shards[index].links.get(&slot) {
                self.links[link].left = None;
            }
        }
        for slot in closed {
            if let Some(link) = self.shards[index].links.remove(&slot) {
                self.links[link].at = None;
            }
        }
        for (id, to, bytes) in moved {
            let link = self.shards[index].links.remove(&id.slot);
            let link = link.expect("a connection moves while it is open");
            let state = &mut self.links[link];
            state.arrived += bytes.len();
            state.sent.splice(..0, bytes);
            state.left = None;
            self.arrive(link, usize::from(to.0));
        }
    }

    /// What the server writes is whole frames that a client can read.
    fn listen(&mut self, link: usize) {
        let bytes = std::mem::take(&mut self.links[link].received);
        let mut rest = bytes.as_slice();
        while let Some((frame, length)) = split_frame(rest, u32::MAX).expect("frames") {
            match FromServer::decode(&frame).expect("the server speaks the protocol") {
                FromServer::Reply(Reply::HelloOk(ok)) if ok.session_id != 0 => {
                    let known = Known {
                        session: ok.session_id,
                        secret: ok.secret,
                        attach: ok.attach,
                    };
                    self.known.retain(|old| old.session != known.session);
                    self.known.push(known);
                    self.known.truncate(KNOWN_MAX);
                }
                FromServer::Reply(Reply::Released(_)) if link == 0 => self.released += 1,
                FromServer::Reply(Reply::StatsReply(page)) => {
                    let counters = page.counters.iter();
                    self.stats
                        .extend(counters.map(|counter| (counter.id, counter.value)));
                }
                FromServer::Reply(Reply::Granted(granted)) => {
                    self.tokens.insert(0, granted.token);
                    self.tokens.truncate(KNOWN_MAX);
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "the server writes whole frames");
    }

    /// Turns until nothing moves any more; time stands still.
    fn settle(&mut self) {
        for _ in 0..200 {
            self.answer_asked();
            for index in 0..self.shards.len() {
                self.turn(index, usize::MAX);
            }
            let quiet = |shard: &Shard| {
                let empty = shard.shell.lanes.iter().all(|lane| lane.is_empty());
                empty && !shard.next.more && shard.words.is_empty()
            };
            let heard = self.links.iter().all(|link| {
                link.at.is_none() || link.arrived == 0 || link.left == Some(link.arrived)
            });
            if self.asked.is_empty() && heard && self.shards.iter().all(quiet) {
                return;
            }
        }
        panic!("the server never comes to rest");
    }

    /// Everybody goes; the honest client gives its lock back. Then nothing may be left.
    fn end(mut self, honest: Honest) {
        for shard in &mut self.shards {
            shard.shell.input_waits = false;
        }
        for link in 1..self.links.len() {
            self.drop_link(link, link.is_multiple_of(2));
        }
        self.settle();
        if !self.drained {
            self.give_back(&honest);
        }
        self.drop_link(honest.link, false);
        for _ in 0..TURNS_TO_THE_END {
            self.now.0 += STEP_US;
            self.settle();
        }
        for shard in &self.shards {
            assert!(!shard.next.answers_owed, "no answer is awaited");
            assert!(shard.links.is_empty(), "no connection is open");
        }
        if !self.drained {
            self.assert_empty();
        }
    }

    fn give_back(&mut self, honest: &Honest) {
        assert!(
            self.links[honest.link].at.is_some(),
            "it is served to the end"
        );
        let release = Request::Release(locker_protocol::Release {
            owner: 1,
            token: honest.token,
            key: SAFE,
        });
        self.ask(honest.link, &release, 2);
        self.settle();
        assert_eq!(self.released, 1, "it held its lock to the end");
    }

    /// A client without a session looks at every shard's counters.
    fn assert_empty(&mut self) {
        for shard in 0..self.shards.len() {
            let link = self.connect(shard, true);
            self.send(link, &framed(&plain(HelloAction::None)));
            self.settle();
            // The shard's own counters: no lane is as long as a page.
            let cursor = u64::try_from(shard + 1).expect("few") << 48;
            self.stats.clear();
            self.ask(link, &Request::Stats(Stats { cursor }), 1);
            self.settle();
            assert!(!self.stats.is_empty(), "it is answered");
            for id in [
                CounterId::Sessions,
                CounterId::Locks,
                CounterId::Waiters,
                CounterId::BlocksUsed,
            ] {
                let left = self.stats.get(&id.code()).copied().unwrap_or(0);
                assert_eq!(left, 0, "{} of shard {shard} are left", id.name());
            }
        }
    }
}

fn core_config(
    shard: u8,
    shards: u16,
    lane_bytes: usize,
    ttl_durable: Millis,
    grace_until: Option<Instant>,
) -> CoreConfig {
    CoreConfig {
        shard: ShardId(shard),
        shards,
        connections_max: SLOTS,
        sessions_max: SESSIONS,
        seats: SEATS,
        lane_bytes,
        key_bytes_max: 256,
        metadata_bytes_max: 64,
        frame_bytes_max: 4_096,
        lease_min: Millis(10),
        lease_max: Millis(60_000),
        ttl_default: Millis(TTL_MS_MAX),
        ttl_max: Millis(TTL_MS_MAX),
        ttl_durable,
        ephemeral: false,
        server_id: [9; 16],
        run: 5,
        floor: 3,
        grace_until,
        grace: Millis(grace_until.map_or(0, |_| 1_000)),
        ports: vec![7_001; usize::from(shards)],
    }
}
