//! The index: where the block of a key, of a further hold or of a waiter is.
//!
//! ```text
//!  hash --high 32 bits--> main bucket, 64 bytes: 10 handles u32 | 10 tags u16 | overflow u32
//!       --low 16 bits---> tag              10 handles ...             | -> overflow bucket -> ...
//! ```
//!
//! It never rehashes and never runs full: there are `blocks / 8` main buckets, and chains are kept
//! packed (a removal moves the chain's last entry into the hole and frees an emptied bucket). A
//! chain with n overflow buckets thus has more than 10 n entries, so that `entries / 10` overflow
//! buckets suffice for any distribution.
//!
//! Cost: one cache line for 82 % of the look-ups of a full table, two for nearly all others.
//! Invariants: chains are packed; overflow buckets = in chains + free.

use std::io;

use bytemuck::{Pod, Zeroable};

use crate::lock::block::Handle;
use crate::lock::region::Records;

const ENTRIES: usize = 10;
const ENTRIES_U32: u32 = 10;
/// Entries per main bucket when the table is full.
const LOAD: u32 = 8;

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Bucket {
    handles: [Handle; ENTRIES],
    tags: [u16; ENTRIES],
    /// Next bucket of the chain, or of the free list; 0 is none.
    overflow: u32,
}

const _: () = assert!(size_of::<Bucket>() == 64, "a bucket is a cache line");
const _: () = assert!(ENTRIES_U32 as usize == ENTRIES, "one number");

impl Bucket {
    /// The entries with this tag, as bits; handles may be none.
    ///
    /// Compared four at a time in plain 64-bit words: a loop over ten tags cost a tenth of a
    /// request.
    #[inline]
    fn matches(&self, tag: u16) -> u32 {
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9] = self.tags;
        let low = equal_lanes([t0, t1, t2, t3], tag);
        let middle = equal_lanes([t4, t5, t6, t7], tag);
        let high = u32::from(t8 == tag) | u32::from(t9 == tag) << 1;
        low | middle << 4 | high << 8
    }

    /// The place of a handle; [`ENTRIES`] if it is not here. Without a branch per entry.
    #[inline]
    fn place_of(&self, handle: Handle) -> usize {
        let mut bits = 1 << ENTRIES;
        for (at, other) in self.handles.iter().enumerate() {
            bits |= u32::from(*other == handle) << at;
        }
        bits.trailing_zeros() as usize
    }

    /// Entries used; they come first.
    #[inline]
    fn len(&self) -> usize {
        let used = self
            .handles
            .iter()
            .map(|handle| u32::from(handle.is_some()));
        used.sum::<u32>() as usize
    }
}

/// The lanes of a word that are `tag`, as four bits.
#[inline]
fn equal_lanes(lanes: [u16; 4], tag: u16) -> u32 {
    const LOW: u64 = 0x7FFF_7FFF_7FFF_7FFF;
    // Multiplied by this, the lowest bits of the four lanes come to stand side by side at the top.
    const GATHER: u64 = 1 << 48 | 1 << 33 | 1 << 18 | 1 << 3;
    let word = u64::from_le_bytes(bytemuck::cast(lanes.map(u16::to_le)));
    let differ = word ^ (u64::from(tag) * 0x0001_0001_0001_0001);
    let zero = !(((differ & LOW) + LOW) | differ | LOW);
    let bits = ((zero >> 15).wrapping_mul(GATHER) >> 48) & 0xF;
    u32::try_from(bits).expect("four bits")
}

/// The index of one shard.
#[derive(Debug)]
pub(super) struct Index {
    /// Main buckets, then overflow buckets.
    buckets: Records<Bucket>,
    main: u32,
    free: u32,
    /// Overflow buckets from here on were never used.
    fresh: u32,
    entries: u32,
    entries_max: u32,
}

/// A walk over the handles whose tag is that of a hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    bucket: u32,
    tag: u16,
    bits: u32,
}

impl Index {
    /// An index for at most `entries_max` entries.
    ///
    /// # Errors
    /// What `mmap` says.
    pub(super) fn new(entries_max: u32) -> io::Result<Self> {
        let main = entries_max.div_ceil(LOAD).max(1);
        let overflow = entries_max / ENTRIES_U32 + 1;
        let buckets = main as usize + overflow as usize;
        Ok(Self {
            buckets: Records::new(buckets, size_of::<Bucket>())?,
            main,
            free: 0,
            fresh: main,
            entries: 0,
            entries_max,
        })
    }

