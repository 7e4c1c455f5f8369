//! Requests.
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

/// Hello
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// version_min
    pub version_min: u8,
    /// version_max
    pub version_max: u8,
    /// action
    pub action: HelloAction,
    /// on_disconnect
    pub on_disconnect: OnDisconnect,
    /// ttl_ms
    pub ttl_ms: u32,
    /// features
    pub features: u64,
    /// session_id
    pub session_id: u64,
    /// secret
    pub secret: [u8; 16],
    /// attach
    pub attach: u32,
    /// reclaiming
    pub reclaiming: bool,
    /// group
    pub group: [u8; 16],
    /// name
    pub name: &'a str,
    /// library
    pub library: &'a str,
}

impl<'a> Hello<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 72;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x01;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(body: &'a [u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(&mut tail)?;
        rules::check_hello(&message)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.name.len() + self.library.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 88];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.name.is_empty() {
            out.put(self.name.as_bytes());
        }
        if !self.library.is_empty() {
            out.put(self.library.as_bytes());
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.name.is_empty() {
            out.put(self.name.as_bytes());
        }
        if !self.library.is_empty() {
            out.put(self.library.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<72>()?;
        let code = u8_at(fixed, 2);
        let action = rules::known(HelloAction::from_code(code), HEADER_BYTES + 2)?;
        let code = u8_at(fixed, 3);
        let on_disconnect = rules::known(OnDisconnect::from_code(code), HEADER_BYTES + 3)?;
        let options = u32_at(fixed, 44);
        rules::known_bits(u32::from(options), 0x1, HEADER_BYTES + 44)?;
        let name_len = u16_at(fixed, 64);
        let library_len = u16_at(fixed, 66);
        zero(u32_at(fixed, 68) != 0, HEADER_BYTES + 68)?;
        let name = tail.bounded_text(usize::from(name_len), rules::NAME_BOUND)?;
        let library = tail.bounded_text(usize::from(library_len), rules::LIBRARY_BOUND)?;
        Ok(Self {
            version_min: u8_at(fixed, 0),
            version_max: u8_at(fixed, 1),
            action,
            on_disconnect,
            ttl_ms: u32_at(fixed, 4),
            features: u64_at(fixed, 8),
            session_id: u64_at(fixed, 16),
            secret: bytes_at::<_, 16>(fixed, 24),
            attach: u32_at(fixed, 40),
            reclaiming: options & 1 != 0,
            group: bytes_at::<_, 16>(fixed, 48),
            name,
            library,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 72] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.version_min.to_le_bytes());
        put_at(&mut bytes, 1, self.version_max.to_le_bytes());
        put_at(&mut bytes, 2, [self.action.code()]);
        put_at(&mut bytes, 3, [self.on_disconnect.code()]);
        put_at(&mut bytes, 4, self.ttl_ms.to_le_bytes());
        put_at(&mut bytes, 8, self.features.to_le_bytes());
        put_at(&mut bytes, 16, self.session_id.to_le_bytes());
        put_at(&mut bytes, 24, self.secret);
        put_at(&mut bytes, 40, self.attach.to_le_bytes());
        put_at(&mut bytes, 44, (u32::from(self.reclaiming)).to_le_bytes());
        put_at(&mut bytes, 48, self.group);
        put_at(&mut bytes, 64, length_u16(self.name.len()).to_le_bytes());
        put_at(&mut bytes, 66, length_u16(self.library.len()).to_le_bytes());
        bytes
    }
}

/// Ping
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping;

impl Ping {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 0;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x02;

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

/// Close
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close;

impl Close {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 0;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x03;

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

/// Acquire
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquire<'a> {
    /// owner
    pub owner: u64,
    /// wait_ms
    pub wait_ms: u32,
    /// lease_ms
    pub lease_ms: u32,
    /// permits
    pub permits: u32,
    /// limit
    pub limit: u32,
    /// mode
    pub mode: Mode,
    /// resize
    pub resize: bool,
    /// key
    pub key: &'a [u8],
    /// metadata
    pub metadata: &'a [u8],
}

impl<'a> Acquire<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 32;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x10;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(body: &'a [u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(&mut tail)?;
        rules::check_acquire(&message)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.key.len() + self.metadata.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 48];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.key.is_empty() {
            out.put(self.key);
        }
        if !self.metadata.is_empty() {
            out.put(self.metadata);
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
        if !self.metadata.is_empty() {
            out.put(self.metadata);
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<32>()?;
        let code = u8_at(fixed, 24);
        let mode = rules::known(Mode::from_code(code), HEADER_BYTES + 24)?;
        let options = u8_at(fixed, 25);
        rules::known_bits(u32::from(options), 0x1, HEADER_BYTES + 25)?;
        let key_len = u16_at(fixed, 26);
        let metadata_len = u16_at(fixed, 28);
        zero(u16_at(fixed, 30) != 0, HEADER_BYTES + 30)?;
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        let metadata = tail.bounded(usize::from(metadata_len), rules::METADATA_BOUND)?;
        Ok(Self {
            owner: u64_at(fixed, 0),
            wait_ms: u32_at(fixed, 8),
            lease_ms: u32_at(fixed, 12),
            permits: u32_at(fixed, 16),
            limit: u32_at(fixed, 20),
            mode,
            resize: options & 1 != 0,
            key,
            metadata,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 32] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.owner.to_le_bytes());
        put_at(&mut bytes, 8, self.wait_ms.to_le_bytes());
        put_at(&mut bytes, 12, self.lease_ms.to_le_bytes());
        put_at(&mut bytes, 16, self.permits.to_le_bytes());
        put_at(&mut bytes, 20, self.limit.to_le_bytes());
        put_at(&mut bytes, 24, [self.mode.code()]);
        put_at(&mut bytes, 25, [u8::from(self.resize)]);
        put_at(&mut bytes, 26, length_u16(self.key.len()).to_le_bytes());
        put_at(&mut bytes, 28, length_u16(self.metadata.len()).to_le_bytes());
        bytes
    }
}

/// Cancel
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel<'a> {
    /// acquire_id
    pub acquire_id: u64,
    /// owner
    pub owner: u64,
    /// if_granted
    pub if_granted: IfGranted,
    /// key
    pub key: &'a [u8],
}

impl<'a> Cancel<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 24;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x11;

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
        let len = length_u32(Self::FIXED_BYTES + self.key.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
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
        let if_granted = rules::known(IfGranted::from_code(code), HEADER_BYTES + 16)?;
        zero(u8_at(fixed, 17) != 0, HEADER_BYTES + 17)?;
        let key_len = u16_at(fixed, 18);
        zero(u32_at(fixed, 20) != 0, HEADER_BYTES + 20)?;
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        Ok(Self {
            acquire_id: u64_at(fixed, 0),
            owner: u64_at(fixed, 8),
            if_granted,
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
        put_at(&mut bytes, 0, self.acquire_id.to_le_bytes());
        put_at(&mut bytes, 8, self.owner.to_le_bytes());
        put_at(&mut bytes, 16, [self.if_granted.code()]);
        put_at(&mut bytes, 18, length_u16(self.key.len()).to_le_bytes());
        bytes
    }
}

/// Release
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release<'a> {
    /// owner
    pub owner: u64,
    /// token
    pub token: u64,
    /// key
    pub key: &'a [u8],
}

impl<'a> Release<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 24;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x12;

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
        let len = length_u32(Self::FIXED_BYTES + self.key.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
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
        let key_len = u16_at(fixed, 16);
        zero(u16_at(fixed, 18) != 0, HEADER_BYTES + 18)?;
        zero(u32_at(fixed, 20) != 0, HEADER_BYTES + 20)?;
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        Ok(Self {
            owner: u64_at(fixed, 0),
            token: u64_at(fixed, 8),
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
        put_at(&mut bytes, 0, self.owner.to_le_bytes());
        put_at(&mut bytes, 8, self.token.to_le_bytes());
        put_at(&mut bytes, 16, length_u16(self.key.len()).to_le_bytes());
        bytes
    }
}

/// Renew
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renew<'a> {
    /// owner
    pub owner: u64,
    /// token
    pub token: u64,
    /// lease_ms
    pub lease_ms: u32,
    /// key
    pub key: &'a [u8],
}

impl<'a> Renew<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 24;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x13;

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
        let len = length_u32(Self::FIXED_BYTES + self.key.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
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
        let key_len = u16_at(fixed, 20);
        zero(u16_at(fixed, 22) != 0, HEADER_BYTES + 22)?;
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        Ok(Self {
            owner: u64_at(fixed, 0),
            token: u64_at(fixed, 8),
            lease_ms: u32_at(fixed, 16),
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
        put_at(&mut bytes, 0, self.owner.to_le_bytes());
        put_at(&mut bytes, 8, self.token.to_le_bytes());
        put_at(&mut bytes, 16, self.lease_ms.to_le_bytes());
        put_at(&mut bytes, 20, length_u16(self.key.len()).to_le_bytes());
        bytes
    }
}

/// Reclaim
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reclaim<'a> {
    /// owner
    pub owner: u64,
    /// token
    pub token: u64,
    /// run
    pub run: u64,
    /// lease_ms
    pub lease_ms: u32,
    /// permits
    pub permits: u32,
    /// limit
    pub limit: u32,
    /// mode
    pub mode: Mode,
    /// key
    pub key: &'a [u8],
    /// metadata
    pub metadata: &'a [u8],
}

impl<'a> Reclaim<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 48;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x14;

    /// Reads a frame's body.
    ///
    /// # Errors
    /// The first thing in it that breaks the protocol.
    #[inline]
    pub fn decode(body: &'a [u8]) -> Result<Self, BadFrame> {
        let mut tail = Tail::new(body, HEADER_BYTES);
        let message = Self::read_fields(&mut tail)?;
        rules::check_reclaim(&message)?;
        tail.finish()?;
        Ok(message)
    }

    /// Writes the whole frame.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        let len = length_u32(Self::FIXED_BYTES + self.key.len() + self.metadata.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 64];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.key.is_empty() {
            out.put(self.key);
        }
        if !self.metadata.is_empty() {
            out.put(self.metadata);
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
        if !self.metadata.is_empty() {
            out.put(self.metadata);
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<48>()?;
        let code = u8_at(fixed, 36);
        let mode = rules::known(Mode::from_code(code), HEADER_BYTES + 36)?;
        zero(u8_at(fixed, 37) != 0, HEADER_BYTES + 37)?;
        let key_len = u16_at(fixed, 38);
        let metadata_len = u16_at(fixed, 40);
        zero(u16_at(fixed, 42) != 0, HEADER_BYTES + 42)?;
        zero(u32_at(fixed, 44) != 0, HEADER_BYTES + 44)?;
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        let metadata = tail.bounded(usize::from(metadata_len), rules::METADATA_BOUND)?;
        Ok(Self {
            owner: u64_at(fixed, 0),
            token: u64_at(fixed, 8),
            run: u64_at(fixed, 16),
            lease_ms: u32_at(fixed, 24),
            permits: u32_at(fixed, 28),
            limit: u32_at(fixed, 32),
            mode,
            key,
            metadata,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 48] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.owner.to_le_bytes());
        put_at(&mut bytes, 8, self.token.to_le_bytes());
        put_at(&mut bytes, 16, self.run.to_le_bytes());
        put_at(&mut bytes, 24, self.lease_ms.to_le_bytes());
        put_at(&mut bytes, 28, self.permits.to_le_bytes());
        put_at(&mut bytes, 32, self.limit.to_le_bytes());
        put_at(&mut bytes, 36, [self.mode.code()]);
        put_at(&mut bytes, 38, length_u16(self.key.len()).to_le_bytes());
        put_at(&mut bytes, 40, length_u16(self.metadata.len()).to_le_bytes());
        bytes
    }
}

