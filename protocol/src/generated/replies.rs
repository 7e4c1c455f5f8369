//! Replies to requests.
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

/// HelloOk
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloOk<'a> {
    /// version
    pub version: u8,
    /// ephemeral
    pub ephemeral: bool,
    /// admin
    pub admin: bool,
    /// resumed
    pub resumed: bool,
    /// draining
    pub draining: bool,
    /// shard
    pub shard: u16,
    /// shards
    pub shards: u16,
    /// seats
    pub seats: u16,
    /// features
    pub features: u64,
    /// server_id
    pub server_id: [u8; 16],
    /// run
    pub run: u64,
    /// session_id
    pub session_id: u64,
    /// secret
    pub secret: [u8; 16],
    /// attach
    pub attach: u32,
    /// ttl_ms
    pub ttl_ms: u32,
    /// keepalive_ms
    pub keepalive_ms: u32,
    /// grace_left_ms
    pub grace_left_ms: u32,
    /// server_now
    pub server_now: u64,
    /// margin_permille
    pub margin_permille: u16,
    /// margin_ms
    pub margin_ms: u16,
    /// frame_max
    pub frame_max: u32,
    /// key_max
    pub key_max: u16,
    /// metadata_max
    pub metadata_max: u16,
    /// lease_min_ms
    pub lease_min_ms: u32,
    /// lease_max_ms
    pub lease_max_ms: u32,
    /// ports
    pub ports: U16List<'a>,
}

impl<'a> HelloOk<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 112;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x81;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.ports.as_bytes().len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 128];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.ports.is_empty() {
            out.put(self.ports.as_bytes());
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.ports.is_empty() {
            out.put(self.ports.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<112>()?;
        let flags = u8_at(fixed, 1);
        rules::known_bits(u32::from(flags), 0xf, HEADER_BYTES + 1)?;
        let port_count = u16_at(fixed, 108);
        zero(u16_at(fixed, 110) != 0, HEADER_BYTES + 110)?;
        let ports = tail.u16s(usize::from(port_count))?;
        Ok(Self {
            version: u8_at(fixed, 0),
            ephemeral: flags & 1 != 0,
            admin: flags & 2 != 0,
            resumed: flags & 4 != 0,
            draining: flags & 8 != 0,
            shard: u16_at(fixed, 2),
            shards: u16_at(fixed, 4),
            seats: u16_at(fixed, 6),
            features: u64_at(fixed, 8),
            server_id: bytes_at::<_, 16>(fixed, 16),
            run: u64_at(fixed, 32),
            session_id: u64_at(fixed, 40),
            secret: bytes_at::<_, 16>(fixed, 48),
            attach: u32_at(fixed, 64),
            ttl_ms: u32_at(fixed, 68),
            keepalive_ms: u32_at(fixed, 72),
            grace_left_ms: u32_at(fixed, 76),
            server_now: u64_at(fixed, 80),
            margin_permille: u16_at(fixed, 88),
            margin_ms: u16_at(fixed, 90),
            frame_max: u32_at(fixed, 92),
            key_max: u16_at(fixed, 96),
            metadata_max: u16_at(fixed, 98),
            lease_min_ms: u32_at(fixed, 100),
            lease_max_ms: u32_at(fixed, 104),
            ports,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 112] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.version.to_le_bytes());
        put_at(&mut bytes, 1, [u8::from(self.ephemeral) | u8::from(self.admin) << 1 | u8::from(self.resumed) << 2 | u8::from(self.draining) << 3]);
        put_at(&mut bytes, 2, self.shard.to_le_bytes());
        put_at(&mut bytes, 4, self.shards.to_le_bytes());
        put_at(&mut bytes, 6, self.seats.to_le_bytes());
        put_at(&mut bytes, 8, self.features.to_le_bytes());
        put_at(&mut bytes, 16, self.server_id);
        put_at(&mut bytes, 32, self.run.to_le_bytes());
        put_at(&mut bytes, 40, self.session_id.to_le_bytes());
        put_at(&mut bytes, 48, self.secret);
        put_at(&mut bytes, 64, self.attach.to_le_bytes());
        put_at(&mut bytes, 68, self.ttl_ms.to_le_bytes());
        put_at(&mut bytes, 72, self.keepalive_ms.to_le_bytes());
        put_at(&mut bytes, 76, self.grace_left_ms.to_le_bytes());
        put_at(&mut bytes, 80, self.server_now.to_le_bytes());
        put_at(&mut bytes, 88, self.margin_permille.to_le_bytes());
        put_at(&mut bytes, 90, self.margin_ms.to_le_bytes());
        put_at(&mut bytes, 92, self.frame_max.to_le_bytes());
        put_at(&mut bytes, 96, self.key_max.to_le_bytes());
        put_at(&mut bytes, 98, self.metadata_max.to_le_bytes());
        put_at(&mut bytes, 100, self.lease_min_ms.to_le_bytes());
        put_at(&mut bytes, 104, self.lease_max_ms.to_le_bytes());
        put_at(&mut bytes, 108, length_u16(self.ports.len()).to_le_bytes());
        bytes
    }
}

