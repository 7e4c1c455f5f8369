//! The byte table of a block: what one lock with its first hold, one further hold, one waiter or a
//! piece of a long key is made of.
//!
//! ```text
//! byte  0 generation 2 | state 1 | modes 1 | link 4        every block
//!       8 owner 8 | token 8 | stub 4 | deadline 4 | since 4 | permits 4      hold part
//!      40 session links 8 | timer links 8 | seat 2 | metadata length 2
//!      60 lock: waiters 21 bits, key length 11 bits        extra: its lock
//!  --- 64: the second cache line ---
//!      64 lock: queue | holds | ready_next | limit | permits used
//!         extra: next | previous | lease asked | list count | reserved (priority, group)
//!      84 key (lock only), then metadata; the rest follows in continuation blocks
//! ```
//!
//! A *lock* block is the key and its first hold; an *extra* block is a further hold or a waiter; a
//! *continuation* block is `generation, state, modes, link`, then bytes. So 84 bytes of a block are
//! overhead: 44 are left inline of 128, 12 of 96. Generation and state stand first in all kinds, so
//! that a stale handle is never judged by bytes that a client chose.

use bytemuck::{Pod, Zeroable};

use crate::lock::op::Mode;

/// A block's number in its pool; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub(super) struct Handle(pub(super) u32);

impl Handle {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Free,
    Lock,
    Extra,
    Continuation,
}

/// What the hold part of a lock or extra block stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nobody: only in a lock block, whose first hold is over.
    Vacant,
    /// A hold. With the mark *pending*: its Granted could not leave yet, so to its client it is
    /// still a waiter.
    Hold,
    /// A waiter.
    Waiter,
    /// A forced hold whose key stays closed: incompatible with everything. *Pending*: its Lost
    /// could not leave yet.
    Closure,
    /// A hold that is over but whose Lost could not leave yet.
    LostNote,
    /// A waiter that is over but whose refusal could not leave yet.
    AnswerNote,
}

/// The head of every block; the bytes behind it belong to the key and the metadata.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, packed(4))]
pub(super) struct Block {
    /// Counts the uses of the hold part, wrapping.
    pub(super) generation: u16,
    /// Kind 2 bits, role 3, marks: pending, ready.
    state: u8,
    /// Mode in the low half; the high half is room for the mode a hold converts to.
    modes: u8,
    /// Free: the next free block. Else the next block of the key's and metadata's bytes.
    pub(super) link: Handle,
    pub(super) owner: u64,
    /// Waiter: 0. AnswerNote: limit << 32 | value of the refusal.
    pub(super) token: u64,
    /// Index of the session's stub.
    pub(super) stub: u32,
    /// Low 32 bits of the wheel's milliseconds. AnswerNote: the status; LostNote: the reason.
    pub(super) deadline: u32,
    /// Seconds of the raw clock at the grant, or when the waiter queued.
    pub(super) since_s: u32,
    /// Permits held or wanted. Closure: its delay in ms.
    pub(super) permits: u32,
    pub(super) session_next: Handle,
    pub(super) session_prev: Handle,
    /// Links of the wheel; with the mark *pending* next and previous in the list of its home.
    pub(super) timer: [u32; 2],
    pub(super) seat: u16,
    /// Low 9 bits; the rest is reserved (contended).
    metadata_len: u16,
    /// Lock: waiters and key length. Extra: the lock.
    lock_or_counts: u32,
    /// See the table above.
    part: [u32; 5],
}

/// Bytes of a block that are not key or metadata.
pub(super) const BLOCK_HEAD_BYTES: usize = size_of::<Block>();
/// Bytes of a continuation block that are not key or metadata.
pub(super) const CONTINUATION_HEAD_BYTES: usize = 8;
/// The sizes a block may have.
pub const BLOCK_BYTES_ALLOWED: [usize; 6] = [96, 128, 192, 256, 512, 1024];

const WAITERS_BITS: u32 = 21;
const WAITERS_MASK: u32 = (1 << WAITERS_BITS) - 1;
const KIND_MASK: u8 = 0b11;
const ROLE_SHIFT: u32 = 2;
const ROLE_MASK: u8 = 0b111 << ROLE_SHIFT;
const PENDING: u8 = 1 << 5;
const READY: u8 = 1 << 6;

const _: () = assert!(BLOCK_HEAD_BYTES == 84, "44 bytes inline of 128, 12 of 96");
const _: () = assert!(
    std::mem::offset_of!(Block, lock_or_counts) + 4 == 64,
    "everything hot in a hold is in the first cache line"
);
const _: () = assert!(
    std::mem::offset_of!(Block, owner) == CONTINUATION_HEAD_BYTES,
    "generation, state and link stand first in every kind"
);
const _: () = assert!(
    crate::limits::KEY_BYTES_MAX < 1 << (32 - WAITERS_BITS),
    "a key's length has 11 bits"
);
const _: () = assert!(
    crate::limits::KEY_WAITERS_MAX <= WAITERS_MASK,
    "a key's waiters have 21 bits"
);
const _: () = assert!(
    crate::limits::METADATA_BYTES_MAX < 1 << 9,
    "the metadata's length has 9 bits"
);

impl Block {
    pub(super) const fn kind(&self) -> Kind {
        match self.state & KIND_MASK {
            0 => Kind::Free,
            1 => Kind::Lock,
            2 => Kind::Extra,
            _ => Kind::Continuation,
        }
    }

    /// Starts a block's use: no role, no marks; everything but the generation is cleared.
    pub(super) fn begin(&mut self, kind: Kind) {
        let generation = self.generation;
        *self = Self::zeroed();
        self.generation = generation;
        self.state = kind as u8;
    }

