//! The lock engine as a list per key: naive, slow, written from the rules and not from the engine.
//!
//! It is told what the engine said (the tape), step by step, and takes from it only what it cannot
//! know: the tokens, and whether the table was full. Everything else it must have expected.

use crate::tape::{Out, Tape};
use locker::lock::Answer;
use locker::lock::effect::{CancelOutcome, LostReason};
use locker::lock::op::{IfGranted, Mode, Wait, Want};
use locker_protocol::Status;
use std::collections::{BTreeMap, VecDeque};

/// The seat of a hold whose seat was used again.
pub(crate) const SEAT_NONE: u16 = u16::MAX;

/// A waiter, and the hold that it becomes.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) slot: u32,
    pub(crate) seat: u16,
    pub(crate) owner: u64,
    pub(crate) want: Want,
    pub(crate) wait: Wait,
    pub(crate) lease_ms: u32,
    pub(crate) token: u64,
    /// End of the wait or the lease, in microseconds.
    pub(crate) deadline: Option<u64>,
    /// The Granted is still on its way: to the client this is a waiter.
    pub(crate) unsettled: bool,
    pub(crate) metadata: usize,
    /// How many blocks it may need, by what it finds.
    pub(crate) blocks: [u64; 4],
}

/// What a forced hold leaves behind.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    pub(crate) token: u64,
    pub(crate) slot: Option<u32>,
    pub(crate) told_by: Option<locker::lock::effect::ClosureRef>,
    pub(crate) delay_ms: u32,
    pub(crate) deadline: Option<u64>,
    pub(crate) unsent: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    pub(crate) holds: Vec<Claim>,
    pub(crate) waiters: VecDeque<Claim>,
    pub(crate) closures: Vec<Closure>,
    pub(crate) limit: u32,
    pub(crate) last_token: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Closed,
    Open,
    Dead,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) keys: BTreeMap<usize, Key>,
    pub(crate) lives: Vec<Life>,
    pub(crate) dying: VecDeque<u32>,
    pub(crate) grace: Option<u64>,
    /// When the window ends or ended.
    pub(crate) grace_end: Option<u64>,
    pub(crate) drain: Option<u64>,
    pub(crate) drained: bool,
    pub(crate) tokens_left: u64,
    pub(crate) key_waiters_max: u64,
    pub(crate) waiters_max: u64,
    pub(crate) tape: Tape,
}

fn due(deadline: Option<u64>, now: u64) -> bool {
    deadline.is_some_and(|end| end.div_ceil(1_000) <= now / 1_000)
}

impl Model {
    pub(crate) fn dead(&self, slot: u32) -> bool {
        self.lives[slot as usize] == Life::Dead
    }

    pub(crate) fn until(&self, lease_ms: u32) -> Option<u64> {
        (lease_ms > 0).then(|| self.now + u64::from(lease_ms) * 1_000)
    }

    fn waiting(&self) -> u64 {
        self.keys.values().map(|key| key.waiters.len() as u64).sum()
    }

    fn compatible(key: &Key, want: Want, limit: u32) -> bool {
        let used: u64 = key
            .holds
            .iter()
            .map(|hold| u64::from(hold.want.permits))
            .sum();
        key.closures.is_empty()
            && key
                .holds
                .iter()
                .all(|hold| match (hold.want.mode, want.mode) {
                    (Mode::Shared, Mode::Shared) => true,
                    (Mode::Permit, Mode::Permit) => used + u64::from(want.permits) <= limit.into(),
                    _ => false,
                })
    }

    /// Grants from the head; forgets a free key's limit.
    pub(crate) fn settle(&mut self, name: usize) {
        while self.grace.is_none() && !self.drained {
            let key = &self.keys[&name];
            let Some(head) = key.waiters.front() else {
                break;
            };
            let limit = key.limit;
            let (dead, wide) = (self.dead(head.slot), head.want.permits > limit);
            let compatible = Self::compatible(key, head.want, limit);
            let wide = wide && head.want.mode == Mode::Permit;
            if !(dead || wide || compatible) {
                break;
            }
            let mut head = self.key(name).waiters.pop_front().unwrap();
            if dead {
                self.tape.count("dead waiter passed over");
            } else if wide {
                self.tape.count("head refused after a resize");
                self.refuse_later(
                    &head,
                    Status::LimitMismatch,
                    limit.into(),
                    head.want.permits.into(),
                );
            } else {
                self.grant_later(name, &mut head);
                self.key(name).holds.push(head);
            }
        }
        let key = self.key(name);
        if key.holds.is_empty() && key.waiters.is_empty() && key.closures.is_empty() {
            key.limit = 0;
        }
    }

