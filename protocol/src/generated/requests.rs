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

/// Opens or resumes a session; the first frame of a connection, and only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Lowest version that the client speaks.
    pub version_min: u8,
    /// Highest version that the client speaks, at least `version_min`.
    pub version_max: u8,
    /// What it asks for.
    pub action: HelloAction,
    /// Open: what the end of the connection does to the session.
    pub on_disconnect: OnDisconnect,
    /// Open: the TTL wanted, clamped to the server's bounds; 0 = the server's default.
    pub ttl_ms: u32,
    /// The features that the client knows (`Features`); unknown bits are ignored.
    pub features: u64,
    /// Resume: the session; else 0.
    pub session_id: u64,
    /// Resume: its secret; else 0.
    pub secret: [u8; 16],
    /// Resume: greater than any attach number of this session before; else 0.
    pub attach: u32,
    /// The client means to reclaim holds after a restart of the server.
    pub reclaiming: bool,
    /// Ties the sessions of one client together for whoever inspects them; 0 = none.
    pub group: [u8; 16],
    /// What people call the session, at most 32 bytes.
    pub name: &'a str,
    /// Name and version of the client library, at most 64 bytes.
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
        rules::known_bits(options, 0x1, HEADER_BYTES + 44)?;
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

/// Asks for a sign of life and the clock; any connection may.
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

/// Ends the session and every hold and waiter of it.
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

/// Asks for a key; answered when granted, refused or timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquire<'a> {
    /// The holder within the session; a fresh number for each acquire unless sharing is meant.
    pub owner: u64,
    /// How long to queue; 0 = not at all, 0xFFFFFFFF = as long as the session lives.
    pub wait_ms: u32,
    /// How long to hold, clamped to the server's bounds; 0 = as long as the session lives.
    pub lease_ms: u32,
    /// Mode permit: permits wanted, from 1; else 0.
    pub permits: u32,
    /// Mode permit: the key's limit, 1 to 2^31; else 0.
    pub limit: u32,
    /// How to share the key.
    pub mode: Mode,
    /// Mode permit: change the key's limit instead of being refused for another one.
    pub resize: bool,
    /// The key, 1 to 1,024 bytes.
    pub key: &'a [u8],
    /// Shown to whoever inspects the key, at most 256 bytes.
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

/// Ends the wait of an acquire of this session, or its hold; takes a seat of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel<'a> {
    /// Request id of the acquire.
    pub acquire_id: u64,
    /// Owner of the acquire.
    pub owner: u64,
    /// What happens to a hold.
    pub if_granted: IfGranted,
    /// Key of the acquire.
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

/// Ends a hold; the next waiter is granted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release<'a> {
    /// The holder.
    pub owner: u64,
    /// Its token, or 0: the owner's one exclusive or shared hold of the key.
    pub token: u64,
    /// The key.
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

/// Replaces a hold's deadline, or asks whether it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renew<'a> {
    /// The holder.
    pub owner: u64,
    /// Its token.
    pub token: u64,
    /// The new lease, from now; 0 = as long as the session, 0xFFFFFFFF = leave the deadline.
    pub lease_ms: u32,
    /// The key.
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

/// Takes a hold back after a restart, inside the grace window; `Unsupported` by a server without feature `reclaim`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reclaim<'a> {
    /// The holder.
    pub owner: u64,
    /// Its token, not 0.
    pub token: u64,
    /// `run` of the server run that last granted, renewed or reclaimed the hold.
    pub run: u64,
    /// The lease, from now; 0 = as long as the session lives.
    pub lease_ms: u32,
    /// As in the acquire.
    pub permits: u32,
    /// As in the acquire.
    pub limit: u32,
    /// As in the acquire.
    pub mode: Mode,
    /// The key.
    pub key: &'a [u8],
    /// As in the acquire.
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

/// Asks who holds a key and who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<'a> {
    /// The key.
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

/// Asks for a page of the keys held or waited for; admin listeners only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    /// 0 = from the start, else the `cursor` of the page before.
    pub cursor: u64,
    /// Only keys that begin so; empty = all.
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

/// Asks for a page of the sessions; admin listeners only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// 0 = from the start, else the `cursor` of the page before.
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

/// Asks for the counters of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// 0 = the first shard, else the `cursor` of the page before.
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

/// Ends holds over their holders' heads; admin listeners only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForceRelease<'a> {
    /// The hold to end, or 0: every hold of the key.
    pub token: u64,
    /// How long the key stays closed; 0xFFFFFFFF = the holder's TTL x 1.02 + 50 ms.
    pub delay_ms: u32,
    /// The key.
    pub key: &'a [u8],
    /// Why, for the server's log, at most 256 bytes.
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
