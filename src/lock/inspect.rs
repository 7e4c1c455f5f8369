//! The bodies of Get and List: who holds, who waits, which keys there are.

use locker_protocol::{GetReply, HEADER_BYTES, Holder, ListReply, LockSummary, RecordList, Waiter};

use crate::limits::{
    GET_HOLDERS_MAX, GET_WAITERS_MAX, KEY_BYTES_MAX, LIST_BUCKETS_MAX, METADATA_BYTES_MAX,
};
use crate::lock::batch::Hint;
use crate::lock::block::{Handle, Kind, Role};
use crate::lock::effect::Effects;
use crate::lock::engine::Engine;
use crate::lock::op::{Mode, ReaderRef};
use crate::lock::page::{Page, RECORD_BYTES_MAX, ReadBuffers};
use crate::shard::cursor::Cursor;

/// `lease_left_ms` and `wait_left_ms` of what has no end of its own.
const NO_END: u32 = u32::MAX;
/// A List position: bucket above, entries of its chain still to be told below.
const ENTRY_BITS: u32 = 16;

const _: () = assert!(
    GET_HOLDERS_MAX * (Holder::FIXED_BYTES + 32 + METADATA_BYTES_MAX)
        + GET_WAITERS_MAX * (Waiter::FIXED_BYTES + 32)
        <= RECORD_BYTES_MAX,
    "all that Get tells fits one reply"
);
const _: () = assert!(
    LockSummary::FIXED_BYTES + KEY_BYTES_MAX <= RECORD_BYTES_MAX,
    "a page of List tells at least one key"
);

/// What a key is to an onlooker.
struct Summary {
    mode: Option<Mode>,
    holders: u32,
    waiters: u32,
}

impl Engine {
    /// Answers Get: first holders and waiters, and how many there are. O(those told).
    pub(super) fn inspect_key(
        &mut self,
        to: ReaderRef,
        key: &[u8],
        hint: Hint,
        effects: &mut impl Effects,
    ) {
        let lock = self.find(hint, key);
        let mut buffers = self.reads.take().expect("reads come one by one");
        let ReadBuffers {
            holders,
            waiters,
            frame,
        } = &mut *buffers;
        let mut holders = Page {
            bytes: holders,
            used: 0,
        };
        let mut waiters = Page {
            bytes: waiters,
            used: 0,
        };
        let mut reply = GetReply {
            server_now: self.clock.raw_now().as_micros(),
            mode: None,
            closed: false,
            grace: self.grace.is_some(),
            limit: 0,
            permits_used: 0,
            holders_total: 0,
            waiters_total: 0,
            closed_ms: 0,
            holders: RecordList::EMPTY,
            waiters: RecordList::EMPTY,
        };
        if let Some(lock) = lock {
            let summary = self.summary(lock);
            let block = self.pool.at(lock);
            reply.mode = summary.mode.map(wire_mode);
            reply.limit = block.limit();
            reply.permits_used = block.permits_used();
            reply.holders_total = summary.holders;
            reply.waiters_total = summary.waiters;
            reply.closed = self.pool.is_closed(lock);
            reply.closed_ms = self.closed_ms(lock);
            let held = self.tell_holders(lock, &mut holders);
            let queued = self.tell_waiters(lock, &mut waiters);
            reply.holders = RecordList::from_records(&holders.bytes[..holders.used], held);
            reply.waiters = RecordList::from_records(&waiters.bytes[..waiters.used], queued);
        }
        let mut page = Page {
            bytes: frame,
            used: 0,
        };
        reply.encode(to.request_id, &mut page);
        effects.read_reply(to, &page.bytes[HEADER_BYTES..page.used]);
        self.reads = Some(buffers);
    }

