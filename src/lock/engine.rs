//! The engine: state of one shard's locks, and the order of work within a turn.

use std::io;

use crate::clock::WheelClock;
use crate::limits::{KEY_BYTES_MAX, METADATA_BYTES_MAX};
use crate::lock::batch::{Asked, Batch, Slot};
use crate::lock::block::Handle;
use crate::lock::counters::Counters;
use crate::lock::effect::Effects;
use crate::lock::hash::Hasher;
use crate::lock::index::Index;
use crate::lock::op::{Op, SessionRef, ShardId};
use crate::lock::page::ReadBuffers;
use crate::lock::pending::Pending;
use crate::lock::pool::Pool;
use crate::lock::stubs::Stubs;
use crate::lock::tokens::TokenSource;
use crate::time::Instant;
use crate::wheel::Wheel;

/// Blocks that the processor is taken to keep close: half a megabyte of them.
const CLOSE_BLOCKS_MAX: u32 = 4_096;

/// What an engine is built from; all memory is taken at start.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The shard it belongs to.
    pub shard: ShardId,
    /// Shards in all, 1..=256: whose sessions may come.
    pub shards: u16,
    /// Sessions of one home shard at most.
    pub sessions_per_shard: u32,
    /// Blocks, 1..2^31 - 1.
    pub blocks: u32,
    /// Bytes of a block: one of [`crate::lock::BLOCK_BYTES_ALLOWED`].
    pub block_bytes: usize,
    /// Waiters in all at most.
    pub waiters_max: u32,
    /// Waiters of one key at most, up to [`crate::limits::KEY_WAITERS_MAX`].
    pub key_waiters_max: u32,
    /// Secret seed of the index's hash.
    pub seed: [u64; 2],
    /// Where fencing tokens come from.
    pub tokens: TokenSource,
    /// End of the grace window: all keys are closed until [`Engine::open_keys`].
    pub grace_until: Option<Instant>,
    /// The clock at start.
    pub now: Instant,
}

/// How far the server is with stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drain {
    /// It runs.
    No,
    /// Acquires are refused; it stops then.
    Until(Instant),
    /// The remaining waiters are answered `Draining`; the scan of the blocks is here.
    Over(Handle),
}

/// A lock and the hash of its key: what most steps need together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) lock: Handle,
    pub(super) hash: u64,
}

/// A singly linked list by its ends: the ready list of locks, the sweep list of stubs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) len: u32,
}

/// The lock engine of one shard. See the module's page for its invariants.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: EngineConfig,
    pub(super) pool: Pool,
    pub(super) index: Index,
    pub(super) stubs: Stubs,
    pub(super) hasher: Hasher,
    pub(super) tokens: TokenSource,
    pub(super) wheel: Wheel,
    pub(super) clock: WheelClock,
    /// All keys are closed after a restart, until the core says otherwise; this is when.
    pub(super) grace: Option<Instant>,
    pub(super) drain: Drain,
    /// Locks whose grants go on next turn.
    pub(super) ready: Line,
    /// Ended sessions whose blocks are to be freed.
    pub(super) sweep: Line,
    /// Effects that found their lane full.
    pub(super) pending: Pending,
    /// Nothing expires in this turn.
    expiry_held: bool,
    pub(super) counters: Counters,
    /// For keys and metadata that do not lie in one piece.
    pub(super) scratch: Box<[u8]>,
    /// Taken out while a read is answered.
    pub(super) reads: Option<Box<ReadBuffers>>,
}

impl Engine {
    /// An engine with no keys.
    ///
    /// # Errors
    /// What `mmap` says: the memory is not available.
    ///
    /// # Panics
    /// If the configuration is out of its bounds.
    pub fn new(config: EngineConfig) -> io::Result<Self> {
        assert!(config.shards >= 1, "a server has a shard");
        assert!(
            usize::from(config.shards) <= crate::limits::SHARDS_MAX,
            "a shard's number has 8 bits"
        );
        assert!(config.key_waiters_max <= crate::limits::KEY_WAITERS_MAX);
        let pool = Pool::new(config.blocks, config.block_bytes)?;
        Ok(Self {
            pool,
            index: Index::new(config.blocks)?,
            stubs: Stubs::new(config.shards, config.sessions_per_shard)?,
            hasher: Hasher::new(config.seed),
            tokens: config.tokens.clone(),
            wheel: Wheel::new(config.now.as_millis()),
            clock: WheelClock::new(config.now),
            grace: config.grace_until,
            drain: Drain::No,
            ready: Line::default(),
            sweep: Line::default(),
            pending: Pending::new(config.shards),
            expiry_held: false,
            counters: Counters::default(),
            scratch: vec![0; KEY_BYTES_MAX.max(METADATA_BYTES_MAX)].into_boxed_slice(),
            reads: Some(Box::new(ReadBuffers::new())),
            config,
        })
    }

