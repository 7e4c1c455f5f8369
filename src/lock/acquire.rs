//! Acquire: granted at once, queued, or refused with nothing changed.

use crate::canary::{self, Canary};
use crate::limits::{GRACE_WAITERS_PART, LEASE_MS_MAX, OWNER_ENTRIES_MAX};
use crate::lock::batch::Hint;
use crate::lock::block::{Handle, Kind, Role};
use crate::lock::effect::{Answer, Effects, Refusal};
use crate::lock::engine::{Drain, Engine, Key};
use crate::lock::op::{Lease, Mode, ReplyTo, Wait, Want};
use crate::lock::ring::{Counted, End};
use crate::time::{Instant, Millis};
use locker_protocol::Status;

/// The seat of a hold whose seat was used again; no session is granted so many.
pub(super) const SEAT_NONE: u16 = u16::MAX;
const _: () = assert!(
    crate::limits::SEATS_MAX < SEAT_NONE as usize,
    "it is nobody's"
);

/// An acquire with all that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) to: ReplyTo,
    pub(super) owner: u64,
    pub(super) want: Want,
    pub(super) wait: Wait,
    pub(super) lease: Lease,
    pub(super) key: &'a [u8],
    pub(super) metadata: &'a [u8],
    pub(super) hint: Hint,
    /// The asking session's stub.
    pub(super) stub: u32,
}

impl Engine {
    /// Grants, queues or refuses.
    pub(super) fn acquire(&mut self, ask: &Ask<'_>, effects: &mut impl Effects) {
        self.counters.acquires += 1;
        if let Err(refusal) = self.try_acquire(ask, effects) {
            self.refuse(ask.to, refusal, effects);
        }
    }

    /// Answers a request with a refusal.
    pub(super) fn refuse(&mut self, to: ReplyTo, refusal: Refusal, effects: &mut impl Effects) {
        self.count_refusal(refusal.status);
        let lost_pending = self.lost_pending(to.session);
        effects.answer(to, Answer::Refused(refusal), lost_pending);
    }

    fn try_acquire(&mut self, ask: &Ask<'_>, effects: &mut impl Effects) -> Result<(), Refusal> {
        if let Err(refusal) = self.check_serving() {
            self.free_seat(ask);
            return Err(refusal);
        }
        let Some(lock) = self.find_live(ask.hint, ask.key, effects) else {
            return self.acquire_fresh(ask, effects);
        };
        let key = Key {
            lock,
            hash: ask.hint.hash,
        };
        let entries = self.look_at_own(key, ask)?;
        let limit = self.check_limit(self.pool.at(lock).limit(), ask.want)?;
        let want = ask.want;
        let waiters = self.pool.at(lock).waiters();
        let overtakes = canary::is(Canary::WideHeadOvertaken) && want.mode == Mode::Permit;
        if (waiters == 0 || overtakes)
            && self.grace.is_none()
            && self.is_compatible(lock, want.mode, want.permits, limit)
        {
            return self.grant_at_once(key, ask, entries, effects);
        }
        self.check_may_queue(ask, waiters, entries)?;
        self.check_waiter_blocks(1 + self.pool.continuations_for(ask.metadata.len()))?;
        self.queue(key, ask, effects);
        if waiters > 0 && want.resize {
            self.settle(key, effects);
        }
        Ok(())
    }

    /// The key is free: it takes a block.
    fn acquire_fresh(&mut self, ask: &Ask<'_>, effects: &mut impl Effects) -> Result<(), Refusal> {
        self.check_limit(0, ask.want)?;
        let (key_bytes, metadata_bytes) = (ask.key.len(), ask.metadata.len());
        if self.grace.is_none() {
            self.check_blocks(1 + self.pool.continuations_for(key_bytes + metadata_bytes))?;
            let key = self.create_lock(ask);
            self.grant_first(key, ask, effects);
            return Ok(());
        }
        self.check_may_queue(ask, 0, 0)?;
        let lock_blocks = 1 + self.pool.continuations_for(key_bytes);
        self.check_waiter_blocks(lock_blocks + 1 + self.pool.continuations_for(metadata_bytes))?;
        let key = self.create_lock(ask);
        self.queue(key, ask, effects);
        Ok(())
    }