    pub(crate) fn key(&mut self, name: usize) -> &mut Key {
        self.keys.entry(name).or_default()
    }

    fn grant_later(&mut self, name: usize, claim: &mut Claim) {
        let until = self.until(claim.lease_ms);
        let out = Out::Granted {
            slot: claim.slot,
            seat: claim.seat,
            until,
        };
        self.tokens_left -= 1;
        claim.deadline = None;
        match self.tape.later(claim.slot, out) {
            Some(said) => {
                claim.token = said.token;
                claim.deadline = until;
                self.check_token(name, claim.token);
            }
            None => claim.unsettled = true,
        }
    }

    fn refuse_later(&mut self, claim: &Claim, status: Status, limit: u64, value: u64) {
        let answer = crate::tape::refused(status, limit, value);
        self.tape.later(
            claim.slot,
            Out::Settled {
                slot: claim.slot,
                seat: claim.seat,
                answer,
            },
        );
    }

    /// Invariant 2.
    fn check_token(&mut self, name: usize, token: u64) {
        let key = self.key(name);
        assert!(token > key.last_token, "tokens of a key grow");
        key.last_token = token;
    }

    pub(crate) fn refuse(&mut self, slot: u32, seat: u16, status: Status, limit: u64, value: u64) {
        let answer = crate::tape::refused(status, limit, value);
        self.tape.answer(slot, seat, answer);
    }

    /// A request that acquires or forces ends the dead holds that it meets.
    pub(crate) fn meet(&mut self, name: usize) {
        let lives = self.lives.clone();
        let dead = |hold: &Claim| lives[hold.slot as usize] == Life::Dead;
        let holds = std::mem::take(&mut self.key(name).holds);
        let (met, kept): (Vec<_>, _) = holds.into_iter().partition(dead);
        self.key(name).holds = kept;
        for hold in met {
            self.tape.count("dead hold met");
            self.tape.drop_granted(hold.slot, hold.seat);
        }
        if lives.contains(&Life::Dead) {
            self.settle(name);
        }
    }

    /// The key's limit once this request is in, or what of it does not fit.
    fn limit_after(key: &Key, want: Want) -> Result<u32, (u32, u32)> {
        if want.mode != Mode::Permit {
            return Ok(key.limit);
        }
        if key.limit != 0 && key.limit != want.limit && !want.resize {
            return Err((key.limit, want.limit));
        }
        if want.permits > want.limit {
            return Err((want.limit, want.permits));
        }
        Ok(want.limit)
    }

    pub(crate) fn acquire(&mut self, name: usize, mut claim: Claim) {
        let (slot, seat, want) = (claim.slot, claim.seat, claim.want);
        if self.drained || self.drain.is_some() {
            let left = self
                .drain
                .filter(|_| !self.drained)
                .unwrap_or(0)
                .saturating_sub(self.now);
            return self.refuse(slot, seat, Status::Draining, 0, left.div_ceil(1_000));
        }
        if self.tokens_left <= self.waiting() {
            return self.refuse(slot, seat, Status::Busy, 0, 0);
        }
        self.meet(name);
        let (waiting, grace) = (self.waiting(), self.grace);
        let key = self.keys[&name].clone();
        let mine = |other: &&Claim| other.slot == slot && other.owner == claim.owner;
        let held = key.holds.iter().filter(mine);
        let held = held.filter(|hold| hold.want.mode != Mode::Permit && !hold.unsettled);
        if let Some(hold) = held.min_by_key(|hold| hold.token) {
            let (mode, token) = (hold.want.mode as u64, hold.token);
            return self.refuse(slot, seat, Status::AlreadyHeld, mode, token);
        }
        let limit = match Self::limit_after(&key, want) {
            Ok(limit) => limit,
            Err((limit, asked)) => {
                let (limit, asked) = (limit.into(), asked.into());
                return self.refuse(slot, seat, Status::LimitMismatch, limit, asked);
            }
        };
        let now_free = key.waiters.is_empty() && Self::compatible(&key, want, limit);
        let at_once = now_free && grace.is_none();
        if !at_once && claim.wait == Wait::Try {
            return self.refuse_try(slot, seat);
        }
        let entries = key.holds.iter().chain(&key.waiters).filter(mine).count() as u64;
        if self.tape.owner_full(slot, seat, entries) {
            return;
        }
        assert!(
            entries <= 64 || at_once,
            "an owner has 64 further entries and the first"
        );
        let key_waiters = key.waiters.len() as u64;
        if !at_once {
            for (now, max) in [
                (key_waiters, self.key_waiters_max),
                (waiting, self.waiters_max_now()),
            ] {
                if now >= max {
                    return self.refuse(slot, seat, Status::WaitersFull, max, now);
                }
            }
        }
        if self.tape.waiters_full(slot, seat, &claim.blocks) {
            return;
        }
        if limit != self.keys[&name].limit && self.keys[&name].limit != 0 {
            self.tape.count("limit resized");
        }
        self.key(name).limit = limit;
        if at_once {
            claim.deadline = self.until(claim.lease_ms);
            self.tokens_left -= 1;
            claim.token = self.tape.granted(slot, seat, claim.deadline);
            self.check_token(name, claim.token);
            return self.key(name).holds.push(claim);
        }
        self.queue(name, claim);
    }

