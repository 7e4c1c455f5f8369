//! Counters of Stats.
//!
//! Generated from `table.toml`; do not edit.

/// A counter of Stats, per shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CounterId {
    /// Requests decoded.
    Requests = 1,
    /// Acquires that reached the engine.
    Acquires = 2,
    /// Grants.
    Grants = 3,
    /// Acquires that queued.
    Queued = 4,
    /// Waits that ended without a grant, tries included.
    Timeouts = 5,
    /// Requests refused with a status of 100 or more.
    Refusals = 6,
    /// Holds ended by Release.
    Releases = 7,
    /// Renew requests answered Renewed.
    Renewals = 8,
    /// Cancel requests answered.
    Cancels = 9,
    /// Holds ended by their lease.
    LostLease = 10,
    /// Holds ended with their session.
    LostSession = 11,
    /// Holds ended by ForceRelease.
    Forced = 12,
    /// Frames that broke the protocol.
    BadFrames = 13,
    /// Holds reclaimed in the grace window.
    Reclaims = 14,
    /// Reclaim requests refused.
    ReclaimsRefused = 15,
    /// Reclaimed holds ended by the reclaim of a higher token.
    LostConflict = 16,
    /// Connections open.
    Connections = 20,
    /// Sessions alive.
    Sessions = 21,
    /// Keys held or waited for.
    Locks = 22,
    /// Acquires queued.
    Waiters = 23,
    /// Blocks in use.
    BlocksUsed = 24,
    /// Blocks in all.
    Blocks = 25,
    /// Sessions opened.
    SessionsOpened = 26,
    /// Sessions ended by their TTL, or unused and without a connection, to make room.
    SessionsExpired = 27,
    /// Sessions resumed.
    Resumes = 28,
    /// Connections accepted.
    ConnectionsAccepted = 29,
    /// Connections refused.
    ConnectionsRefused = 30,
    /// Turns of the loop.
    Turns = 40,
    /// Messages received from other shards.
    LaneMessages = 41,
    /// Wake-ups sent to other shards.
    LaneWakes = 42,
    /// Requests refused because a lane was full.
    LaneBusy = 43,
    /// Wake-ups by the watchdog.
    WatchdogWakes = 44,
    /// Greatest lateness of an expiry, in microseconds.
    ExpiryLateUsMax = 45,
    /// Longest turn, in microseconds of CPU.
    TurnUsMax = 46,
    /// Milliseconds added to deadlines after stalls.
    StallMs = 47,
    /// Times that a connection was not read for lack of room.
    ReadsPaused = 48,
    /// Connections closed because their output lay unread.
    OutputOverruns = 49,
    /// Length of the grace window that this start opened, in milliseconds; 0 = none.
    GraceMsMax = 50,
    /// What is left of it, in milliseconds; 0 = keys are open.
    GraceLeftMsMax = 51,
    /// Turns of at most 10 microseconds of CPU.
    TurnsCpu10us = 60,
    /// Turns of at most 20 microseconds of CPU, more than 10 microseconds.
    TurnsCpu20us = 61,
    /// Turns of at most 50 microseconds of CPU, more than 20 microseconds.
    TurnsCpu50us = 62,
    /// Turns of at most 100 microseconds of CPU, more than 50 microseconds.
    TurnsCpu100us = 63,
    /// Turns of at most 200 microseconds of CPU, more than 100 microseconds.
    TurnsCpu200us = 64,
    /// Turns of at most 500 microseconds of CPU, more than 200 microseconds.
    TurnsCpu500us = 65,
    /// Turns of at most 1 millisecond of CPU, more than 500 microseconds.
    TurnsCpu1ms = 66,
    /// Turns of at most 2 milliseconds of CPU, more than 1 millisecond.
    TurnsCpu2ms = 67,
    /// Turns of at most 5 milliseconds of CPU, more than 2 milliseconds.
    TurnsCpu5ms = 68,
    /// Turns of at most 10 milliseconds of CPU, more than 5 milliseconds.
    TurnsCpu10ms = 69,
    /// Turns of at most 20 milliseconds of CPU, more than 10 milliseconds.
    TurnsCpu20ms = 70,
    /// Turns of at most 50 milliseconds of CPU, more than 20 milliseconds.
    TurnsCpu50ms = 71,
    /// Turns of at most 100 milliseconds of CPU, more than 50 milliseconds.
    TurnsCpu100ms = 72,
    /// Turns of more than 100 milliseconds of CPU.
    TurnsCpuLonger = 73,
    /// Longest turn, in microseconds on the wall.
    TurnWallUsMax = 74,
}