    /// Backs blocks, index and stubs with memory now, rather than page by page as they are first
    /// used: then no request waits for that. It is the calling thread's memory, which on a machine
    /// with several nodes means that of its node.
    ///
    /// # Errors
    /// There is not that much memory.
    pub fn prefault(&mut self) -> io::Result<()> {
        self.index.prefault()?;
        self.stubs.prefault()?;
        self.pool.prefault()
    }

    /// Bytes of address space that `blocks` blocks take, the index included.
    #[must_use]
    pub const fn bytes_for(blocks: u32, block_bytes: usize) -> u64 {
        (blocks as u64 + 1) * block_bytes as u64 + Index::bytes_for(blocks)
    }

    /// Bytes of address space for the stubs of so many sessions.
    #[must_use]
    pub const fn stub_bytes_for(sessions: u64) -> u64 {
        sessions * size_of::<crate::lock::stubs::Stub>() as u64
    }

    /// Begins a turn: takes the clock, then what the last turn left over, in this order: effects
    /// that found no room, grants that go on.
    pub fn turn_begin(&mut self, now: Instant, effects: &mut impl Effects) {
        // Work that a turn left behind is measured from where the wheel stands.
        let idle_until_ms = self.wheel.next_wake();
        let idle_until_ms = idle_until_ms.map(|wake| wake.max(self.wheel.cursor_ms()));
        self.clock.advance(now, idle_until_ms);
        self.wheel.skip_to(self.clock.now_ms());
        self.offer_pending(effects);
        self.continue_grants(effects);
    }

    /// Applies a batch of inputs in order and clears it.
    ///
    /// In passes: hash and prefetch the buckets; look there and prefetch the blocks; look there and
    /// prefetch their neighbours; execute. Blocks so few that the processor keeps them close are
    /// not asked for ahead: that would cost more than it saves.
    pub fn apply(&mut self, batch: &mut Batch, effects: &mut impl Effects) {
        self.prefetch_buckets(batch);
        if self.pool.fresh() > CLOSE_BLOCKS_MAX {
            self.prefetch_blocks(batch);
            self.prefetch_neighbours(batch);
        }
        for slot in batch.slots() {
            self.execute(batch, slot, effects);
        }
        batch.clear();
    }

    /// Ends a turn: expires what is due, sweeps ended sessions, opens keys; all in bounded steps.
    pub fn turn_end(&mut self, effects: &mut impl Effects) {
        if !std::mem::take(&mut self.expiry_held) {
            self.expire(effects);
        }
        self.sweep_sessions(effects);
        self.refuse_drained(effects);
    }

    /// This turn could not take in all that has arrived, maybe a renewal: nothing expires at its
    /// end.
    pub fn hold_expiry(&mut self) {
        self.expiry_held = true;
    }

