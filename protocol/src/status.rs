//! What statuses mean to a caller.

use crate::generated::Status;
use std::fmt;

/// What a status asks of the client; by the code's range, so it holds for codes yet unknown too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// 0: done.
    Done,
    /// 1 to 99: an outcome of locking; the caller hears it.
    Outcome,
    /// 100 to 199: not now; the same may work later, under a new request id.
    TryAgain,
    /// 200 to 299: the caller's error; the same will fail again.
    CallerError,
    /// 300 and above: the connection is of no more use.
    Fatal,
}

impl StatusClass {
    /// The class of a code.
    #[must_use]
    pub const fn of(code: u16) -> Self {
        match code {
            0 => Self::Done,
            1..=99 => Self::Outcome,
            100..=199 => Self::TryAgain,
            200..=299 => Self::CallerError,
            300.. => Self::Fatal,
        }
    }
}

impl Status {
    /// What it asks of the client.
    #[must_use]
    pub const fn class(self) -> StatusClass {
        StatusClass::of(self.code())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name(), self.text())
    }
}
