//! Kinds of operations that latencies are kept apart for.

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An acquire that was granted: its time to grant.
    Acquire,
    /// An acquire that ended without a grant: timed out or refused.
    Denied,
    /// A release.
    Release,
    /// A whole cycle from the acquire to the answer of the release, the hold time not counted.
    Cycle,
    /// A renewal.
    Renew,
    /// A connection from its first packet to HelloOk.
    Open,
    /// A keepalive or a read of a key.
    Read,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Acquire,
        Self::Denied,
        Self::Release,
        Self::Cycle,
        Self::Renew,
        Self::Open,
        Self::Read,
    ];

    /// Its place in [`Kind::ALL`].
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Denied => "denied",
            Self::Release => "release",
            Self::Cycle => "cycle",
            Self::Renew => "renew",
            Self::Open => "open",
            Self::Read => "read",
        }
    }
}