    /// Answers List: keys of at most [`LIST_BUCKETS_MAX`] buckets, as many as fit one reply.
    ///
    /// Chains are walked from their end: a removal moves the last entry, told already, into the
    /// hole, so a key that is there all the time is told at least once.
    pub(super) fn list_keys(
        &mut self,
        to: ReaderRef,
        position: u64,
        prefix: &[u8],
        effects: &mut impl Effects,
    ) {
        let mut buffers = self.reads.take().expect("reads come one by one");
        let ReadBuffers { holders, frame, .. } = &mut *buffers;
        let mut records = Page {
            bytes: holders,
            used: 0,
        };
        let mut count = 0;
        let start = u32::try_from(position >> ENTRY_BITS).unwrap_or(u32::MAX);
        let mut left = usize::try_from(position % (1 << ENTRY_BITS)).expect("16 bits");
        let end = start
            .saturating_add(LIST_BUCKETS_MAX)
            .min(self.index.main_buckets());
        let mut next = u64::from(end) << ENTRY_BITS;
        for bucket in start..end {
            self.prefetch_chain(bucket.saturating_add(1));
            let chain = self.index.chain_len(bucket);
            let told = if left == 0 { chain } else { chain.min(left) };
            left = self.tell_chain(bucket, told, prefix, &mut records, &mut count);
            if left > 0 {
                next = u64::from(bucket) << ENTRY_BITS | left as u64;
                break;
            }
        }
        let done = next >> ENTRY_BITS >= u64::from(self.index.main_buckets());
        let shard = self.config.shard;
        let cursor = if done {
            Cursor::wire_after(shard, self.config.shards)
        } else {
            Cursor {
                shard,
                position: next,
            }
            .to_wire()
        };
        let locks = RecordList::from_records(&records.bytes[..records.used], count);
        let mut page = Page {
            bytes: frame,
            used: 0,
        };
        ListReply { cursor, locks }.encode(to.request_id, &mut page);
        effects.read_reply(to, &page.bytes[HEADER_BYTES..page.used]);
        self.reads = Some(buffers);
    }

    /// Tells the keys among the first `entries` of a chain, last first; returns how many entries
    /// are left for the next page.
    fn tell_chain(
        &mut self,
        bucket: u32,
        entries: usize,
        prefix: &[u8],
        records: &mut Page<'_>,
        count: &mut u16,
    ) -> usize {
        for entry in (0..entries).rev() {
            let handle = self
                .index
                .entry(bucket, entry)
                .expect("below the chain's length");
            if self.pool.at(handle).kind() != Kind::Lock {
                continue;
            }
            let summary = self.summary(handle);
            let closed = self.pool.is_closed(handle);
            let key = self.pool.copy_key(handle, &mut self.scratch);
            if !key.starts_with(prefix) || summary.mode.is_none() && !closed {
                continue;
            }
            if records.used + LockSummary::FIXED_BYTES + key.len() > RECORD_BYTES_MAX {
                return entry + 1;
            }
            let record = LockSummary {
                holders: summary.holders,
                waiters: summary.waiters,
                mode: summary.mode.map(wire_mode),
                closed,
                grace: self.grace.is_some(),
                key,
            };
            record.encode(records);
            *count += 1;
        }
        0
    }

    fn prefetch_chain(&self, bucket: u32) {
        self.index.prefetch_bucket(bucket.saturating_add(1));
        if bucket >= self.index.main_buckets() {
            return;
        }
        for entry in 0..10 {
            if let Some(handle) = self.index.entry(bucket, entry) {
                self.pool.prefetch(handle);
            }
        }
    }

    fn summary(&self, lock: Handle) -> Summary {
        let block = self.pool.at(lock);
        let first = self.first_shown(lock);
        let shown = first.or_else(|| block.queue().is_some().then(|| block.queue()));
        Summary {
            mode: shown.map(|handle| self.pool.at(handle).mode()),
            holders: u32::from(block.role() == Role::Hold) + self.pool.holds_count(lock),
            waiters: block.waiters(),
        }
    }

    /// A hold of the key, behind closures too, of which a few are looked at.
    fn first_shown(&self, lock: Handle) -> Option<Handle> {
        let first = self.pool.first_hold(lock);
        let mut at = self.pool.at(lock).holds();
        if first.is_some() || at.is_none() {
            return first;
        }
        for _ in 0..2 * GET_HOLDERS_MAX {
            if self.pool.at(at).role() == Role::Hold {
                return Some(at);
            }
            at = self.pool.at(at).next();
        }
        None
    }

