//! One shard's chunks: fixed-size pieces of memory for bytes that wait.
//!
//! Everything a connection keeps from one turn to the next (output the peer has not taken, input
//! that is not a whole frame yet) lies in chunks of one pool, whose size is part of `--memory`. An
//! idle connection has no chunk. The pool never grows; what happens when it runs low is decided in
//! [`super::flow`], not here.
//!
//! Chunks are linked through an array beside the memory, so that a [`ChunkQueue`] is a few words in
//! its connection and a chunk is all payload. The memory never moves: the kernel sends from it.

/// Bytes of one chunk: one page, and 64 answers of the size an acquire is answered with.
pub const CHUNK_BYTES: usize = 4096;

/// No chunk: the end of a chain.
const NONE: u32 = u32::MAX;

/// The pool is empty: nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolEmpty;

/// All chunks of one shard.
pub struct ChunkPool {
    memory: Box<[u8]>,
    /// The chunk after this one, in its queue or in the free list.
    next: Box<[u32]>,
    free_head: u32,
    free_count: u32,
}

/// A queue of bytes in a chain of chunks: appended at the tail, consumed at the head.
///
/// Invariant: `length == 0` exactly if it has no chunk. A queue must be emptied with
/// [`ChunkQueue::clear`] before it is dropped; otherwise its chunks are lost to the pool.
#[derive(Debug)]
pub struct ChunkQueue {
    head: u32,
    tail: u32,
    /// Offset of the first byte in the head chunk.
    start: u32,
    /// Bytes in all.
    length: u32,
}

impl ChunkPool {
    /// A pool of `count` chunks. The operating system gives the memory when it is first touched.
    ///
    /// # Panics
    /// If `count` is 0 or does not fit 31 bits.
    #[must_use]
    pub fn new(count: u32) -> Self {
        assert!(count > 0 && count < NONE / 2, "a pool has 1..2^31 chunks");
        let next = (1..=count).map(|chunk| if chunk == count { NONE } else { chunk });
        Self {
            memory: vec![0; count as usize * CHUNK_BYTES].into_boxed_slice(),
            next: next.collect(),
            free_head: 0,
            free_count: count,
        }
    }

    /// Chunks in use and free together.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.next.len()).expect("new() took the count as u32")
    }

    /// Chunks that nobody uses.
    #[must_use]
    pub fn free_count(&self) -> u32 {
        self.free_count
    }

    fn take(&mut self) -> u32 {
        let chunk = self.free_head;
        assert!(chunk != NONE, "room was checked before");
        self.free_head = self.next[chunk as usize];
        self.free_count -= 1;
        self.next[chunk as usize] = NONE;
        chunk
    }

    /// Gives a chunk back and tells its successor.
    fn give_back(&mut self, chunk: u32) -> u32 {
        let successor = self.next[chunk as usize];
        self.next[chunk as usize] = self.free_head;
        self.free_head = chunk;
        self.free_count += 1;
        successor
    }

    fn bytes(&self, chunk: u32) -> &[u8] {
        &self.memory[chunk as usize * CHUNK_BYTES..][..CHUNK_BYTES]
    }

    fn bytes_mut(&mut self, chunk: u32) -> &mut [u8] {
        &mut self.memory[chunk as usize * CHUNK_BYTES..][..CHUNK_BYTES]
    }
}

impl Default for ChunkQueue {
    fn default() -> Self {
        Self {
            head: NONE,
            tail: NONE,
            start: 0,
            length: 0,
        }
    }
}

impl ChunkQueue {
    /// Bytes in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether no byte is in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends all of `bytes`, or nothing.
    ///
    /// # Errors
    /// [`PoolEmpty`] if the pool has too few free chunks.
    ///
    /// # Panics
    /// If the queue came to 2 GiB; every caller has a limit far below.
    #[inline]
    pub fn append(&mut self, pool: &mut ChunkPool, bytes: &[u8]) -> Result<(), PoolEmpty> {
        let tail_room = self.tail_room();
        if (1..=tail_room).contains(&bytes.len()) {
            self.fill_tail(pool, CHUNK_BYTES - tail_room, bytes);
            return Ok(());
        }
        self.append_chunks(pool, bytes)
    }

    #[cold]
    fn append_chunks(&mut self, pool: &mut ChunkPool, bytes: &[u8]) -> Result<(), PoolEmpty> {
        let tail_room = self.tail_room();
        let chunks_needed = bytes.len().saturating_sub(tail_room).div_ceil(CHUNK_BYTES);
        if chunks_needed > pool.free_count as usize {
            return Err(PoolEmpty);
        }
        let (first, rest) = bytes.split_at(bytes.len().min(tail_room));
        if !first.is_empty() {
            self.fill_tail(pool, CHUNK_BYTES - tail_room, first);
        }
        for piece in rest.chunks(CHUNK_BYTES) {
            let chunk = pool.take();
            pool.bytes_mut(chunk)[..piece.len()].copy_from_slice(piece);
            if self.head == NONE {
                self.head = chunk;
            } else {
                pool.next[self.tail as usize] = chunk;
            }
            self.tail = chunk;
            self.length += narrow(piece.len());
        }
        Ok(())
    }

    /// Writes bytes into the tail chunk, where they fit.
    #[inline]
    fn fill_tail(&mut self, pool: &mut ChunkPool, at: usize, bytes: &[u8]) {
        pool.bytes_mut(self.tail)[at..at + bytes.len()].copy_from_slice(bytes);
        self.length += narrow(bytes.len());
    }