/// Get
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<'a> {
    /// key
    pub key: &'a [u8],
}

impl<'a> Get<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x20;

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
        let len = length_u32(Self::FIXED_BYTES + self.key.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 24];
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
        let fixed = tail.fixed::<8>()?;
        let key_len = u16_at(fixed, 0);
        zero(u16_at(fixed, 2) != 0, HEADER_BYTES + 2)?;
        zero(u32_at(fixed, 4) != 0, HEADER_BYTES + 4)?;
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        Ok(Self {
            key,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, length_u16(self.key.len()).to_le_bytes());
        bytes
    }
}

/// List
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    /// cursor
    pub cursor: u64,
    /// prefix
    pub prefix: &'a [u8],
}

impl<'a> List<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x21;

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
        let len = length_u32(Self::FIXED_BYTES + self.prefix.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.prefix.is_empty() {
            out.put(self.prefix);
        }
    }

    /// Writes the body alone.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode_body(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.prefix.is_empty() {
            out.put(self.prefix);
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        let prefix_len = u16_at(fixed, 8);
        zero(u16_at(fixed, 10) != 0, HEADER_BYTES + 10)?;
        zero(u32_at(fixed, 12) != 0, HEADER_BYTES + 12)?;
        let prefix = tail.bounded(usize::from(prefix_len), rules::PREFIX_BOUND)?;
        Ok(Self {
            cursor: u64_at(fixed, 0),
            prefix,
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
        put_at(&mut bytes, 8, length_u16(self.prefix.len()).to_le_bytes());
        bytes
    }
}

