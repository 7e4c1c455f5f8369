//! How the client commands end: one error type, one list of exit codes.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use locker_client::{Error, Refusal, Status};

/// Exit codes of the client commands; `docs/OPERATIONS.md` lists them for users.
pub(super) mod code {
    /// The lock was not obtained, or there is nothing to release.
    pub(in crate::cli) const CONFLICT: u8 = 1;
    /// The command line asks for what cannot be.
    pub(in crate::cli) const USAGE: u8 = 64;
    /// No server could be reached, or none answered.
    pub(in crate::cli) const UNREACHABLE: u8 = 69;
    /// The system refused something to us.
    pub(in crate::cli) const OS_ERROR: u8 = 71;
    /// The output could not be written.
    pub(in crate::cli) const IO_ERROR: u8 = 74;
    /// The server refused for load, or because it starts or stops.
    pub(in crate::cli) const TRY_AGAIN: u8 = 75;
    /// The lock was lost before the command was done with it.
    pub(in crate::cli) const LOST: u8 = 76;
    /// The server does not allow it on this listener.
    pub(in crate::cli) const NOT_ALLOWED: u8 = 77;
    /// The command could not be run.
    pub(in crate::cli) const CANNOT_RUN: u8 = 126;
    /// The command was not found.
    pub(in crate::cli) const NOT_FOUND: u8 = 127;
    /// Added to the number of the signal that ended the command.
    pub(in crate::cli) const SIGNAL: u8 = 128;
}

/// Why a client command did not do what it was asked to.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) code: u8,
    /// For stderr; empty = nothing to say.
    pub(super) text: String,
}

impl Exit {
    pub(super) fn new(code: u8, text: impl fmt::Display) -> Self {
        Self {
            code,
            text: text.to_string(),
        }
    }

    /// Ends with a code and nothing to say.
    pub(super) const fn silent(code: u8) -> Self {
        Self {
            code,
            text: String::new(),
        }
    }

    /// Says what there is to say.
    pub(super) fn report(&self) -> ExitCode {
        if !self.text.is_empty() {
            complain(format_args!("{}", self.text));
        }
        ExitCode::from(self.code)
    }
}

/// Says something on stderr. Nobody may be reading there any more: that must not keep us from what
/// is to be done next, such as stopping a command that lost its lock.
pub(super) fn complain(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "locker: {text}");
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotObtained | Error::NotHeld | Error::Cancelled => code::CONFLICT,
            Error::Lost { .. } => code::LOST,
            Error::Refused(refusal) => refusal_code(refusal),
            _ => code::UNREACHABLE,
        };
        let hint = match &error {
            Error::Unreachable { .. } => "; is the server running there? (--server, LOCKER_SERVER)",
            _ => "",
        };
        Self::new(code, format!("{error}{hint}"))
    }
}

impl From<io::Error> for Exit {
    /// What is printed is the only thing that fails this way.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever read our output has enough; that is no failure worth a word.
            io::ErrorKind::BrokenPipe => Self::silent(code::IO_ERROR),
            _ => Self::new(code::IO_ERROR, format!("cannot write the output: {error}")),
        }
    }
}

fn refusal_code(refusal: &Refusal) -> u8 {
    match refusal.status {
        Status::NotAdmin => code::NOT_ALLOWED,
        _ if refusal.is_temporary() => code::TRY_AGAIN,
        _ => code::USAGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: Status) -> Error {
        Error::Refused(Refusal {
            status,
            limit: 0,
            value: 0,
            detail: String::new(),
        })
    }

    #[test]
    fn each_kind_of_failure_has_its_code() {
        for (error, code) in [
            (Error::NotObtained, 1),
            (refused(Status::BadKey), 64),
            (refused(Status::LimitMismatch), 64),
            (Error::NoAnswer, 69),
            (refused(Status::TableFull), 75),
            (refused(Status::Draining), 75),
            (
                Error::Lost {
                    reason: locker_client::LostReason::Lease,
                },
                76,
            ),
            (refused(Status::NotAdmin), 77),
        ] {
            let text = error.to_string();
            assert_eq!(Exit::from(error).code, code, "{text}");
        }
    }
}
