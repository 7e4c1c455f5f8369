//! Which message a frame is.
//!
//! Generated from `table.toml`; do not edit.

use crate::bad_frame::BadFrame;
use crate::generated::*;

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
    /// Hello
    Hello(Hello<'a>),
    /// Ping
    Ping(Ping),
    /// Close
    Close(Close),
    /// Acquire
    Acquire(Acquire<'a>),
    /// Cancel
    Cancel(Cancel<'a>),
    /// Release
    Release(Release<'a>),
    /// Renew
    Renew(Renew<'a>),
    /// Reclaim
    Reclaim(Reclaim<'a>),
    /// Get
    Get(Get<'a>),
    /// List
    List(List<'a>),
    /// Sessions
    Sessions(Sessions),
    /// Stats
    Stats(Stats),
    /// ForceRelease
    ForceRelease(ForceRelease<'a>),
}

impl<'a> Request<'a> {
    /// The request that a body of that op is; the header is checked elsewhere.
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
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// HelloOk
    HelloOk(HelloOk<'a>),
    /// Pong
    Pong(Pong),
    /// Closed
    Closed(Closed),
    /// Granted
    Granted(Granted),
    /// CancelDone
    CancelDone(CancelDone),
    /// Released
    Released(Released),
    /// Renewed
    Renewed(Renewed),
    /// Reclaimed
    Reclaimed(Reclaimed),
    /// GetReply
    GetReply(GetReply<'a>),
    /// ListReply
    ListReply(ListReply<'a>),
    /// SessionsReply
    SessionsReply(SessionsReply<'a>),
    /// StatsReply
    StatsReply(StatsReply<'a>),
    /// Forced
    Forced(Forced),
    /// Not done, and why.
    Refused(Refusal<'a>),
}

impl<'a> Reply<'a> {
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

}

/// The op of a [`Push::Fault`].
pub const FAULT_OP: u8 = 0xc3;

/// What the server says unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push<'a> {
    /// Lost
    Lost(Lost<'a>),
    /// SessionEnded
    SessionEnded(SessionEnded),
    /// GoAway
    GoAway(GoAway),
    /// Fault
    Fault(Refusal<'a>),
}

impl<'a> Push<'a> {
    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {
        Ok(match op {
            Lost::OP => Self::Lost(Lost::decode(body)?),
            SessionEnded::OP => Self::SessionEnded(SessionEnded::decode(body)?),
            GoAway::OP => Self::GoAway(GoAway::decode(body)?),
            _ => return Err(BadFrame::at(4, "the op is not known")),
        })
    }

}
