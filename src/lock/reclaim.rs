//! Reclaim: a hold of before the restart is taken back by its holder, inside the grace window.
//!
//! Nobody is granted a key in the window, so all holds of a key are reclaimed ones. Those that were
//! granted side by side fit side by side again, in whatever order they come. One that had ended
//! before the crash, unknown to its holder, may meet a later one: then the higher token stays.
//!
//! | on the key | comes | what happens |
//! |---|---|---|
//! | nothing, or waiters only | any | it stands; waiters wait for it |
//! | holds that it fits beside | any | it stands beside them |
//! | holds that it does not fit beside | a token above all of theirs | they are lost, it stands |
//! | | a lower or equal token | `ReclaimConflict` |
//! | permits, too many with it | not of the lowest tokens | those go, as many as must |
//! | | else | `ReclaimConflict` |
//! | the very same hold | same mode and permits | it stands, the lease counts anew |
//! | | others | `ReclaimConflict` |
//! | a forced hold that keeps it closed | any | `ReclaimConflict` |
//!
//! A key's limit is that of its highest token; where two limits differ somebody resized, and the
//! greater counts for what fits. What is refused changes nothing. It is no grant: no token is
//! taken, and blocks may run out (`TableFull`).

use crate::lock::acquire::{Ask, SEAT_NONE, check_owner, lease_ms, refusal};
use crate::lock::block::{Block, Handle, Kind, Role};
use crate::lock::effect::{Answer, Effects, LostReason, Refusal};
use crate::lock::engine::{Engine, Key};
use crate::lock::force::FORCE_LOOKS_MAX;
use crate::lock::op::{Mode, Want};
use crate::lock::ring::{Counted, End};
use locker_protocol::Status;

/// Holds of one key that a Reclaim is weighed against at most, where it does not fit or its limit
/// is another.
const RIVALS_MAX: u32 = 4_096;

/// What becomes of the holds that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    /// They stay.
    Stay,
    /// All are lost.
    Go,
    /// The lowest tokens are lost, until the permits in use are at most so many.
    Shrink(u64),
}

/// A Reclaim that is let in.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    /// The key's limit from now on.
    limit: u32,
    others: Others,
}

/// What the asking owner has on the key.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    /// The hold of that very token.
    same: Option<Handle>,
    /// A hold whose seat is the request's.
    of_seat: Option<Handle>,
    /// Holds and waiters beyond the lock's first hold.
    entries: usize,
}

/// The holds of a key as a Reclaim that may not fit sees them.
#[derive(Clone, Copy, Debug, Default)]
struct Rivals {
    count: u32,
    /// The highest token.
    highest: Handle,
    token: u64,
    /// Permits of those of at least the token that comes.
    above: u64,
}

impl Engine {
    /// Takes a hold back, or refuses.
    #[cold]
    pub(super) fn reclaim(&mut self, ask: &Ask<'_>, token: u64, effects: &mut impl Effects) {
        if let Err(refusal) = self.try_reclaim(ask, token, effects) {
            self.refuse(ask.to, refusal, effects);
        }
    }

    fn try_reclaim(
        &mut self,
        ask: &Ask<'_>,
        token: u64,
        effects: &mut impl Effects,
    ) -> Result<(), Refusal> {
        self.check_window()?;
        check_permits(ask.want)?;
        let Some(lock) = self.find_live(ask.hint, ask.key, effects) else {
            let bytes = ask.key.len() + ask.metadata.len();
            self.check_blocks(1 + self.pool.continuations_for(bytes))?;
            let key = self.create_lock(ask);
            self.take_back(key, ask, token, ask.want.limit, effects);
            return Ok(());
        };
        let hash = ask.hint.hash;
        let key = Key { lock, hash };
        let own = self.own_of(key, ask, token);
        if let Some(hold) = own.same {
            return self.reclaim_again(hold, ask, effects);
        }
        let verdict = self.judge(lock, ask.want, token)?;
        self.check_room(lock, ask, own.entries)?;
        if let Some(hold) = own.of_seat {
            // A seat that is used again is the new hold's alone.
            self.pool.at_mut(hold).seat = SEAT_NONE;
        }
        self.make_way(key, verdict.others, effects);
        self.take_back(key, ask, token, verdict.limit, effects);
        Ok(())
    }