    /// The lock of a key, after what ended sessions left on it was ended.
    pub(super) fn find_live(
        &mut self,
        hint: Hint,
        key: &[u8],
        effects: &mut impl Effects,
    ) -> Option<Handle> {
        let lock = self.find(hint, key)?;
        if self.stubs.dead_count() == 0 {
            return Some(lock);
        }
        let hash = hint.hash;
        let found = Key { lock, hash };
        self.end_dead_holds(found);
        self.settle(found, effects);
        self.find(hint, key)
    }

    /// The lock of a key.
    #[inline]
    pub(super) fn find(&self, hint: Hint, key: &[u8]) -> Option<Handle> {
        if hint.candidate.is_some() && self.is_lock_of(hint.candidate, key) {
            return Some(hint.candidate);
        }
        let mut probe = self.index.probe(hint.hash);
        while let Some(handle) = self.index.next(&mut probe) {
            if self.is_lock_of(handle, key) {
                return Some(handle);
            }
        }
        None
    }

    #[inline]
    fn is_lock_of(&self, handle: Handle, key: &[u8]) -> bool {
        self.pool.at(handle).kind() == Kind::Lock && self.pool.key_is(handle, key)
    }

    fn check_serving(&self) -> Result<(), Refusal> {
        let left_ms = match self.drain {
            Drain::No => return self.check_tokens(),
            Drain::Until(end) => self.ms_until(end),
            Drain::Over(_) => 0,
        };
        Err(refusal(Status::Draining, 0, left_ms))
    }

    /// Each waiter has a token in reserve, so that its grant cannot fail.
    fn check_tokens(&self) -> Result<(), Refusal> {
        if self.tokens.left() > u64::from(self.counters.waiters) {
            return Ok(());
        }
        Err(refusal(Status::Busy, 0, 0))
    }

    pub(super) fn check_blocks(&self, needed: u32) -> Result<(), Refusal> {
        if needed <= self.pool.free_count() {
            return Ok(());
        }
        let blocks = u64::from(self.pool.blocks());
        Err(refusal(Status::TableFull, blocks, u64::from(needed)))
    }

    /// Inside the grace window waiters have a part of the blocks; the rest is for holds that are
    /// reclaimed. What these take beyond one block counts as the waiters': so they are refused
    /// rather early than late.
    fn check_waiter_blocks(&self, needed: u32) -> Result<(), Refusal> {
        self.check_blocks(needed)?;
        let part = self.pool.blocks() / GRACE_WAITERS_PART;
        let others =
            (self.pool.blocks() - self.pool.free_count()).saturating_sub(self.counters.holds);
        if self.grace.is_some() && others + needed > part {
            let (part, needed) = (u64::from(part), u64::from(needed));
            return Err(refusal(Status::TableFull, part, needed));
        }
        Ok(())
    }

    /// An acquire that is refused before its key is looked at still uses its seat again.
    fn free_seat(&mut self, ask: &Ask<'_>) {
        let hash = ask.hint.hash;
        if let Some(lock) = self.find(ask.hint, ask.key) {
            // What the owner has there matters no more: the request is refused anyway.
            let _ = self.look_at_own(Key { lock, hash }, ask);
        }
    }

