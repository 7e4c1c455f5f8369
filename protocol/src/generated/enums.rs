//! Enumerations of one byte.
//!
//! Generated from `table.toml`; do not edit.

/// What became of a cancelled acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CancelOutcome {
    /// It was queued; the acquire is answered `Cancelled`.
    Cancelled = 0,
    /// It held and was released; its Granted stands as its answer.
    Released = 1,
    /// It holds and keeps.
    Kept = 2,
    /// It neither waits nor holds.
    NotFound = 3,
}

impl CancelOutcome {
    /// Every one, by number.
    pub const ALL: [Self; 4] = [
        Self::Cancelled,
        Self::Released,
        Self::Kept,
        Self::NotFound,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Cancelled,
            1 => Self::Released,
            2 => Self::Kept,
            3 => Self::NotFound,
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
            Self::Cancelled => "Cancelled",
            Self::Released => "Released",
            Self::Kept => "Kept",
            Self::NotFound => "NotFound",
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EndReason {
    /// Nothing was heard from it for its TTL.
    Expired = 1,
    /// Its client closed it.
    Closed = 2,
    /// Its connection ended, and `on_disconnect` was `Release`.
    Disconnected = 3,
}

impl EndReason {
    /// Every one, by number.
    pub const ALL: [Self; 3] = [
        Self::Expired,
        Self::Closed,
        Self::Disconnected,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Expired,
            2 => Self::Closed,
            3 => Self::Disconnected,
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
            Self::Expired => "Expired",
            Self::Closed => "Closed",
            Self::Disconnected => "Disconnected",
        }
    }
}

/// Why the server wants a connection to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GoAwayReason {
    /// The session was resumed on another connection.
    TakenOver = 1,
    /// The server stops and will be back: keep holds, reconnect, resume.
    Restart = 2,
    /// Too much output lies unread.
    SlowReader = 3,
    /// The server stops.
    Shutdown = 4,
}

impl GoAwayReason {
    /// Every one, by number.
    pub const ALL: [Self; 4] = [
        Self::TakenOver,
        Self::Restart,
        Self::SlowReader,
        Self::Shutdown,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::TakenOver,
            2 => Self::Restart,
            3 => Self::SlowReader,
            4 => Self::Shutdown,
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
            Self::TakenOver => "TakenOver",
            Self::Restart => "Restart",
            Self::SlowReader => "SlowReader",
            Self::Shutdown => "Shutdown",
        }
    }
}

/// What a Hello asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HelloAction {
    /// No session: the connection serves Ping and reads only.
    None = 0,
    /// A new session.
    Open = 1,
    /// A session that lives, on this connection from now on.
    Resume = 2,
}

impl HelloAction {
    /// Every one, by number.
    pub const ALL: [Self; 3] = [
        Self::None,
        Self::Open,
        Self::Resume,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::Open,
            2 => Self::Resume,
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
            Self::None => "None",
            Self::Open => "Open",
            Self::Resume => "Resume",
        }
    }
}

/// What Cancel does if the acquire was granted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IfGranted {
    /// The hold stays.
    Keep = 0,
    /// The hold is released.
    Release = 1,
}

impl IfGranted {
    /// Every one, by number.
    pub const ALL: [Self; 2] = [
        Self::Keep,
        Self::Release,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Keep,
            1 => Self::Release,
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
            Self::Keep => "Keep",
            Self::Release => "Release",
        }
    }
}

/// Why the server ended a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LostReason {
    /// Its lease ran out.
    Lease = 1,
    /// Its session ended.
    Session = 2,
    /// Somebody used ForceRelease.
    Forced = 3,
    /// It had been reclaimed, and so was another of a higher token that it cannot stand beside.
    Conflict = 4,
}

impl LostReason {
    /// Every one, by number.
    pub const ALL: [Self; 4] = [
        Self::Lease,
        Self::Session,
        Self::Forced,
        Self::Conflict,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Lease,
            2 => Self::Session,
            3 => Self::Forced,
            4 => Self::Conflict,
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
            Self::Lease => "Lease",
            Self::Session => "Session",
            Self::Forced => "Forced",
            Self::Conflict => "Conflict",
        }
    }
}

/// How a hold shares its key with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// Alone on the key.
    Exclusive = 1,
    /// With other shared holds.
    Shared = 2,
    /// With other permit holds, while the permits in use stay within the key's limit.
    Permit = 3,
}

impl Mode {
    /// Every one, by number.
    pub const ALL: [Self; 3] = [
        Self::Exclusive,
        Self::Shared,
        Self::Permit,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Exclusive,
            2 => Self::Shared,
            3 => Self::Permit,
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
            Self::Exclusive => "Exclusive",
            Self::Shared => "Shared",
            Self::Permit => "Permit",
        }
    }
}

/// What the end of its connection does to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OnDisconnect {
    /// The session waits for a resume until its TTL has passed.
    Grace = 0,
    /// An orderly end (FIN) ends the session; any other end is as `Grace`.
    Release = 1,
}

impl OnDisconnect {
    /// Every one, by number.
    pub const ALL: [Self; 2] = [
        Self::Grace,
        Self::Release,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Grace,
            1 => Self::Release,
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
            Self::Grace => "Grace",
            Self::Release => "Release",
        }
    }
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SessionState {
    /// A connection carries it.
    Attached = 1,
    /// It waits for a resume.
    Detached = 2,
    /// It ended; its holds are being freed.
    Ending = 3,
}

impl SessionState {
    /// Every one, by number.
    pub const ALL: [Self; 3] = [
        Self::Attached,
        Self::Detached,
        Self::Ending,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Attached,
            2 => Self::Detached,
            3 => Self::Ending,
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
            Self::Attached => "Attached",
            Self::Detached => "Detached",
            Self::Ending => "Ending",
        }
    }
}

/// Bit of `AcquireOptions`: Mode permit: change the key's limit instead of being refused for another one.
pub const ACQUIRE_OPTIONS_RESIZE: u32 = 0x1;
/// Bit of `Features`: Reclaim is served.
pub const FEATURES_RECLAIM: u64 = 0x1;
/// Bit of `HelloOkFlags`: The server keeps nothing on disk: no exclusion across its restart.
pub const HELLO_OK_FLAGS_EPHEMERAL: u32 = 0x1;
/// Bit of `HelloOkFlags`: The listener serves admin requests.
pub const HELLO_OK_FLAGS_ADMIN: u32 = 0x2;
/// Bit of `HelloOkFlags`: An old session goes on; 0 = it is new, or there is none.
pub const HELLO_OK_FLAGS_RESUMED: u32 = 0x4;
/// Bit of `HelloOkFlags`: The server is stopping.
pub const HELLO_OK_FLAGS_DRAINING: u32 = 0x8;
/// Bit of `HelloOptions`: The client means to reclaim holds after a restart of the server.
pub const HELLO_OPTIONS_RECLAIMING: u32 = 0x1;
/// Bit of `KeyFlags`: A ForceRelease keeps the key closed for `closed_ms` yet.
pub const KEY_FLAGS_CLOSED: u32 = 0x1;
/// Bit of `KeyFlags`: The grace window after a restart keeps all keys closed.
pub const KEY_FLAGS_GRACE: u32 = 0x2;