    /// Reclaims are served while keys are closed, and not once the window's time has passed: by
    /// then every holder has given up, and only the word that it is over is still to come.
    fn check_window(&self) -> Result<(), Refusal> {
        let (now, end) = (self.clock.raw_now(), self.config.grace_until);
        if self.grace.is_some_and(|end| now < end) {
            return Ok(());
        }
        let ms = end.map_or(0, |end| now.micros_since(end).div_ceil(1_000).max(1));
        Err(refusal(Status::WindowOver, 0, ms))
    }

    fn own_of(&self, key: Key, ask: &Ask<'_>, token: u64) -> Own {
        let mut own = Own::default();
        let look = |own: &mut Own, handle: Handle, block: &Block| {
            if block.role() == Role::Hold && block.token == token {
                own.same = Some(handle);
            } else if block.role() == Role::Hold && block.seat == ask.to.seat.0 {
                own.of_seat = Some(handle);
            }
        };
        let lock = self.pool.at(key.lock);
        if lock.stub == ask.stub && lock.owner == ask.owner {
            look(&mut own, key.lock, lock);
        }
        let session = ask.to.session.id.0;
        self.each_entry(key, session, ask.stub, ask.owner, |handle| {
            own.entries += 1;
            look(&mut own, handle, self.pool.at(handle));
        });
        own
    }

    /// The hold stands already, by an earlier Reclaim of the same holder: as a renewal.
    fn reclaim_again(
        &mut self,
        hold: Handle,
        ask: &Ask<'_>,
        effects: &mut impl Effects,
    ) -> Result<(), Refusal> {
        let block = self.pool.at(hold);
        if block.mode() != ask.want.mode || block.permits != ask.want.permits {
            return Err(self.conflict(hold));
        }
        let until = self.lease_end(lease_ms(ask.lease));
        self.move_deadline(hold, until);
        self.answer(ask.to, Answer::Renewed { until }, effects);
        Ok(())
    }

    /// Whether a hold may be taken back beside those that are there, and at whose cost.
    fn judge(&self, lock: Handle, want: Want, token: u64) -> Result<Verdict, Refusal> {
        if let Some(closure) = self.pool.first_closure(lock) {
            return Err(self.conflict(closure));
        }
        let block = self.pool.at(lock);
        let (limit, is_permit) = (block.limit(), want.mode == Mode::Permit);
        let Some(first) = self.pool.first_hold(lock) else {
            // Waiters have no say in the limit against a hold of before.
            let limit = if is_permit { want.limit } else { limit };
            let others = Others::Stay;
            return Ok(Verdict { limit, others });
        };
        match (self.pool.at(first).mode(), want.mode) {
            (Mode::Shared, Mode::Shared) => Ok(Verdict {
                limit,
                others: Others::Stay,
            }),
            (Mode::Permit, Mode::Permit) => self.judge_permits(lock, want, token),
            _ => {
                let rivals = self.rivals(lock, token)?;
                if rivals.token >= token {
                    return Err(self.conflict(rivals.highest));
                }
                let limit = match (is_permit, block.waiters()) {
                    (true, _) => want.limit,
                    (false, 0) => 0,
                    (false, _) => limit,
                };
                let others = Others::Go;
                Ok(Verdict { limit, others })
            }
        }
    }

    fn judge_permits(&self, lock: Handle, want: Want, token: u64) -> Result<Verdict, Refusal> {
        let block = self.pool.at(lock);
        let (used, permits) = (u64::from(block.permits_used()), u64::from(want.permits));
        let all = used + permits;
        let fits_under = u64::from(block.limit().max(want.limit));
        if block.limit() == want.limit && all <= fits_under {
            let (limit, others) = (want.limit, Others::Stay);
            return Ok(Verdict { limit, others });
        }
        if all <= fits_under && self.pool.holds_count(lock) >= RIVALS_MAX {
            // Too many to look for the highest token: under the greater limit all of them stand.
            let (limit, others) = (block.limit().max(want.limit), Others::Stay);
            return Ok(Verdict { limit, others });
        }
        let rivals = self.rivals(lock, token)?;
        let limit = if rivals.token < token {
            want.limit
        } else {
            block.limit()
        };
        if all <= fits_under {
            let others = Others::Stay;
            return Ok(Verdict { limit, others });
        }
        // One look at all holds for each that goes; each has a permit at least.
        let looks = (all - fits_under).min(rivals.count.into()) * u64::from(rivals.count);
        if rivals.above + permits > fits_under || looks > u64::from(FORCE_LOOKS_MAX) {
            return Err(self.conflict(rivals.highest));
        }
        let others = Others::Shrink(fits_under - permits);
        Ok(Verdict { limit, others })
    }

