//! What can go wrong between a caller and the server.

use std::io;

use thiserror::Error;

use crate::machine::{Ended, LostReason, Outcome, Refusal};

/// Why a call failed. The variants tell apart what a caller does next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The lock was not obtained within the wait: somebody else has it. Nothing is held.
    #[error("not obtained: somebody else holds it")]
    NotObtained,
    /// The wait was cancelled by this program. Nothing is held.
    #[error("cancelled")]
    Cancelled,
    /// The lock was held and is held no more: stop using what it protects.
    #[error("the lock was lost: {}", reason_text(*reason))]
    Lost {
        /// How it ended.
        reason: LostReason,
    },
    /// There is no such hold, and never was as far as this client knows.
    #[error("no such lock is held")]
    NotHeld,
    /// The server refused and changed nothing; status, limit and value say why.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// No server could be reached.
    #[error("cannot reach {address}: {source}")]
    Unreachable {
        /// The address tried last.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server did not answer in time. What an acquire may have done is undone; whether anything
    /// else was done is not known.
    #[error("no answer from the server")]
    NoAnswer,
    /// This client's session is finished, and with it every lock it held.
    #[error("the session is finished: {}", ended_text(.0))]
    Ended(Ended),
    /// This process was forked from the one that made the client. Connect anew.
    #[error("the client belongs to the parent process; connect anew after a fork")]
    Forked,
}

impl Error {
    /// Whether the same call may succeed later without anybody's doing: somebody else holds the
    /// lock, or the server is full, starting, stopping or out of reach.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NotObtained | Self::Unreachable { .. } | Self::NoAnswer => true,
            Self::Refused(refusal) => refusal.is_temporary(),
            _ => false,
        }
    }

    /// The error that an outcome is, for a call that did not expect it.
    pub(crate) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Timeout => Self::NotObtained,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Lost(reason) => Self::Lost { reason },
            Outcome::NotHeld => Self::NotHeld,
            Outcome::Refused(refusal) => Self::Refused(refusal),
            Outcome::Ended(ended) => Self::Ended(ended),
            _ => Self::NoAnswer,
        }
    }
}

fn reason_text(reason: LostReason) -> &'static str {
    match reason {
        LostReason::Lease => "its lease passed",
        LostReason::Session => "its session ended or was out of contact for too long",
        LostReason::Forced => "it was released by force",
        LostReason::Unknown => "the server does not have it any more",
    }
}

fn ended_text(ended: &Ended) -> String {
    match ended {
        Ended::TakenOver => "another process resumed it".to_owned(),
        Ended::Closed => "it was closed".to_owned(),
        Ended::Rejected(refusal) => refusal.to_string(),
    }
}