impl CounterId {
    /// Every one, by number.
    pub const ALL: [Self; 54] = [
        Self::Requests,
        Self::Acquires,
        Self::Grants,
        Self::Queued,
        Self::Timeouts,
        Self::Refusals,
        Self::Releases,
        Self::Renewals,
        Self::Cancels,
        Self::LostLease,
        Self::LostSession,
        Self::Forced,
        Self::BadFrames,
        Self::Reclaims,
        Self::ReclaimsRefused,
        Self::LostConflict,
        Self::Connections,
        Self::Sessions,
        Self::Locks,
        Self::Waiters,
        Self::BlocksUsed,
        Self::Blocks,
        Self::SessionsOpened,
        Self::SessionsExpired,
        Self::Resumes,
        Self::ConnectionsAccepted,
        Self::ConnectionsRefused,
        Self::Turns,
        Self::LaneMessages,
        Self::LaneWakes,
        Self::LaneBusy,
        Self::WatchdogWakes,
        Self::ExpiryLateUsMax,
        Self::TurnUsMax,
        Self::StallMs,
        Self::ReadsPaused,
        Self::OutputOverruns,
        Self::GraceMsMax,
        Self::GraceLeftMsMax,
        Self::TurnsCpu10us,
        Self::TurnsCpu20us,
        Self::TurnsCpu50us,
        Self::TurnsCpu100us,
        Self::TurnsCpu200us,
        Self::TurnsCpu500us,
        Self::TurnsCpu1ms,
        Self::TurnsCpu2ms,
        Self::TurnsCpu5ms,
        Self::TurnsCpu10ms,
        Self::TurnsCpu20ms,
        Self::TurnsCpu50ms,
        Self::TurnsCpu100ms,
        Self::TurnsCpuLonger,
        Self::TurnWallUsMax,
    ];

    /// The one of that number.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1 => Self::Requests,
            2 => Self::Acquires,
            3 => Self::Grants,
            4 => Self::Queued,
            5 => Self::Timeouts,
            6 => Self::Refusals,
            7 => Self::Releases,
            8 => Self::Renewals,
            9 => Self::Cancels,
            10 => Self::LostLease,
            11 => Self::LostSession,
            12 => Self::Forced,
            13 => Self::BadFrames,
            14 => Self::Reclaims,
            15 => Self::ReclaimsRefused,
            16 => Self::LostConflict,
            20 => Self::Connections,
            21 => Self::Sessions,
            22 => Self::Locks,
            23 => Self::Waiters,
            24 => Self::BlocksUsed,
            25 => Self::Blocks,
            26 => Self::SessionsOpened,
            27 => Self::SessionsExpired,
            28 => Self::Resumes,
            29 => Self::ConnectionsAccepted,
            30 => Self::ConnectionsRefused,
            40 => Self::Turns,
            41 => Self::LaneMessages,
            42 => Self::LaneWakes,
            43 => Self::LaneBusy,
            44 => Self::WatchdogWakes,
            45 => Self::ExpiryLateUsMax,
            46 => Self::TurnUsMax,
            47 => Self::StallMs,
            48 => Self::ReadsPaused,
            49 => Self::OutputOverruns,
            50 => Self::GraceMsMax,
            51 => Self::GraceLeftMsMax,
            60 => Self::TurnsCpu10us,
            61 => Self::TurnsCpu20us,
            62 => Self::TurnsCpu50us,
            63 => Self::TurnsCpu100us,
            64 => Self::TurnsCpu200us,
            65 => Self::TurnsCpu500us,
            66 => Self::TurnsCpu1ms,
            67 => Self::TurnsCpu2ms,
            68 => Self::TurnsCpu5ms,
            69 => Self::TurnsCpu10ms,
            70 => Self::TurnsCpu20ms,
            71 => Self::TurnsCpu50ms,
            72 => Self::TurnsCpu100ms,
            73 => Self::TurnsCpuLonger,
            74 => Self::TurnWallUsMax,
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
            Self::Requests => "Requests",
            Self::Acquires => "Acquires",
            Self::Grants => "Grants",
            Self::Queued => "Queued",
            Self::Timeouts => "Timeouts",
            Self::Refusals => "Refusals",
            Self::Releases => "Releases",
            Self::Renewals => "Renewals",
            Self::Cancels => "Cancels",
            Self::LostLease => "LostLease",
            Self::LostSession => "LostSession",
            Self::Forced => "Forced",
            Self::BadFrames => "BadFrames",
            Self::Reclaims => "Reclaims",
            Self::ReclaimsRefused => "ReclaimsRefused",
            Self::LostConflict => "LostConflict",
            Self::Connections => "Connections",
            Self::Sessions => "Sessions",
            Self::Locks => "Locks",
            Self::Waiters => "Waiters",
            Self::BlocksUsed => "BlocksUsed",
            Self::Blocks => "Blocks",
            Self::SessionsOpened => "SessionsOpened",
            Self::SessionsExpired => "SessionsExpired",
            Self::Resumes => "Resumes",
            Self::ConnectionsAccepted => "ConnectionsAccepted",
            Self::ConnectionsRefused => "ConnectionsRefused",
            Self::Turns => "Turns",
            Self::LaneMessages => "LaneMessages",
            Self::LaneWakes => "LaneWakes",
            Self::LaneBusy => "LaneBusy",
            Self::WatchdogWakes => "WatchdogWakes",
            Self::ExpiryLateUsMax => "ExpiryLateUsMax",
            Self::TurnUsMax => "TurnUsMax",
            Self::StallMs => "StallMs",
            Self::ReadsPaused => "ReadsPaused",
            Self::OutputOverruns => "OutputOverruns",
            Self::GraceMsMax => "GraceMsMax",
            Self::GraceLeftMsMax => "GraceLeftMsMax",
            Self::TurnsCpu10us => "TurnsCpu10us",
            Self::TurnsCpu20us => "TurnsCpu20us",
            Self::TurnsCpu50us => "TurnsCpu50us",
            Self::TurnsCpu100us => "TurnsCpu100us",
            Self::TurnsCpu200us => "TurnsCpu200us",
            Self::TurnsCpu500us => "TurnsCpu500us",
            Self::TurnsCpu1ms => "TurnsCpu1ms",
            Self::TurnsCpu2ms => "TurnsCpu2ms",
            Self::TurnsCpu5ms => "TurnsCpu5ms",
            Self::TurnsCpu10ms => "TurnsCpu10ms",
            Self::TurnsCpu20ms => "TurnsCpu20ms",
            Self::TurnsCpu50ms => "TurnsCpu50ms",
            Self::TurnsCpu100ms => "TurnsCpu100ms",
            Self::TurnsCpuLonger => "TurnsCpuLonger",
            Self::TurnWallUsMax => "TurnWallUsMax",
        }
    }
}