    /// Looks at all holds of a key.
    fn rivals(&self, lock: Handle, token: u64) -> Result<Rivals, Refusal> {
        let mut rivals = Rivals::default();
        let first = self.pool.first_hold(lock).expect("somebody holds it");
        if self.pool.holds_count(lock) >= RIVALS_MAX {
            return Err(self.conflict(first));
        }
        self.each_hold(lock, |handle, block| {
            rivals.count += 1;
            if self.stubs.at(block.stub).is_dead() {
                return;
            }
            if block.token > rivals.token {
                (rivals.highest, rivals.token) = (handle, block.token);
            }
            if block.token >= token {
                rivals.above += u64::from(block.permits);
            }
        });
        Ok(rivals)
    }

    fn each_hold(&self, lock: Handle, mut visit: impl FnMut(Handle, &Block)) {
        let block = self.pool.at(lock);
        if block.role() == Role::Hold {
            visit(lock, block);
        }
        let mut at = block.holds();
        for _ in 0..self.pool.holds_count(lock) {
            visit(at, self.pool.at(at));
            at = self.pool.at(at).next();
        }
    }

    fn check_room(&self, lock: Handle, ask: &Ask<'_>, entries: usize) -> Result<(), Refusal> {
        let (key_bytes, metadata_bytes) = (ask.key.len(), ask.metadata.len());
        if self.pool.at(lock).role() == Role::Vacant {
            let both = self.pool.continuations_for(key_bytes + metadata_bytes);
            return self.check_blocks(both - self.pool.continuations_for(key_bytes));
        }
        check_owner(entries)?;
        self.check_blocks(1 + self.pool.continuations_for(metadata_bytes))
    }

    /// Ends the holds that cannot stay.
    fn make_way(&mut self, key: Key, others: Others, effects: &mut impl Effects) {
        match others {
            Others::Stay => {}
            Others::Go => {
                while let Some(hold) = self.pool.first_hold(key.lock) {
                    self.outrank(key, hold, effects);
                }
            }
            Others::Shrink(permits) => {
                while u64::from(self.pool.at(key.lock).permits_used()) > permits {
                    let hold = self.lowest(key.lock);
                    self.outrank(key, hold, effects);
                }
            }
        }
    }

    /// The hold of the lowest token, one of an ended session before all.
    fn lowest(&self, lock: Handle) -> Handle {
        let mut lowest = (u64::MAX, Handle::NONE);
        self.each_hold(lock, |handle, block| {
            let dead = self.stubs.at(block.stub).is_dead();
            let token = if dead { 0 } else { block.token };
            if token < lowest.0 {
                lowest = (token, handle);
            }
        });
        lowest.1
    }

    fn outrank(&mut self, key: Key, hold: Handle, effects: &mut impl Effects) {
        if self.stubs.at(self.pool.at(hold).stub).is_dead() {
            self.count_lost_session();
            return self.end_hold(key, hold);
        }
        self.counters.lost_conflict += 1;
        self.lose_hold(key, hold, LostReason::Conflict, effects);
    }

    /// The hold stands again: nothing can fail any more.
    fn take_back(
        &mut self,
        key: Key,
        ask: &Ask<'_>,
        token: u64,
        limit: u32,
        effects: &mut impl Effects,
    ) {
        let mut hold = key.lock;
        if self.pool.at(hold).role() != Role::Vacant {
            hold = self.pool.take(Kind::Extra);
        }
        self.fill(key, hold, ask);
        if hold != key.lock {
            self.pool
                .holds_push(key.lock, hold, End::Front, Counted::Yes);
        }
        self.pool.at_mut(key.lock).set_limit(limit);
        self.count_hold(key.lock, hold, token);
        self.counters.reclaims += 1;
        let until = self.lease_end(lease_ms(ask.lease));
        if let Some(end) = until {
            self.arm(hold, end);
        }
        self.answer(ask.to, Answer::Reclaimed { token, until }, effects);
    }

    fn conflict(&self, with: Handle) -> Refusal {
        let block = self.pool.at(with);
        refusal(Status::ReclaimConflict, block.mode() as u64, block.token)
    }
}

fn check_permits(want: Want) -> Result<(), Refusal> {
    if want.permits <= want.limit {
        return Ok(());
    }
    let (limit, permits) = (want.limit.into(), want.permits.into());
    Err(refusal(Status::LimitMismatch, limit, permits))
}