    /// Inside the grace window only a quarter may queue.
    fn waiters_max_now(&self) -> u64 {
        match self.grace {
            Some(_) => (self.waiters_max / 4).max(1),
            None => self.waiters_max,
        }
    }

    /// The seat is the new acquire's from now on, whatever comes of it.
    pub(crate) fn free_seat(&mut self, name: usize, claim: &Claim) {
        let holds = self.key(name).holds.iter_mut();
        let mut same = holds.filter(|hold| {
            let mine = hold.slot == claim.slot && hold.owner == claim.owner;
            mine && hold.seat == claim.seat
        });
        if let Some(hold) = same.next() {
            hold.seat = SEAT_NONE;
            self.tape.count("seat used again");
        }
    }

    fn refuse_try(&mut self, slot: u32, seat: u16) {
        let Some(end) = self.grace else {
            return self.refuse(slot, seat, Status::Timeout, 0, 0);
        };
        let left = end.saturating_sub(self.now).div_ceil(1_000);
        self.refuse(slot, seat, Status::GraceWindow, 0, left);
    }

    fn queue(&mut self, name: usize, mut claim: Claim) {
        if let Wait::For(wait) = claim.wait {
            claim.deadline = self.until(wait.0);
        }
        self.tape.queued(claim.slot, claim.seat);
        let resize = claim.want.resize;
        self.key(name).waiters.push_back(claim);
        if resize {
            self.settle(name);
        }
    }

    /// Index of the hold that a client means.
    fn find(&self, name: usize, slot: u32, owner: u64, token: u64) -> Option<usize> {
        let holds = self.keys.get(&name)?.holds.iter().enumerate();
        let meant = holds.filter(|(_, hold)| {
            let mine = hold.slot == slot && hold.owner == owner && !hold.unsettled;
            mine && (hold.token == token || token == 0 && hold.want.mode != Mode::Permit)
        });
        Some(meant.min_by_key(|(_, hold)| hold.token)?.0)
    }

    pub(crate) fn release(&mut self, name: usize, slot: u32, seat: u16, owner: u64, token: u64) {
        let Some(at) = self.find(name, slot, owner, token) else {
            return self.refuse(slot, seat, Status::NotHeld, 0, token);
        };
        self.key(name).holds.remove(at);
        self.tape.answer(slot, seat, Answer::Released);
        self.settle(name);
    }

    /// `lease_ms`: `None` keeps the deadline.
    pub(crate) fn renew(
        &mut self,
        name: usize,
        (slot, seat, owner, token): (u32, u16, u64, u64),
        lease_ms: Option<u32>,
    ) {
        let Some(at) = self.find(name, slot, owner, token).filter(|_| token != 0) else {
            return self.refuse(slot, seat, Status::NotHeld, 0, token);
        };
        let mut until = self.keys[&name].holds[at].deadline;
        let kept = lease_ms.is_none();
        if let Some(lease_ms) = lease_ms {
            until = self.until(lease_ms);
            self.key(name).holds[at].deadline = until;
        }
        self.tape.renewed(slot, seat, until, kept);
    }