impl CounterId {
    /// Its name in metrics.
    #[must_use]
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Acquires => "acquires",
            Self::Grants => "grants",
            Self::Queued => "queued",
            Self::Timeouts => "timeouts",
            Self::Refusals => "refusals",
            Self::Releases => "releases",
            Self::Renewals => "renewals",
            Self::Cancels => "cancels",
            Self::LostLease => "lost_lease",
            Self::LostSession => "lost_session",
            Self::Forced => "forced",
            Self::BadFrames => "bad_frames",
            Self::Reclaims => "reclaims",
            Self::ReclaimsRefused => "reclaims_refused",
            Self::LostConflict => "lost_conflict",
            Self::Connections => "connections",
            Self::Sessions => "sessions",
            Self::Locks => "locks",
            Self::Waiters => "waiters",
            Self::BlocksUsed => "blocks_used",
            Self::Blocks => "blocks",
            Self::SessionsOpened => "sessions_opened",
            Self::SessionsExpired => "sessions_expired",
            Self::Resumes => "resumes",
            Self::ConnectionsAccepted => "connections_accepted",
            Self::ConnectionsRefused => "connections_refused",
            Self::Turns => "turns",
            Self::LaneMessages => "lane_messages",
            Self::LaneWakes => "lane_wakes",
            Self::LaneBusy => "lane_busy",
            Self::WatchdogWakes => "watchdog_wakes",
            Self::ExpiryLateUsMax => "expiry_late_us_max",
            Self::TurnUsMax => "turn_us_max",
            Self::StallMs => "stall_ms",
            Self::ReadsPaused => "reads_paused",
            Self::OutputOverruns => "output_overruns",
            Self::GraceMsMax => "grace_ms_max",
            Self::GraceLeftMsMax => "grace_left_ms_max",
            Self::TurnsCpu10us => "turns_cpu_10us",
            Self::TurnsCpu20us => "turns_cpu_20us",
            Self::TurnsCpu50us => "turns_cpu_50us",
            Self::TurnsCpu100us => "turns_cpu_100us",
            Self::TurnsCpu200us => "turns_cpu_200us",
            Self::TurnsCpu500us => "turns_cpu_500us",
            Self::TurnsCpu1ms => "turns_cpu_1ms",
            Self::TurnsCpu2ms => "turns_cpu_2ms",
            Self::TurnsCpu5ms => "turns_cpu_5ms",
            Self::TurnsCpu10ms => "turns_cpu_10ms",
            Self::TurnsCpu20ms => "turns_cpu_20ms",
            Self::TurnsCpu50ms => "turns_cpu_50ms",
            Self::TurnsCpu100ms => "turns_cpu_100ms",
            Self::TurnsCpuLonger => "turns_cpu_longer",
            Self::TurnWallUsMax => "turn_wall_us_max",
        }
    }

    /// Whether it goes down too; over shards take the largest of those that end in `max`.
    #[must_use]
    pub const fn is_gauge(self) -> bool {
        matches!(self, Self::Connections | Self::Sessions | Self::Locks | Self::Waiters | Self::BlocksUsed | Self::Blocks | Self::ExpiryLateUsMax | Self::TurnUsMax | Self::GraceMsMax | Self::GraceLeftMsMax | Self::TurnWallUsMax)
    }
}
