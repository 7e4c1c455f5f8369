//! Which message a frame is.
//!
//! Generated from `table.toml`; do not edit.

use crate::bad_frame::BadFrame;
use crate::generated::*;
use crate::sink::Sink;

/// The opcodes of requests; the answer to one has bit 0x80 set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// See [`Hello`].
    Hello = 0x01,
    /// See [`Ping`].
    Ping = 0x02,
    /// See [`Close`].
    Close = 0x03,
    /// See [`Acquire`].
    Acquire = 0x10,
    /// See [`Cancel`].
    Cancel = 0x11,
    /// See [`Release`].
    Release = 0x12,
    /// See [`Renew`].
    Renew = 0x13,
    /// See [`Reclaim`].
    Reclaim = 0x14,
    /// See [`Get`].
    Get = 0x20,
    /// See [`List`].
    List = 0x21,
    /// See [`Sessions`].
    Sessions = 0x22,
    /// See [`Stats`].
    Stats = 0x23,
    /// See [`ForceRelease`].
    ForceRelease = 0x24,
}

impl Opcode {
    /// Every one, by number.
    pub const ALL: [Self; 13] = [
        Self::Hello,
        Self::Ping,
        Self::Close,
        Self::Acquire,
        Self::Cancel,
        Self::Release,
        Self::Renew,
        Self::Reclaim,
        Self::Get,
        Self::List,
        Self::Sessions,
        Self::Stats,
        Self::ForceRelease,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Hello,
            2 => Self::Ping,
            3 => Self::Close,
            16 => Self::Acquire,
            17 => Self::Cancel,
            18 => Self::Release,
            19 => Self::Renew,
            20 => Self::Reclaim,
            32 => Self::Get,
            33 => Self::List,
            34 => Self::Sessions,
            35 => Self::Stats,
            36 => Self::ForceRelease,
            _ => return None,
        })
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "Hello",
            Self::Ping => "Ping",
            Self::Close => "Close",
            Self::Acquire => "Acquire",
            Self::Cancel => "Cancel",
            Self::Release => "Release",
            Self::Renew => "Renew",
            Self::Reclaim => "Reclaim",
            Self::Get => "Get",
            Self::List => "List",
            Self::Sessions => "Sessions",
            Self::Stats => "Stats",
            Self::ForceRelease => "ForceRelease",
        }
    }
}

impl Opcode {
    /// The op of the answer.
    #[must_use]
    pub const fn reply(self) -> u8 {
        self as u8 | 0x80
    }

    /// Whether its request id names a seat.
    #[must_use]
    pub const fn is_seated(self) -> bool {
        matches!(
            self,
            Self::Close
                | Self::Acquire
                | Self::Cancel
                | Self::Release
                | Self::Renew
                | Self::Reclaim
                | Self::ForceRelease
        )
    }
}