    pub(crate) fn cancel(
        &mut self,
        name: usize,
        (slot, seat, owner, token): (u32, u16, u64, u64),
        acquire_seat: u16,
        if_granted: IfGranted,
    ) {
        let key = self.key(name);
        let mine = |claim: &Claim| claim.slot == slot && claim.owner == owner;
        let of_seat = |claim: &Claim| mine(claim) && claim.seat == acquire_seat;
        let unsettled = |hold: &Claim| hold.unsettled && of_seat(hold);
        let settled = |hold: &Claim| match token {
            0 => !hold.unsettled && of_seat(hold),
            token => !hold.unsettled && mine(hold) && hold.token == token,
        };
        let mut done = (CancelOutcome::NotFound, 0);
        if let Some(at) = key.waiters.iter().position(of_seat) {
            let claim = key.waiters.remove(at).unwrap();
            self.refuse_later(&claim, Status::Cancelled, 0, 0);
            done.0 = CancelOutcome::Cancelled;
        } else if let Some(at) =
            (key.holds.iter().position(unsettled)).or_else(|| key.holds.iter().position(settled))
        {
            let (unsettled, token) = (key.holds[at].unsettled, key.holds[at].token);
            let keep = if_granted == IfGranted::Keep && !unsettled;
            if !keep {
                key.holds.remove(at);
            }
            if unsettled {
                self.tape
                    .replace_granted(slot, acquire_seat, Status::Cancelled);
            }
            done = match (keep, unsettled) {
                (true, _) => (CancelOutcome::Kept, token),
                (false, true) => (CancelOutcome::Cancelled, 0),
                (false, false) => (CancelOutcome::Released, token),
            };
        }
        let (outcome, token) = done;
        if matches!(outcome, CancelOutcome::Cancelled | CancelOutcome::Released) {
            self.settle(name);
        }
        self.tape
            .answer(slot, seat, Answer::CancelDone { outcome, token });
    }

    pub(crate) fn force(
        &mut self,
        name: usize,
        slot: u32,
        seat: u16,
        token: u64,
        delay: impl Fn(u32) -> u32,
    ) {
        self.meet(name);
        let (mut ended, mut closed_ms) = (0, 0);
        let holds = std::mem::take(&mut self.key(name).holds);
        let (gone, kept): (Vec<_>, Vec<_>) = holds
            .into_iter()
            .partition(|hold| token == 0 || hold.token == token);
        self.key(name).holds = kept;
        for hold in gone {
            ended += 1;
            if hold.unsettled {
                self.tape
                    .replace_granted(hold.slot, hold.seat, Status::Lost);
                continue;
            }
            let delay_ms = delay(hold.slot);
            closed_ms = closed_ms.max(delay_ms);
            let said = self.lose(name, &hold, LostReason::Forced, delay_ms > 0);
            if delay_ms > 0 {
                self.key(name).closures.push(Closure {
                    token: hold.token,
                    slot: Some(hold.slot),
                    told_by: said.as_ref().and_then(|said| said.closure),
                    delay_ms,
                    deadline: None,
                    unsent: said.is_none(),
                });
            }
        }
        if ended == 0 {
            return self.refuse(slot, seat, Status::NotHeld, 0, token);
        }
        self.tape
            .answer(slot, seat, Answer::Forced { ended, closed_ms });
        self.settle(name);
    }

    pub(crate) fn lose(
        &mut self,
        name: usize,
        hold: &Claim,
        reason: LostReason,
        closes: bool,
    ) -> Option<crate::tape::Said> {
        let (slot, seat, owner, token) = (hold.slot, hold.seat, hold.owner, hold.token);
        self.tape.later(
            slot,
            Out::Lost {
                slot,
                seat,
                owner,
                token,
                reason,
                name,
                closes,
            },
        )
    }

    pub(crate) fn told(&mut self, name: usize, token: u64) {
        let now = self.now;
        for closure in &mut self.key(name).closures {
            if closure.token == token && !closure.unsent && closure.deadline.is_none() {
                closure.deadline = Some(now + u64::from(closure.delay_ms) * 1_000);
            }
        }
    }

