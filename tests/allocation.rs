//! Pure code does not allocate after start: sessions, engine, wheel and codec, under a counting
//! allocator, over a seeded mix of every kind of request, good and bad, and of passing time.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use locker::limits::BATCH_MAX;
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::lock::{EngineConfig, TokenSource};
use locker::shard::core::Core;
use locker::shard::core_config::CoreConfig;
use locker::shard::io::{
    CloseHow, ConnectionId, FromControl, Io, Reading, ShellCounters, ToControl,
};
use locker::shard::machine::Machine;
use locker::time::{Instant, Millis};
use locker_protocol::*;

/// The system's allocator, counted per thread so that the test runner's own threads do not matter.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator.
// JUSTIFICATION: an allocator is an unsafe trait; there is no other way to count.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that the system asks for.
        // JUSTIFICATION: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as for `alloc`.
        // JUSTIFICATION: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CLIENTS: u32 = 16;
const ROUNDS: u32 = 20_000;

/// Takes what the core says into a buffer of fixed room, and counts the frames.
struct Outside {
    output: FrameBuffer<{ 64 * 1024 }>,
    bound_asked: Option<u32>,
    closed: [bool; CLIENTS as usize],
    statuses: [u64; 400],
    frames: u64,
}

impl Outside {
    /// Counts the frames of one client's output by status.
    fn count(&mut self) {
        let mut bytes = self.output.as_bytes();
        while let Some((frame, length)) = split_frame(bytes, u32::MAX).unwrap() {
            self.statuses[usize::from(frame.header.status)] += 1;
            self.frames += 1;
            bytes = &bytes[length..];
        }
        self.output.clear();
    }
}

impl Io for Outside {
    fn write(&mut self, _: ConnectionId, bytes: &[u8]) {
        if self.output.room() < bytes.len() {
            self.count();
        }
        self.output.put(bytes);
    }
    fn cork(&mut self, _: ConnectionId) {}
    fn uncork(&mut self, _: ConnectionId) {}
    fn close(&mut self, connection: ConnectionId, _: CloseHow) {
        self.closed[connection.slot as usize] = true;
    }
    fn read(&mut self, _: ConnectionId, _: Reading) {}
    fn hand_over(&mut self, _: ConnectionId, _: ShardId, _: &[u8]) {
        unreachable!("there is one shard");
    }
    fn lane_room(&self, _: ShardId) -> usize {
        0
    }
    fn lane_send(&mut self, _: ShardId, _: &[u8]) {
        unreachable!("there is one shard");
    }
    fn control(&mut self, message: ToControl) {
        if let ToControl::RaiseBound { ttl_ms } = message {
            self.bound_asked = Some(ttl_ms);
        }
    }
    fn secret(&mut self) -> [u8; 16] {
        [7; 16]
    }
    fn input_waits(&self) -> bool {
        false
    }

    fn shell_counters(&self) -> ShellCounters {
        ShellCounters::default()
    }
    fn output_full(&mut self, _: ConnectionId) -> bool {
        false
    }
}

fn core() -> Core {
    let core = CoreConfig {
        shard: ShardId(0),
        shards: 1,
        connections_max: CLIENTS,
        sessions_max: CLIENTS * 4,
        seats: 8,
        lane_bytes: 256 * 1024,
        key_bytes_max: 256,
        metadata_bytes_max: 256,
        frame_bytes_max: 65_536,
        lease_min: Millis(10),
        lease_max: Millis(60_000),
        ttl_default: Millis(10_000),
        ttl_max: Millis(3_600_000),
        ttl_durable: Millis(0),
        ephemeral: false,
        server_id: [1; 16],
        run: 1,
        floor: 1,
        grace_until: None,
        grace: Millis(0),
        ports: Vec::new(),
    };
    let engine = EngineConfig {
        shard: ShardId(0),
        shards: 1,
        sessions_per_shard: CLIENTS * 4,
        blocks: 300,
        block_bytes: 128,
        waiters_max: 200,
        key_waiters_max: 100,
        seed: [1, 2],
        tokens: TokenSource::epoch(1),
        grace_until: None,
        now: Instant::START,
    };
    Core::new(core, engine).unwrap()
}

/// Good keys, an empty one, one of several blocks, one too long.
const KEYS: [&[u8]; 6] = [b"aaaa", b"bb", b"ccc", b"", &[b'd'; 200], &[b'e'; 300]];

/// What is random in a request.
struct Dice {
    owner: u64,
    token: u64,
    milliseconds: u32,
    /// Of the key in [`KEYS`].
    place: usize,
}

impl Dice {
    fn acquire(&self, kind: u64) -> Acquire<'static> {
        let modes = [Mode::Exclusive, Mode::Shared, Mode::Permit];
        let mode = modes[usize::try_from(kind % 3).unwrap()];
        let permits = u32::from(mode == Mode::Permit);
        Acquire {
            owner: self.owner,
            wait_ms: self.milliseconds,
            lease_ms: self.milliseconds / 2,
            permits,
            limit: permits * 3,
            mode,
            resize: false,
            key: KEYS[self.place],
            metadata: &[5; 100][..usize::from(kind > 2) * 100],
        }
    }

    fn other(&self, kind: u64) -> Request<'static> {
        let key = KEYS[self.place];
        let (owner, token) = (self.owner, self.token);
        match kind {
            6 | 7 => Request::Release(Release {
                owner,
                token: TOKEN_ANY,
                key,
            }),
            8 => Request::Renew(Renew {
                owner,
                token,
                lease_ms: self.milliseconds,
                key,
            }),
            10 => Request::Get(Get { key }),
            11 => Request::List(List {
                cursor: 0,
                prefix: b"",
            }),
            12 => Request::Sessions(Sessions { cursor: 0 }),
            _ => Request::ForceRelease(ForceRelease {
                token: TOKEN_ANY,
                delay_ms: self.milliseconds,
                key,
                reason: "why not",
            }),
        }
    }
}

