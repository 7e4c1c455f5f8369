//! Records of lists.
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

/// A hold of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    /// The holder's session.
    pub session_id: u64,
    /// The holder within the session.
    pub owner: u64,
    /// Fencing token.
    pub token: u64,
    /// Seconds since the grant.
    pub age_s: u32,
    /// What is left of the lease; 0xFFFFFFFF = as long as the session lives.
    pub lease_left_ms: u32,
    /// Mode permit: permits held; else 0.
    pub permits: u32,
    /// Mode of the hold.
    pub mode: Mode,
    /// TCP port from which the session was opened; 0 = a Unix socket.
    pub peer_port: u16,
    /// IPv6 address from which it was opened, IPv4 mapped into it; 0 = a Unix socket.
    pub peer_ip: [u8; 16],
    /// Name of the session.
    pub name: &'a str,
    /// As given by the acquire.
    pub metadata: &'a [u8],
}

impl<'a> Holder<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 64;

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let start = tail.offset();
        let fixed = tail.fixed::<64>()?;
        let code = u8_at(fixed, 36);
        let mode = rules::known(Mode::from_code(code), start + 36)?;
        let name_len = u8_at(fixed, 37);
        let metadata_len = u16_at(fixed, 38);
        zero(bytes_at::<_, 6>(fixed, 58) != [0; 6], start + 58)?;
        let name = tail.text(usize::from(name_len))?;
        let metadata = tail.bytes(usize::from(metadata_len))?;
        Ok(Self {
            session_id: u64_at(fixed, 0),
            owner: u64_at(fixed, 8),
            token: u64_at(fixed, 16),
            age_s: u32_at(fixed, 24),
            lease_left_ms: u32_at(fixed, 28),
            permits: u32_at(fixed, 32),
            mode,
            peer_port: u16_at(fixed, 40),
            peer_ip: bytes_at::<_, 16>(fixed, 42),
            name,
            metadata,
        })
    }

    /// The bytes of the part that is always there.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 64] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.session_id.to_le_bytes());
        put_at(&mut bytes, 8, self.owner.to_le_bytes());
        put_at(&mut bytes, 16, self.token.to_le_bytes());
        put_at(&mut bytes, 24, self.age_s.to_le_bytes());
        put_at(&mut bytes, 28, self.lease_left_ms.to_le_bytes());
        put_at(&mut bytes, 32, self.permits.to_le_bytes());
        put_at(&mut bytes, 36, [self.mode.code()]);
        put_at(&mut bytes, 37, length_u8(self.name.len()).to_le_bytes());
        put_at(&mut bytes, 38, length_u16(self.metadata.len()).to_le_bytes());
        put_at(&mut bytes, 40, self.peer_port.to_le_bytes());
        put_at(&mut bytes, 42, self.peer_ip);
        bytes
    }

    /// Writes the record.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.name.is_empty() {
            out.put(self.name.as_bytes());
        }
        if !self.metadata.is_empty() {
            out.put(self.metadata);
        }
    }
}

impl<'a> Record<'a> for Holder<'a> {
    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        Self::read_fields(tail)
    }
}

/// A queued acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter<'a> {
    /// The waiter's session.
    pub session_id: u64,
    /// The waiter within the session.
    pub owner: u64,
    /// Seconds since it queued.
    pub age_s: u32,
    /// What is left of its wait; 0xFFFFFFFF = as long as the session lives.
    pub wait_left_ms: u32,
    /// Mode permit: permits wanted; else 0.
    pub permits: u32,
    /// Mode wanted.
    pub mode: Mode,
    /// TCP port from which the session was opened; 0 = a Unix socket.
    pub peer_port: u16,
    /// IPv6 address from which it was opened, IPv4 mapped into it; 0 = a Unix socket.
    pub peer_ip: [u8; 16],
    /// Name of the session.
    pub name: &'a str,
}

