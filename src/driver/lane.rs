//! A lane: the bounded ring of bytes from one shard to another, and the word that wakes a sleeper.
//!
//! One [`Sender`] and one [`Receiver`] per ordered pair of shards. The lane knows nothing of what
//! it carries, and of no eventfd: the shell passes in how to wake.
//!
//! ```text
//!  sender's turn                                  receiver's turn
//!  push push push ─┐ not visible yet              snapshot: how far to drain this turn
//!  publish ────────┴── tail ──────────────────►   drain: slices, in order
//!  ring: wake if asleep        ◄────── head ───   (room comes back at the end of drain)
//! ```
//!
//! A message takes 4 bytes of length, its bytes, and up to 3 bytes to the next multiple of 4, and
//! nothing else: no space is lost at the ring's end, where a message goes on at the start and the
//! receiver joins it in a scratch buffer (one copy per round of the ring). So room is additive:
//! what [`record_bytes`] says is what a message takes, and reservations may simply be summed.
//!
//! Head and tail stand on cache lines of their own, and each side keeps a copy of the other's index
//! that it refreshes only when it must, so that a batch costs one cache miss each way.
//!
//! Source of the sleeping rule: Dekker's flag argument; see [`Sleeper`].

use crate::shard::io::{LANE_ALIGN, record_bytes};
use crossbeam_utils::CachePadded;
use std::cell::{Cell, UnsafeCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

/// Bytes of a message's length in the ring.
const LENGTH_BYTES: usize = LANE_ALIGN;
/// The smallest lane.
pub const LANE_BYTES_MIN: usize = 1024;
/// The largest lane: lengths and offsets stay far below 32 bits.
pub const LANE_BYTES_MAX: usize = 1 << 30;

/// A new lane of `capacity` bytes; its pages are untouched until used.
///
/// # Panics
/// Unless `capacity` is a power of two within [`LANE_BYTES_MIN`]..=[`LANE_BYTES_MAX`].
#[must_use]
pub fn lane(capacity: usize) -> (Sender, Receiver) {
    assert!(capacity.is_power_of_two(), "a lane is a power of two");
    assert!(
        (LANE_BYTES_MIN..=LANE_BYTES_MAX).contains(&capacity),
        "a lane within its bounds"
    );
    let ring = Arc::new(Ring::new(capacity));
    let sender = Sender {
        ring: Arc::clone(&ring),
        tail: 0,
        published: 0,
        head_seen: Cell::new(0),
    };
    let receiver = Receiver {
        ring,
        head: 0,
        snapshot: 0,
        scratch: vec![0; capacity / 2].into_boxed_slice(),
    };
    (sender, receiver)
}

/// The shared part. Indices count bytes since the start and wrap with `usize`.
struct Ring {
    /// Everything before it has been drained; written by the receiver only.
    head: CachePadded<AtomicUsize>,
    /// Everything before it is published; written by the sender only.
    tail: CachePadded<AtomicUsize>,
    bytes: Box<[UnsafeCell<u8>]>,
}

// SAFETY: the bytes are written by the one sender in `tail..head + capacity` only, and read by the
// one receiver in `head..tail` only; the ranges are disjoint, and each index is handed over by a
// release store that the other side acquires before it touches what the index uncovers. Sender and
// receiver cannot be cloned.
// JUSTIFICATION: shards share no locks; a ring of safe atomics would copy byte by byte.
unsafe impl Sync for Ring {}

impl Ring {
    fn new(capacity: usize) -> Self {
        let zeros = vec![0_u8; capacity].into_boxed_slice();
        // SAFETY: `UnsafeCell<u8>` has the layout of `u8`, and the box is the only owner.
        // JUSTIFICATION: zeroed memory comes from the kernel untouched; a loop would touch it all.
        let bytes = unsafe { Box::from_raw(Box::into_raw(zeros) as *mut [UnsafeCell<u8>]) };
        Self {
            head: CachePadded::new(AtomicUsize::new(0)),
            tail: CachePadded::new(AtomicUsize::new(0)),
            bytes,
        }
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// The place of an index, and the bytes from there to the ring's end.
    fn place(&self, index: usize) -> (*mut u8, usize) {
        let offset = index & (self.capacity() - 1);
        let base = UnsafeCell::raw_get(self.bytes.as_ptr());
        (base.wrapping_add(offset), self.capacity() - offset)
    }

    /// Copies bytes to an index, round the end.
    ///
    /// # Safety
    /// Only the sender, and only into free room.
    unsafe fn write(&self, index: usize, bytes: &[u8]) {
        assert!(bytes.len() <= self.capacity(), "a message fits the ring");
        let (place, to_end) = self.place(index);
        let (first, rest) = bytes.split_at(bytes.len().min(to_end));
        // SAFETY: `first` ends at the ring's end at the latest, `rest` fits in front of `place`;
        // the caller promises that nobody else touches that room.
        // JUSTIFICATION: two block copies; a checked copy byte by byte costs several times more.
        unsafe {
            std::ptr::copy_nonoverlapping(first.as_ptr(), place, first.len());
            std::ptr::copy_nonoverlapping(rest.as_ptr(), self.place(0).0, rest.len());
        }
    }

    /// At most `length` bytes from an index, up to the ring's end.
    ///
    /// # Safety
    /// Only the receiver, only published bytes, and the slice ends before `head` moves.
    unsafe fn read(&self, index: usize, length: usize) -> &[u8] {
        let (place, to_end) = self.place(index);
        // SAFETY: the slice ends at the ring's end at the latest; the caller promises that its
        // bytes are published and not yet drained, so that the sender leaves them alone.
        // JUSTIFICATION: messages are read in place, without a copy.
        unsafe { std::slice::from_raw_parts(place, length.min(to_end)) }
    }
}

/// The writing end of a lane.
pub struct Sender {
    ring: Arc<Ring>,
    /// End of what was pushed.
    tail: usize,
    /// End of what the receiver may see.
    published: usize,
    /// The receiver's head when last looked at: never ahead of the truth.
    head_seen: Cell<usize>,
}

impl Sender {
    /// Bytes of the ring.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The largest message that may ever be sent: half the lane.
    #[must_use]
    pub fn message_bytes_max(&self) -> usize {
        self.capacity() / 2 - LENGTH_BYTES
    }

    /// A message of so many bytes fits now, none if 0; one of `n` takes [`record_bytes`]`(n)` off.
    ///
    /// Looks at the receiver's index, a likely cache miss, only once less than half seems free:
    /// what is told is exact below half the lane, and a lower bound above, where any message fits.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.free() < self.capacity() / 2 {
            self.head_seen.set(self.ring.head.load(Ordering::Acquire));
        }
        self.free().saturating_sub(LENGTH_BYTES)
    }

    /// Appends one message; the receiver sees it after [`Sender::publish`].
    ///
    /// # Panics
    /// If it is empty, or longer than [`Sender::room`] or [`Sender::message_bytes_max`].
    pub fn push(&mut self, message: &[u8]) {
        self.push_parts(&[message]);
    }

    /// Appends one message made of several parts.
    ///
    /// # Panics
    /// If they are together empty, or longer than [`Sender::room`] or
    /// [`Sender::message_bytes_max`].
    pub fn push_parts(&mut self, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        assert!(length <= self.message_bytes_max(), "half a lane at most");
        assert!(length > 0, "an empty message says nothing");
        assert!(self.room() >= length, "the room was looked at first");
        let prefix = u32::try_from(length).expect("a lane has at most 2^30 bytes");
        let mut at = self.tail;
        for part in [prefix.to_le_bytes().as_slice()].iter().chain(parts) {
            // SAFETY: this is the one sender, and the assertion above found the room free.
            // JUSTIFICATION: as for `Ring::write`.
            unsafe { self.ring.write(at, part) };
            at = at.wrapping_add(part.len());
        }
        self.tail = self.tail.wrapping_add(record_bytes(length));
    }

    /// Shows the receiver everything pushed, once a turn; `false` if there was nothing.
    ///
    /// When it returns `true`, [`Sleeper::ring`] of the receiving shard must follow.
    #[must_use = "the receiver may be asleep"]
    pub fn publish(&mut self) -> bool {
        if self.published == self.tail {
            return false;
        }
        self.published = self.tail;
        self.ring.tail.store(self.tail, Ordering::Release);
        true
    }

    fn free(&self) -> usize {
        self.capacity() - self.tail.wrapping_sub(self.head_seen.get())
    }
}

