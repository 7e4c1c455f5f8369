//! An engine filled with locks, for the commands that measure it without a server.

use std::io;

use locker::lock::effect::{Answer, Effects, Event, LaneFull};
use locker::lock::input::Peer;
use locker::lock::op::{
    Lease, Mode, Op, ReaderRef, ReplyTo, Seat, SessionId, SessionRef, ShardId, Wait, Want,
};
use locker::lock::{Batch, Engine, EngineConfig, Input, TokenSource};
use locker::time::{Instant, Millis};
use locker_bench::host::machine;

/// Sessions that the locks are dealt to.
const SESSIONS: u32 = 1_000;
/// When the engine starts.
pub(crate) const START: Instant = Instant(1_000_000);

/// More and a tenth would be too many for block numbers of 32 bits, or nearly so.
const LOCKS_MAX: i64 = 1_000_000_000;

/// Sizes of a table.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Sizes {
    /// Locks held.
    #[arg(long, default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(2..=LOCKS_MAX))]
    pub(crate) locks: u32,
    /// Bytes of a key, at least 8.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(8..=1024))]
    pub(crate) key_bytes: u16,
    /// Bytes of a block: 96, 128, 192, 256, 512 or 1024.
    #[arg(long, default_value_t = 128, value_parser = block_size)]
    pub(crate) block_size: usize,
    /// Lease of each lock in ms, 0 = as long as its session: no timer.
    #[arg(long, default_value_t = 0)]
    pub(crate) lease: u32,
}

/// Takes in what the engine says: the tokens granted, in order.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    pub(crate) tokens: Vec<u64>,
    pub(crate) refused: u64,
}

impl Effects for Ears {
    #[inline]
    fn answer(&mut self, _to: ReplyTo, answer: Answer, _lost_pending: bool) {
        match answer {
            Answer::Granted { token, .. } => self.tokens.push(token),
            Answer::Refused(_) => self.refused += 1,
            _ => {}
        }
    }

    fn queued(&mut self, _to: ReplyTo) {}

    fn read_reply(&mut self, _to: ReaderRef, _body: &[u8]) {}

    fn later(&mut self, _home: ShardId, _event: Event<'_>) -> Result<(), LaneFull> {
        Ok(())
    }
}

/// An engine with the sessions open and no locks, with a tenth of its blocks to spare.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) engine: Engine,
    pub(crate) batch: Batch,
    pub(crate) ears: Ears,
    pub(crate) sizes: Sizes,
    /// Leases are longer by up to this many ms, by the key's number.
    pub(crate) lease_spread: u32,
}

impl Table {
    pub(crate) fn new(sizes: Sizes) -> io::Result<Self> {
        let blocks = sizes.locks / 9 * 10 + 64;
        has_room(blocks, sizes)?;
        let mut engine = Engine::new(EngineConfig {
            shard: ShardId(0),
            shards: 1,
            sessions_per_shard: SESSIONS,
            blocks,
            block_bytes: sizes.block_size,
            waiters_max: u32::MAX,
            key_waiters_max: 1_000_000,
            seed: [0x1234_5678, 0x9ABC_DEF0],
            tokens: TokenSource::epoch(1),
            grace_until: None,
            now: START,
        })?;
        let (mut batch, mut ears) = (Batch::new(), Ears::default());
        engine.turn_begin(START, &mut ears);
        for session in 0..SESSIONS {
            let open = Input::SessionOpen {
                session: session_of(session),
                ttl: Millis(10_000),
                name: b"bench",
                peer: Peer::default(),
            };
            if batch.push(open).is_err() {
                engine.apply(&mut batch, &mut ears);
                batch.push(open).expect("an empty batch takes any input");
            }
        }
        engine.apply(&mut batch, &mut ears);
        Ok(Self {
            engine,
            batch,
            ears,
            sizes,
            lease_spread: 0,
        })
    }

    /// The key of a number: its digits, padded; distinct for distinct numbers.
    pub(crate) fn write_key(&self, number: u32, into: &mut Vec<u8>) {
        let from = into.len();
        into.extend_from_slice(b"k");
        into.extend_from_slice(&number.to_be_bytes());
        into.resize(from + usize::from(self.sizes.key_bytes), b'/');
    }

    /// The session's and owner's acquire of a key's number.
    pub(crate) fn acquire(&self, number: u32, wait: Wait) -> (ReplyTo, Op) {
        let lease = match self.sizes.lease {
            0 => Lease::Session,
            ms => Lease::For(Millis(ms + number % (self.lease_spread + 1))),
        };
        let want = Want {
            mode: Mode::Exclusive,
            permits: 0,
            limit: 0,
            resize: false,
        };
        let owner = number.into();
        let op = Op::Acquire {
            owner,
            want,
            wait,
            lease,
        };
        (reply_to(number), op)
    }

    /// Acquires the keys `numbers`, each for its session.
    pub(crate) fn fill(&mut self, numbers: std::ops::Range<u32>, wait: Wait) {
        let mut key = Vec::new();
        for number in numbers {
            key.clear();
            self.write_key(number, &mut key);
            let (to, op) = self.acquire(number, wait);
            self.push(to, op, &key);
        }
        self.apply();
    }

    /// Applies the requests that were added.
    pub(crate) fn apply(&mut self) {
        self.engine.apply(&mut self.batch, &mut self.ears);
    }

    /// Adds a request, applying the batch when it is full.
    pub(crate) fn push(&mut self, to: ReplyTo, op: Op, key: &[u8]) {
        let metadata = &[];
        let input = Input::Request {
            to,
            op,
            key,
            metadata,
        };
        if self.batch.push(input).is_err() {
            self.engine.apply(&mut self.batch, &mut self.ears);
            self.batch
                .push(input)
                .expect("an empty batch takes any input");
        }
    }
}

fn block_size(text: &str) -> Result<usize, String> {
    let allowed = locker::lock::BLOCK_BYTES_ALLOWED;
    let found = text.parse().ok().filter(|size| allowed.contains(size));
    found.ok_or_else(|| format!("a block has one of {allowed:?} bytes"))
}

/// Whether the machine can hold the table: filling it would have the system kill something else.
fn has_room(blocks: u32, sizes: Sizes) -> io::Result<()> {
    let needed = Engine::bytes_for(blocks, sizes.block_size);
    let available = machine::available_bytes();
    if available.is_none_or(|available| needed <= available) {
        return Ok(());
    }
    let mebibytes = |bytes: u64| bytes >> 20;
    let why = format!(
        "{} locks take {} MiB, {} MiB are free: use fewer --locks",
        sizes.locks,
        mebibytes(needed),
        mebibytes(available.unwrap_or(0)),
    );
    Err(io::Error::new(io::ErrorKind::OutOfMemory, why))
}

fn session_of(number: u32) -> SessionRef {
    let slot = number % SESSIONS;
    SessionRef {
        id: SessionId::new(ShardId(0), u64::from(slot) + 1),
        slot,
    }
}

/// Where the answers about a key's number go.
pub(crate) fn reply_to(number: u32) -> ReplyTo {
    ReplyTo {
        session: session_of(number),
        seat: Seat(0),
    }
}
