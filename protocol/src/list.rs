//! Lists inside a body, borrowed and read one element at a time.

use crate::bad_frame::BadFrame;
use crate::tail::Tail;
use std::iter::FusedIterator;
use std::marker::PhantomData;

/// An element of a [`RecordList`]. Sealed: only this crate has what `read` takes.
pub trait Record<'a>: Sized + Copy {
    #[doc(hidden)]
    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame>;
}

/// Records one behind the other; iterates over them without allocating.
#[derive(Clone, Copy, Debug)]
pub struct RecordList<'a, R> {
    bytes: &'a [u8],
    count: u16,
    record: PhantomData<R>,
}

impl<'a, R: Record<'a>> RecordList<'a, R> {
    /// No records.
    pub const EMPTY: Self = Self {
        bytes: &[],
        count: 0,
        record: PhantomData,
    };

    /// A list of the `count` records that `bytes` are.
    ///
    /// Bytes that are no such records end the iteration early; a decoded list is checked.
    #[must_use]
    pub const fn from_records(bytes: &'a [u8], count: u16) -> Self {
        Self {
            bytes,
            count,
            record: PhantomData,
        }
    }

    /// How many records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Their bytes on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The records in order.
    #[must_use]
    pub fn iter(&self) -> Records<'a, R> {
        Records {
            tail: Tail::new(self.bytes, 0),
            left: self.count,
            record: PhantomData,
        }
    }
}

impl<R> PartialEq for RecordList<'_, R> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.bytes == other.bytes
    }
}

impl<R> Eq for RecordList<'_, R> {}

impl<'a, R: Record<'a>> IntoIterator for RecordList<'a, R> {
    type Item = R;
    type IntoIter = Records<'a, R>;

    fn into_iter(self) -> Records<'a, R> {
        self.iter()
    }
}

/// Iterates over the records of a [`RecordList`].
#[derive(Clone)]
pub struct Records<'a, R> {
    tail: Tail<'a>,
    left: u16,
    record: PhantomData<R>,
}

impl<'a, R: Record<'a>> Iterator for Records<'a, R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        self.left = self.left.checked_sub(1)?;
        let record = R::read(&mut self.tail).ok();
        if record.is_none() {
            self.left = 0;
        }
        record
    }
}

impl<'a, R: Record<'a>> FusedIterator for Records<'a, R> {}

/// Integers of 16 bits, little-endian on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct U16List<'a> {
    bytes: &'a [u8],
}

impl<'a> U16List<'a> {
    /// The integers that `bytes` are, two bytes each; an odd last byte is left off.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self {
            bytes: &bytes[..bytes.len() & !1],
        }
    }

    /// How many integers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len() / 2
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Their bytes on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The integers in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
    }
}