    /// What left with room in the lane again; then keys that opened.
    pub(crate) fn turn_begin(&mut self, opened: bool) {
        for (out, said) in self.tape.leave_pending() {
            match out {
                Out::Granted { slot, seat, .. } => {
                    let mut holds = self.keys.values_mut().flat_map(|key| &mut key.holds);
                    let is_it = |hold: &&mut Claim| hold.slot == slot && hold.seat == seat;
                    let hold = holds.find(is_it).expect("its hold");
                    assert!(std::mem::take(&mut hold.unsettled), "it was on its way");
                    (hold.token, hold.deadline) = (said.token, said.until);
                    let lease_ms = hold.lease_ms;
                    assert_eq!(
                        said.until,
                        self.until(lease_ms),
                        "a lease counts from its Granted"
                    );
                }
                Out::Lost {
                    name,
                    token,
                    closes: true,
                    ..
                } => {
                    let mut closures = self.key(name).closures.iter_mut();
                    let closure = closures.find(|closure| closure.token == token).unwrap();
                    closure.unsent = false;
                    closure.told_by = said.closure;
                }
                // A note that leaves settles its key, which passes over waiters dead by now.
                Out::Lost { name, .. } => self.settle(name),
                Out::Settled { .. } => {}
            }
        }
        if opened {
            self.settle_all();
        }
    }

    fn settle_all(&mut self) {
        for name in self.keys.keys().copied().collect::<Vec<_>>() {
            self.settle(name);
        }
    }

    pub(crate) fn turn_end(&mut self) {
        self.expire();
        for _ in 0..self.dying.len() {
            let slot = self.dying.pop_front().unwrap();
            self.sweep(slot);
            if self.tape.gone(slot) {
                self.lives[slot as usize] = Life::Closed;
            } else {
                self.dying.push_back(slot);
            }
        }
        if self.drained {
            for name in self.keys.keys().copied().collect::<Vec<_>>() {
                for claim in std::mem::take(&mut self.key(name).waiters) {
                    self.refuse_later(&claim, Status::Draining, 0, 0);
                }
                self.settle(name);
            }
        }
    }

    /// Ends what is due, in order of milliseconds; on one key no two things share one.
    fn expire(&mut self) {
        let now = self.now;
        for name in self.keys.keys().copied().collect::<Vec<_>>() {
            while let Some(ms) = self.first_due(name) {
                let is_it =
                    |deadline: Option<u64>| deadline.map(|end| end.div_ceil(1_000)) == Some(ms);
                let closed = self.key(name).closures.len();
                self.key(name)
                    .closures
                    .retain(|closure| !is_it(closure.deadline));
                for _ in self.key(name).closures.len()..closed {
                    self.tape.count("closure opened");
                }
                let key = self.key(name);
                if let Some(at) = key.holds.iter().position(|hold| is_it(hold.deadline)) {
                    let hold = key.holds.remove(at);
                    if !self.dead(hold.slot) {
                        self.lose(name, &hold, LostReason::Lease, false);
                    }
                } else if let Some(at) = key.waiters.iter().position(|claim| is_it(claim.deadline))
                {
                    let claim = key.waiters.remove(at).unwrap();
                    if !self.dead(claim.slot) {
                        let Wait::For(wait) = claim.wait else {
                            panic!("it has no end")
                        };
                        self.refuse_later(&claim, Status::Timeout, wait.0.into(), 0);
                    }
                }
                self.settle(name);
            }
        }
        debug_assert_eq!(now, self.now);
    }

    fn first_due(&self, name: usize) -> Option<u64> {
        let key = &self.keys[&name];
        let claims = key
            .holds
            .iter()
            .chain(&key.waiters)
            .map(|claim| claim.deadline);
        let all = claims.chain(key.closures.iter().map(|closure| closure.deadline));
        all.filter(|end| due(*end, self.now))
            .flatten()
            .map(|end| end.div_ceil(1_000))
            .min()
    }

    /// Everything of an ended session goes; its closures stand alone.
    fn sweep(&mut self, slot: u32) {
        let now = self.now;
        self.tape.forget(slot);
        for name in self.keys.keys().copied().collect::<Vec<_>>() {
            let key = self.key(name);
            key.holds.retain(|hold| hold.slot != slot);
            key.waiters.retain(|claim| claim.slot != slot);
            let mut orphans = 0;
            for closure in &mut key.closures {
                if closure.slot == Some(slot) {
                    orphans += 1;
                    closure.slot = None;
                    closure.unsent = false;
                    let end = now + u64::from(closure.delay_ms) * 1_000;
                    closure.deadline.get_or_insert(end);
                }
            }
            for _ in 0..orphans {
                self.tape.count("closure orphaned");
            }
            self.settle(name);
        }
    }
}
