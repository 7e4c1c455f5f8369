//! Several shards under random schedules: small lanes that fill up, late turns, connections cut and
//! resumed, requests sent again. Each request must be answered once, and nothing may be left over.
//!
//! A failure prints its seed; `LOCKER_SEED=n cargo test --lib random_schedules` repeats it alone.

use crate::shard::tests::bench::{Bench, Client, Link, Setup, hello_ok, id, parse};
use crate::shard::tests::random::Random;
use crate::shard::tests::requests::{assert_reservations_are_free, bytes_of, key_on};
use crate::time::{Instant, Millis};
use locker_protocol::{
    Acquire, Cancel, Close, ForceRelease, FromServer, Get, HelloOk, IfGranted, List, Mode, Ping,
    Push, Release, Renew, Reply, Request, Sessions, Stats, Status,
};
use std::collections::{BTreeMap, BTreeSet};

const CLIENTS: usize = 6;
const SEATS: u16 = 40;
const CANCEL_SEAT: u16 = 60;
const CLOSE_SEAT: u16 = 61;
const STEPS: usize = 1_000;

/// A request that was sent, and its answer once it came.
struct Sent {
    bytes: Vec<u8>,
    key: Vec<u8>,
    answer: Option<Heard>,
}

/// What matters of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Granted(u64),
    Refused(Status),
    Done,
}

struct Player {
    client: Client,
    attach: u32,
    /// The session is over.
    dead: bool,
    closed: bool,
    sequences: [u64; 64],
    sent: BTreeMap<u64, Sent>,
    /// Tokens held as far as the client knows: key and owner.
    held: BTreeMap<u64, (Vec<u8>, u64)>,
}

#[derive(Default)]
struct Tally {
    grants: usize,
    lost: usize,
    busy: usize,
    paused: u64,
    resumes: u64,
    ended: usize,
}

struct Game {
    bench: Bench,
    random: Random,
    keys: Vec<Vec<u8>>,
    players: Vec<Player>,
    tokens: BTreeMap<Vec<u8>, BTreeSet<u64>>,
    tally: Tally,
    owners: u64,
    /// A turn takes fewer messages than this from each lane.
    messages_max: usize,
    /// Lanes deliver nothing for now.
    stalled: bool,
}

