//! Decides what must be durable before what may be said. Pure.
//!
//! ```text
//! shards ── RaiseBound, NextEpoch ──> wishes ── next() ──> record to write ──> store
//! clock ─── window over ────────────>   │                                       │
//!                                       └── answers() <── durable(record) <─────┘
//! ```
//! Wishes are collected and one record serves all of them. The rules (docs/GUARANTEES.md,
//! "Restart"):
//!
//! 1. Every start takes a new epoch, durable before anybody can connect, and writes it into both
//!    copies: so a lost newer copy is at most one epoch ahead of the other.
//! 2. Before a session with a TTL may open, `Dirty` and a bound of at least that TTL are durable.
//! 3. A start that finds `Dirty` keeps all keys closed for the bound x 1.02 + 50 ms.
//! 4. Before the first ordinary grant, `floor` = the epoch of this run is durable.
//! 5. The bound falls only in a write that also moves the floor to this run: before that, holders
//!    of earlier runs may live.
//! 6. `Clean` is written only with no hold left and no window open.

use crate::canary::{self, Canary};
use crate::control::record::{EPOCH_MAX, Record, State};
use crate::control::store::Loaded;
use crate::limits::TTL_MS_MAX;
use crate::lock::op::ShardId;
use crate::shard::io::FromControl;
use thiserror::Error;

/// What a start brings along.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Tens of seconds since 2025-01-01, 0 if the clock stands before that.
    pub epoch_of_clock: u32,
    /// The TTL of a session that asks for none.
    pub ttl_ms_default: u32,
    /// The longest TTL that a session gets.
    pub ttl_ms_max: u32,
    /// 16 random bytes: the server's id if it has none yet.
    pub server_id: [u8; 16],
}

/// All epochs are used: tokens could not grow any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("all {EPOCH_MAX} epochs of fencing tokens are used")]
pub struct EpochsExhausted;

/// The durable facts of a running server, and what is wished of them.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// What the store holds.
    durable: Record,
    /// The epoch of this server run.
    run: u32,
    ttl_ms_default: u32,
    /// The highest TTL that any shard was told it may grant; 0 = no session can be open.
    promised_ms: u32,
    window: Window,
    wishes: Wishes,
}

/// Whether holders of earlier runs may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    /// They may; keys are closed for this long after listening began.
    Open {
        /// Length.
        ms: u32,
    },
    /// The time is over, the floor not yet durable.
    Passed,
    /// They are not; the floor is this run's epoch.
    Closed,
}

#[derive(Clone, Debug, Default)]
struct Wishes {
    bound_ms: u32,
    bound_for: Vec<ShardId>,
    epoch_for: Vec<ShardId>,
}

/// An answer to one shard, or to all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// This one.
    Shard(ShardId),
    /// Everyone.
    All,
}

impl Ledger {
    /// Takes up what the store holds; [`Ledger::opening`] must become durable, twice, before the
    /// server listens.
    ///
    /// # Errors
    /// There is no epoch left.
    pub fn start(loaded: &Loaded, start: &Start) -> Result<Self, EpochsExhausted> {
        let record = match *loaded {
            Loaded::Empty => {
                let epoch = start.epoch_of_clock.max(1);
                opening_closed(epoch, start, start.server_id)
            }
            Loaded::Whole { record, .. } => {
                let epoch = (record.epoch + 1).max(start.epoch_of_clock);
                match record.state {
                    State::Idle | State::Clean => opening_closed(epoch, start, record.server_id),
                    State::Dirty => opening_dirty(epoch, start, record.bound_ms, &record),
                }
            }
            Loaded::Older { record, .. } => {
                let epoch = record.epoch.max(start.epoch_of_clock).saturating_add(2);
                let bound = record.bound_ms.max(record.ttl_ms_max).max(start.ttl_ms_max);
                // The lost copy may have moved the floor, to no more than this one's epoch. What
                // was granted before is not had back, even if it had not: that is safe.
                let floor = record.epoch;
                opening_dirty(epoch, start, bound, &Record { floor, ..record })
            }
        };
        if record.epoch > EPOCH_MAX {
            return Err(EpochsExhausted);
        }
        Ok(Self {
            durable: record,
            run: record.epoch,
            ttl_ms_default: start.ttl_ms_default,
            promised_ms: 0,
            window: match record.state {
                State::Dirty => Window::Open {
                    ms: window_ms(record.bound_ms),
                },
                State::Idle | State::Clean => Window::Closed,
            },
            wishes: Wishes::default(),
        })
    }

    /// The record of the start.
    #[must_use]
    pub const fn opening(&self) -> &Record {
        &self.durable
    }

    /// The epoch of this server run: the first one of every shard's tokens.
    #[must_use]
    pub const fn run(&self) -> u32 {
        self.run
    }

    /// For how long after listening began all keys stay closed, in milliseconds.
    #[must_use]
    pub const fn window_ms(&self) -> Option<u32> {
        match self.window {
            Window::Open { ms } => Some(ms),
            Window::Passed | Window::Closed => None,
        }
    }

    /// A shard wants to open a session of this TTL.
    pub fn wish_bound(&mut self, shard: ShardId, ttl_ms: u32) {
        debug_assert!(ttl_ms <= TTL_MS_MAX, "shards clamp TTLs");
        self.wishes.bound_ms = self.wishes.bound_ms.max(ttl_ms.min(TTL_MS_MAX));
        add(&mut self.wishes.bound_for, shard);
    }