    /// When the next turn is due at the latest, if nothing comes in; `None` = nothing is armed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.wheel.next_wake().map(|wake| self.clock.raw(wake))
    }

    /// Whether the next turn has work at once, besides effects that wait for a lane's room.
    #[must_use]
    pub fn has_more(&self) -> bool {
        let grants = self.ready.len > 0 && self.grace.is_none();
        let sweep = self.sweep.len > 0 && !self.sweep_waits();
        let drain = matches!(self.drain, Drain::Over(_)) && self.counters.waiters > 0;
        grants || sweep || drain
    }

    /// Whether effects wait for room in some lane.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.pending.len() > 0 || self.sweep_waits()
    }

    /// The grace window is over: keys open, at most
    /// [`crate::limits::KEYS_OPENED_PER_TURN_MAX`] a turn.
    pub fn open_keys(&mut self) {
        self.grace = None;
    }

    /// The server stops at `until`: acquires are refused from now on.
    pub fn drain(&mut self, until: Instant) {
        self.drain = Drain::Until(until);
    }

    /// The drain is over: the remaining waiters are answered `Draining`, in bounded steps.
    pub fn drain_over(&mut self) {
        self.drain = Drain::Over(Handle(1));
    }

    /// Whether a next epoch for the tokens is wanted.
    #[must_use]
    pub const fn wants_epoch(&self) -> bool {
        self.tokens.wants_epoch()
    }

    /// Takes in the next epoch.
    ///
    /// # Panics
    /// If it is not greater than the current one, or one is in reserve already.
    pub fn add_epoch(&mut self, epoch: u32) {
        self.tokens.add_epoch(epoch);
    }

    /// What was counted, and gauges.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            blocks: self.pool.blocks(),
            blocks_used: self.pool.used(),
            stall_ms: self.clock.stalled_ms(),
            ..self.counters
        }
    }

    fn prefetch_buckets(&self, batch: &mut Batch) {
        let (slots, keys) = batch.slots_mut();
        for slot in slots {
            if let Asked::Request { to, .. } = &slot.asked {
                self.stubs.prefetch(to.session);
            }
            if let Some(key) = keys.of(slot) {
                let hash = self.hasher.key(key);
                self.index.prefetch(hash);
                slot.hint.hash = hash;
            }
        }
    }

    /// Where the bucket shows no candidate, the next bucket of its chain is fetched, and where
    /// there is none, the block that a fresh key would take.
    fn prefetch_blocks(&self, batch: &mut Batch) {
        let mut fresh = self.pool.next_free();
        let (slots, _) = batch.slots_mut();
        for slot in slots.iter_mut().filter(|slot| slot.is_keyed()) {
            if let Some(candidate) = self.index.glance(slot.hint.hash) {
                self.pool.prefetch(candidate);
                slot.hint.candidate = candidate;
            } else if fresh.is_some() {
                self.pool.prefetch(fresh);
                fresh = Handle::NONE;
            }
            if let Asked::Request {
                to,
                op: Op::Acquire { .. },
            } = &slot.asked
            {
                // The session's newest block is linked behind the one to come.
                self.pool.prefetch_hold(self.stubs.newest(to.session));
            }
        }
    }

    /// A hold that ends is unlinked from its session's list and its timer's: four cold neighbours.
    fn prefetch_neighbours(&self, batch: &mut Batch) {
        let (slots, _) = batch.slots_mut();
        for slot in slots.iter_mut().filter(|slot| slot.is_keyed()) {
            if slot.hint.candidate.is_none() {
                let mut probe = self.index.probe(slot.hint.hash);
                slot.hint.candidate = self.index.next(&mut probe).unwrap_or(Handle::NONE);
                self.pool.prefetch(slot.hint.candidate);
                continue;
            }
            let Asked::Request {
                op: Op::Release { .. } | Op::Cancel { .. },
                ..
            } = slot.asked
            else {
                continue;
            };
            let candidate = slot.hint.candidate;
            self.wheel.prefetch_disarm(&self.pool, candidate.0);
            let block = self.pool.at(candidate);
            self.pool.prefetch_hold(block.session_next);
            self.pool.prefetch_hold(block.session_prev);
        }
    }

    #[inline]
    fn execute(&mut self, batch: &Batch, slot: &Slot, effects: &mut impl Effects) {
        match &slot.asked {
            Asked::Request { to, op } => {
                self.counters.requests += 1;
                let (key, metadata) = (batch.first(slot), batch.second(slot));
                self.request(*to, op, key, metadata, slot.hint, effects);
            }
            Asked::SessionOpen { session, ttl, peer } => {
                self.stubs.open(*session, *ttl, batch.first(slot), *peer);
            }
            Asked::SessionEnd { session } => self.end_session(*session),
            Asked::Get { to } => self.inspect_key(*to, batch.first(slot), slot.hint, effects),
            Asked::List { to, cursor } => {
                self.list_keys(*to, *cursor, batch.first(slot), effects);
            }
            Asked::LostTold { closure } => self.lost_told(*closure),
        }
    }

    /// Whether a session has a Lost that could not leave yet.
    pub(super) fn lost_pending(&self, session: SessionRef) -> bool {
        self.stubs.at(self.stubs.find(session)).lost_pending > 0
    }
}