impl Game {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let shards = [2, 2, 4, 3][random.below(4)];
        let lane_bytes = [2_048, 4_096, 128 * 1024][random.below(3)];
        let mut bench = Bench::new(&Setup {
            shards,
            lane_bytes,
            key_bytes_max: 32,
            seats: 64,
            ttl_default: Millis(1_000),
            ..Setup::default()
        });
        let players = (0..CLIENTS).map(|_| {
            let home = random.below(usize::from(shards));
            Player::new(bench.open(home))
        });
        let players = players.collect();
        let keys = (0..shards).flat_map(|shard| {
            let key = key_on(shard, shards);
            let mut tagged = b"{".to_vec();
            tagged.extend(&key);
            tagged.extend(b"}x");
            [key, tagged]
        });
        Self {
            keys: keys.collect(),
            bench,
            players,
            tokens: BTreeMap::new(),
            tally: Tally::default(),
            owners: 0,
            messages_max: [2, 4, 100][random.below(3)],
            stalled: false,
            random,
        }
    }

    fn play(&mut self) {
        for _ in 0..STEPS {
            if self.random.one_in(100) {
                self.stalled = !self.stalled;
            }
            let who = self.random.below(CLIENTS);
            match self.random.below(16) {
                0..=6 => self.ask(who),
                7 => self.ask_again(who),
                8 if self.random.one_in(3) => self.reconnect(who),
                9 => self.read(who),
                10 if self.random.one_in(3) => {
                    let ms = self.random.next() % 40;
                    self.bench.now = Instant(self.bench.now.0 + ms * 1_000);
                }
                11 if self.random.one_in(40) => self.sleep(),
                _ => {
                    let shard = self.random.below(self.bench.shards.len());
                    let messages = match self.stalled {
                        true => 0,
                        false => self.random.below(self.messages_max),
                    };
                    self.bench.turn(shard, messages);
                }
            }
            self.listen();
            self.revive();
        }
    }

    /// Nobody says a word for longer than the shorter TTLs; some sessions end.
    fn sleep(&mut self) {
        for _ in 0..12 {
            self.bench.now = Instant(self.bench.now.0 + 100_000);
            for shard in 0..self.bench.shards.len() {
                self.bench.turn(shard, self.random.below(3));
            }
        }
    }

    /// Those whose sessions ended begin anew.
    fn revive(&mut self) {
        for who in 0..CLIENTS {
            if self.players[who].dead {
                let home = self.random.below(self.bench.shards.len());
                self.tally.ended += 1;
                self.players[who] = Player::new(self.bench.open(home));
            }
        }
    }

    /// A fresh request on a seat that is free.
    fn ask(&mut self, who: usize) {
        let seat = u16::try_from(self.random.below(usize::from(SEATS))).unwrap();
        let key = self.keys[self.random.below(self.keys.len())].clone();
        let player = &self.players[who];
        if player.dead || player.runs(seat) || !self.bench.is_open(player.client.link) {
            return;
        }
        let held = player
            .held
            .iter()
            .next()
            .map(|(token, of)| (*token, of.clone()));
        match (self.random.below(16), held) {
            (0..=3, Some((token, (key, owner)))) => {
                self.players[who].held.remove(&token);
                let key = key.as_slice();
                let release = Release { owner, token, key };
                self.send(who, seat, Request::Release(release), key);
            }
            (4..=9, Some((token, (key, owner)))) => {
                let renew = Renew {
                    owner,
                    token,
                    lease_ms: [0, 30][self.random.below(2)],
                    key: &key,
                };
                self.send(who, seat, Request::Renew(renew), &key);
            }
            (10, _) if self.random.one_in(3) => {
                let force = ForceRelease {
                    token: 0,
                    delay_ms: 5,
                    key: &key,
                    reason: "",
                };
                self.send(who, seat, Request::ForceRelease(force), &key);
            }
            (11, _) => self.cancel(who),
            _ => self.acquire(who, seat, &key),
        }
    }

    fn acquire(&mut self, who: usize, seat: u16, key: &[u8]) {
        self.owners += 1;
        let mode = [Mode::Exclusive, Mode::Shared, Mode::Permit][self.random.below(3)];
        let permits = u32::from(mode == Mode::Permit);
        let acquire = Acquire {
            owner: self.owners,
            wait_ms: [0, 20, u32::MAX][self.random.below(3)],
            lease_ms: [0, 25][self.random.below(2)],
            permits,
            limit: 2 * permits,
            mode,
            resize: false,
            key,
            metadata: b"m",
        };
        self.send(who, seat, Request::Acquire(acquire), key);
    }

    /// Cancels some acquire that runs, or ran.
    fn cancel(&mut self, who: usize) {
        let player = &self.players[who];
        let acquires = player
            .sent
            .iter()
            .filter(|(_, sent)| sent.bytes[4] == Acquire::OP);
        let Some((acquire_id, sent)) = acquires.max_by_key(|(request_id, _)| **request_id) else {
            return;
        };
        if player.runs(CANCEL_SEAT) {
            return;
        }
        let owner = u64::from_le_bytes(sent.bytes[16..24].try_into().unwrap());
        let key = sent.key.clone();
        let cancel = Cancel {
            acquire_id: *acquire_id,
            owner,
            if_granted: IfGranted::Release,
            key: &key,
        };
        self.send(who, CANCEL_SEAT, Request::Cancel(cancel), &key);
    }

    fn send(&mut self, who: usize, seat: u16, request: Request<'_>, key: &[u8]) {
        let player = &mut self.players[who];
        player.sequences[usize::from(seat)] += 1;
        let request_id = id(seat, player.sequences[usize::from(seat)]);
        let bytes = bytes_of(request, request_id);
        self.bench.send(player.client.link, &bytes);
        let sent = Sent {
            bytes,
            key: key.to_vec(),
            answer: None,
        };
        player.sent.insert(request_id, sent);
    }

    /// Sends the newest request of some seat again, answered or not.
    fn ask_again(&mut self, who: usize) {
        let seat = self.random.below(usize::from(SEATS));
        let player = &self.players[who];
        let request_id = id(u16::try_from(seat).unwrap(), player.sequences[seat]);
        if let Some(sent) = player.sent.get(&request_id)
            && self.bench.is_open(player.client.link)
        {
            self.bench.send(player.client.link, &sent.bytes);
        }
    }

    fn read(&mut self, who: usize) {
        let link = self.players[who].client.link;
        let key = self.keys[self.random.below(self.keys.len())].clone();
        let request = match self.random.below(5) {
            0 => Request::Ping(Ping),
            1 => Request::Get(Get { key: &key }),
            2 => Request::List(List {
                cursor: 0,
                prefix: b"",
            }),
            3 => Request::Sessions(Sessions { cursor: 2 << 48 }),
            _ => Request::Stats(Stats { cursor: 2 << 48 }),
        };
        if self.bench.is_open(link) {
            self.bench.send(link, &bytes_of(request, READ_ID));
        }
    }

    /// A new connection to any shard takes the session over; perhaps the old one was cut first.
    fn reconnect(&mut self, who: usize) {
        if self.players[who].dead {
            return;
        }
        let old = self.players[who].client.link;
        if self.random.one_in(2) {
            self.bench.drop_link(old, false);
        }
        let shard = self.random.below(self.bench.shards.len());
        self.resume(who, shard);
    }

    fn resume(&mut self, who: usize, shard: usize) {
        let link = self.bench.connect_to(shard, true);
        let player = &mut self.players[who];
        player.attach += 1;
        player.client.link = link;
        self.bench.send(link, &player.client.resume(player.attach));
        for sent in player.sent.values().filter(|sent| sent.answer.is_none()) {
            self.bench.send(link, &sent.bytes);
        }
    }

    /// Everybody looks at what came back.
    fn listen(&mut self) {
        for who in 0..self.players.len() {
            let link = self.players[who].client.link;
            for (request_id, frame) in self.bench.frames(link) {
                self.hear(who, request_id, &frame, link);
            }
        }
    }

    fn hear(&mut self, who: usize, request_id: u64, frame: &[u8], link: Link) {
        let player = &mut self.players[who];
        let heard = match parse(frame) {
            FromServer::Push(Push::Lost(lost)) => {
                self.tally.lost += 1;
                player.held.remove(&lost.token);
                return;
            }
            FromServer::Push(Push::GoAway(_)) => {
                assert_ne!(
                    link, player.client.link,
                    "only replaced connections go away"
                );
                return;
            }
            FromServer::Push(Push::SessionEnded(_)) => {
                player.dead = true;
                return;
            }
            FromServer::Push(push) => panic!("nobody expects {push:?}"),
            FromServer::Reply(Reply::Refused(refused)) if frame[4] == HelloOk::OP => {
                assert_eq!(refused.status, Status::NoSession);
                player.dead = true;
                return;
            }
            FromServer::Reply(Reply::HelloOk(_)) => {
                assert!(hello_ok(frame).resumed);
                return;
            }
            FromServer::Reply(Reply::Closed(_)) => {
                player.closed = true;
                return;
            }
            FromServer::Reply(_) if request_id == READ_ID => return,
            FromServer::Reply(Reply::Granted(granted)) => Heard::Granted(granted.token),
            FromServer::Reply(Reply::Refused(refused)) => Heard::Refused(refused.status),
            FromServer::Reply(_) => Heard::Done,
        };
        let sent = player
            .sent
            .get_mut(&request_id)
            .expect("only what was sent is answered");
        let before = sent.answer.replace(heard);
        match (before, heard) {
            (None, Heard::Granted(token)) => {
                self.tally.grants += 1;
                let owner = u64::from_le_bytes(sent.bytes[16..24].try_into().unwrap());
                let key = sent.key.clone();
                let tokens = self.tokens.entry(key.clone()).or_default();
                assert!(tokens.insert(token), "a token is granted once");
                player.held.insert(token, (key, owner));
            }
            (None, Heard::Refused(Status::Busy)) => self.tally.busy += 1,
            (None, Heard::Refused(status)) => {
                assert_ne!(status, Status::BadRequestId, "ids were in order");
            }
            (Some(Heard::Granted(_)), Heard::Refused(Status::Lost)) | (None, Heard::Done) => {}
            (Some(before), now) => assert_eq!(before, now, "a second answer is the same"),
        }
    }

    /// Comes to rest, ends everything, and looks for what is left over.
    fn finish(&mut self) {
        self.bench.settle();
        self.listen();
        for who in 0..CLIENTS {
            if !self.players[who].dead {
                self.resume(who, 0);
            }
        }
        self.bench.settle();
        self.listen();
        // Some learn only now that their session is over.
        self.players.retain(|player| !player.dead);
        for who in 0..self.players.len() {
            self.cancel_all(who);
        }
        for player in &self.players {
            for (request_id, sent) in &player.sent {
                assert!(sent.answer.is_some(), "{request_id:x} has its answer");
            }
        }
        for player in &self.players {
            let link = player.client.link;
            let close = bytes_of(Request::Close(Close), id(CLOSE_SEAT, 1));
            self.bench.send(link, &close);
        }
        self.bench.settle();
        self.listen();
        self.bench.pass(100);
        for player in &self.players {
            assert!(player.closed, "Close is answered");
            assert!(!self.bench.is_open(player.client.link));
        }
        assert_reservations_are_free(&self.bench);
        for shard in &self.bench.shards {
            let (sessions, counters) = shard.core.population();
            assert_eq!(sessions, 0, "sessions");
            assert_eq!(
                (counters.locks, counters.holds, counters.waiters),
                (0, 0, 0)
            );
            assert_eq!(counters.blocks_used, 0, "blocks");
            let home = shard.core.home_counters();
            self.tally.paused += home.reads_paused;
            self.tally.resumes += home.resumes;
        }
    }

    /// Cancels what still waits, one after the other.
    fn cancel_all(&mut self, who: usize) {
        let waiting: Vec<u64> = self.players[who]
            .sent
            .iter()
            .filter(|(_, sent)| sent.answer.is_none())
            .map(|(request_id, _)| *request_id)
            .collect();
        for acquire_id in waiting {
            let sent = &self.players[who].sent[&acquire_id];
            assert_eq!(sent.bytes[4], Acquire::OP, "only acquires wait");
            let owner = u64::from_le_bytes(sent.bytes[16..24].try_into().unwrap());
            let key = sent.key.clone();
            let cancel = Cancel {
                acquire_id,
                owner,
                if_granted: IfGranted::Release,
                key: &key,
            };
            self.send(who, CANCEL_SEAT, Request::Cancel(cancel), &key);
            self.bench.settle();
            self.listen();
        }
    }
}

