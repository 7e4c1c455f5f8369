//! Pushes of the server.
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

/// The server ended a hold that its holder did not release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost<'a> {
    /// The hold's token.
    pub token: u64,
    /// The holder.
    pub owner: u64,
    /// Why.
    pub reason: LostReason,
    /// The key.
    pub key: &'a [u8],
}

impl<'a> Lost<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 24;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xc0;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(body: &'a [u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(&mut tail)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    pub fn encode(&self, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.key.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id: 0 };
        let mut frame = [0; 40];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.key.is_empty() {
            out.put(self.key);
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.key.is_empty() {
            out.put(self.key);
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<24>()?;
        let code = u8_at(fixed, 16);
        let reason = rules::known(LostReason::from_code(code), HEADER_BYTES + 16)?;
        zero(u8_at(fixed, 17) != 0, HEADER_BYTES + 17)?;
        let key_len = u16_at(fixed, 18);
        zero(u32_at(fixed, 20) != 0, HEADER_BYTES + 20)?;
        let key = tail.bytes(usize::from(key_len))?;
        Ok(Self {
            token: u64_at(fixed, 0),
            owner: u64_at(fixed, 8),
            reason,
            key,
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
        put_at(&mut bytes, 0, self.token.to_le_bytes());
        put_at(&mut bytes, 8, self.owner.to_le_bytes());
        put_at(&mut bytes, 16, [self.reason.code()]);
        put_at(&mut bytes, 18, length_u16(self.key.len()).to_le_bytes());
        bytes
    }
}

/// The session is over, with all its holds; the server closes the connection behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnded {
    /// Why.
    pub reason: EndReason,
}

impl SessionEnded {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xc1;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(body: &[u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(&mut tail)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    #[inline]
    pub fn encode(&self, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id: 0 };
        let mut frame = [0; 24];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<8>()?;
        let code = u8_at(fixed, 0);
        let reason = rules::known(EndReason::from_code(code), HEADER_BYTES)?;
        zero(bytes_at::<_, 7>(fixed, 1) != [0; 7], HEADER_BYTES + 1)?;
        Ok(Self {
            reason,
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, [self.reason.code()]);
        bytes
    }
}

/// The connection will end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// The server closes the connection after this long.
    pub drain_ms: u32,
    /// Why.
    pub reason: GoAwayReason,
}

impl GoAway {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xc2;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(body: &[u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(&mut tail)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    #[inline]
    pub fn encode(&self, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id: 0 };
        let mut frame = [0; 24];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<8>()?;
        let code = u8_at(fixed, 4);
        let reason = rules::known(GoAwayReason::from_code(code), HEADER_BYTES + 4)?;
        zero(bytes_at::<_, 3>(fixed, 5) != [0; 3], HEADER_BYTES + 5)?;
        Ok(Self {
            drain_ms: u32_at(fixed, 0),
            reason,
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.drain_ms.to_le_bytes());
        put_at(&mut bytes, 4, [self.reason.code()]);
        bytes
    }
}