/// Pong
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// server_now
    pub server_now: u64,
}

impl Pong {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x82;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 24];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<8>()?;
        Ok(Self {
            server_now: u64_at(fixed, 0),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.server_now.to_le_bytes());
        bytes
    }
}

/// Closed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl Closed {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 0;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x83;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 16];
        header.write(&mut frame);
        out.put(&frame);
    }

    #[inline]
    fn read_fields(_tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        Ok(Self)
    }

}

/// Granted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// token
    pub token: u64,
    /// until
    pub until: u64,
    /// server_now
    pub server_now: u64,
}

impl Granted {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 24;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x90;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 40];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<24>()?;
        Ok(Self {
            token: u64_at(fixed, 0),
            until: u64_at(fixed, 8),
            server_now: u64_at(fixed, 16),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 24] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.token.to_le_bytes());
        put_at(&mut bytes, 8, self.until.to_le_bytes());
        put_at(&mut bytes, 16, self.server_now.to_le_bytes());
        bytes
    }
}

/// CancelDone
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelDone {
    /// token
    pub token: u64,
    /// outcome
    pub outcome: CancelOutcome,
}

impl CancelDone {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x91;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        let code = u8_at(fixed, 8);
        let outcome = rules::known(CancelOutcome::from_code(code), HEADER_BYTES + 8)?;
        zero(bytes_at::<_, 7>(fixed, 9) != [0; 7], HEADER_BYTES + 9)?;
        Ok(Self {
            token: u64_at(fixed, 0),
            outcome,
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.token.to_le_bytes());
        put_at(&mut bytes, 8, [self.outcome.code()]);
        bytes
    }
}

/// Released
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released;

impl Released {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 0;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x92;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 16];
        header.write(&mut frame);
        out.put(&frame);
    }

    #[inline]
    fn read_fields(_tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        Ok(Self)
    }

}

/// Renewed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// until
    pub until: u64,
    /// server_now
    pub server_now: u64,
}

impl Renewed {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x93;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        Ok(Self {
            until: u64_at(fixed, 0),
            server_now: u64_at(fixed, 8),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.until.to_le_bytes());
        put_at(&mut bytes, 8, self.server_now.to_le_bytes());
        bytes
    }
}

/// Reclaimed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reclaimed {
    /// until
    pub until: u64,
    /// server_now
    pub server_now: u64,
}

impl Reclaimed {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x94;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        Ok(Self {
            until: u64_at(fixed, 0),
            server_now: u64_at(fixed, 8),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.until.to_le_bytes());
        put_at(&mut bytes, 8, self.server_now.to_le_bytes());
        bytes
    }
}

/// GetReply
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetReply<'a> {
    /// server_now
    pub server_now: u64,
    /// mode
    pub mode: Option<Mode>,
    /// closed
    pub closed: bool,
    /// grace
    pub grace: bool,
    /// limit
    pub limit: u32,
    /// permits_used
    pub permits_used: u32,
    /// holders_total
    pub holders_total: u32,
    /// waiters_total
    pub waiters_total: u32,
    /// closed_ms
    pub closed_ms: u32,
    /// holders
    pub holders: RecordList<'a, Holder<'a>>,
    /// waiters
    pub waiters: RecordList<'a, Waiter<'a>>,
}

