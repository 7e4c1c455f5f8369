//! The bytes of a block: key, then metadata, inline as far as they fit, then in a chain of
//! continuation blocks.
//!
//! A lock's metadata belongs to its first hold and goes with it; the key stays. An extra block has
//! metadata only. What fits inline touches no other block.

use crate::lock::block::{BLOCK_HEAD_BYTES, CONTINUATION_HEAD_BYTES, Handle, Kind};
use crate::lock::pool::Pool;

impl Pool {
    /// Continuation blocks that so many bytes need.
    #[inline]
    pub(super) fn continuations_for(&self, bytes: usize) -> u32 {
        let inline = self.block_bytes() - BLOCK_HEAD_BYTES;
        if bytes <= inline {
            return 0;
        }
        let each = self.block_bytes() - CONTINUATION_HEAD_BYTES;
        u32::try_from((bytes - inline).div_ceil(each)).expect("keys and metadata are short")
    }

    /// Writes the key of a fresh lock block.
    ///
    /// # Panics
    /// If blocks run out: the caller counted them.
    pub(super) fn write_key(&mut self, lock: Handle, key: &[u8]) {
        self.at_mut(lock).set_key_len(key.len());
        self.write(lock, 0, key);
    }

    /// Writes the metadata of a hold or waiter that has none yet.
    ///
    /// # Panics
    /// If blocks run out: the caller counted them.
    pub(super) fn write_metadata(&mut self, handle: Handle, metadata: &[u8]) {
        let block = self.at_mut(handle);
        block.set_metadata_len(metadata.len());
        let from = block.key_len();
        self.write(handle, from, metadata);
    }

    /// Forgets the metadata and frees the blocks that only it needed.
    #[inline]
    pub(super) fn drop_metadata(&mut self, handle: Handle) {
        let block = self.at_mut(handle);
        let was = block.metadata_len();
        block.set_metadata_len(0);
        let (key, link) = (block.key_len(), block.link);
        if was > 0 && link.is_some() {
            self.truncate(handle, self.continuations_for(key));
        }
    }

    /// Frees a lock or extra block with all its continuations.
    #[inline]
    pub(super) fn give_back_all(&mut self, handle: Handle) {
        if self.at(handle).link.is_some() {
            self.truncate(handle, 0);
        }
        self.give_back(handle);
    }

    /// Whether the lock's key is this one.
    #[inline]
    pub(super) fn key_is(&self, lock: Handle, key: &[u8]) -> bool {
        let block = self.at(lock);
        if block.key_len() != key.len() {
            return false;
        }
        let inline = self.bytes(lock, BLOCK_HEAD_BYTES);
        if key.len() <= inline.len() {
            return inline[..key.len()] == *key;
        }
        let (first, mut rest) = key.split_at(inline.len());
        if inline != first {
            return false;
        }
        let mut next = block.link;
        while !rest.is_empty() {
            let piece = self.bytes(next, CONTINUATION_HEAD_BYTES);
            let length = piece.len().min(rest.len());
            if piece[..length] != rest[..length] {
                return false;
            }
            rest = &rest[length..];
            next = self.at(next).link;
        }
        true
    }

    /// Copies the lock's key to the front of `into` and returns it.
    ///
    /// # Panics
    /// If `into` is shorter than the key.
    pub(super) fn copy_key<'a>(&self, lock: Handle, into: &'a mut [u8]) -> &'a [u8] {
        let length = self.at(lock).key_len();
        self.copy(lock, 0, &mut into[..length]);
        &into[..length]
    }

    /// Copies a hold's metadata to the front of `into` and returns it.
    ///
    /// # Panics
    /// If `into` is shorter than the metadata.
    pub(super) fn copy_metadata<'a>(&self, handle: Handle, into: &'a mut [u8]) -> &'a [u8] {
        let block = self.at(handle);
        let (from, length) = (block.key_len(), block.metadata_len());
        self.copy(handle, from, &mut into[..length]);
        &into[..length]
    }

    /// Copies bytes `from..` of a block and its chain until `into` is full.
    fn copy(&self, handle: Handle, from: usize, into: &mut [u8]) {
        let mut piece = self.bytes(handle, BLOCK_HEAD_BYTES);
        let mut next = self.at(handle).link;
        let (mut skip, mut done) = (from, 0);
        while done < into.len() {
            let here = &piece[skip.min(piece.len())..];
            let length = here.len().min(into.len() - done);
            into[done..done + length].copy_from_slice(&here[..length]);
            done += length;
            if done < into.len() {
                skip = skip.saturating_sub(piece.len());
                piece = self.bytes(next, CONTINUATION_HEAD_BYTES);
                next = self.at(next).link;
            }
        }
    }

    /// Writes bytes at `from..`, extending the chain as needed.
    fn write(&mut self, handle: Handle, from: usize, mut bytes: &[u8]) {
        let (mut at, mut head, mut skip) = (handle, BLOCK_HEAD_BYTES, from);
        loop {
            let piece = self.bytes_mut(at, head);
            let capacity = piece.len();
            let here = &mut piece[skip.min(capacity)..];
            let length = here.len().min(bytes.len());
            here[..length].copy_from_slice(&bytes[..length]);
            bytes = &bytes[length..];
            if bytes.is_empty() {
                return;
            }
            skip = skip.saturating_sub(capacity);
            head = CONTINUATION_HEAD_BYTES;
            at = self.continuation_of(at);
        }
    }

    /// The next block of the chain, a fresh one at its end.
    fn continuation_of(&mut self, at: Handle) -> Handle {
        let link = self.at(at).link;
        if link.is_some() {
            return link;
        }
        let fresh = self.take(Kind::Continuation);
        self.at_mut(at).link = fresh;
        fresh
    }

    /// Frees all continuations but the first `keep`.
    fn truncate(&mut self, handle: Handle, keep: u32) {
        let mut last = handle;
        for _ in 0..keep {
            last = self.at(last).link;
        }
        let block = self.at_mut(last);
        let mut next = block.link;
        block.link = Handle::NONE;
        while next.is_some() {
            let after = self.at(next).link;
            self.give_back(next);
            next = after;
        }
    }
}