/// A request of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Opens or resumes a session; the first frame of a connection, and only the first.
    Hello(Hello<'a>),
    /// Asks for a sign of life and the clock; any connection may.
    Ping(Ping),
    /// Ends the session and every hold and waiter of it.
    Close(Close),
    /// Asks for a key; answered when granted, refused or timed out.
    Acquire(Acquire<'a>),
    /// Ends the wait of an acquire of this session, or its hold; takes a seat of its own.
    Cancel(Cancel<'a>),
    /// Ends a hold; the next waiter is granted at once.
    Release(Release<'a>),
    /// Replaces a hold's deadline, or asks whether it stands.
    Renew(Renew<'a>),
    /// Takes a hold back after a restart, inside the grace window; `Unsupported` by a server without feature `reclaim`.
    Reclaim(Reclaim<'a>),
    /// Asks who holds a key and who waits.
    Get(Get<'a>),
    /// Asks for a page of the keys held or waited for; admin listeners only.
    List(List<'a>),
    /// Asks for a page of the sessions; admin listeners only.
    Sessions(Sessions),
    /// Asks for the counters of one shard.
    Stats(Stats),
    /// Ends holds over their holders' heads; admin listeners only.
    ForceRelease(ForceRelease<'a>),
}

impl<'a> Request<'a> {
    /// The message that a body of that op is; the header is checked elsewhere.
    #[inline]
    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {
        Ok(match op {
            Hello::OP => Self::Hello(Hello::decode(body)?),
            Ping::OP => Self::Ping(Ping::decode(body)?),
            Close::OP => Self::Close(Close::decode(body)?),
            Acquire::OP => Self::Acquire(Acquire::decode(body)?),
            Cancel::OP => Self::Cancel(Cancel::decode(body)?),
            Release::OP => Self::Release(Release::decode(body)?),
            Renew::OP => Self::Renew(Renew::decode(body)?),
            Reclaim::OP => Self::Reclaim(Reclaim::decode(body)?),
            Get::OP => Self::Get(Get::decode(body)?),
            List::OP => Self::List(List::decode(body)?),
            Sessions::OP => Self::Sessions(Sessions::decode(body)?),
            Stats::OP => Self::Stats(Stats::decode(body)?),
            ForceRelease::OP => Self::ForceRelease(ForceRelease::decode(body)?),
            _ => return Err(BadFrame::unsupported(4, u64::from(op), "the opcode is not known")),
        })
    }

    /// Its opcode.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Hello(..) => Opcode::Hello,
            Self::Ping(..) => Opcode::Ping,
            Self::Close(..) => Opcode::Close,
            Self::Acquire(..) => Opcode::Acquire,
            Self::Cancel(..) => Opcode::Cancel,
            Self::Release(..) => Opcode::Release,
            Self::Renew(..) => Opcode::Renew,
            Self::Reclaim(..) => Opcode::Reclaim,
            Self::Get(..) => Opcode::Get,
            Self::List(..) => Opcode::List,
            Self::Sessions(..) => Opcode::Sessions,
            Self::Stats(..) => Opcode::Stats,
            Self::ForceRelease(..) => Opcode::ForceRelease,
        }
    }

    /// Writes the whole frame.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, request_id: u64, out: &mut impl Sink) {
        match self {
            Self::Hello(message) => message.encode(request_id, out),
            Self::Ping(message) => message.encode(request_id, out),
            Self::Close(message) => message.encode(request_id, out),
            Self::Acquire(message) => message.encode(request_id, out),
            Self::Cancel(message) => message.encode(request_id, out),
            Self::Release(message) => message.encode(request_id, out),
            Self::Renew(message) => message.encode(request_id, out),
            Self::Reclaim(message) => message.encode(request_id, out),
            Self::Get(message) => message.encode(request_id, out),
            Self::List(message) => message.encode(request_id, out),
            Self::Sessions(message) => message.encode(request_id, out),
            Self::Stats(message) => message.encode(request_id, out),
            Self::ForceRelease(message) => message.encode(request_id, out),
        }
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The connection is served.
    HelloOk(HelloOk<'a>),
    /// The server lives.
    Pong(Pong),
    /// All is released; the server closes the connection behind it.
    Closed(Closed),
    /// The key is held from now on.
    Granted(Granted),
    /// The acquire waits no more.
    CancelDone(CancelDone),
    /// The hold ended.
    Released(Released),
    /// The hold stands.
    Renewed(Renewed),
    /// The hold stands, with its old token.
    Reclaimed(Reclaimed),
    /// One key.
    GetReply(GetReply<'a>),
    /// A page of keys.
    ListReply(ListReply<'a>),
    /// A page of sessions.
    SessionsReply(SessionsReply<'a>),
    /// The counters of one shard.
    StatsReply(StatsReply<'a>),
    /// The holds ended.
    Forced(Forced),
    /// Not done, and why.
    Refused(Refusal<'a>),
}

impl<'a> Reply<'a> {
    /// The message that a body of that op is; the header is checked elsewhere.
    #[inline]
    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {
        Ok(match op {
            HelloOk::OP => Self::HelloOk(HelloOk::decode(body)?),
            Pong::OP => Self::Pong(Pong::decode(body)?),
            Closed::OP => Self::Closed(Closed::decode(body)?),
            Granted::OP => Self::Granted(Granted::decode(body)?),
            CancelDone::OP => Self::CancelDone(CancelDone::decode(body)?),
            Released::OP => Self::Released(Released::decode(body)?),
            Renewed::OP => Self::Renewed(Renewed::decode(body)?),
            Reclaimed::OP => Self::Reclaimed(Reclaimed::decode(body)?),
            GetReply::OP => Self::GetReply(GetReply::decode(body)?),
            ListReply::OP => Self::ListReply(ListReply::decode(body)?),
            SessionsReply::OP => Self::SessionsReply(SessionsReply::decode(body)?),
            StatsReply::OP => Self::StatsReply(StatsReply::decode(body)?),
            Forced::OP => Self::Forced(Forced::decode(body)?),
            _ => return Err(BadFrame::at(4, "the op is not known")),
        })
    }

    /// Writes the whole frame. `op` is that of the answer: the request's with bit 0x80.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, op: u8, request_id: u64, out: &mut impl Sink) {
        match self {
            Self::HelloOk(message) => message.encode(request_id, out),
            Self::Pong(message) => message.encode(request_id, out),
            Self::Closed(message) => message.encode(request_id, out),
            Self::Granted(message) => message.encode(request_id, out),
            Self::CancelDone(message) => message.encode(request_id, out),
            Self::Released(message) => message.encode(request_id, out),
            Self::Renewed(message) => message.encode(request_id, out),
            Self::Reclaimed(message) => message.encode(request_id, out),
            Self::GetReply(message) => message.encode(request_id, out),
            Self::ListReply(message) => message.encode(request_id, out),
            Self::SessionsReply(message) => message.encode(request_id, out),
            Self::StatsReply(message) => message.encode(request_id, out),
            Self::Forced(message) => message.encode(request_id, out),
            Self::Refused(refusal) => refusal.encode(op, request_id, out),
        }
    }
}

/// The op of a [`Push::Fault`].
pub const FAULT_OP: u8 = 0xc3;

/// What the server says unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push<'a> {
    /// The server ended a hold that its holder did not release.
    Lost(Lost<'a>),
    /// The session is over, with all its holds; the server closes the connection behind it.
    SessionEnded(SessionEnded),
    /// The connection will end.
    GoAway(GoAway),
    /// An error that answers no request; the server closes the connection behind it.
    Fault(Refusal<'a>),
}

impl<'a> Push<'a> {
    /// The message that a body of that op is; the header is checked elsewhere.
    #[inline]
    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {
        Ok(match op {
            Lost::OP => Self::Lost(Lost::decode(body)?),
            SessionEnded::OP => Self::SessionEnded(SessionEnded::decode(body)?),
            GoAway::OP => Self::GoAway(GoAway::decode(body)?),
            _ => return Err(BadFrame::at(4, "the op is not known")),
        })
    }

    /// Writes the whole frame.
    ///
    /// # Panics
    /// If a variable part is longer than its length field can say.
    pub fn encode(&self, out: &mut impl Sink) {
        match self {
            Self::Lost(message) => message.encode(out),
            Self::SessionEnded(message) => message.encode(out),
            Self::GoAway(message) => message.encode(out),
            Self::Fault(refusal) => refusal.encode_fault(out),
        }
    }
}
