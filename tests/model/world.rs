//! One episode: an engine and its model, driven through the same steps.

use crate::model::{Claim, Life, Model, SEAT_NONE};
use crate::step::{Acquire, Episode, Step};
use crate::tape::{Tape, session};
use locker::lock::effect::ClosureRef;
use locker::lock::input::Peer;
use locker::lock::op::*;
use locker::lock::{Batch, Engine, EngineConfig, Input, TokenSource};
use locker::time::{Instant, Millis};
use locker_protocol::GetReply;

pub(crate) const SLOTS: u32 = 6;
const START: u64 = 5_000_000;

/// Slot, seat, owner, token.
type Who = (u32, u16, u64, u64);

/// A request as both sides take it.
enum Act {
    Acquire(usize, Claim),
    /// The claim has its token.
    Reclaim(usize, Claim),
    Release(usize, u32, u16, u64, u64),
    Renew(usize, (u32, u16, u64, u64), Option<u32>),
    Cancel(usize, (u32, u16, u64, u64), u16, IfGranted),
    Force(usize, u32, u16, u64, ClosedFor),
    Told(usize, u64, ClosureRef),
    Open(u32),
    End(u32),
}

pub(crate) struct World {
    engine: Engine,
    batch: Batch,
    model: Model,
    episode: Episode,
    seats: Vec<u16>,
    lives: Vec<u64>,
    group: Vec<Act>,
    /// Its key, and who asked; token 0.
    last_acquire: Option<(usize, Who)>,
    pub(crate) operations: u64,
    pub(crate) contended: u64,
    pub(crate) full: u64,
    opened: bool,
}

fn ttl_ms(slot: u32) -> u32 {
    1_000 + slot * 77
}

impl World {
    pub(crate) fn new(episode: Episode) -> Self {
        let grace = episode.grace_ms.map(|ms| START + u64::from(ms) * 1_000);
        let tokens = if episode.scarce_tokens {
            TokenSource::ephemeral((1 << 52) - 1)
        } else {
            TokenSource::epoch(7)
        };
        let config = EngineConfig {
            shard: ShardId(0),
            shards: 2,
            sessions_per_shard: SLOTS / 2,
            blocks: episode.blocks,
            block_bytes: episode.block_bytes,
            waiters_max: episode.waiters_max,
            key_waiters_max: episode.key_waiters_max,
            seed: [episode.seed, 99],
            tokens,
            grace_until: grace.map(Instant),
            now: Instant(START),
        };
        let model = Model {
            now: START,
            lives: vec![Life::Closed; SLOTS as usize],
            grace,
            grace_end: grace,
            tokens_left: if episode.scarce_tokens {
                2_048
            } else {
                1 << 35
            },
            key_waiters_max: episode.key_waiters_max.into(),
            waiters_max: episode.waiters_max.into(),
            tape: Tape::new(episode.keys()),
            ..Model::default()
        };
        let scarce = episode.scarce_tokens && grace.is_none();
        let mut world = Self {
            engine: Engine::new(config).unwrap(),
            batch: Batch::new(),
            model,
            episode,
            seats: vec![0; SLOTS as usize],
            lives: vec![0; SLOTS as usize],
            group: Vec::new(),
            last_acquire: None,
            operations: 0,
            contended: 0,
            full: 0,
            opened: false,
        };
        if scarce {
            world.burn_tokens(60);
        }
        world
    }

    pub(crate) fn into_counts(self) -> std::collections::BTreeMap<String, u64> {
        self.model.tape.counts
    }

