//! Enumerations of one byte.
//!
//! Generated from `table.toml`; do not edit.

/// CancelOutcome
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CancelOutcome {
    /// Cancelled
    Cancelled = 0,
    /// Released
    Released = 1,
    /// Kept
    Kept = 2,
    /// NotFound
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

/// EndReason
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EndReason {
    /// Expired
    Expired = 1,
    /// Closed
    Closed = 2,
    /// Disconnected
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

/// GoAwayReason
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GoAwayReason {
    /// TakenOver
    TakenOver = 1,
    /// Restart
    Restart = 2,
    /// SlowReader
    SlowReader = 3,
    /// Shutdown
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

/// HelloAction
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HelloAction {
    /// None
    None = 0,
    /// Open
    Open = 1,
    /// Resume
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

/// IfGranted
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IfGranted {
    /// Keep
    Keep = 0,
    /// Release
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

/// LostReason
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LostReason {
    /// Lease
    Lease = 1,
    /// Session
    Session = 2,
    /// Forced
    Forced = 3,
}

impl LostReason {
    /// Every one, by number.
    pub const ALL: [Self; 3] = [
        Self::Lease,
        Self::Session,
        Self::Forced,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Lease,
            2 => Self::Session,
            3 => Self::Forced,
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
        }
    }
}

/// Mode
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// Exclusive
    Exclusive = 1,
    /// Shared
    Shared = 2,
    /// Permit
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

/// OnDisconnect
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OnDisconnect {
    /// Grace
    Grace = 0,
    /// Release
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

/// SessionState
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SessionState {
    /// Attached
    Attached = 1,
    /// Detached
    Detached = 2,
    /// Ending
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

/// Bit of `AcquireOptions`: resize
pub const ACQUIRE_OPTIONS_RESIZE: u32 = 0x1;
/// Bit of `Features`: reclaim
pub const FEATURES_RECLAIM: u64 = 0x1;
/// Bit of `HelloOkFlags`: ephemeral
pub const HELLO_OK_FLAGS_EPHEMERAL: u32 = 0x1;
/// Bit of `HelloOkFlags`: admin
pub const HELLO_OK_FLAGS_ADMIN: u32 = 0x2;
/// Bit of `HelloOkFlags`: resumed
pub const HELLO_OK_FLAGS_RESUMED: u32 = 0x4;
/// Bit of `HelloOkFlags`: draining
pub const HELLO_OK_FLAGS_DRAINING: u32 = 0x8;
/// Bit of `HelloOptions`: reclaiming
pub const HELLO_OPTIONS_RECLAIMING: u32 = 0x1;
/// Bit of `KeyFlags`: closed
pub const KEY_FLAGS_CLOSED: u32 = 0x1;
/// Bit of `KeyFlags`: grace
pub const KEY_FLAGS_GRACE: u32 = 0x2;
