//! Statuses.
//!
//! Generated from `table.toml`; do not edit.

/// How a request came out, or what is wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Not granted within the wait.
    Timeout = 1,
    /// No such hold of this session and owner.
    NotHeld = 2,
    /// This owner holds the key already.
    AlreadyHeld = 3,
    /// Cancelled before it was granted.
    Cancelled = 4,
    /// Granted, and lost since.
    Lost = 5,
    /// Reserved for deadlock detection.
    Deadlock = 6,
    /// No grace window is open: too late to reclaim.
    WindowOver = 7,
    /// The hold is of a run too old, or of none before this one.
    WrongRun = 8,
    /// Another hold keeps the reclaimed one out.
    ReclaimConflict = 9,
    /// Too much in flight between shards; try again.
    Busy = 100,
    /// Keys are closed after a restart.
    GraceWindow = 101,
    /// The server is stopping.
    Draining = 102,
    /// No free blocks.
    TableFull = 103,
    /// Too many waiters.
    WaitersFull = 104,
    /// Too many sessions.
    SessionsFull = 105,
    /// Too many connections.
    ConnectionsFull = 106,
    /// Too many holds and waiters of one owner on one key.
    OwnerFull = 107,
    /// The frame breaks the protocol.
    BadFrame = 200,
    /// Key empty or too long.
    BadKey = 201,
    /// Metadata too long.
    MetadataTooLong = 202,
    /// Permit limit differs, or permits above it.
    LimitMismatch = 203,
    /// Unknown opcode or feature.
    Unsupported = 204,
    /// Request id out of order, or seat not granted.
    BadRequestId = 205,
    /// Only on an admin listener.
    NotAdmin = 206,
    /// Session name, library or reason too long.
    NameTooLong = 207,
    /// This connection carries no session.
    NoSessionOpen = 208,
    /// Frame longer than the limit.
    FrameTooLong = 300,
    /// Not the locker preface.
    BadPreface = 301,
    /// No common protocol version.
    VersionMismatch = 302,
    /// No such session or wrong secret.
    NoSession = 303,
    /// Attach number not greater than the last.
    StaleResume = 304,
    /// The first frame must be Hello, and only the first.
    HelloExpected = 305,
    /// No Hello in time.
    HelloTimeout = 306,
    /// Too much output unread.
    SlowReader = 307,
}

impl Status {
    /// Every one, by number.
    pub const ALL: [Self; 35] = [
        Self::Ok,
        Self::Timeout,
        Self::NotHeld,
        Self::AlreadyHeld,
        Self::Cancelled,
        Self::Lost,
        Self::Deadlock,
        Self::WindowOver,
        Self::WrongRun,
        Self::ReclaimConflict,
        Self::Busy,
        Self::GraceWindow,
        Self::Draining,
        Self::TableFull,
        Self::WaitersFull,
        Self::SessionsFull,
        Self::ConnectionsFull,
        Self::OwnerFull,
        Self::BadFrame,
        Self::BadKey,
        Self::MetadataTooLong,
        Self::LimitMismatch,
        Self::Unsupported,
        Self::BadRequestId,
        Self::NotAdmin,
        Self::NameTooLong,
        Self::NoSessionOpen,
        Self::FrameTooLong,
        Self::BadPreface,
        Self::VersionMismatch,
        Self::NoSession,
        Self::StaleResume,
        Self::HelloExpected,
        Self::HelloTimeout,
        Self::SlowReader,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            0 => Self::Ok,
            1 => Self::Timeout,
            2 => Self::NotHeld,
            3 => Self::AlreadyHeld,
            4 => Self::Cancelled,
            5 => Self::Lost,
            6 => Self::Deadlock,
            7 => Self::WindowOver,
            8 => Self::WrongRun,
            9 => Self::ReclaimConflict,
            100 => Self::Busy,
            101 => Self::GraceWindow,
            102 => Self::Draining,
            103 => Self::TableFull,
            104 => Self::WaitersFull,
            105 => Self::SessionsFull,
            106 => Self::ConnectionsFull,
            107 => Self::OwnerFull,
            200 => Self::BadFrame,
            201 => Self::BadKey,
            202 => Self::MetadataTooLong,
            203 => Self::LimitMismatch,
            204 => Self::Unsupported,
            205 => Self::BadRequestId,
            206 => Self::NotAdmin,
            207 => Self::NameTooLong,
            208 => Self::NoSessionOpen,
            300 => Self::FrameTooLong,
            301 => Self::BadPreface,
            302 => Self::VersionMismatch,
            303 => Self::NoSession,
            304 => Self::StaleResume,
            305 => Self::HelloExpected,
            306 => Self::HelloTimeout,
            307 => Self::SlowReader,
            _ => return None,
        })
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::Timeout => "Timeout",
            Self::NotHeld => "NotHeld",
            Self::AlreadyHeld => "AlreadyHeld",
            Self::Cancelled => "Cancelled",
            Self::Lost => "Lost",
            Self::Deadlock => "Deadlock",
            Self::WindowOver => "WindowOver",
            Self::WrongRun => "WrongRun",
            Self::ReclaimConflict => "ReclaimConflict",
            Self::Busy => "Busy",
            Self::GraceWindow => "GraceWindow",
            Self::Draining => "Draining",
            Self::TableFull => "TableFull",
            Self::WaitersFull => "WaitersFull",
            Self::SessionsFull => "SessionsFull",
            Self::ConnectionsFull => "ConnectionsFull",
            Self::OwnerFull => "OwnerFull",
            Self::BadFrame => "BadFrame",
            Self::BadKey => "BadKey",
            Self::MetadataTooLong => "MetadataTooLong",
            Self::LimitMismatch => "LimitMismatch",
            Self::Unsupported => "Unsupported",
            Self::BadRequestId => "BadRequestId",
            Self::NotAdmin => "NotAdmin",
            Self::NameTooLong => "NameTooLong",
            Self::NoSessionOpen => "NoSessionOpen",
            Self::FrameTooLong => "FrameTooLong",
            Self::BadPreface => "BadPreface",
            Self::VersionMismatch => "VersionMismatch",
            Self::NoSession => "NoSession",
            Self::StaleResume => "StaleResume",
            Self::HelloExpected => "HelloExpected",
            Self::HelloTimeout => "HelloTimeout",
            Self::SlowReader => "SlowReader",
        }
    }
}