/// The reading end of a lane.
pub struct Receiver {
    ring: Arc<Ring>,
    head: usize,
    /// How far [`Receiver::drain`] goes.
    snapshot: usize,
    /// Where a message that goes round the ring's end is joined; untouched until then.
    scratch: Box<[u8]>,
}

impl Receiver {
    /// Takes in what is published by now; `true` if there is something to drain.
    ///
    /// Part of the announced sleep: the look at the lane after [`Sleeper::announce`].
    pub fn snapshot(&mut self) -> bool {
        self.snapshot = self.ring.tail.load(Ordering::Acquire);
        self.snapshot != self.head
    }

    /// Hands over each message up to the last snapshot, in order, then gives their room back.
    /// Returns how many there were.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8])) -> usize {
        let mut messages = 0;
        while self.head != self.snapshot {
            // SAFETY: this is the one receiver, and `head..snapshot` is published; a record begins
            // at a multiple of 4, so that its length does not go round the end.
            // JUSTIFICATION: as for `Ring::read`.
            let prefix = unsafe { self.ring.read(self.head, LENGTH_BYTES) };
            let prefix = prefix.try_into().expect("a length does not go round");
            let length = usize::try_from(u32::from_le_bytes(prefix)).expect("64-bit");
            let body = self.head.wrapping_add(LENGTH_BYTES);
            // SAFETY: as above; the room is given back after the loop, when the slices are gone.
            // JUSTIFICATION: as for `Ring::read`.
            let (first, rest) = unsafe {
                let first = self.ring.read(body, length);
                let rest = length - first.len();
                (first, self.ring.read(body.wrapping_add(first.len()), rest))
            };
            if rest.is_empty() {
                each(first);
            } else {
                self.scratch[..first.len()].copy_from_slice(first);
                self.scratch[first.len()..length].copy_from_slice(rest);
                each(&self.scratch[..length]);
            }
            self.head = self.head.wrapping_add(record_bytes(length));
            messages += 1;
        }
        if messages > 0 {
            self.ring.head.store(self.head, Ordering::Release);
        }
        messages
    }
}