    /// Backs all buckets with memory.
    ///
    /// # Errors
    /// There is not that much memory.
    pub(super) fn prefault(&mut self) -> io::Result<()> {
        self.buckets.prefault()
    }

    /// Bytes of address space for so many entries: what a capacity plan counts.
    pub(super) const fn bytes_for(entries_max: u32) -> u64 {
        let buckets = entries_max.div_ceil(LOAD) as u64 + (entries_max / ENTRIES_U32) as u64 + 2;
        buckets * size_of::<Bucket>() as u64
    }

    /// Main buckets.
    pub(super) const fn main_buckets(&self) -> u32 {
        self.main
    }

    /// Entries now.
    pub(super) const fn entries(&self) -> u32 {
        self.entries
    }

    /// Prefetches the bucket of a hash.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        self.buckets.prefetch(self.bucket_of(hash) as usize, 1);
    }

    /// Prefetches a main bucket by number; any number is fine.
    pub(super) fn prefetch_bucket(&self, bucket: u32) {
        self.buckets.prefetch(bucket as usize, 1);
    }

    /// The first candidate of a hash in its main bucket; without one, prefetches the next bucket.
    #[inline]
    pub(super) fn glance(&self, hash: u64) -> Option<Handle> {
        let bucket = self.at(self.bucket_of(hash));
        let bits = bucket.matches(tag_of(hash));
        let first = bucket.handles.get(bits.trailing_zeros() as usize);
        if let Some(handle) = first.filter(|handle| handle.is_some()) {
            return Some(*handle);
        }
        if bucket.overflow != 0 {
            self.prefetch_bucket(bucket.overflow);
        }
        None
    }

    /// Begins a walk over the candidates of a hash.
    #[inline]
    pub(super) fn probe(&self, hash: u64) -> Probe {
        let bucket = self.bucket_of(hash);
        let tag = tag_of(hash);
        let bits = self.at(bucket).matches(tag);
        Probe { bucket, tag, bits }
    }

    /// The next candidate: a block whose hash has this tag and bucket. It may be another's.
    #[inline]
    pub(super) fn next(&self, probe: &mut Probe) -> Option<Handle> {
        loop {
            while probe.bits != 0 {
                let entry = probe.bits.trailing_zeros() as usize;
                probe.bits &= probe.bits - 1;
                let handle = self.at(probe.bucket).handles[entry];
                if handle.is_some() {
                    return Some(handle);
                }
            }
            probe.bucket = self.at(probe.bucket).overflow;
            if probe.bucket == 0 {
                return None;
            }
            probe.bits = self.at(probe.bucket).matches(probe.tag);
        }
    }

    /// Enters a block under a hash.
    ///
    /// # Panics
    /// If there are `entries_max` entries already.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, handle: Handle) {
        assert!(
            self.entries < self.entries_max,
            "an entry per block at most"
        );
        self.entries += 1;
        let mut bucket = self.bucket_of(hash);
        while self.at(bucket).overflow != 0 {
            bucket = self.at(bucket).overflow;
        }
        let mut entry = self.at(bucket).len();
        if entry == ENTRIES {
            let fresh = self.take_overflow();
            self.at_mut(bucket).overflow = fresh;
            (bucket, entry) = (fresh, 0);
        }
        let bucket = self.at_mut(bucket);
        bucket.handles[entry] = handle;
        bucket.tags[entry] = tag_of(hash);
    }

    /// Removes a block that was entered under this hash.
    ///
    /// # Panics
    /// If it was not.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, handle: Handle) {
        let (hole_bucket, hole) = self
            .position(hash, handle)
            .expect("what is removed is there");
        let (mut previous, mut last) = (0, hole_bucket);
        while self.at(last).overflow != 0 {
            (previous, last) = (last, self.at(last).overflow);
        }
        let length = self.at(last).len();
        let tail = self.at_mut(last);
        let moved = (tail.handles[length - 1], tail.tags[length - 1]);
        tail.handles[length - 1] = Handle::NONE;
        tail.tags[length - 1] = 0;
        if (last, length - 1) != (hole_bucket, hole) {
            let bucket = self.at_mut(hole_bucket);
            (bucket.handles[hole], bucket.tags[hole]) = moved;
        }
        self.entries -= 1;
        if length == 1 && last >= self.main {
            let before = if previous == 0 {
                self.before(hash, last)
            } else {
                previous
            };
            self.at_mut(before).overflow = 0;
            self.give_back_overflow(last);
        }
    }

    /// Entry `position` of a main bucket's chain, counted from its beginning.
    pub(super) fn entry(&self, main_bucket: u32, position: usize) -> Option<Handle> {
        let mut bucket = main_bucket;
        for _ in 0..position / ENTRIES {
            bucket = self.at(bucket).overflow;
            if bucket == 0 {
                return None;
            }
        }
        let handle = self.at(bucket).handles[position % ENTRIES];
        handle.is_some().then_some(handle)
    }

    /// Entries of a main bucket's chain.
    pub(super) fn chain_len(&self, main_bucket: u32) -> usize {
        let (mut bucket, mut full) = (main_bucket, 0);
        while self.at(bucket).overflow != 0 {
            bucket = self.at(bucket).overflow;
            full += ENTRIES;
        }
        full + self.at(bucket).len()
    }

    /// Whether the block is entered under this hash.
    pub(super) fn contains(&self, hash: u64, handle: Handle) -> bool {
        self.position(hash, handle).is_some()
    }

    /// Asserts the invariants; O(buckets).
    pub(super) fn check_invariants(&self) {
        let (mut entries, mut chained) = (0, 0);
        for main in 0..self.main {
            let mut bucket = main;
            loop {
                let length = self.at(bucket).len();
                let rest = &self.at(bucket).handles[length..];
                assert!(
                    rest.iter().all(|handle| handle.is_none()),
                    "a bucket is packed"
                );
                entries += length;
                let next = self.at(bucket).overflow;
                if next == 0 {
                    break;
                }
                assert_eq!(length, ENTRIES, "only a chain's last bucket has room");
                bucket = next;
                chained += 1;
                assert!(self.at(bucket).len() > 0, "no overflow bucket is empty");
            }
        }
        assert_eq!(entries, self.entries as usize, "entries are counted");
        let mut free = 0;
        let mut bucket = self.free;
        while bucket != 0 {
            free += 1;
            bucket = self.at(bucket).overflow;
        }
        assert_eq!(
            chained + free,
            self.fresh - self.main,
            "no overflow bucket leaks"
        );
    }

    fn position(&self, hash: u64, handle: Handle) -> Option<(u32, usize)> {
        let mut bucket = self.bucket_of(hash);
        loop {
            let here = self.at(bucket);
            let entry = here.place_of(handle);
            if entry < ENTRIES {
                return Some((bucket, entry));
            }
            bucket = here.overflow;
            if bucket == 0 {
                return None;
            }
        }
    }

    /// The bucket before `last` in the chain of a hash.
    fn before(&self, hash: u64, last: u32) -> u32 {
        let mut bucket = self.bucket_of(hash);
        while self.at(bucket).overflow != last {
            bucket = self.at(bucket).overflow;
        }
        bucket
    }

    fn take_overflow(&mut self) -> u32 {
        if self.free != 0 {
            let bucket = self.free;
            self.free = self.at(bucket).overflow;
            self.at_mut(bucket).overflow = 0;
            return bucket;
        }
        let bucket = self.fresh;
        assert!(
            (bucket as usize) < self.buckets.count(),
            "overflow buckets suffice"
        );
        self.fresh += 1;
        bucket
    }

    fn give_back_overflow(&mut self, bucket: u32) {
        let free = self.free;
        self.at_mut(bucket).overflow = free;
        self.free = bucket;
    }

    #[inline]
    fn bucket_of(&self, hash: u64) -> u32 {
        let scaled = ((hash >> 32) * u64::from(self.main)) >> 32;
        u32::try_from(scaled).expect("a product of 32-bit numbers, its high half")
    }

    #[inline]
    fn at(&self, bucket: u32) -> &Bucket {
        self.buckets.header(bucket as usize)
    }

    #[inline]
    fn at_mut(&mut self, bucket: u32) -> &mut Bucket {
        self.buckets.header_mut(bucket as usize)
    }
}

#[inline]
fn tag_of(hash: u64) -> u16 {
    let [low, high, ..] = hash.to_le_bytes();
    u16::from_le_bytes([low, high])
}