    /// A shard wants a next epoch for its tokens.
    pub fn wish_epoch(&mut self, shard: ShardId) {
        add(&mut self.wishes.epoch_for, shard);
    }

    /// The window's time is over.
    pub const fn window_passed(&mut self) {
        if matches!(self.window, Window::Open { .. }) {
            self.window = Window::Passed;
        }
    }

    /// The record that must become durable before the wishes can be answered; `None` if nothing
    /// need be written.
    ///
    /// # Errors
    /// A wish for an epoch, and there is none left.
    pub fn next(&self) -> Result<Option<Record>, EpochsExhausted> {
        let mut record = self.durable;
        if !self.wishes.bound_for.is_empty() {
            record.state = State::Dirty;
            record.bound_ms = record.bound_ms.max(self.granted_bound_ms());
        }
        // One new epoch serves all shards: each has its own keys and its own counter.
        if !self.wishes.epoch_for.is_empty() {
            record.epoch += 1;
        }
        let floor_due = match canary::is(Canary::FloorAfterGrant) {
            false => self.window == Window::Passed,
            true => self.window == Window::Closed && self.durable.floor < self.run,
        };
        if floor_due {
            record.floor = self.run;
            record.bound_ms = self.granted_bound_ms();
            if self.promised_ms == 0 && self.wishes.bound_for.is_empty() {
                record.state = State::Idle;
            }
        }
        if record.epoch > EPOCH_MAX {
            return Err(EpochsExhausted);
        }
        Ok((record != self.durable).then_some(record))
    }

    /// The record of [`Ledger::next`] is durable.
    pub const fn durable(&mut self, record: &Record) {
        self.durable = *record;
    }

    /// What may be said now that [`Ledger::next`] has nothing to write; ends the wishes.
    ///
    /// # Panics
    /// If something is still to be written: a promise would go out before it is durable.
    pub fn answers(&mut self) -> Vec<(To, FromControl)> {
        let bound_ms = self.granted_bound_ms();
        let wishes = std::mem::take(&mut self.wishes);
        let mut answers = Vec::new();
        if !wishes.bound_for.is_empty() {
            assert!(
                self.durable.state == State::Dirty,
                "dirty before the first session"
            );
            assert!(
                self.durable.bound_ms >= bound_ms,
                "a promise is durable first"
            );
            self.promised_ms = self.promised_ms.max(bound_ms);
        }
        for shard in wishes.bound_for {
            answers.push((
                To::Shard(shard),
                FromControl::BoundRaised { ttl_ms: bound_ms },
            ));
        }
        let epoch = self.durable.epoch;
        for shard in wishes.epoch_for {
            assert!(epoch > self.run, "an epoch is durable before it is used");
            answers.push((To::Shard(shard), FromControl::Epoch { epoch }));
        }
        if self.window == Window::Passed {
            assert!(
                self.durable.floor == self.run || canary::is(Canary::FloorAfterGrant),
                "the floor moves before keys open"
            );
            self.window = Window::Closed;
            answers.push((To::All, FromControl::WindowOver));
        }
        answers
    }

    /// The record of the end with no hold left; `None` if the stored one must stay: holders of an
    /// earlier run may live while its window is open.
    #[must_use]
    pub fn stopped_without_holds(&self) -> Option<Record> {
        (self.window == Window::Closed).then_some(Record {
            state: State::Clean,
            ..self.durable
        })
    }

    /// The bound that serves the promises given and the wishes: at least the default TTL, rounded
    /// up so that few different TTLs cost few writes.
    fn granted_bound_ms(&self) -> u32 {
        let wanted = self.wishes.bound_ms.max(self.promised_ms);
        round_up(wanted.max(self.ttl_ms_default))
    }
}

/// The record of a start with no holder left: the floor moves at once, the bound begins anew.
fn opening_closed(epoch: u32, start: &Start, server_id: [u8; 16]) -> Record {
    Record {
        epoch,
        floor: epoch,
        bound_ms: round_up(start.ttl_ms_default),
        ttl_ms_max: start.ttl_ms_max,
        state: State::Idle,
        server_id,
    }
}

/// The record of a start behind which holders may live.
fn opening_dirty(epoch: u32, start: &Start, bound_ms: u32, stored: &Record) -> Record {
    Record {
        epoch,
        floor: stored.floor,
        bound_ms: bound_ms.max(round_up(start.ttl_ms_default)),
        ttl_ms_max: start.ttl_ms_max,
        state: State::Dirty,
        server_id: stored.server_id,
    }
}

/// The next of 1, 2, 5, 10, 20, 50 ... seconds, at most the longest TTL there is.
fn round_up(ttl_ms: u32) -> u32 {
    const STEPS_S: [u32; 11] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];
    let steps = STEPS_S.iter().map(|seconds| seconds * 1_000);
    let step = steps.into_iter().find(|step| *step >= ttl_ms);
    step.unwrap_or(TTL_MS_MAX.max(ttl_ms))
}

/// The length of the grace window: the bound, a clock rate error of 1 % on either side, and 50 ms.
#[must_use]
pub fn window_ms(bound_ms: u32) -> u32 {
    if canary::is(Canary::ShortWindow) {
        return bound_ms - bound_ms / 10;
    }
    bound_ms
        .saturating_add(bound_ms.div_ceil(50))
        .saturating_add(50)
}

fn add(shards: &mut Vec<ShardId>, shard: ShardId) {
    if !shards.contains(&shard) {
        shards.push(shard);
    }
}

#[cfg(test)]
mod tests;