    pub(crate) fn step(&mut self, step: &Step) {
        if let Some(act) = self.resolve(step) {
            self.operations += 1;
            self.contended += u64::from(self.is_contended(step));
            self.group.push(act);
            if self.group.len() >= self.episode.group {
                self.apply();
            }
            return;
        }
        match step {
            Step::Pass { ms, micros } => {
                self.apply();
                self.pass(self.model.now + u64::from(*ms) * 1_000 + u64::from(*micros));
            }
            Step::PassToDeadline { early_us } => {
                self.apply();
                if let Some(next) = self.next_deadline() {
                    self.pass(
                        next.max(self.model.now + u64::from(*early_us)) - u64::from(*early_us),
                    );
                }
            }
            Step::Lane { home, full } => {
                self.apply();
                self.model.tape.full[*home] = *full;
            }
            Step::OpenKeys => {
                self.apply();
                self.engine.open_keys();
                self.opened |= self.model.grace.take().is_some();
                self.pass(self.model.now);
            }
            Step::Drain if !self.model.drained => {
                self.apply();
                let until = self.model.now + 5_000_000;
                self.engine.drain(Instant(until));
                self.model.drain = Some(until);
            }
            Step::DrainOver if self.model.grace.is_none() => {
                self.apply();
                self.engine.drain_over();
                self.model.drained = true;
                self.pass(self.model.now);
            }
            Step::Look { key } => {
                self.apply();
                self.look(*key);
            }
            _ => {}
        }
    }

    /// Ends everything; what is left is a leak.
    pub(crate) fn finish(&mut self) {
        self.apply();
        self.model.tape.full = [false; 2];
        for slot in 0..SLOTS {
            if self.model.lives[slot as usize] == Life::Open {
                self.step(&Step::End { slot });
            }
        }
        self.apply();
        self.pass(self.model.now);
        self.engine.open_keys();
        self.opened |= self.model.grace.take().is_some();
        while let Some(next) = self.next_deadline() {
            self.pass(next);
        }
        self.pass(self.model.now);
        self.pass(self.model.now);
        let counters = self.engine.counters();
        assert_eq!(counters.blocks_used, 0, "nothing is left: {counters:?}");
        assert!(!self.engine.has_pending() && !self.engine.has_more());
    }

    fn next_deadline(&self) -> Option<u64> {
        let keys = self.model.keys.values();
        let ends = keys.flat_map(|key| {
            let claims = key
                .holds
                .iter()
                .chain(&key.waiters)
                .map(|claim| claim.deadline);
            claims.chain(key.closures.iter().map(|closure| closure.deadline))
        });
        ends.flatten().min().map(|end| end.div_ceil(1_000) * 1_000)
    }

    /// Turns until an instant, none of which is late by more than the wheel takes at once.
    fn pass(&mut self, until: u64) {
        loop {
            let due = self
                .engine
                .next_deadline()
                .map_or(u64::MAX, Instant::as_micros);
            let now = self.unique_now(until.min(due.max(self.model.now).saturating_add(20_000)));
            self.turn(now);
            if now >= until {
                return;
            }
        }
    }

    fn turn(&mut self, now: u64) {
        self.model.now = now;
        self.engine.turn_begin(Instant(now), &mut self.model.tape);
        let opened = std::mem::take(&mut self.opened);
        self.model.turn_begin(opened);
        self.model.tape.rewind("turn_begin");
        self.engine.check_invariants();
        self.engine.turn_end(&mut self.model.tape);
        self.model.turn_end();
        self.model.tape.rewind("turn_end");
        self.engine.check_invariants();
        self.compare();
    }

    fn compare(&self) {
        let counters = self.engine.counters();
        let holds: usize = self.model.keys.values().map(|key| key.holds.len()).sum();
        let waiters: usize = self.model.keys.values().map(|key| key.waiters.len()).sum();
        let closures: usize = self.model.keys.values().map(|key| key.closures.len()).sum();
        assert_eq!(counters.holds as usize, holds, "holds");
        assert_eq!(counters.closures as usize, closures, "closures");
        assert_eq!(counters.waiters as usize, waiters, "waiters");
        assert_eq!(self.engine.has_pending(), {
            let gone_waits = !self.model.dying.is_empty();
            self.model.tape.waits_for_lane() > 0 || gone_waits
        });
        assert_eq!(counters.stall_ms, 0, "no turn was late");
    }