    /// Refuses an owner who holds the key exclusive or shared already; else counts what it has on
    /// the key beyond the lock's first hold.
    ///
    /// A seat that is used again is the new acquire's alone: the earlier one's hold gives it up, so
    /// that a Cancel of the new one does not find it. So each seat has one hold at most.
    fn look_at_own(&mut self, key: Key, ask: &Ask<'_>) -> Result<usize, Refusal> {
        let lock = self.pool.at(key.lock);
        let first = lock.is_settled_hold() && lock.stub == ask.stub && lock.owner == ask.owner;
        let mut of_seat = (first && lock.seat == ask.to.seat.0).then_some(key.lock);
        let first = first && lock.mode() != Mode::Permit;
        let mut oldest = first.then_some((lock.token, key.lock));
        let mut count = 0;
        if lock.holds().is_some() || lock.queue().is_some() {
            self.each_entry(key, ask.to.session.id.0, ask.stub, ask.owner, |handle| {
                count += 1;
                let block = self.pool.at(handle);
                if !block.is_settled_hold() {
                    return;
                }
                if block.seat == ask.to.seat.0 {
                    of_seat = Some(handle);
                }
                let older = oldest.is_none_or(|(token, _)| block.token < token);
                if older && block.mode() != Mode::Permit {
                    oldest = Some((block.token, handle));
                }
            });
        }
        if let Some(hold) = of_seat {
            self.pool.at_mut(hold).seat = SEAT_NONE;
        }
        let Some((token, hold)) = oldest else {
            return Ok(count);
        };
        let mode = self.pool.at(hold).mode();
        Err(refusal(Status::AlreadyHeld, mode as u64, token))
    }

    /// Calls `visit` with each further hold and waiter of an owner on a key: at most
    /// [`OWNER_ENTRIES_MAX`], as none is entered beyond.
    pub(super) fn each_entry(
        &self,
        key: Key,
        session: u64,
        stub: u32,
        owner: u64,
        mut visit: impl FnMut(Handle),
    ) {
        let hash = self.hasher.entry(key.hash, session, owner);
        let mut probe = self.index.probe(hash);
        while let Some(handle) = self.index.next(&mut probe) {
            let block = self.pool.at(handle);
            let same_key = block.kind() == Kind::Extra && block.lock() == key.lock;
            if same_key && block.stub == stub && block.owner == owner {
                visit(handle);
            }
        }
    }

    /// The key's limit if this request is let in.
    fn check_limit(&self, limit: u32, want: Want) -> Result<u32, Refusal> {
        if want.mode != Mode::Permit {
            return Ok(limit);
        }
        if limit != 0 && limit != want.limit && !want.resize {
            let (limit, asked) = (u64::from(limit), u64::from(want.limit));
            return Err(refusal(Status::LimitMismatch, limit, asked));
        }
        if want.permits > want.limit {
            let (limit, asked) = (u64::from(want.limit), u64::from(want.permits));
            return Err(refusal(Status::LimitMismatch, limit, asked));
        }
        Ok(want.limit)
    }

    fn check_may_queue(&self, ask: &Ask<'_>, waiters: u32, entries: usize) -> Result<(), Refusal> {
        if ask.wait == Wait::Try {
            return Err(match self.grace {
                Some(end) => refusal(Status::GraceWindow, 0, self.ms_until(end)),
                None => refusal(Status::Timeout, 0, 0),
            });
        }
        check_owner(entries)?;
        let config = &self.config;
        let waiters_max = match self.grace {
            Some(_) => (config.waiters_max / GRACE_WAITERS_PART).max(1),
            None => config.waiters_max,
        };
        for (now, max) in [
            (waiters, config.key_waiters_max),
            (self.counters.waiters, waiters_max),
        ] {
            if now >= max {
                return Err(refusal(Status::WaitersFull, u64::from(max), u64::from(now)));
            }
        }
        Ok(())
    }

    /// Whole milliseconds until an instant, rounded up.
    pub(super) fn ms_until(&self, end: Instant) -> u64 {
        end.micros_since(self.clock.raw_now()).div_ceil(1_000)
    }

    pub(super) fn create_lock(&mut self, ask: &Ask<'_>) -> Key {
        let lock = self.pool.take(Kind::Lock);
        self.pool.write_key(lock, ask.key);
        self.index.insert(ask.hint.hash, lock);
        self.counters.locks += 1;
        Key {
            lock,
            hash: ask.hint.hash,
        }
    }