/// A shard's announced sleep: senders wake it at most once per sleep, and only if it sleeps.
///
/// Two sides each write, fence, then read: the shard announces, fences, looks at its lanes; a
/// sender publishes, fences, looks at the announcement. Whatever the order, one of the two sees the
/// other (the fences are sequentially consistent), so no message waits for a sleeper unrung. A bell
/// that comes after the shard found work by itself is spurious and harmless.
#[derive(Debug, Default)]
pub struct Sleeper {
    asleep: CachePadded<AtomicBool>,
    wakes: AtomicU64,
}

impl Sleeper {
    /// A shard that is awake.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Announces sleep. The shard must now look at all its inbound lanes and other inboxes, and
    /// then either sleep or [`Sleeper::awake`].
    pub fn announce(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Takes the announcement back: found work, or woke up.
    pub fn awake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Wakes the shard if it sleeps; called after what it is to find was published.
    ///
    /// `wake` must make the shard's sleep end, now or when it begins: a write to its eventfd.
    /// Returns whether it was called.
    pub fn ring(&self, wake: impl FnOnce()) -> bool {
        fence(Ordering::SeqCst);
        // The load alone keeps the line shared while nobody sleeps, which is the busy case.
        if !self.asleep.load(Ordering::Relaxed) || !self.asleep.swap(false, Ordering::AcqRel) {
            return false;
        }
        self.wakes.fetch_add(1, Ordering::Relaxed);
        wake();
        true
    }

    /// Whether sleep is announced: a watchdog leaves such a shard alone.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// How often it was rung out of its sleep.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
