//! Why a child did not come up.

use thiserror::Error;

/// Why a child did not come up, with what it said.
#[derive(Debug, Error)]
pub enum ChildError {
    /// The program is not there.
    #[error("there is no `{program}`: {advice}")]
    Missing {
        /// Its name or path.
        program: String,
        /// Where it was looked for, and how to come by it.
        advice: String,
    },
    /// The system did not start it.
    #[error("cannot start `{command}`: {error}")]
    NotStarted {
        /// The command line.
        command: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It ended.
    #[error("`{command}` ended ({status}); the last it said:\n{tail}")]
    Ended {
        /// The command line.
        command: String,
        /// Exit code or signal, in words.
        status: String,
        /// Last lines of its output.
        tail: String,
    },
    /// It runs but did not get ready.
    #[error("`{command}` was not ready within {seconds} s; the last it said:\n{tail}")]
    NotReady {
        /// The command line.
        command: String,
        /// How long was waited.
        seconds: u64,
        /// Last lines of its output.
        tail: String,
    },
    /// A folder or a port for it is not to be had.
    #[error("{what}: {error}")]
    NoRoom {
        /// What was wanted.
        what: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
}