impl<'a> Waiter<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 48;

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let start = tail.offset();
        let fixed = tail.fixed::<48>()?;
        let code = u8_at(fixed, 28);
        let mode = rules::known(Mode::from_code(code), start + 28)?;
        let name_len = u8_at(fixed, 29);
        let name = tail.text(usize::from(name_len))?;
        Ok(Self {
            session_id: u64_at(fixed, 0),
            owner: u64_at(fixed, 8),
            age_s: u32_at(fixed, 16),
            wait_left_ms: u32_at(fixed, 20),
            permits: u32_at(fixed, 24),
            mode,
            peer_port: u16_at(fixed, 30),
            peer_ip: bytes_at::<_, 16>(fixed, 32),
            name,
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
        put_at(&mut bytes, 0, self.session_id.to_le_bytes());
        put_at(&mut bytes, 8, self.owner.to_le_bytes());
        put_at(&mut bytes, 16, self.age_s.to_le_bytes());
        put_at(&mut bytes, 20, self.wait_left_ms.to_le_bytes());
        put_at(&mut bytes, 24, self.permits.to_le_bytes());
        put_at(&mut bytes, 28, [self.mode.code()]);
        put_at(&mut bytes, 29, length_u8(self.name.len()).to_le_bytes());
        put_at(&mut bytes, 30, self.peer_port.to_le_bytes());
        put_at(&mut bytes, 32, self.peer_ip);
        bytes
    }

    /// Writes the record.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.name.is_empty() {
            out.put(self.name.as_bytes());
        }
    }
}

impl<'a> Record<'a> for Waiter<'a> {
    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        Self::read_fields(tail)
    }
}

/// A key that is held or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockSummary<'a> {
    /// Holds of the key.
    pub holders: u32,
    /// Waiters of the key.
    pub waiters: u32,
    /// Mode of the holds, or of the first waiter; 0 = nobody holds or waits.
    pub mode: Option<Mode>,
    /// A ForceRelease keeps the key closed for `closed_ms` yet.
    pub closed: bool,
    /// The grace window after a restart keeps all keys closed.
    pub grace: bool,
    /// The key.
    pub key: &'a [u8],
}

impl<'a> LockSummary<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let start = tail.offset();
        let fixed = tail.fixed::<16>()?;
        let code = u8_at(fixed, 8);
        let mode = if code == 0 { None } else { Some(rules::known(Mode::from_code(code), start + 8)?) };
        let flags = u8_at(fixed, 9);
        rules::known_bits(u32::from(flags), 0x3, start + 9)?;
        let key_len = u16_at(fixed, 10);
        zero(u32_at(fixed, 12) != 0, start + 12)?;
        let key = tail.bytes(usize::from(key_len))?;
        Ok(Self {
            holders: u32_at(fixed, 0),
            waiters: u32_at(fixed, 4),
            mode,
            closed: flags & 1 != 0,
            grace: flags & 2 != 0,
            key,
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
        put_at(&mut bytes, 0, self.holders.to_le_bytes());
        put_at(&mut bytes, 4, self.waiters.to_le_bytes());
        put_at(&mut bytes, 8, [self.mode.map_or(0, |code| code.code())]);
        put_at(&mut bytes, 9, [u8::from(self.closed) | u8::from(self.grace) << 1]);
        put_at(&mut bytes, 10, length_u16(self.key.len()).to_le_bytes());
        bytes
    }

    /// Writes the record.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.key.is_empty() {
            out.put(self.key);
        }
    }
}

impl<'a> Record<'a> for LockSummary<'a> {
    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        Self::read_fields(tail)
    }
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSummary<'a> {
    /// The session.
    pub session_id: u64,
    /// The group that its client named; 0 = none.
    pub group: [u8; 16],
    /// Its TTL.
    pub ttl_ms: u32,
    /// Milliseconds since it was last heard.
    pub silent_ms: u32,
    /// Seconds since it opened.
    pub age_s: u32,
    /// Holds that it was granted and has not seen end, as its home shard knows.
    pub holds: u32,
    /// Requests without an answer yet.
    pub running: u32,
    /// Its attach number.
    pub attach: u32,
    /// Where it is in its life.
    pub state: SessionState,
    /// What the end of its connection does.
    pub on_disconnect: OnDisconnect,
    /// Its home shard.
    pub home: u8,
    /// TCP port of its last connection; 0 = a Unix socket.
    pub peer_port: u16,
    /// IPv6 address of its last connection, IPv4 mapped into it; 0 = a Unix socket.
    pub peer_ip: [u8; 16],
    /// Its name.
    pub name: &'a str,
}