    /// Takes `count` bytes off the head and frees the chunks they filled.
    ///
    /// # Panics
    /// If the queue is shorter.
    pub fn consume(&mut self, pool: &mut ChunkPool, count: usize) {
        assert!(count <= self.len(), "only what is queued can be consumed");
        self.length -= u32::try_from(count).expect("at most the length, which is u32");
        let mut end = self.start as usize + count;
        while end >= CHUNK_BYTES {
            self.head = pool.give_back(self.head);
            end -= CHUNK_BYTES;
        }
        self.start = u32::try_from(end).expect("below the chunk size");
        if self.length == 0 {
            if self.head != NONE {
                pool.give_back(self.head);
            }
            *self = Self::default();
        }
    }

    /// Empties the queue.
    pub fn clear(&mut self, pool: &mut ChunkPool) {
        self.consume(pool, self.len());
    }

    /// Drops all but the first `count` bytes; the head stays where it is.
    pub fn truncate(&mut self, pool: &mut ChunkPool, count: usize) {
        if count >= self.len() {
            return;
        }
        if count == 0 {
            self.clear(pool);
            return;
        }
        let last_index = (self.start as usize + count - 1) / CHUNK_BYTES;
        let mut last = self.head;
        for _ in 0..last_index {
            last = pool.next[last as usize];
        }
        let mut surplus = pool.next[last as usize];
        while surplus != NONE {
            surplus = pool.give_back(surplus);
        }
        pool.next[last as usize] = NONE;
        self.tail = last;
        self.length = u32::try_from(count).expect("below the length, which is u32");
    }

    /// The bytes in order, as one slice per chunk.
    pub fn slices<'a>(&self, pool: &'a ChunkPool) -> Slices<'a> {
        Slices {
            pool,
            chunk: self.head,
            start: self.start as usize,
            left: self.len(),
        }
    }

    /// Copies as much as fits to the front of `target` and tells how much.
    pub fn copy_to(&self, pool: &ChunkPool, target: &mut [u8]) -> usize {
        let mut copied = 0;
        for slice in self.slices(pool) {
            let count = slice.len().min(target.len() - copied);
            target[copied..copied + count].copy_from_slice(&slice[..count]);
            copied += count;
        }
        copied
    }

    /// Free bytes behind the last one in the tail chunk.
    fn tail_room(&self) -> usize {
        match (self.start as usize + self.len()) % CHUNK_BYTES {
            0 => 0,
            used => CHUNK_BYTES - used,
        }
    }
}

#[inline]
fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("callers' limits are below 2 GiB")
}

/// See [`ChunkQueue::slices`].
pub struct Slices<'a> {
    pool: &'a ChunkPool,
    chunk: u32,
    start: usize,
    left: usize,
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left == 0 {
            return None;
        }
        let count = self.left.min(CHUNK_BYTES - self.start);
        let slice = &self.pool.bytes(self.chunk)[self.start..self.start + count];
        self.left -= count;
        self.start = 0;
        self.chunk = self.pool.next[self.chunk as usize];
        Some(slice)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Clone, Debug)]
    enum Step {
        Append(usize),
        Consume(usize),
        Truncate(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..3 * CHUNK_BYTES).prop_map(Step::Append),
            (0..3 * CHUNK_BYTES).prop_map(Step::Consume),
            (0..3 * CHUNK_BYTES).prop_map(Step::Truncate),
        ];
        prop::collection::vec(step, 1..40)
    }

    fn contents(queue: &ChunkQueue, pool: &ChunkPool) -> Vec<u8> {
        queue.slices(pool).flatten().copied().collect()
    }

    proptest! {
        #[test]
        fn a_queue_equals_a_deque_and_frees_every_chunk(steps in steps()) {
            let mut pool = ChunkPool::new(8);
            let mut queue = ChunkQueue::default();
            let mut model = VecDeque::new();
            let mut fresh = 0_u8;
            for step in steps {
                match step {
                    Step::Append(count) => {
                        let bytes: Vec<u8> = (0..count).map(|_| {
                            fresh = fresh.wrapping_mul(5).wrapping_add(1);
                            fresh
                        }).collect();
                        if queue.append(&mut pool, &bytes).is_ok() {
                            model.extend(bytes);
                        } else {
                            prop_assert!(count > pool.free_count() as usize * CHUNK_BYTES);
                        }
                    }
                    Step::Consume(count) => {
                        let count = count.min(model.len());
                        queue.consume(&mut pool, count);
                        model.drain(..count);
                    }
                    Step::Truncate(count) => {
                        queue.truncate(&mut pool, count);
                        model.truncate(count);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert!(contents(&queue, &pool).iter().eq(model.iter()));
                let used = (pool.count() - pool.free_count()) as usize;
                prop_assert!(used <= model.len().div_ceil(CHUNK_BYTES) + 1);
                prop_assert_eq!(used == 0, model.is_empty());
            }
            queue.clear(&mut pool);
            prop_assert_eq!(pool.free_count(), pool.count());
        }
    }

    #[test]
    fn an_append_that_does_not_fit_changes_nothing() {
        let mut pool = ChunkPool::new(2);
        let mut queue = ChunkQueue::default();
        queue.append(&mut pool, &[7; 100]).unwrap();
        let too_much = vec![1; 2 * CHUNK_BYTES];
        assert_eq!(queue.append(&mut pool, &too_much), Err(PoolEmpty));
        assert_eq!(contents(&queue, &pool), vec![7; 100]);
        assert_eq!(pool.free_count(), 1);
    }
}
