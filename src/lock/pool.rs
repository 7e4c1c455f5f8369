//! The blocks of one shard: a fixed number of one size, a free list inside.
//!
//! Invariants: every block is free, in the free list, or in use; `used` counts the latter. Blocks
//! never used lie behind `fresh` and cost no memory.

use std::io;

use crate::lock::block::{BLOCK_BYTES_ALLOWED, Block, Handle, Kind};
use crate::lock::region::Records;
use crate::wheel::{Links, TIMERS_MAX, Timers};

/// The pool.
#[derive(Debug)]
pub(super) struct Pool {
    /// Record 0 is never used, so that handle 0 is none.
    records: Records<Block>,
    block_bytes: usize,
    free: Handle,
    /// Blocks from here on were never used.
    fresh: u32,
    blocks: u32,
    used: u32,
}

impl Pool {
    /// Maps a pool of `blocks` blocks of `block_bytes`.
    ///
    /// # Errors
    /// What `mmap` says.
    ///
    /// # Panics
    /// If the size is not an allowed one, or there are 0 or too many blocks for a timer's id.
    pub(super) fn new(blocks: u32, block_bytes: usize) -> io::Result<Self> {
        assert!(
            BLOCK_BYTES_ALLOWED.contains(&block_bytes),
            "a block has an allowed size"
        );
        assert!(blocks > 0, "a pool has blocks");
        assert!(blocks < TIMERS_MAX, "a block's handle is a timer's id");
        let count = blocks as usize + 1;
        Ok(Self {
            records: Records::new(count, block_bytes)?,
            block_bytes,
            free: Handle::NONE,
            fresh: 1,
            blocks,
            used: 0,
        })
    }

    /// Backs all blocks with memory.
    ///
    /// # Errors
    /// There is not that much memory.
    pub(super) fn prefault(&mut self) -> io::Result<()> {
        self.records.prefault()
    }

    /// Bytes of a block.
    pub(super) const fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// Blocks in all.
    pub(super) const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Blocks in use.
    pub(super) const fn used(&self) -> u32 {
        self.used
    }

    /// Blocks not in use.
    pub(super) const fn free_count(&self) -> u32 {
        self.blocks - self.used
    }

    /// Handles in use are below this.
    pub(super) const fn fresh(&self) -> u32 {
        self.fresh
    }

    /// Takes a free block, cleared and of that kind.
    ///
    /// # Panics
    /// If none is free: look at [`Pool::free_count`] first.
    #[inline]
    pub(super) fn take(&mut self, kind: Kind) -> Handle {
        assert!(self.used < self.blocks, "a block is taken when one is free");
        self.used += 1;
        let handle = if self.free.is_some() {
            let handle = self.free;
            self.free = self.at(handle).link;
            handle
        } else {
            self.fresh += 1;
            Handle(self.fresh - 1)
        };
        let block = self.at_mut(handle);
        assert_eq!(block.kind(), Kind::Free, "a free block is free");
        block.begin(kind);
        handle
    }

    /// Gives a block back.
    ///
    /// # Panics
    /// If it is free.
    #[inline]
    pub(super) fn give_back(&mut self, handle: Handle) {
        let free = self.free;
        let block = self.at_mut(handle);
        assert_ne!(block.kind(), Kind::Free, "a block is freed once");
        block.end(free);
        self.free = handle;
        self.used -= 1;
    }

    /// The block of a handle.
    #[inline]
    pub(super) fn at(&self, handle: Handle) -> &Block {
        self.records.header(handle.0 as usize)
    }

    /// The block of a handle, to be changed.
    #[inline]
    pub(super) fn at_mut(&mut self, handle: Handle) -> &mut Block {
        self.records.header_mut(handle.0 as usize)
    }

    /// A block's bytes from an offset to its end.
    #[inline]
    pub(super) fn bytes(&self, handle: Handle, from: usize) -> &[u8] {
        self.records.bytes(handle.0 as usize, from)
    }

    /// A block's bytes from an offset to its end, to be changed.
    #[inline]
    pub(super) fn bytes_mut(&mut self, handle: Handle, from: usize) -> &mut [u8] {
        self.records.bytes_mut(handle.0 as usize, from)
    }

    /// Prefetches a block with the beginning of its key.
    #[inline]
    pub(super) fn prefetch(&self, handle: Handle) {
        self.records.prefetch(handle.0 as usize, 2);
    }

    /// Prefetches the hold part of a block.
    #[inline]
    pub(super) fn prefetch_hold(&self, handle: Handle) {
        self.records.prefetch_at(handle.0 as usize, 40);
    }

    /// The block that `take` will give next, if it was used before.
    pub(super) const fn next_free(&self) -> Handle {
        self.free
    }
}

/// A block's handle is its timer's id.
impl Timers for Pool {
    #[inline]
    fn links(&self, id: u32) -> Links {
        let block = self.at(Handle(id));
        match block.kind() {
            Kind::Lock | Kind::Extra if !block.is_pending() => Links::from_parts(block.timer),
            _ => Links::UNARMED,
        }
    }

    #[inline]
    fn set_links(&mut self, id: u32, links: Links) {
        self.at_mut(Handle(id)).timer = links.into_parts();
    }

    #[inline]
    fn deadline(&self, id: u32) -> u32 {
        self.at(Handle(id)).deadline
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.prefetch_hold(Handle(id));
    }
}
