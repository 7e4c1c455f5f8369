//! Inputs collected for one pass over the engine, in a fixed arena.
//!
//! Memory latency is the engine's cost: a batch lets it ask for the cache lines of all inputs
//! before it needs the first. Nothing is allocated after [`Batch::new`].

use crate::limits::BATCH_MAX;
use crate::lock::block::Handle;
use crate::lock::effect::ClosureRef;
use crate::lock::input::{Input, Peer};
use crate::lock::op::{Op, ReaderRef, ReplyTo, SessionRef};
use crate::time::Millis;

/// Bytes of keys, metadata, names and prefixes in one batch at most.
pub const BATCH_BYTES_MAX: usize = 32 * 1024;

const _: () = assert!(
    BATCH_BYTES_MAX >= crate::limits::KEY_BYTES_MAX + crate::limits::METADATA_BYTES_MAX,
    "an empty batch takes any input"
);

/// The batch has no room for this input: apply it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchFull;

/// Up to [`BATCH_MAX`] inputs, in order.
#[derive(Debug)]
pub struct Batch {
    slots: Vec<Slot>,
    bytes: Box<[u8]>,
    used: usize,
}

/// An input, its bytes told by where they are, and what the passes found out about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) asked: Asked,
    /// Key, name or prefix.
    first: Span,
    /// Metadata.
    second: Span,
    pub(super) hint: Hint,
}

/// An input without its bytes; see [`Input`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Request {
        to: ReplyTo,
        op: Op,
    },
    SessionOpen {
        session: SessionRef,
        ttl: Millis,
        peer: Peer,
    },
    SessionEnd {
        session: SessionRef,
    },
    Get {
        to: ReaderRef,
    },
    List {
        to: ReaderRef,
        cursor: u64,
    },
    LostTold {
        closure: ClosureRef,
    },
}

const _: () = assert!(
    size_of::<Slot>() <= 96,
    "a request costs a line and a half on its way to its key"
);

/// Bytes of the arena.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u16,
    length: u16,
}

const _: () = assert!(
    BATCH_BYTES_MAX <= u16::MAX as usize,
    "a span fits the arena"
);

/// Where a key is to be looked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint {
    /// Hash of the key.
    pub(super) hash: u64,
    /// A block that may be the key's, prefetched; none if its bucket has none.
    pub(super) candidate: Handle,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch: allocates all that it will ever need, about 50 KiB.
    #[must_use]
    pub fn new() -> Self {
        Self {
            slots: Vec::with_capacity(BATCH_MAX),
            bytes: vec![0; BATCH_BYTES_MAX].into_boxed_slice(),
            used: 0,
        }
    }

    /// Inputs collected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Forgets all inputs.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.used = 0;
    }

    /// Whether there is room for this input and its bytes.
    #[inline]
    #[must_use]
    pub fn has_room(&self, input: &Input<'_>) -> bool {
        let bytes = self.used + input.bytes();
        self.slots.len() < BATCH_MAX && bytes <= self.bytes.len()
    }

    /// Adds an input behind the others; its bytes are copied.
    ///
    /// # Errors
    /// There is no room for the input or its bytes. An empty batch takes any input.
    #[inline]
    pub fn push(&mut self, input: Input<'_>) -> Result<(), BatchFull> {
        if !self.has_room(&input) {
            return Err(BatchFull);
        }
        let (asked, first, second) = take_apart(&input);
        let slot = Slot {
            asked,
            first: self.copy(first),
            second: self.copy(second),
            hint: Hint::default(),
        };
        self.slots.push(slot);
        Ok(())
    }

    /// Key, name or prefix of an input.
    #[inline]
    pub(super) fn first(&self, slot: &Slot) -> &[u8] {
        self.range(slot.first)
    }

    /// Metadata of an input.
    #[inline]
    pub(super) fn second(&self, slot: &Slot) -> &[u8] {
        self.range(slot.second)
    }

    #[inline]
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The inputs to be marked, beside the bytes that [`Keys::of`] finds their keys in.
    #[inline]
    pub(super) fn slots_mut(&mut self) -> (&mut [Slot], Keys<'_>) {
        (&mut self.slots, Keys(&self.bytes))
    }

    #[inline]
    fn copy(&mut self, bytes: &[u8]) -> Span {
        let (from, to) = (self.used, self.used + bytes.len());
        if !bytes.is_empty() {
            self.bytes[from..to].copy_from_slice(bytes);
            self.used = to;
        }
        let narrow = |at| u16::try_from(at).expect("the arena is short");
        Span {
            from: narrow(from),
            length: narrow(bytes.len()),
        }
    }

    #[inline]
    fn range(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }
}

/// The bytes of a batch.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a>(&'a [u8]);

impl<'a> Keys<'a> {
    /// The key of an input, if it concerns one.
    #[inline]
    pub(super) fn of(self, slot: &Slot) -> Option<&'a [u8]> {
        slot.is_keyed().then(|| slot.first.of(self.0))
    }
}

impl Span {
    #[inline]
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.from)..][..usize::from(self.length)]
    }
}

impl Slot {
    /// Whether the input concerns one key.
    #[inline]
    pub(super) const fn is_keyed(&self) -> bool {
        matches!(self.asked, Asked::Request { .. } | Asked::Get { .. })
    }
}

/// An input's fixed part and its up to two byte strings.
#[inline]
fn take_apart<'a>(input: &Input<'a>) -> (Asked, &'a [u8], &'a [u8]) {
    match *input {
        Input::Request {
            to,
            op,
            key,
            metadata,
        } => (Asked::Request { to, op }, key, metadata),
        Input::SessionOpen {
            session,
            ttl,
            name,
            peer,
        } => (Asked::SessionOpen { session, ttl, peer }, name, &[]),
        Input::SessionEnd { session } => (Asked::SessionEnd { session }, &[], &[]),
        Input::Get { to, key } => (Asked::Get { to }, key, &[]),
        Input::List { to, cursor, prefix } => (Asked::List { to, cursor }, prefix, &[]),
        Input::LostTold { closure } => (Asked::LostTold { closure }, &[], &[]),
    }
}