/// Sessions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// cursor
    pub cursor: u64,
}

impl Sessions {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x22;

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
            cursor: u64_at(fixed, 0),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.cursor.to_le_bytes());
        bytes
    }
}

/// Stats
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// cursor
    pub cursor: u64,
}

impl Stats {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 8;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x23;

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
            cursor: u64_at(fixed, 0),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 8] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.cursor.to_le_bytes());
        bytes
    }
}

/// ForceRelease
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForceRelease<'a> {
    /// token
    pub token: u64,
    /// delay_ms
    pub delay_ms: u32,
    /// key
    pub key: &'a [u8],
    /// reason
    pub reason: &'a str,
}

impl<'a> ForceRelease<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    /// What the frame's header says it is.
    pub const OP: u8 = 0x24;

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
        let len = length_u32(Self::FIXED_BYTES + self.key.len() + self.reason.len());
        let header = Header { len, op: Self::OP, flags: 0, status: 0, request_id };
        let mut frame = [0; 32];
        header.write(&mut frame);
        put_at(&mut frame, HEADER_BYTES, self.fixed());
        out.put(&frame);
        if !self.key.is_empty() {
            out.put(self.key);
        }
        if !self.reason.is_empty() {
            out.put(self.reason.as_bytes());
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
        if !self.reason.is_empty() {
            out.put(self.reason.as_bytes());
        }
    }

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let fixed = tail.fixed::<16>()?;
        let key_len = u16_at(fixed, 12);
        let reason_len = u16_at(fixed, 14);
        let key = tail.bounded(usize::from(key_len), rules::KEY_BOUND)?;
        let reason = tail.bounded_text(usize::from(reason_len), rules::REASON_BOUND)?;
        Ok(Self {
            token: u64_at(fixed, 0),
            delay_ms: u32_at(fixed, 8),
            key,
            reason,
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
        put_at(&mut bytes, 0, self.token.to_le_bytes());
        put_at(&mut bytes, 8, self.delay_ms.to_le_bytes());
        put_at(&mut bytes, 12, length_u16(self.key.len()).to_le_bytes());
        put_at(&mut bytes, 14, length_u16(self.reason.len()).to_le_bytes());
        bytes
    }
}