impl Status {
    /// What it says, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Timeout => "not granted within the wait",
            Self::NotHeld => "no such hold of this session and owner",
            Self::AlreadyHeld => "this owner holds the key already",
            Self::Cancelled => "cancelled before it was granted",
            Self::Lost => "granted, and lost since",
            Self::Deadlock => "reserved for deadlock detection",
            Self::WindowOver => "no grace window is open: too late to reclaim",
            Self::WrongRun => "the hold is of a run too old, or of none before this one",
            Self::ReclaimConflict => "another hold keeps the reclaimed one out",
            Self::Busy => "too much in flight between shards; try again",
            Self::GraceWindow => "keys are closed after a restart",
            Self::Draining => "the server is stopping",
            Self::TableFull => "no free blocks",
            Self::WaitersFull => "too many waiters",
            Self::SessionsFull => "too many sessions",
            Self::ConnectionsFull => "too many connections",
            Self::OwnerFull => "too many holds and waiters of one owner on one key",
            Self::BadFrame => "the frame breaks the protocol",
            Self::BadKey => "key empty or too long",
            Self::MetadataTooLong => "metadata too long",
            Self::LimitMismatch => "permit limit differs, or permits above it",
            Self::Unsupported => "unknown opcode or feature",
            Self::BadRequestId => "request id out of order, or seat not granted",
            Self::NotAdmin => "only on an admin listener",
            Self::NameTooLong => "session name, library or reason too long",
            Self::NoSessionOpen => "this connection carries no session",
            Self::FrameTooLong => "frame longer than the limit",
            Self::BadPreface => "not the locker preface",
            Self::VersionMismatch => "no common protocol version",
            Self::NoSession => "no such session or wrong secret",
            Self::StaleResume => "attach number not greater than the last",
            Self::HelloExpected => "the first frame must be Hello, and only the first",
            Self::HelloTimeout => "no Hello in time",
            Self::SlowReader => "too much output unread",
        }
    }

    /// What `limit` of a refusal means, empty if it is 0.
    #[must_use]
    pub const fn limit_text(self) -> &'static str {
        match self {
            Self::Timeout => "wait in ms",
            Self::AlreadyHeld => "mode held",
            Self::WrongRun => "oldest run whose holds may be reclaimed",
            Self::ReclaimConflict => "mode of the other",
            Self::TableFull => "blocks in all",
            Self::WaitersFull => "waiters at most",
            Self::SessionsFull => "sessions at most",
            Self::ConnectionsFull => "connections at most",
            Self::OwnerFull => "entries at most",
            Self::BadKey => "bytes at most",
            Self::MetadataTooLong => "bytes at most",
            Self::LimitMismatch => "limit of the key",
            Self::BadRequestId => "seats granted",
            Self::NameTooLong => "bytes at most",
            Self::FrameTooLong => "bytes at most",
            Self::VersionMismatch => "highest version accepted",
            Self::StaleResume => "last attach number",
            Self::HelloTimeout => "ms",
            Self::SlowReader => "bytes at most",
            _ => "",
        }
    }

    /// What `value` of a refusal means, empty if it is 0.
    #[must_use]
    pub const fn value_text(self) -> &'static str {
        match self {
            Self::NotHeld => "token asked for",
            Self::AlreadyHeld => "token held",
            Self::Lost => "token lost",
            Self::WindowOver => "ms since it ended, at least 1; 0 = this start opened none",
            Self::WrongRun => "run sent, or the epoch of the token where that is to blame",
            Self::ReclaimConflict => "token of the other",
            Self::GraceWindow => "ms left",
            Self::Draining => "ms left",
            Self::TableFull => "blocks needed",
            Self::WaitersFull => "waiters now",
            Self::BadFrame => "offset in the frame, header included",
            Self::BadKey => "bytes sent",
            Self::MetadataTooLong => "bytes sent",
            Self::LimitMismatch => "limit or permits asked for",
            Self::Unsupported => "opcode or tag",
            Self::BadRequestId => "last id of the seat",
            Self::NameTooLong => "bytes sent",
            Self::FrameTooLong => "bytes announced",
            Self::VersionMismatch => "lowest version accepted",
            Self::StaleResume => "attach number sent",
            _ => "",
        }
    }

}