/// The id of all reads: they may share one.
const READ_ID: u64 = u64::MAX;

impl Player {
    fn new(client: Client) -> Self {
        Self {
            client,
            attach: 0,
            dead: false,
            closed: false,
            sequences: [0; 64],
            sent: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }

    fn runs(&self, seat: u16) -> bool {
        let request_id = id(seat, self.sequences[usize::from(seat)]);
        let sent = self.sent.get(&request_id);
        sent.is_some_and(|sent| sent.answer.is_none())
    }
}

#[test]
fn random_schedules_answer_each_request_once_and_leave_nothing() {
    let only = std::env::var("LOCKER_SEED").ok();
    let only: Option<u64> = only.map(|seed| seed.parse().unwrap());
    let seeds = only.map_or(0..300, |seed| seed..seed + 1);
    let mut total = Tally::default();
    for seed in seeds {
        let result = std::panic::catch_unwind(|| {
            let mut game = Game::new(seed);
            game.play();
            game.finish();
            game.tally
        });
        let tally = result.unwrap_or_else(|panic| {
            eprintln!("repeat with LOCKER_SEED={seed}");
            std::panic::resume_unwind(panic)
        });
        total.grants += tally.grants;
        total.lost += tally.lost;
        total.busy += tally.busy;
        total.paused += tally.paused;
        total.resumes += tally.resumes;
        total.ended += tally.ended;
    }
    if only.is_none() {
        assert!(total.grants > 1_000, "{} grants", total.grants);
        assert!(total.lost > 100, "{} lost", total.lost);
        assert!(total.busy > 100, "{} busy", total.busy);
        assert!(total.paused > 50, "{} paused", total.paused);
        assert!(total.ended > 100, "{} ended", total.ended);
        assert!(total.resumes > 100, "{} resumes", total.resumes);
    }
}
