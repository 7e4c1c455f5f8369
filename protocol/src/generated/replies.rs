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

/// The connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloOk<'a> {
    /// The version spoken from here on.
    pub version: u8,
    /// The server keeps nothing on disk: no exclusion across its restart.
    pub ephemeral: bool,
    /// The listener serves admin requests.
    pub admin: bool,
    /// An old session goes on; 0 = it is new, or there is none.
    pub resumed: bool,
    /// The server is stopping.
    pub draining: bool,
    /// The shard that serves this connection.
    pub shard: u16,
    /// Shards of the server; a key's is `slot * shards / 16384`.
    pub shards: u16,
    /// Seats granted: 0 to this minus 1.
    pub seats: u16,
    /// The features in force: those of the client that the server has too.
    pub features: u64,
    /// Names this server's data directory; 0 = ephemeral.
    pub server_id: [u8; 16],
    /// The epoch of this server run; anchors and reclaims belong to one run.
    pub run: u64,
    /// The session; 0 = none.
    pub session_id: u64,
    /// What a resume must show; 128 random bits, the same for the session's life.
    pub secret: [u8; 16],
    /// The attach number in force: 0 after Open, the client's after a resume.
    pub attach: u32,
    /// The TTL granted: so long may the connection be silent.
    pub ttl_ms: u32,
    /// Send something, a Ping if nothing else, at least this often.
    pub keepalive_ms: u32,
    /// All keys stay closed for this long yet, after a restart; 0 = they are open.
    pub grace_left_ms: u32,
    /// The server's clock: microseconds since this run began.
    pub server_now: u64,
    /// Least clock margin for deadlines, in thousandths.
    pub margin_permille: u16,
    /// Least clock margin for deadlines, in milliseconds, on top.
    pub margin_ms: u16,
    /// Bytes after a header that the server takes.
    pub frame_max: u32,
    /// Bytes of a key that the server takes.
    pub key_max: u16,
    /// Bytes of metadata that the server takes.
    pub metadata_max: u16,
    /// A shorter lease is raised to this.
    pub lease_min_ms: u32,
    /// A longer lease is lowered to this.
    pub lease_max_ms: u32,
    /// TCP port of each shard, or none if there is one port for all.
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

/// The server lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// The server's clock: microseconds since this run began.
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

/// All is released; the server closes the connection behind it.
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

/// The key is held from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Fencing token, greater than that of every earlier grant of the key.
    pub token: u64,
    /// End of the lease on the server's clock; 0 = as long as the session lives.
    pub until: u64,
    /// The server's clock when it granted.
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

/// The acquire waits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelDone {
    /// The hold's token where there was one, else 0.
    pub token: u64,
    /// What became of the acquire.
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

/// The hold ended.
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

/// The hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// End of the lease on the server's clock; 0 = as long as the session lives.
    pub until: u64,
    /// The server's clock when it renewed.
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

/// The hold stands, with its old token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reclaimed {
    /// End of the lease on the server's clock; 0 = as long as the session lives.
    pub until: u64,
    /// The server's clock when it decided.
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

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetReply<'a> {
    /// The server's clock when it looked.
    pub server_now: u64,
    /// Mode of the holds, or of the first waiter; 0 = nobody holds or waits.
    pub mode: Option<Mode>,
    /// A ForceRelease keeps the key closed for `closed_ms` yet.
    pub closed: bool,
    /// The grace window after a restart keeps all keys closed.
    pub grace: bool,
    /// Mode permit: the key's limit; else 0.
    pub limit: u32,
    /// Mode permit: permits held; else 0.
    pub permits_used: u32,
    /// Holds of the key; the list may be shorter.
    pub holders_total: u32,
    /// Waiters of the key; the list may be shorter.
    pub waiters_total: u32,
    /// If the key is closed: for at most this long yet; else 0.
    pub closed_ms: u32,
    /// The first holds, 16 at most.
    pub holders: RecordList<'a, Holder<'a>>,
    /// The first waiters in their order, 8 at most.
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

/// A page of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListReply<'a> {
    /// Where the next page begins; 0 = this was the last.
    pub cursor: u64,
    /// May be empty though pages follow.
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

/// A page of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsReply<'a> {
    /// Where the next page begins; 0 = this was the last.
    pub cursor: u64,
    /// May be empty though pages follow.
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

/// The counters of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatsReply<'a> {
    /// The next shard; 0 = this was the last.
    pub cursor: u64,
    /// The shard that counted.
    pub shard: u16,
    /// Counters not listed are 0.
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

/// The holds ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// Holds ended.
    pub ended: u32,
    /// How long the key stays closed at most.
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