    /// Applies the collected requests as one batch.
    fn apply(&mut self) {
        let group = std::mem::take(&mut self.group);
        if group.is_empty() {
            return;
        }
        let keys = self.model.tape.key_names.clone();
        let bytes = [b'm'; 256];
        for act in &group {
            let input = self.input(act, &keys, &bytes);
            self.batch.push(input).unwrap();
        }
        let counters = self.engine.counters();
        let free = u64::from(counters.blocks - counters.blocks_used);
        let others = counters.blocks_used.saturating_sub(counters.holds);
        let part = u64::from((counters.blocks / 4).saturating_sub(others));
        let free_to_acquire = self.model.grace.map_or(free, |_| free.min(part));
        let is_alone = group.len() == 1;
        self.model.tape.free = is_alone.then_some(free);
        self.model.tape.free_to_acquire = is_alone.then_some(free_to_acquire);
        self.full += if free < 2 { group.len() as u64 } else { 0 };
        self.engine.apply(&mut self.batch, &mut self.model.tape);
        for act in group {
            self.mirror(act);
        }
        self.model.tape.rewind("apply");
        self.engine.check_invariants();
    }

    fn mirror(&mut self, act: Act) {
        let model = &mut self.model;
        match act {
            Act::Acquire(name, claim) => {
                model.free_seat(name, &claim);
                model.acquire(name, claim);
            }
            Act::Reclaim(name, claim) => model.reclaim(name, claim),
            Act::Release(name, slot, seat, owner, token) => {
                model.release(name, slot, seat, owner, token);
            }
            Act::Renew(name, who, lease_ms) => model.renew(name, who, lease_ms),
            Act::Cancel(name, who, seat, if_granted) => model.cancel(name, who, seat, if_granted),
            Act::Force(name, slot, seat, token, closed) => {
                model.force(name, slot, seat, token, |holder| delay_ms(closed, holder));
            }
            Act::Told(name, token, _) => model.told(name, token),
            Act::Open(slot) => model.lives[slot as usize] = Life::Open,
            Act::End(slot) => {
                model.lives[slot as usize] = Life::Dead;
                model.dying.push_back(slot);
            }
        }
    }

    /// Whether a request comes between others: acquires what is held, or ends what is waited for.
    fn is_contended(&self, step: &Step) -> bool {
        let key = |name| self.model.keys.get(name);
        match step {
            Step::Acquire(acquire) => key(&acquire.key).is_some_and(|key| !key.holds.is_empty()),
            Step::Release { key: name, .. } | Step::Cancel { key: name, .. } => {
                key(name).is_some_and(|key| !key.waiters.is_empty())
            }
            _ => false,
        }
    }

    /// Uses up all tokens but `left`.
    fn burn_tokens(&mut self, left: u64) {
        self.step(&Step::Open { slot: 0 });
        for _ in left..self.model.tokens_left {
            let want = Want {
                mode: Mode::Exclusive,
                permits: 0,
                limit: 0,
                resize: false,
            };
            let acquire = Acquire {
                slot: 0,
                key: 0,
                owner: 1,
                want,
                wait_ms: None,
                lease_ms: 0,
                metadata: 0,
                again: false,
            };
            self.step(&Step::Acquire(acquire));
            self.apply();
            self.step(&Step::Release {
                key: 0,
                pick: 0,
                zero: false,
            });
            self.apply();
        }
        (self.operations, self.contended) = (0, 0);
        self.model.tape.counts.clear();
    }

    fn session(&self, slot: u32) -> SessionRef {
        session(slot, self.lives[slot as usize])
    }

