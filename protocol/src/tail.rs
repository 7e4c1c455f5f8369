//! What follows the fixed part of a body: variable parts in order, then optional TLVs.

use crate::bad_frame::BadFrame;
use crate::generated::{Status, TLV_MUST_UNDERSTAND};
use crate::list::{Record, RecordList, U16List};
use std::str::from_utf8;

/// Bytes before a TLV's value: tag u16, length u16.
const TLV_HEAD_BYTES: usize = 4;

/// The bytes not yet read, and where in the frame they begin.
///
/// Public only for [`Record`], whose method no other crate can call or write.
#[derive(Clone, Copy)]
pub struct Tail<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// The bound of a variable part and the status that says it was passed.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) status: Status,
    pub(crate) bytes_min: usize,
    pub(crate) bytes_max: usize,
    pub(crate) reason: &'static str,
}

impl<'a> Tail<'a> {
    #[inline(always)]
    pub(crate) fn new(rest: &'a [u8], offset: usize) -> Self {
        Self { rest, offset }
    }

    #[inline(always)]
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The next `N` bytes as an array.
    #[inline(always)]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<&'a [u8; N], BadFrame> {
        let bytes = self.bytes(N)?;
        Ok(bytes.first_chunk().expect("that many were asked for"))
    }

    /// The next `length` bytes.
    #[inline(always)]
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], BadFrame> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(BadFrame::short(self.offset + self.rest.len()));
        };
        self.rest = rest;
        self.offset += length;
        Ok(bytes)
    }

    /// The next `length` bytes, if that length is within the bound.
    #[inline(always)]
    pub(crate) fn bounded(&mut self, length: usize, bound: Bound) -> Result<&'a [u8], BadFrame> {
        if length < bound.bytes_min || length > bound.bytes_max {
            let Bound {
                status,
                bytes_max,
                reason,
                ..
            } = bound;
            return Err(BadFrame::over(
                status,
                self.offset,
                bytes_max,
                length,
                reason,
            ));
        }
        self.bytes(length)
    }

    /// The next `length` bytes as text, if that length is within the bound.
    pub(crate) fn bounded_text(
        &mut self,
        length: usize,
        bound: Bound,
    ) -> Result<&'a str, BadFrame> {
        let offset = self.offset;
        text(self.bounded(length, bound)?, offset)
    }

    /// The next `length` bytes as text.
    pub(crate) fn text(&mut self, length: usize) -> Result<&'a str, BadFrame> {
        let offset = self.offset;
        text(self.bytes(length)?, offset)
    }

    /// The next `count` integers of 16 bits.
    pub(crate) fn u16s(&mut self, count: usize) -> Result<U16List<'a>, BadFrame> {
        self.bytes(count * 2).map(U16List::from_bytes)
    }

    /// The next `count` records, each checked.
    pub(crate) fn list<R: Record<'a>>(
        &mut self,
        count: u16,
    ) -> Result<RecordList<'a, R>, BadFrame> {
        let start = self.rest;
        for _ in 0..count {
            R::read(self)?;
        }
        Ok(RecordList::from_records(
            &start[..start.len() - self.rest.len()],
            count,
        ))
    }

    /// Ends the message: only TLVs may follow.
    #[inline(always)]
    pub(crate) fn finish(self) -> Result<(), BadFrame> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            self.skip_tlvs()
        }
    }

    /// Skips TLVs with optional tags; there are no known ones yet.
    #[cold]
    fn skip_tlvs(mut self) -> Result<(), BadFrame> {
        while !self.rest.is_empty() {
            let tag_offset = self.offset;
            let head = self.bytes(TLV_HEAD_BYTES)?;
            let tag = u16::from_le_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
            if tag & TLV_MUST_UNDERSTAND != 0 {
                let reason = "a TLV that must be understood is not known";
                return Err(BadFrame::unsupported(tag_offset, u64::from(tag), reason));
            }
            self.bytes(length)?;
        }
        Ok(())
    }
}

fn text(bytes: &[u8], offset: usize) -> Result<&str, BadFrame> {
    from_utf8(bytes).map_err(|_| BadFrame::at(offset, "text is not UTF-8"))
}
