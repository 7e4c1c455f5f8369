//! Inputs collected for one pass over the engine, in a fixed arena.
//!
//! Memory latency is the engine's cost: a batch lets it ask for the cache lines of all inputs
//! before it needs the first. Nothing is allocated after [`Batch::new`].

use crate::limits::BATCH_MAX;
use crate::lock::block::Handle;
use crate::lock::input::Input;
use crate::lock::op::{Op, SessionRef};

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

/// An input without its bytes, and what the passes found out about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    input: Input<'static>,
    first: (u32, u32),
    second: (u32, u32),
    pub(super) hint: Hint,
}

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

    /// Adds an input behind the others; its bytes are copied.
    ///
    /// # Errors
    /// There is no room for the input or its bytes. An empty batch takes any input.
    pub fn push(&mut self, input: Input<'_>) -> Result<(), BatchFull> {
        let (bare, first, second) = take_apart(input);
        let room = self.bytes.len() - self.used;
        if self.slots.len() == BATCH_MAX || first.len() + second.len() > room {
            return Err(BatchFull);
        }
        let slot = Slot {
            input: bare,
            first: self.copy(first),
            second: self.copy(second),
            hint: Hint::default(),
        };
        self.slots.push(slot);
        Ok(())
    }

    /// The input at a place, with its bytes again.
    #[inline]
    pub(super) fn input(&self, at: usize) -> Input<'_> {
        let slot = &self.slots[at];
        put_together(slot.input, self.range(slot.first), self.range(slot.second))
    }

    /// The key of the input at a place, if it concerns one.
    #[inline]
    pub(super) fn key(&self, at: usize) -> Option<&[u8]> {
        let slot = &self.slots[at];
        match slot.input {
            Input::Request { .. } | Input::Get { .. } => Some(self.range(slot.first)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn slot(&self, at: usize) -> &Slot {
        &self.slots[at]
    }

    #[inline]
    pub(super) fn slot_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.slots[at]
    }

    fn copy(&mut self, bytes: &[u8]) -> (u32, u32) {
        let (from, to) = (self.used, self.used + bytes.len());
        self.bytes[from..to].copy_from_slice(bytes);
        self.used = to;
        let narrow = |at| u32::try_from(at).expect("the arena is short");
        (narrow(from), narrow(to))
    }

    #[inline]
    fn range(&self, (from, to): (u32, u32)) -> &[u8] {
        &self.bytes[from as usize..to as usize]
    }
}

impl Slot {
    /// Who asks for what, if the input is a request.
    #[inline]
    pub(super) fn request(&self) -> Option<(SessionRef, &Op)> {
        match &self.input {
            Input::Request { to, op, .. } => Some((to.session, op)),
            _ => None,
        }
    }
}

/// An input's fixed part and its up to two byte strings.
fn take_apart(input: Input<'_>) -> (Input<'static>, &[u8], &[u8]) {
    match input {
        Input::SessionOpen {
            session,
            ttl,
            name,
            peer,
        } => {
            let bare = Input::SessionOpen {
                session,
                ttl,
                name: &[],
                peer,
            };
            (bare, name, &[])
        }
        Input::SessionEnd { session } => (Input::SessionEnd { session }, &[], &[]),
        Input::Request {
            to,
            op,
            key,
            metadata,
        } => {
            let bare = Input::Request {
                to,
                op,
                key: &[],
                metadata: &[],
            };
            (bare, key, metadata)
        }
        Input::Get { to, key } => (Input::Get { to, key: &[] }, key, &[]),
        Input::List { to, cursor, prefix } => {
            let bare = Input::List {
                to,
                cursor,
                prefix: &[],
            };
            (bare, prefix, &[])
        }
        Input::LostTold { closure } => (Input::LostTold { closure }, &[], &[]),
    }
}

#[inline]
fn put_together<'a>(bare: Input<'static>, first: &'a [u8], second: &'a [u8]) -> Input<'a> {
    match bare {
        Input::SessionOpen {
            session, ttl, peer, ..
        } => Input::SessionOpen {
            session,
            ttl,
            name: first,
            peer,
        },
        Input::Request { to, op, .. } => Input::Request {
            to,
            op,
            key: first,
            metadata: second,
        },
        Input::Get { to, .. } => Input::Get { to, key: first },
        Input::List { to, cursor, .. } => Input::List {
            to,
            cursor,
            prefix: first,
        },
        Input::SessionEnd { session } => Input::SessionEnd { session },
        Input::LostTold { closure } => Input::LostTold { closure },
    }
}