    fn input<'a>(&self, act: &Act, keys: &'a [Vec<u8>], bytes: &'a [u8]) -> Input<'a> {
        let request = |name: usize, slot: u32, seat: u16, op: Op, metadata: usize| Input::Request {
            to: ReplyTo {
                session: self.session(slot),
                seat: Seat(seat),
            },
            op,
            key: &keys[name],
            metadata: &bytes[..metadata],
        };
        match act {
            Act::Acquire(name, claim) => {
                let (owner, want, wait) = (claim.owner, claim.want, claim.wait);
                let lease = lease(claim.lease_ms);
                let op = Op::Acquire {
                    owner,
                    want,
                    wait,
                    lease,
                };
                request(*name, claim.slot, claim.seat, op, claim.metadata)
            }
            Act::Reclaim(name, claim) => {
                let op = Op::Reclaim {
                    owner: claim.owner,
                    token: claim.token,
                    want: claim.want,
                    lease: lease(claim.lease_ms),
                };
                request(*name, claim.slot, claim.seat, op, claim.metadata)
            }
            Act::Release(name, slot, seat, owner, token) => {
                let (owner, token) = (*owner, *token);
                request(*name, *slot, *seat, Op::Release { owner, token }, 0)
            }
            Act::Renew(name, (slot, seat, owner, token), lease_ms) => {
                let to = match lease_ms {
                    None => RenewTo::Keep,
                    Some(0) => RenewTo::Lease(Lease::Session),
                    Some(ms) => RenewTo::Lease(Lease::For(Millis(*ms))),
                };
                let (owner, token) = (*owner, *token);
                request(*name, *slot, *seat, Op::Renew { owner, token, to }, 0)
            }
            Act::Cancel(name, (slot, seat, owner, token), acquire_seat, if_granted) => {
                let op = Op::Cancel {
                    owner: *owner,
                    acquire_seat: Seat(*acquire_seat),
                    token: *token,
                    if_granted: *if_granted,
                };
                request(*name, *slot, *seat, op, 0)
            }
            Act::Force(name, slot, seat, token, closed) => {
                let (token, closed) = (*token, *closed);
                request(*name, *slot, *seat, Op::ForceRelease { token, closed }, 0)
            }
            Act::Told(_, _, closure) => Input::LostTold { closure: *closure },
            Act::Open(slot) => Input::SessionOpen {
                session: self.session(*slot),
                ttl: Millis(ttl_ms(*slot)),
                name: b"model",
                peer: Peer::default(),
            },
            Act::End(slot) => Input::SessionEnd {
                session: self.session(*slot),
            },
        }
    }

    fn seat(&mut self, slot: u32) -> u16 {
        let seat = &mut self.seats[slot as usize];
        *seat = seat.wrapping_add(1);
        *seat
    }

    /// The seat of a hold of that owner on that key, if it is to be used again.
    fn seat_again(&mut self, acquire: &Acquire) -> Option<u16> {
        let slot = acquire.slot;
        let holds = &self.model.keys.get(&acquire.key)?.holds;
        let mine = |hold: &&Claim| hold.slot == slot && hold.owner == acquire.owner;
        let hold = holds.iter().find(mine)?;
        let seat = hold.seat;
        let is_free = !hold.unsettled && seat != SEAT_NONE;
        let used = |act: &Act| match act {
            Act::Acquire(_, claim) => (claim.slot, claim.seat) == (slot, seat),
            _ => false,
        };
        let again = acquire.again && is_free && !self.group.iter().any(used);
        again.then_some(seat)
    }

    /// Whether a session may ask, counting what the group does to it.
    fn is_open(&self, slot: u32) -> bool {
        let last = self.group.iter().rev().find_map(|act| match act {
            Act::Open(other) if *other == slot => Some(true),
            Act::End(other) if *other == slot => Some(false),
            _ => None,
        });
        last.unwrap_or(self.model.lives[slot as usize] == Life::Open)
    }