    /// Ends a block's use.
    pub(super) fn end(&mut self, next_free: Handle) {
        self.generation = self.generation.wrapping_add(1);
        self.state = Kind::Free as u8;
        self.link = next_free;
    }

    pub(super) const fn role(&self) -> Role {
        match (self.state & ROLE_MASK) >> ROLE_SHIFT {
            0 => Role::Vacant,
            1 => Role::Hold,
            2 => Role::Waiter,
            3 => Role::Closure,
            4 => Role::LostNote,
            _ => Role::AnswerNote,
        }
    }

    pub(super) fn set_role(&mut self, role: Role) {
        self.state = self.state & !ROLE_MASK | (role as u8) << ROLE_SHIFT;
    }

    /// Whether an effect that speaks of this block waits for room in a lane.
    pub(super) const fn is_pending(&self) -> bool {
        self.state & PENDING != 0
    }

    pub(super) fn set_pending(&mut self, pending: bool) {
        self.state = self.state & !PENDING | if pending { PENDING } else { 0 };
    }

    /// Lock: whether it stands in the ready list.
    pub(super) const fn is_ready(&self) -> bool {
        self.state & READY != 0
    }

    pub(super) fn set_ready(&mut self, ready: bool) {
        self.state = self.state & !READY | if ready { READY } else { 0 };
    }

    /// A hold that its client knows of.
    pub(super) fn is_settled_hold(&self) -> bool {
        self.role() == Role::Hold && !self.is_pending()
    }

    /// The mode held or wanted.
    ///
    /// # Panics
    /// If the block has none.
    pub(super) fn mode(&self) -> Mode {
        match self.modes & 0xF {
            1 => Mode::Exclusive,
            2 => Mode::Shared,
            3 => Mode::Permit,
            other => panic!("a hold or waiter has a mode, not {other}"),
        }
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.modes = mode as u8;
    }

    pub(super) const fn metadata_len(&self) -> usize {
        (self.metadata_len & 0x1FF) as usize
    }

    pub(super) fn set_metadata_len(&mut self, bytes: usize) {
        self.metadata_len = u16::try_from(bytes).expect("metadata has 9 bits of length");
    }

    /// Lock: bytes of the key. Extra: 0, the key is its lock's.
    pub(super) fn key_len(&self) -> usize {
        if self.kind() == Kind::Lock {
            (self.lock_or_counts >> WAITERS_BITS) as usize
        } else {
            0
        }
    }

    pub(super) fn set_key_len(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).expect("a key has 11 bits of length");
        self.lock_or_counts = self.lock_or_counts & WAITERS_MASK | bytes << WAITERS_BITS;
    }

    /// Lock: waiters queued.
    pub(super) const fn waiters(&self) -> u32 {
        self.lock_or_counts & WAITERS_MASK
    }

    pub(super) fn set_waiters(&mut self, waiters: u32) {
        assert!(waiters <= WAITERS_MASK, "a key's waiters have 21 bits");
        self.lock_or_counts = self.lock_or_counts & !WAITERS_MASK | waiters;
    }

    /// Extra: its lock.
    pub(super) const fn lock(&self) -> Handle {
        Handle(self.lock_or_counts)
    }

    pub(super) fn set_lock(&mut self, lock: Handle) {
        self.lock_or_counts = lock.0;
    }

    /// Lock: first waiter.
    pub(super) const fn queue(&self) -> Handle {
        Handle(self.part[0])
    }

    pub(super) fn set_queue(&mut self, head: Handle) {
        self.part[0] = head.0;
    }

    /// Lock: first of the further holds, closures before holds before notes.
    pub(super) const fn holds(&self) -> Handle {
        Handle(self.part[1])
    }

    pub(super) fn set_holds(&mut self, head: Handle) {
        self.part[1] = head.0;
    }

    /// Lock: next in the ready list.
    pub(super) const fn ready_next(&self) -> Handle {
        Handle(self.part[2])
    }

    pub(super) fn set_ready_next(&mut self, next: Handle) {
        self.part[2] = next.0;
    }

    /// Lock: permits at most, 0 = no permit request since the key was free.
    pub(super) const fn limit(&self) -> u32 {
        self.part[3]
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        self.part[3] = limit;
    }

    /// Lock: permits in use.
    pub(super) const fn permits_used(&self) -> u32 {
        self.part[4]
    }

    pub(super) fn set_permits_used(&mut self, permits: u32) {
        self.part[4] = permits;
    }

    /// Extra: next in the ring of its lock's queue or holds.
    pub(super) const fn next(&self) -> Handle {
        Handle(self.part[0])
    }

    pub(super) fn set_next(&mut self, next: Handle) {
        self.part[0] = next.0;
    }

    /// Extra: previous in that ring.
    pub(super) const fn previous(&self) -> Handle {
        Handle(self.part[1])
    }

    pub(super) fn set_previous(&mut self, previous: Handle) {
        self.part[1] = previous.0;
    }

    /// Extra: the lease asked for in ms, 0 = as long as the session.
    pub(super) const fn lease_ms(&self) -> u32 {
        self.part[2]
    }

    pub(super) fn set_lease_ms(&mut self, lease_ms: u32) {
        self.part[2] = lease_ms;
    }

    /// Extra, first of its lock's further holds: how many of those are holds.
    pub(super) const fn list_count(&self) -> u32 {
        self.part[3]
    }

    pub(super) fn set_list_count(&mut self, count: u32) {
        self.part[3] = count;
    }
}