impl<'a> GetReply<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 40;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xa0;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.holders.as_bytes().len() + self.waiters.as_bytes().len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 56];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.holders.is_empty() {
            out.put(self.holders.as_bytes());
        }
        if !self.waiters.is_empty() {
            out.put(self.waiters.as_bytes());
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.holders.is_empty() {
            out.put(self.holders.as_bytes());
        }
        if !self.waiters.is_empty() {
            out.put(self.waiters.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<40>()?;
        let code = u8_at(fixed, 8);
        let mode = if code == 0 { None } else { Some(rules::known(Mode::from_code(code), HEADER_BYTES + 8)?) };
        let flags = u8_at(fixed, 9);
        rules::known_bits(u32::from(flags), 0x3, HEADER_BYTES + 9)?;
        let holder_count = u16_at(fixed, 10);
        let waiter_count = u16_at(fixed, 12);
        zero(u16_at(fixed, 14) != 0, HEADER_BYTES + 14)?;
        zero(u32_at(fixed, 36) != 0, HEADER_BYTES + 36)?;
        let holders = tail.list(holder_count)?;
        let waiters = tail.list(waiter_count)?;
        Ok(Self {
            server_now: u64_at(fixed, 0),
            mode,
            closed: flags & 1 != 0,
            grace: flags & 2 != 0,
            limit: u32_at(fixed, 16),
            permits_used: u32_at(fixed, 20),
            holders_total: u32_at(fixed, 24),
            waiters_total: u32_at(fixed, 28),
            closed_ms: u32_at(fixed, 32),
            holders,
            waiters,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 40] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.server_now.to_le_bytes());
        put_at(&mut bytes, 8, [self.mode.map_or(0, |code| code.code())]);
        put_at(&mut bytes, 9, [u8::from(self.closed) | u8::from(self.grace) << 1]);
        put_at(&mut bytes, 10, length_u16(self.holders.len()).to_le_bytes());
        put_at(&mut bytes, 12, length_u16(self.waiters.len()).to_le_bytes());
        put_at(&mut bytes, 16, self.limit.to_le_bytes());
        put_at(&mut bytes, 20, self.permits_used.to_le_bytes());
        put_at(&mut bytes, 24, self.holders_total.to_le_bytes());
        put_at(&mut bytes, 28, self.waiters_total.to_le_bytes());
        put_at(&mut bytes, 32, self.closed_ms.to_le_bytes());
        bytes
    }
}

/// ListReply
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListReply<'a> {
    /// cursor
    pub cursor: u64,
    /// locks
    pub locks: RecordList<'a, LockSummary<'a>>,
}

impl<'a> ListReply<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xa1;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.locks.as_bytes().len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.locks.is_empty() {
            out.put(self.locks.as_bytes());
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.locks.is_empty() {
            out.put(self.locks.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        let count = u16_at(fixed, 8);
        zero(u16_at(fixed, 10) != 0, HEADER_BYTES + 10)?;
        zero(u32_at(fixed, 12) != 0, HEADER_BYTES + 12)?;
        let locks = tail.list(count)?;
        Ok(Self {
            cursor: u64_at(fixed, 0),
            locks,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.cursor.to_le_bytes());
        put_at(&mut bytes, 8, length_u16(self.locks.len()).to_le_bytes());
        bytes
    }
}

/// SessionsReply
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsReply<'a> {
    /// cursor
    pub cursor: u64,
    /// sessions
    pub sessions: RecordList<'a, SessionSummary<'a>>,
}

impl<'a> SessionsReply<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xa2;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.sessions.as_bytes().len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.sessions.is_empty() {
            out.put(self.sessions.as_bytes());
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.sessions.is_empty() {
            out.put(self.sessions.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        let count = u16_at(fixed, 8);
        zero(u16_at(fixed, 10) != 0, HEADER_BYTES + 10)?;
        zero(u32_at(fixed, 12) != 0, HEADER_BYTES + 12)?;
        let sessions = tail.list(count)?;
        Ok(Self {
            cursor: u64_at(fixed, 0),
            sessions,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.cursor.to_le_bytes());
        put_at(&mut bytes, 8, length_u16(self.sessions.len()).to_le_bytes());
        bytes
    }
}

/// StatsReply
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatsReply<'a> {
    /// cursor
    pub cursor: u64,
    /// shard
    pub shard: u16,
    /// counters
    pub counters: RecordList<'a, Counter>,
}

impl<'a> StatsReply<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xa3;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.counters.as_bytes().len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.counters.is_empty() {
            out.put(self.counters.as_bytes());
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.counters.is_empty() {
            out.put(self.counters.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        let count = u16_at(fixed, 10);
        zero(u32_at(fixed, 12) != 0, HEADER_BYTES + 12)?;
        let counters = tail.list(count)?;
        Ok(Self {
            cursor: u64_at(fixed, 0),
            shard: u16_at(fixed, 8),
            counters,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.cursor.to_le_bytes());
        put_at(&mut bytes, 8, self.shard.to_le_bytes());
        put_at(&mut bytes, 10, length_u16(self.counters.len()).to_le_bytes());
        bytes
    }
}

/// Forced
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// ended
    pub ended: u32,
    /// closed_ms
    pub closed_ms: u32,
}

impl Forced {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0xa4;

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
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES);
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 24];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<8>()?;
        Ok(Self {
            ended: u32_at(fixed, 0),
            closed_ms: u32_at(fixed, 4),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.ended.to_le_bytes());
        put_at(&mut bytes, 4, self.closed_ms.to_le_bytes());
        bytes
    }
}