    /// Makes a step concrete against what there is now; `None` if it is no request or finds
    /// nothing.
    fn resolve(&mut self, step: &Step) -> Option<Act> {
        match step {
            Step::Open { slot } => self.resolve_open(*slot),
            Step::End { slot } => self.is_open(*slot).then_some(Act::End(*slot)),
            Step::Acquire(acquire) => {
                let (name, claim) = self.resolve_acquire(acquire)?;
                Some(Act::Acquire(name, claim))
            }
            Step::Reclaim(claimed) => {
                let (name, mut claim) = self.resolve_acquire(&claimed.as_in)?;
                claim.token = claimed.token;
                Some(Act::Reclaim(name, claim))
            }
            Step::Release { key, pick, zero } => {
                let (slot, _, owner, token) = self.pick(*key, *pick)?;
                let seat = self.seat(slot);
                let token = if *zero { 0 } else { token };
                Some(Act::Release(*key, slot, seat, owner, token))
            }
            Step::Renew {
                key,
                pick,
                lease_ms,
            } => {
                let (slot, _, owner, token) = self.pick(*key, *pick)?;
                let seat = self.seat(slot);
                let lease_ms = lease_ms.map(|ms| self.unique_ms(*key, ms));
                Some(Act::Renew(*key, (slot, seat, owner, token), lease_ms))
            }
            Step::Cancel {
                key,
                pick,
                keep,
                blind,
                last,
            } => {
                let (key, who) = self.pick_cancelled(*key, *pick, *last)?;
                let (slot, acquire_seat, owner, token) = who;
                let seat = self.seat(slot);
                let token = if *blind { 0 } else { token };
                let if_granted = if *keep {
                    IfGranted::Keep
                } else {
                    IfGranted::Release
                };
                Some(Act::Cancel(
                    key,
                    (slot, seat, owner, token),
                    acquire_seat,
                    if_granted,
                ))
            }
            Step::Force {
                key,
                pick,
                all,
                delay,
            } => {
                let closed = self.resolve_delay(*key, *delay);
                let slot = (0..SLOTS).find(|slot| self.is_open(*slot))?;
                let (_, _, _, token) = self.pick(*key, *pick)?;
                let token = if *all { 0 } else { token };
                let seat = self.seat(slot);
                Some(Act::Force(*key, slot, seat, token, closed))
            }
            Step::Told { key, pick } => self.resolve_told(*key, *pick),
            _ => None,
        }
    }

    fn resolve_open(&mut self, slot: u32) -> Option<Act> {
        let closed = self.model.lives[slot as usize] == Life::Closed;
        let asked = |act: &Act| matches!(act, Act::Open(other) if *other == slot);
        if !closed || self.group.iter().any(asked) {
            return None;
        }
        self.lives[slot as usize] += 1;
        Some(Act::Open(slot))
    }

    fn resolve_told(&self, key: usize, pick: usize) -> Option<Act> {
        let closures = &self.model.keys.get(&key)?.closures;
        let closure = closures.get(pick % closures.len().max(1))?;
        Some(Act::Told(key, closure.token, closure.told_by?))
    }

    /// A delay that ends with nothing else; `None` = the holder's TTL.
    fn resolve_delay(&self, key: usize, delay: Option<u32>) -> ClosedFor {
        match delay {
            Some(0) => ClosedFor::For(Millis(0)),
            Some(delay) => ClosedFor::For(Millis(self.unique_ms(key, delay))),
            None if self.ttls_are_unique(key) => ClosedFor::HolderTtl,
            None => ClosedFor::For(Millis(self.unique_ms(key, 500))),
        }
    }