impl<'a> SessionSummary<'a> {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 72;

    #[inline]
    fn read_fields(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        let start = tail.offset();
        let fixed = tail.fixed::<72>()?;
        let code = u8_at(fixed, 48);
        let state = rules::known(SessionState::from_code(code), start + 48)?;
        let code = u8_at(fixed, 49);
        let on_disconnect = rules::known(OnDisconnect::from_code(code), start + 49)?;
        let name_len = u8_at(fixed, 51);
        zero(u16_at(fixed, 54) != 0, start + 54)?;
        let name = tail.text(usize::from(name_len))?;
        Ok(Self {
            session_id: u64_at(fixed, 0),
            group: bytes_at::<_, 16>(fixed, 8),
            ttl_ms: u32_at(fixed, 24),
            silent_ms: u32_at(fixed, 28),
            age_s: u32_at(fixed, 32),
            holds: u32_at(fixed, 36),
            running: u32_at(fixed, 40),
            attach: u32_at(fixed, 44),
            state,
            on_disconnect,
            home: u8_at(fixed, 50),
            peer_port: u16_at(fixed, 52),
            peer_ip: bytes_at::<_, 16>(fixed, 56),
            name,
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
        put_at(&mut bytes, 0, self.session_id.to_le_bytes());
        put_at(&mut bytes, 8, self.group);
        put_at(&mut bytes, 24, self.ttl_ms.to_le_bytes());
        put_at(&mut bytes, 28, self.silent_ms.to_le_bytes());
        put_at(&mut bytes, 32, self.age_s.to_le_bytes());
        put_at(&mut bytes, 36, self.holds.to_le_bytes());
        put_at(&mut bytes, 40, self.running.to_le_bytes());
        put_at(&mut bytes, 44, self.attach.to_le_bytes());
        put_at(&mut bytes, 48, [self.state.code()]);
        put_at(&mut bytes, 49, [self.on_disconnect.code()]);
        put_at(&mut bytes, 50, self.home.to_le_bytes());
        put_at(&mut bytes, 51, length_u8(self.name.len()).to_le_bytes());
        put_at(&mut bytes, 52, self.peer_port.to_le_bytes());
        put_at(&mut bytes, 56, self.peer_ip);
        bytes
    }

    /// Writes the record.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
        if !self.name.is_empty() {
            out.put(self.name.as_bytes());
        }
    }
}

impl<'a> Record<'a> for SessionSummary<'a> {
    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        Self::read_fields(tail)
    }
}

/// A counter and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Which counter; unknown ones are skipped.
    pub id: u16,
    /// Its value, from the start of the server run.
    pub value: u64,
}

impl Counter {
    /// Bytes of the part that is always there.
    pub const FIXED_BYTES: usize = 16;

    #[inline]
    fn read_fields(tail: &mut Tail<'_>) -> Result<Self, BadFrame> {
        let start = tail.offset();
        let fixed = tail.fixed::<16>()?;
        zero(bytes_at::<_, 6>(fixed, 2) != [0; 6], start + 2)?;
        Ok(Self {
            id: u16_at(fixed, 0),
            value: u64_at(fixed, 8),
        })
    }

    /// The bytes of the part that is always there.
    #[inline]
    #[must_use]
    pub fn fixed(&self) -> [u8; 16] {
        let mut bytes = [0; Self::FIXED_BYTES];
        put_at(&mut bytes, 0, self.id.to_le_bytes());
        put_at(&mut bytes, 8, self.value.to_le_bytes());
        bytes
    }

    /// Writes the record.
    pub fn encode(&self, out: &mut impl Sink) {
        out.put(&self.fixed());
    }
}

impl<'a> Record<'a> for Counter {
    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {
        Self::read_fields(tail)
    }
}