    /// How long closures keep the key closed: what runs, or the whole delay of one not begun.
    fn closed_ms(&self, lock: Handle) -> u32 {
        let mut longest = self.closure_ms(lock);
        let mut at = self.pool.at(lock).holds();
        for _ in 0..GET_HOLDERS_MAX {
            if at.is_none() || self.pool.at(at).role() != Role::Closure {
                break;
            }
            longest = longest.max(self.closure_ms(at));
            at = self.pool.at(at).next();
        }
        longest
    }

    fn closure_ms(&self, handle: Handle) -> u32 {
        let block = self.pool.at(handle);
        if block.role() != Role::Closure {
            return 0;
        }
        self.left_ms(handle).unwrap_or(block.permits)
    }

    /// Milliseconds until a block's deadline, rounded down; `None` without one.
    fn left_ms(&self, handle: Handle) -> Option<u32> {
        let end = self.deadline_of(handle)?;
        let left = end.micros_since(self.clock.raw_now()) / 1_000;
        Some(u32::try_from(left).unwrap_or(NO_END - 1))
    }

    fn tell_holders(&mut self, lock: Handle, page: &mut Page<'_>) -> u16 {
        let mut told = 0;
        if self.pool.at(lock).role() == Role::Hold {
            self.tell_holder(lock, page);
            told += 1;
        }
        let first = self.pool.at(lock).holds();
        let mut at = first;
        let mut looks = 0;
        while at.is_some() && usize::from(told) < GET_HOLDERS_MAX && looks < 2 * GET_HOLDERS_MAX {
            if self.pool.at(at).role() == Role::Hold {
                self.tell_holder(at, page);
                told += 1;
            }
            looks += 1;
            at = self.pool.at(at).next();
            if at == first {
                break;
            }
        }
        told
    }

    fn tell_holder(&mut self, hold: Handle, page: &mut Page<'_>) {
        let lease_left_ms = self.left_ms(hold).unwrap_or(NO_END);
        let metadata = self.pool.copy_metadata(hold, &mut self.scratch);
        let block = self.pool.at(hold);
        let stub = self.stubs.at(block.stub);
        let record = Holder {
            session_id: stub.session().id.0,
            owner: block.owner,
            token: block.token,
            age_s: self.clock.raw_seconds().saturating_sub(block.since_s),
            lease_left_ms,
            permits: block.permits,
            mode: wire_mode(block.mode()),
            peer_port: stub.peer().port,
            peer_ip: stub.peer().ip,
            name: text(stub.name()),
            metadata,
        };
        record.encode(page);
    }

    fn tell_waiters(&self, lock: Handle, page: &mut Page<'_>) -> u16 {
        let first = self.pool.at(lock).queue();
        let mut at = first;
        let mut told = 0;
        while at.is_some() && usize::from(told) < GET_WAITERS_MAX {
            let block = self.pool.at(at);
            let stub = self.stubs.at(block.stub);
            let record = Waiter {
                session_id: stub.session().id.0,
                owner: block.owner,
                age_s: self.clock.raw_seconds().saturating_sub(block.since_s),
                wait_left_ms: self.left_ms(at).unwrap_or(NO_END),
                permits: block.permits,
                mode: wire_mode(block.mode()),
                peer_port: stub.peer().port,
                peer_ip: stub.peer().ip,
                name: text(stub.name()),
            };
            record.encode(page);
            told += 1;
            at = block.next();
            if at == first {
                break;
            }
        }
        told
    }
}

/// A session's name: the home shard took it from a checked text field.
fn text(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or("")
}

const fn wire_mode(mode: Mode) -> locker_protocol::Mode {
    match mode {
        Mode::Exclusive => locker_protocol::Mode::Exclusive,
        Mode::Shared => locker_protocol::Mode::Shared,
        Mode::Permit => locker_protocol::Mode::Permit,
    }
}
