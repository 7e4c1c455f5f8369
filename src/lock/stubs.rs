//! What an owner shard knows of the sessions that touched it: one stub each.
//!
//! Stubs stand in a dense array by home shard and slot in the home's session table, so that a
//! look-up is an array access; the id proves that the slot was not reused. A session's blocks
//! (holds, waiters, notes, closures) form a list that begins in its stub.

use std::io;

use bytemuck::{Pod, Zeroable};

use crate::limits::NAME_BYTES_MAX;
use crate::lock::block::Handle;
use crate::lock::input::Peer;
use crate::lock::op::{SessionId, SessionRef, ShardId};
use crate::lock::pool::Pool;
use crate::lock::region::Records;
use crate::time::Millis;

/// Index of a stub that is none: what a closure has whose session is gone.
pub(super) const STUB_NONE: u32 = u32::MAX;

const OPEN: u8 = 1;
const DEAD: u8 = 2;

/// A session, as an owner shard knows it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Stub {
    id: u64,
    /// First of the session's blocks, the newest.
    pub(super) blocks: Handle,
    pub(super) ttl_ms: u32,
    /// Lost events that could not leave yet.
    pub(super) lost_pending: u32,
    /// Ended sessions: next one to sweep, as index + 1.
    pub(super) sweep_next: u32,
    slot: u32,
    flags: u8,
    name_len: u8,
    port: u16,
    ip: [u8; 16],
    name: [u8; NAME_BYTES_MAX],
}

const _: () = assert!(size_of::<Stub>() == 80, "a stub costs 80 bytes");

impl Stub {
    pub(super) const fn is_dead(&self) -> bool {
        self.flags & DEAD != 0
    }

    pub(super) const fn is_open(&self) -> bool {
        self.flags & OPEN != 0
    }

    pub(super) const fn session(&self) -> SessionRef {
        SessionRef {
            id: SessionId(self.id),
            slot: self.slot,
        }
    }

    pub(super) const fn home(&self) -> ShardId {
        SessionId(self.id).home()
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name[..usize::from(self.name_len)]
    }

    pub(super) const fn peer(&self) -> Peer {
        Peer {
            ip: self.ip,
            port: self.port,
        }
    }
}

/// All stubs of one owner shard.
#[derive(Debug)]
pub(super) struct Stubs {
    stubs: Records<Stub>,
    per_shard: u32,
    open: u32,
    dead: u32,
}

impl Stubs {
    /// Room for `per_shard` sessions of each of `shards` shards.
    ///
    /// # Errors
    /// What `mmap` says.
    pub(super) fn new(shards: u16, per_shard: u32) -> io::Result<Self> {
        let count = shards as usize * per_shard as usize;
        assert!(count < STUB_NONE as usize, "a stub's index has 32 bits");
        Ok(Self {
            stubs: Records::new(count, size_of::<Stub>())?,
            per_shard,
            open: 0,
            dead: 0,
        })
    }

    /// Backs all stubs with memory.
    ///
    /// # Errors
    /// There is not that much memory.
    pub(super) fn prefault(&mut self) -> io::Result<()> {
        self.stubs.prefault()
    }

    /// Sessions known, ended ones not yet swept included.
    pub(super) const fn open_count(&self) -> u32 {
        self.open
    }

    /// Sessions ended and not yet swept.
    pub(super) const fn dead_count(&self) -> u32 {
        self.dead
    }

    /// Takes in a session.
    ///
    /// # Panics
    /// If its slot is still in use: the home shard waits for `SessionGone`.
    pub(super) fn open(&mut self, session: SessionRef, ttl: Millis, name: &[u8], peer: Peer) {
        let index = self.index(session);
        let stub = self.at_mut(index);
        assert!(
            !stub.is_open(),
            "a session's slot is free again before it is reused"
        );
        *stub = Stub {
            id: session.id.0,
            ttl_ms: ttl.0,
            slot: session.slot,
            flags: OPEN,
            name_len: u8::try_from(name.len()).expect("a name is short"),
            port: peer.port,
            ip: peer.ip,
            ..Stub::zeroed()
        };
        stub.name[..name.len()].copy_from_slice(name);
        self.open += 1;
    }

    /// Marks a session as over; its blocks are still to be swept.
    pub(super) fn mark_dead(&mut self, index: u32) {
        let stub = self.at_mut(index);
        assert!(!stub.is_dead(), "a session ends once");
        stub.flags |= DEAD;
        self.dead += 1;
    }

    /// Forgets a swept session.
    pub(super) fn close(&mut self, index: u32) {
        let stub = self.at_mut(index);
        assert!(stub.is_dead(), "only an ended session is forgotten");
        assert!(stub.blocks.is_none(), "and only once it is swept");
        assert_eq!(stub.lost_pending, 0, "a swept session has no Lost to hear");
        stub.flags = 0;
        self.open -= 1;
        self.dead -= 1;
    }

    /// The stub of a live session.
    ///
    /// # Panics
    /// If the session is not open here: the home shard sends `SessionOpen` first.
    #[inline]
    pub(super) fn find(&self, session: SessionRef) -> u32 {
        let index = self.index(session);
        let stub = self.at(index);
        assert!(stub.is_open(), "a session is opened before it asks");
        assert_eq!(stub.id, session.id.0, "a session's slot is its own");
        index
    }

    /// Whether the session is open here.
    pub(super) fn is_known(&self, session: SessionRef) -> bool {
        let stub = self.at(self.index(session));
        stub.is_open() && stub.id == session.id.0
    }

    #[inline]
    pub(super) fn at(&self, index: u32) -> &Stub {
        self.stubs.header(index as usize)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, index: u32) -> &mut Stub {
        self.stubs.header_mut(index as usize)
    }

    /// The newest block of the session in this slot, if it has one.
    #[inline]
    pub(super) fn newest(&self, session: SessionRef) -> Handle {
        let index = u32::from(session.id.home().0) * self.per_shard + session.slot;
        self.at(index).blocks
    }

    /// Prefetches a session's stub; any session is fine.
    #[inline]
    pub(super) fn prefetch(&self, session: SessionRef) {
        let home = usize::from(session.id.home().0);
        let index = home * self.per_shard as usize + session.slot as usize;
        self.stubs.prefetch(index, 1);
    }

    /// Stubs in all.
    pub(super) const fn count(&self) -> usize {
        self.stubs.count()
    }

    /// Puts a block in front of its session's list; its `stub` says which.
    #[inline]
    pub(super) fn link(&mut self, pool: &mut Pool, handle: Handle) {
        let stub = self.at_mut(pool.at(handle).stub);
        let next = stub.blocks;
        stub.blocks = handle;
        let block = pool.at_mut(handle);
        block.session_next = next;
        block.session_prev = Handle::NONE;
        if next.is_some() {
            pool.at_mut(next).session_prev = handle;
        }
    }

    /// Takes a block out of its session's list.
    #[inline]
    pub(super) fn unlink(&mut self, pool: &mut Pool, handle: Handle) {
        let block = pool.at(handle);
        let (next, previous) = (block.session_next, block.session_prev);
        if previous.is_none() {
            let stub = self.at_mut(block.stub);
            debug_assert_eq!(stub.blocks, handle, "a list begins in its stub");
            stub.blocks = next;
        } else {
            pool.at_mut(previous).session_next = next;
        }
        if next.is_some() {
            pool.at_mut(next).session_prev = previous;
        }
    }

    fn index(&self, session: SessionRef) -> u32 {
        assert!(
            session.slot < self.per_shard,
            "a session's slot is in the home's table"
        );
        u32::from(session.id.home().0) * self.per_shard + session.slot
    }
}