/// One shard with its clients, all in place before counting begins.
struct World {
    core: Core,
    outside: Outside,
    now: u64,
    random: u64,
    generations: [u32; CLIENTS as usize],
    sequences: [u64; CLIENTS as usize],
    /// Id, owner and key of each client's last acquire, for Cancel.
    last: [(u64, u64, usize); CLIENTS as usize],
    frames: FrameBuffer<4096>,
}

impl World {
    fn next(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) % below
    }

    fn connection(&self, slot: u32) -> ConnectionId {
        ConnectionId {
            slot,
            generation: self.generations[slot as usize],
        }
    }

    fn connect(&mut self, slot: u32) {
        self.generations[slot as usize] += 1;
        self.sequences[slot as usize] = 0;
        self.outside.closed[slot as usize] = false;
        let id = self.connection(slot);
        self.core
            .connected(id, Peer::default(), true, &mut self.outside);
        let hello = Hello {
            version_min: 1,
            version_max: 1,
            action: HelloAction::Open,
            on_disconnect: OnDisconnect::Release,
            ttl_ms: 5_000,
            features: 0,
            session_id: 0,
            secret: [0; 16],
            attach: 0,
            reclaiming: false,
            group: [0; 16],
            name: "allocates nothing",
            library: "tests",
        };
        self.frames.put(&PREFACE);
        hello.encode(1, &mut self.frames);
        self.deliver(slot);
    }

    /// Hands over what was encoded.
    fn deliver(&mut self, slot: u32) {
        let id = self.connection(slot);
        if !self.outside.closed[slot as usize] {
            self.core
                .received(id, self.frames.as_bytes(), &mut self.outside);
        }
        self.frames.clear();
    }

    /// Encodes any request of a client, good or bad.
    fn request(&mut self, slot: u32) {
        let seat = u16::try_from(self.next(9)).unwrap();
        self.sequences[slot as usize] += 1;
        let sequence = self.sequences[slot as usize];
        let id = RequestId { seat, sequence }.pack();
        let dice = Dice {
            owner: self.next(4),
            token: self.next(50),
            milliseconds: u32::try_from(self.next(400)).unwrap(),
            place: usize::try_from(self.next(6)).unwrap(),
        };
        match self.next(14) {
            kind @ 0..=5 => {
                self.last[slot as usize] = (id, dice.owner, dice.place);
                dice.acquire(kind).encode(id, &mut self.frames);
            }
            9 => {
                let (acquire_id, owner, place) = self.last[slot as usize];
                let cancel = Cancel {
                    acquire_id,
                    owner,
                    if_granted: IfGranted::Release,
                    key: KEYS[place],
                };
                cancel.encode(id, &mut self.frames);
            }
            kind => dice.other(kind).encode(id, &mut self.frames),
        }
    }

    /// A turn: some clients come, go, or send; time passes.
    fn turn(&mut self) {
        self.now += self.next(3) * 1_000 + self.next(2) * 700;
        self.core.turn_begin(Instant(self.now), &mut self.outside);
        if let Some(ttl_ms) = self.outside.bound_asked.take() {
            let raised = FromControl::BoundRaised { ttl_ms };
            self.core.control(raised, &mut self.outside);
        }
        for _ in 0..self.next(4) {
            let slot = u32::try_from(self.next(CLIENTS.into())).unwrap();
            if self.outside.closed[slot as usize] || self.next(200) == 0 {
                let orderly = self.next(2) == 0;
                let id = self.connection(slot);
                if !self.outside.closed[slot as usize] {
                    self.core.disconnected(id, orderly, &mut self.outside);
                }
                self.connect(slot);
                continue;
            }
            for _ in 0..=self.next(BATCH_MAX as u64 / 32) {
                self.request(slot);
            }
            if self.next(500) == 0 {
                self.frames.put(b"\x01\0\0\0 nonsense, not a frame");
            }
            self.deliver(slot);
        }
        self.core.turn_end(&mut self.outside);
        self.outside.count();
    }
}

#[test]
fn a_shard_allocates_nothing_after_its_start() {
    let mut world = World {
        core: core(),
        outside: Outside {
            output: FrameBuffer::new(),
            bound_asked: None,
            closed: [true; CLIENTS as usize],
            statuses: [0; 400],
            frames: 0,
        },
        now: 0,
        random: 0x1234_5678_9ABC_DEF1,
        generations: [0; CLIENTS as usize],
        sequences: [0; CLIENTS as usize],
        last: [(0, 0, 0); CLIENTS as usize],
        frames: FrameBuffer::new(),
    };
    let before = ALLOCATIONS.get();
    for round in 0..ROUNDS {
        world.turn();
        let allocated = ALLOCATIONS.get() - before;
        assert_eq!(allocated, 0, "allocations by round {round}");
    }
    // The mix reached what it is meant to reach.
    let seen = |status: Status| world.outside.statuses[usize::from(status.code())];
    for status in [Status::Ok, Status::Timeout, Status::NotHeld, Status::BadKey] {
        assert!(seen(status) > 100, "{status}: {}", seen(status));
    }
    for status in [
        Status::AlreadyHeld,
        Status::Cancelled,
        Status::BadFrame,
        Status::BadRequestId,
    ] {
        assert!(seen(status) > 0, "{status} never came");
    }
    assert!(
        world.outside.frames > u64::from(ROUNDS),
        "{} frames",
        world.outside.frames
    );
}
