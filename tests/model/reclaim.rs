//! Reclaim, by the rules: what may stand side by side does, else the higher token.

use crate::model::{Claim, Key, Model};
use locker::lock::Answer;
use locker::lock::effect::LostReason;
use locker::lock::op::Mode;
use locker::time::Instant;
use locker_protocol::Status;

impl Model {
    /// `claim` has its token and no deadline yet.
    pub(crate) fn reclaim(&mut self, name: usize, mut claim: Claim) {
        let (slot, seat, want) = (claim.slot, claim.seat, claim.want);
        if self.grace.is_none_or(|end| self.now >= end) {
            let ago = |end: u64| self.now.saturating_sub(end).div_ceil(1_000).max(1);
            let value = self.grace_end.map_or(0, ago);
            return self.refuse(slot, seat, Status::WindowOver, 0, value);
        }
        if want.permits > want.limit {
            let (limit, permits) = (want.limit.into(), want.permits.into());
            return self.refuse(slot, seat, Status::LimitMismatch, limit, permits);
        }
        self.meet(name);
        let key = self.keys[&name].clone();
        let mine = |other: &&Claim| other.slot == slot && other.owner == claim.owner;
        let same = |hold: &Claim| mine(&hold) && hold.token == claim.token;
        if let Some(at) = key.holds.iter().position(same) {
            return self.reclaim_again(name, at, &claim);
        }
        if !key.closures.is_empty() {
            return self.refuse_closed(&key, &claim);
        }
        if let Some(rival) = outranking(&key, &claim) {
            let (mode, token) = (rival.want.mode as u64, rival.token);
            return self.refuse(slot, seat, Status::ReclaimConflict, mode, token);
        }
        let entries = key.holds.iter().chain(&key.waiters).filter(mine).count();
        if self.tape.owner_full(slot, seat, entries as u64) {
            return;
        }
        if self.tape.table_full(slot, seat, &claim.blocks) {
            return;
        }
        let lost = make_way(self.key(name), &claim);
        for hold in lost {
            self.lose(name, &hold, LostReason::Conflict, false);
        }
        let until = self.until(claim.lease_ms);
        claim.deadline = until;
        let (token, until) = (claim.token, until.map(Instant));
        self.key(name).holds.push(claim);
        self.tape
            .answer(slot, seat, Answer::Reclaimed { token, until });
    }

    fn reclaim_again(&mut self, name: usize, at: usize, claim: &Claim) {
        let until = self.until(claim.lease_ms);
        let hold = &mut self.key(name).holds[at];
        let (mode, permits) = (hold.want.mode, hold.want.permits);
        if (mode, permits) != (claim.want.mode, claim.want.permits) {
            let (mode, token) = (mode as u64, hold.token);
            return self.refuse(claim.slot, claim.seat, Status::ReclaimConflict, mode, token);
        }
        hold.deadline = until;
        self.tape.count("reclaimed again");
        self.tape.renewed(claim.slot, claim.seat, until, false);
    }

    /// Which of several closures it meets nobody has to tell.
    fn refuse_closed(&mut self, key: &Key, claim: &Claim) {
        let by = self.tape.conflict(claim.slot, claim.seat);
        let known = key.closures.iter().any(|closure| closure.token == by);
        assert!(known, "{by} does not keep the key closed");
    }
}

fn fits_beside(key: &Key, claim: &Claim) -> bool {
    let modes = |hold: &Claim| (hold.want.mode, claim.want.mode);
    let by_mode = |hold: &Claim| {
        let modes = modes(hold);
        modes == (Mode::Shared, Mode::Shared) || modes == (Mode::Permit, Mode::Permit)
    };
    key.holds.iter().all(by_mode)
}

fn permits(holds: &[Claim]) -> u64 {
    let permits = holds.iter().map(|hold| u64::from(hold.want.permits));
    permits.sum()
}

/// Where limits differ somebody resized: the greater counts.
fn room(key: &Key, claim: &Claim) -> u64 {
    match key.holds.is_empty() {
        true => claim.want.limit.into(),
        false => key.limit.max(claim.want.limit).into(),
    }
}

/// The hold of the highest token, if it keeps the claim out.
fn outranking<'a>(key: &'a Key, claim: &Claim) -> Option<&'a Claim> {
    let highest = key.holds.iter().max_by_key(|hold| hold.token)?;
    let is_out = if fits_beside(key, claim) {
        let above = key.holds.iter().filter(|hold| hold.token >= claim.token);
        let above: Vec<Claim> = above.cloned().collect();
        let with = permits(&above) + u64::from(claim.want.permits);
        claim.want.mode == Mode::Permit && with > room(key, claim)
    } else {
        highest.token >= claim.token
    };
    is_out.then_some(highest)
}

/// Takes out who cannot stay beside the claim, and sets the key's limit.
fn make_way(key: &mut Key, claim: &Claim) -> Vec<Claim> {
    let is_permit = claim.want.mode == Mode::Permit;
    let highest = key.holds.iter().all(|hold| hold.token < claim.token);
    let mut lost = Vec::new();
    if !fits_beside(key, claim) {
        lost = std::mem::take(&mut key.holds);
        if key.waiters.is_empty() {
            key.limit = 0;
        }
    }
    let room = room(key, claim);
    while is_permit && permits(&key.holds) + u64::from(claim.want.permits) > room {
        let lowest = key.holds.iter().map(|hold| hold.token).min();
        let at = key.holds.iter().position(|hold| Some(hold.token) == lowest);
        lost.push(key.holds.remove(at.expect("somebody has them")));
    }
    if is_permit && highest {
        key.limit = claim.want.limit;
    }
    lost
}
