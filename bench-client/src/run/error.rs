//! Why a run could not begin.

use std::io;

use super::outputs::OutputError;
use crate::host::ChildError;
use crate::host::descriptors::Shortage;
use crate::net::address::NoAddress;
use crate::plan::Refusal;

/// Why a run could not begin, or gives no report. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The flags make no sense.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A file cannot be written.
    #[error("{0}")]
    Output(#[from] OutputError),
    /// The text is no address, or its name is unknown.
    #[error("{0}")]
    Address(#[from] NoAddress),
    /// Nobody answers there.
    #[error(
        "cannot connect to {address}: {error}; start a server there with `locker serve`, name \
         another address, or let this command start one with --spawn"
    )]
    NoServer {
        /// Where it was tried.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The server could not be started.
    #[error("{0}")]
    Spawn(#[from] ChildError),
    /// Too few descriptors for the connections.
    #[error("{0}")]
    Descriptors(#[from] Shortage),
    /// The process of --pid is not there.
    #[error("--pid {pid}: {error}; name the process of the server, as `pgrep -x locker` tells it")]
    NoProcess {
        /// Which.
        pid: u32,
        /// What the system said.
        error: io::Error,
    },
    /// A thread could not be pinned.
    #[error("cannot pin a generator thread to core {core}: {error}; use other --cores")]
    Pin {
        /// Which core.
        core: usize,
        /// What the system said.
        error: io::Error,
    },
    /// A thread's event loop failed.
    #[error("the event loop of a generator thread failed: {0}")]
    Loop(io::Error),
    /// Connections did not come up.
    #[error(
        "only {ready} of {connections} connections were ready after {seconds} s: see what the \
         server says about its limits, or use fewer connections"
    )]
    NotReady {
        /// Connections that were.
        ready: u32,
        /// Connections asked for.
        connections: u32,
        /// How long they were waited for.
        seconds: u64,
    },
    /// No room for signal handlers.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(io::Error),
    /// The server refuses what the plan needs.
    #[error("this server cannot serve the run: {0}")]
    Unfit(String),
    /// Locks of --held are not held.
    #[error("--held: {0}")]
    Held(String),
    /// Interrupted before there was anything to report.
    #[error("interrupted before the run began")]
    Interrupted,
    /// A report could not be written though its file was tried.
    #[error("cannot write {path}: {error}")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
}
