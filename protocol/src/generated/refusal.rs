//! The body of a refusal.
//!
//! Generated from `table.toml`; do not edit.

#![allow(unused_imports)]

use crate::bad_frame::BadFrame;
use crate::frame::Header;
use crate::generated::*;
use crate::list::{Record, RecordList, U16List};
use crate::rules::{self, zero};
use crate::sink::Sink;
use crate::tail::Tail;
use crate::wire::{
    bytes_at, length_u8, length_u16, length_u32, put_at, u8_at, u16_at, u32_at, u64_at,
};

/// Why a request was not done: the body of every answer whose status is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// Why: any status but `Ok`; travels in the header.
    pub status: Status,
    /// The limit that was met; meaning per status.
    pub limit: u64,
    /// The value that met it; meaning per status.
    pub value: u64,
    /// For people; never parsed.
    pub detail: &'a str,
}

impl<'a> Refusal<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 24;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(status: Status, body: &'a [u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(status, &mut tail)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    ///
    /// `op` is that of the answer: the request's with bit 0x80.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    pub fn encode(&self, op: u8, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.detail.len());
        let header = Header { len, op, flags: 0, status: self.status.code(), request_id };
        let mut frame = [0; 40];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.detail.is_empty() {
            out.put(self.detail.as_bytes());
        }
    }

    #[inline]
    fn read_fields(status: Status, tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<24>()?;
        let detail_len = u16_at(fixed, 16);
        zero(u16_at(fixed, 18) != 0, HEADER_BYTES + 18)?;
        zero(u32_at(fixed, 20) != 0, HEADER_BYTES + 20)?;
        let detail = tail.text(usize::from(detail_len))?;
        Ok(Self {
            status,
            limit: u64_at(fixed, 0),
            value: u64_at(fixed, 8),
            detail,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 24] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.limit.to_le_bytes());
        put_at(&mut bytes, 8, self.value.to_le_bytes());
        put_at(&mut bytes, 16, length_u16(self.detail.len()).to_le_bytes());
        bytes
    }
}