    fn resolve_acquire(&mut self, acquire: &Acquire) -> Option<(usize, Claim)> {
        let (slot, name) = (acquire.slot, acquire.key);
        if !self.is_open(slot) {
            return None;
        }
        let lease_ms = match acquire.lease_ms {
            0 => 0,
            ms => self.unique_ms(name, ms),
        };
        let wait = match acquire.wait_ms {
            None => Wait::Forever,
            Some(0) => Wait::Try,
            Some(ms) => {
                let mut ms = self.unique_ms(name, ms);
                while ms == lease_ms {
                    ms = self.unique_ms(name, ms + 1);
                }
                Wait::For(Millis(ms))
            }
        };
        let key_len = self.model.tape.key_names[name].len();
        let more = |bytes: usize| -> u64 {
            let inline = self.episode.block_bytes - 84;
            bytes
                .saturating_sub(inline)
                .div_ceil(self.episode.block_bytes - 8) as u64
        };
        let (key, metadata) = (more(key_len), more(acquire.metadata));
        let both = more(key_len + acquire.metadata);
        let seat = self.seat_again(acquire).unwrap_or_else(|| self.seat(slot));
        self.last_acquire = Some((name, (slot, seat, acquire.owner, 0)));
        let claim = Claim {
            slot,
            seat,
            owner: acquire.owner,
            want: acquire.want,
            wait,
            lease_ms,
            token: 0,
            deadline: None,
            unsettled: false,
            metadata: acquire.metadata,
            blocks: [1 + both, both - key, 1 + metadata, 2 + key + metadata],
        };
        self.model.keys.entry(name).or_default();
        Some((name, claim))
    }

    /// A hold of an open session that its client knows of, or one that is no more.
    fn pick(&self, key: usize, pick: usize) -> Option<(u32, u16, u64, u64)> {
        let holds = &self.model.keys.get(&key)?.holds;
        let known: Vec<_> = holds
            .iter()
            .filter(|hold| self.is_open(hold.slot))
            .collect();
        if known.is_empty() && !pick.is_multiple_of(8) {
            return None;
        }
        if known.is_empty() || pick % 16 == 15 {
            let slot = (0..SLOTS).find(|slot| self.is_open(*slot))?;
            return Some((slot, 0, 1, 12_345));
        }
        let hold = known[pick % known.len()];
        let token = if hold.unsettled { 777 } else { hold.token };
        Some((hold.slot, hold.seat, hold.owner, token))
    }

    /// The last acquire of all if it is asked for, or a waiter or hold of that key.
    fn pick_cancelled(&self, key: usize, pick: usize, last: bool) -> Option<(usize, Who)> {
        match self.last_acquire.filter(|_| last) {
            Some((key, who)) if self.is_open(who.0) => Some((key, who)),
            _ => Some((key, self.pick_any(key, pick)?)),
        }
    }

    /// A waiter or hold of an open session.
    fn pick_any(&self, key: usize, pick: usize) -> Option<(u32, u16, u64, u64)> {
        let key_state = self.model.keys.get(&key)?;
        let waiters = key_state.waiters.iter();
        let known: Vec<_> = waiters.filter(|claim| self.is_open(claim.slot)).collect();
        let hidden: Vec<_> = key_state
            .holds
            .iter()
            .filter(|hold| hold.unsettled)
            .collect();
        if let Some(hold) = hidden.get(pick % 4).filter(|hold| self.is_open(hold.slot)) {
            return Some((hold.slot, hold.seat, hold.owner, 0));
        }
        if known.is_empty() || pick % 8 == 7 {
            return self.pick(key, pick);
        }
        let claim = known[pick % known.len()];
        Some((claim.slot, claim.seat, claim.owner, 0))
    }

    /// Ends known, as wheel milliseconds, and lengths whose beginning is not known, on one key.
    fn ends(&self, key: usize) -> (Vec<u64>, Vec<u64>) {
        let Some(key_state) = self.model.keys.get(&key) else {
            return Default::default();
        };
        let claims = || key_state.holds.iter().chain(&key_state.waiters);
        let closures = || key_state.closures.iter();
        let fixed = claims().filter_map(|claim| claim.deadline);
        let fixed = fixed.chain(closures().filter_map(|closure| closure.deadline));
        let waiting = key_state.waiters.iter();
        let hidden = key_state.holds.iter().filter(|hold| hold.unsettled);
        let floating = waiting.chain(hidden).map(|claim| u64::from(claim.lease_ms));
        let unbegun = closures().filter(|closure| closure.deadline.is_none());
        let floating = floating.chain(unbegun.map(|closure| u64::from(closure.delay_ms)));
        let fixed = fixed.map(|end| end.div_ceil(1_000)).collect();
        (fixed, floating.filter(|ms| *ms > 0).collect())
    }