    fn grant_at_once(
        &mut self,
        key: Key,
        ask: &Ask<'_>,
        entries: usize,
        effects: &mut impl Effects,
    ) -> Result<(), Refusal> {
        if self.pool.at(key.lock).role() == Role::Vacant {
            let with_metadata = self
                .pool
                .continuations_for(ask.key.len() + ask.metadata.len());
            self.check_blocks(with_metadata - self.pool.continuations_for(ask.key.len()))?;
            self.grant_first(key, ask, effects);
            return Ok(());
        }
        check_owner(entries)?;
        self.check_blocks(1 + self.pool.continuations_for(ask.metadata.len()))?;
        let extra = self.pool.take(Kind::Extra);
        self.fill(key, extra, ask);
        self.pool
            .holds_push(key.lock, extra, End::Front, Counted::Yes);
        self.grant(key, extra, ask, effects);
        Ok(())
    }

    /// The lock's own block takes the hold.
    fn grant_first(&mut self, key: Key, ask: &Ask<'_>, effects: &mut impl Effects) {
        self.fill(key, key.lock, ask);
        self.grant(key, key.lock, ask, effects);
    }

    fn grant(&mut self, key: Key, hold: Handle, ask: &Ask<'_>, effects: &mut impl Effects) {
        let token = self.count_grant(key.lock, hold);
        let until = self.lease_end(lease_ms(ask.lease));
        if let Some(end) = until {
            self.arm(hold, end);
        }
        let answer = Answer::Granted { token, until };
        effects.answer(ask.to, answer, self.stubs.at(ask.stub).lost_pending > 0);
    }

    fn queue(&mut self, key: Key, ask: &Ask<'_>, effects: &mut impl Effects) {
        let waiter = self.pool.take(Kind::Extra);
        self.fill(key, waiter, ask);
        let block = self.pool.at_mut(waiter);
        block.set_role(Role::Waiter);
        block.set_lease_ms(lease_ms(ask.lease));
        self.pool.queue_push(key.lock, waiter);
        if let Wait::For(wait) = ask.wait {
            self.pool.at_mut(waiter).token = u64::from(wait.0);
            // Longer than a deadline reaches is as good as for ever; never is it cut short.
            if wait.0 <= LEASE_MS_MAX {
                self.arm(waiter, self.clock.raw_now() + Millis(wait.0));
            }
        }
        self.counters.waiters += 1;
        self.counters.queued += 1;
        if self.grace.is_some() {
            self.mark_ready(key.lock);
        }
        effects.queued(ask.to);
    }

    /// Writes who asks for what into a block, links it to its session, enters a further one in the
    /// index and lets the key's limit follow.
    pub(super) fn fill(&mut self, key: Key, handle: Handle, ask: &Ask<'_>) {
        let since_s = self.clock.raw_seconds();
        if handle != key.lock {
            self.pool.at_mut(handle).set_lock(key.lock);
        }
        let block = self.pool.at_mut(handle);
        block.owner = ask.owner;
        block.token = 0;
        block.stub = ask.stub;
        block.since_s = since_s;
        block.permits = ask.want.permits;
        block.seat = ask.to.seat.0;
        block.set_mode(ask.want.mode);
        if !ask.metadata.is_empty() {
            self.pool.write_metadata(handle, ask.metadata);
        }
        self.stubs.link(&mut self.pool, handle);
        if handle != key.lock {
            self.enter_index(key.hash, handle);
        }
        if ask.want.mode == Mode::Permit {
            self.pool.at_mut(key.lock).set_limit(ask.want.limit);
        }
    }
}

pub(super) fn check_owner(entries: usize) -> Result<(), Refusal> {
    if entries < OWNER_ENTRIES_MAX {
        return Ok(());
    }
    let (limit, now) = (OWNER_ENTRIES_MAX as u64, entries as u64);
    Err(refusal(Status::OwnerFull, limit, now))
}

/// A lease as a waiter's block keeps it: 0 = as long as the session.
pub(super) const fn lease_ms(lease: Lease) -> u32 {
    match lease {
        Lease::Session => 0,
        Lease::For(length) => length.0,
    }
}

pub(super) const fn refusal(status: Status, limit: u64, value: u64) -> Refusal {
    Refusal {
        status,
        limit,
        value,
    }
}