    /// A length near `ms` whose end no other end on that key shares: ties have no promised order.
    fn unique_ms(&self, key: usize, ms: u32) -> u32 {
        let (fixed, mut floating) = self.ends(key);
        floating.extend(self.group.iter().flat_map(lengths).map(u64::from));
        let mut ms = u64::from(ms);
        while floating.contains(&ms)
            || fixed.contains(&(self.model.now + ms * 1_000).div_ceil(1_000))
        {
            ms += 1;
        }
        u32::try_from(ms).unwrap()
    }

    fn ttls_are_unique(&self, key: usize) -> bool {
        (0..SLOTS).all(|slot| {
            let delay = delay_ms(ClosedFor::HolderTtl, slot);
            self.unique_ms(key, delay) == delay
        })
    }

    /// An instant at or after `now` at which no length that begins then ends together with another.
    fn unique_now(&self, now: u64) -> u64 {
        let mut now = now;
        loop {
            let tie = self.model.keys.keys().any(|key| {
                let (fixed, floating) = self.ends(*key);
                let ends = |ms: &u64| fixed.contains(&(now + ms * 1_000).div_ceil(1_000));
                floating.iter().any(ends)
            });
            if !tie {
                return now;
            }
            now += 1 + (1_000 - now % 1_000) % 1_000;
        }
    }

    /// Compares a key as Get tells it.
    fn look(&mut self, name: usize) {
        let to = ReaderRef {
            home: ShardId(0),
            connection: 0,
            generation: 0,
            request_id: 0,
            op: 0,
        };
        let key = self.model.tape.key_names[name].clone();
        self.batch.push(Input::Get { to, key: &key }).unwrap();
        self.engine.apply(&mut self.batch, &mut self.model.tape);
        let body = std::mem::take(&mut self.model.tape.body);
        let reply = GetReply::decode(&body).unwrap();
        let state = self.model.keys.entry(name).or_default();
        assert_eq!(reply.holders_total as usize, state.holds.len());
        assert_eq!(reply.waiters_total as usize, state.waiters.len());
        assert_eq!(reply.closed, !state.closures.is_empty());
        assert_eq!(reply.limit, state.limit);
        let waiters = state.waiters.iter().map(|claim| claim.owner);
        let told: Vec<_> = reply.waiters.iter().map(|waiter| waiter.owner).collect();
        assert_eq!(
            told,
            waiters.take(8).collect::<Vec<_>>(),
            "waiters in order"
        );
        for holder in reply.holders.iter() {
            let known = state.holds.iter().any(|hold| {
                hold.owner == holder.owner && (hold.token == holder.token || hold.unsettled)
            });
            assert!(known, "a holder that the model knows");
        }
        self.model.tape.count("looked at");
    }
}

const fn lease(ms: u32) -> Lease {
    match ms {
        0 => Lease::Session,
        ms => Lease::For(Millis(ms)),
    }
}

fn delay_ms(closed: ClosedFor, holder: u32) -> u32 {
    match closed {
        ClosedFor::For(length) => length.0,
        // The holder's TTL x 1.02 + 50 ms.
        ClosedFor::HolderTtl => (ttl_ms(holder) * 102).div_ceil(100) + 50,
    }
}

/// Lengths of time that a request of the group brings.
fn lengths(act: &Act) -> Vec<u32> {
    match act {
        Act::Acquire(_, claim) => match claim.wait {
            Wait::For(wait) => vec![claim.lease_ms, wait.0],
            _ => vec![claim.lease_ms],
        },
        Act::Reclaim(_, claim) => vec![claim.lease_ms],
        Act::Renew(_, _, Some(ms)) => vec![*ms],
        Act::Force(_, _, _, _, closed) => (0..SLOTS).map(|slot| delay_ms(*closed, slot)).collect(),
        _ => Vec::new(),
    }
}
