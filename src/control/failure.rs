//! Why the server does not start or go on: a text with the remedy, and an exit code.

use crate::config::address::UnixName;
use crate::config::memory::show_mib;
use crate::config::units::show_size;
use crate::config::{Address, ConfigError};
use crate::control::file_store::OpenError;
use crate::control::ledger::EpochsExhausted;
use crate::control::plane::Fatal;
use crate::control::store::StoreError;
use crate::driver::start::StartError;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Exit codes, numbered as in `sysexits.h`; docs/OPERATIONS.md lists what each stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sysexit {
    /// The command line is wrong.
    Usage = 64,
    /// The kernel lacks or forbids what the server is built on.
    Unavailable = 69,
    /// The system has too little of something: memory, locked memory, descriptors, threads.
    OsError = 71,
    /// The data dir or the file of a Unix socket cannot be made, or what is there is not ours.
    CannotCreate = 73,
    /// The data dir cannot be read or written, or its record is damaged.
    IoError = 74,
    /// Another process is in the way: the data dir or a port is taken.
    TemporaryFailure = 75,
    /// Not allowed: a privileged port, a directory of somebody else.
    NoPermission = 77,
    /// The configuration file or the environment is wrong.
    Config = 78,
}

/// Why the server ends without having been asked to.
#[derive(Debug, Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The kernel is too old.
    #[error(
        "this kernel is {release}, and locker needs Linux 6.1 or later (multishot receive, \
         single-issuer rings): run it on a newer kernel"
    )]
    KernelTooOld {
        /// As `uname -r` says.
        release: String,
    },
    /// `io_uring` is switched off.
    #[error(
        "io_uring is switched off here (kernel.io_uring_disabled = {level}): set \
         `sysctl -w kernel.io_uring_disabled=0`{}",
        if *level == 1 { ", or 1 and run in the group of kernel.io_uring_group" } else { "" }
    )]
    RingDisabled {
        /// Value of the sysctl.
        level: u32,
    },
    /// `io_uring` is blocked.
    #[error(
        "io_uring is blocked for this process ({source}), likely by a seccomp filter: in a \
         container allow io_uring_setup, io_uring_enter and io_uring_register (see \
         tuning/README.md; docker: `--security-opt seccomp=PROFILE.json`; systemd: add @aio to \
         SystemCallFilter=)"
    )]
    RingBlocked {
        /// What the kernel says.
        source: io::Error,
    },
    /// `io_uring` does not work for another reason.
    #[error("cannot set up io_uring: {source}")]
    RingFailed {
        /// What the kernel says.
        source: io::Error,
    },
    /// The limit of locked memory is too low.
    #[error(
        "the limit of locked memory is {}, and {shards} shards need {}: raise it with `ulimit -l \
         {}`, LimitMEMLOCK={} in the systemd unit, or `--ulimit memlock={needed}` for docker",
        show_size(*limit),
        show_size(*needed),
        needed / 1024,
        show_size(*needed).trim_end_matches("iB")
    )]
    Memlock {
        /// The limit in bytes.
        limit: u64,
        /// What is needed in bytes.
        needed: u64,
        /// For so many shards.
        shards: usize,
    },
    /// The machine or the control group has less memory than configured.
    #[error(
        "--memory is {}, and {holder} has {}: lower --memory, or raise {remedy}",
        show_mib(*wanted), show_mib(*available)
    )]
    Memory {
        /// As configured.
        wanted: u64,
        /// What there is.
        available: u64,
        /// Who sets that limit.
        holder: &'static str,
        /// What can be raised.
        remedy: &'static str,
    },
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {}",
        listen_remedy(address, setting, source)
    )]
    Listen {
        /// The address.
        address: Address,
        /// The setting that asks for it.
        setting: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
    /// Another server has the data dir.
    #[error(
        "the data dir {} is in use by {}: stop that server first, or give this one another \
         --data-dir and --listen",
        directory.display(), holder.map_or("another process".into(), |id| format!("process {id}"))
    )]
    DataDirInUse {
        /// The directory.
        directory: PathBuf,
        /// The other process.
        holder: Option<u32>,
    },
    /// The data dir or its record cannot be used.
    #[error("data dir: {source}{}", store_remedy(source))]
    Store {
        /// Why.
        source: StoreError,
    },
    /// Tokens have run out.
    #[error(
        "{0}, or the wall clock stands beyond the year 2109: set it right; if it is, a new \
         --data-dir and new keys in every guarded resource are needed"
    )]
    Epochs(#[from] EpochsExhausted),
    /// A shard cannot be started.
    #[error("{source}{}", shard_remedy(source))]
    Shard {
        /// Which and why.
        source: StartError,
    },
    /// Something of the system that starts a server failed.
    #[error("cannot {action}: {reason}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Why not.
        reason: String,
    },
}

impl Failure {
    /// The process' exit code.
    #[must_use]
    pub fn exit_code(&self) -> Sysexit {
        match self {
            Self::Config(error) if error.is_usage() => Sysexit::Usage,
            Self::Config(_) => Sysexit::Config,
            Self::KernelTooOld { .. }
            | Self::RingDisabled { .. }
            | Self::RingBlocked { .. }
            | Self::RingFailed { .. }
            | Self::Epochs(_) => Sysexit::Unavailable,
            Self::Memlock { .. }
            | Self::Memory { .. }
            | Self::Shard { .. }
            | Self::System { .. } => Sysexit::OsError,
            Self::Listen { source, .. } => match source.kind() {
                ErrorKind::AddrInUse | ErrorKind::WouldBlock => Sysexit::TemporaryFailure,
                ErrorKind::PermissionDenied => Sysexit::NoPermission,
                ErrorKind::AddrNotAvailable => Sysexit::Config,
                ErrorKind::ReadOnlyFilesystem => Sysexit::NoPermission,
                ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::NotADirectory => {
                    Sysexit::CannotCreate
                }
                _ => Sysexit::OsError,
            },
            Self::DataDirInUse { .. } => Sysexit::TemporaryFailure,
            Self::Store { source } => store_code(source),
        }
    }

    /// The failure to open a data dir.
    #[must_use]
    pub fn open(directory: &Path, error: OpenError) -> Self {
        match error {
            OpenError::InUse(holder) => Self::DataDirInUse {
                directory: directory.to_owned(),
                holder,
            },
            OpenError::Io(source) => Self::Store { source },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(source: StoreError) -> Self {
        Self::Store { source }
    }
}

impl From<Fatal> for Failure {
    fn from(fatal: Fatal) -> Self {
        match fatal {
            Fatal::Store(source) => Self::Store { source },
            Fatal::Epochs(exhausted) => Self::Epochs(exhausted),
        }
    }
}

fn store_code(error: &StoreError) -> Sysexit {
    match error {
        StoreError::Io { action, source, .. } => match *action {
            "create" if is_forbidden(source) => Sysexit::NoPermission,
            "create" => Sysexit::CannotCreate,
            "open" if source.kind() == ErrorKind::PermissionDenied => Sysexit::NoPermission,
            _ => Sysexit::IoError,
        },
        StoreError::Foreign { .. } => Sysexit::CannotCreate,
        StoreError::Unreadable { .. } | StoreError::Conflict { .. } => Sysexit::IoError,
    }
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn store_remedy(error: &StoreError) -> &'static str {
    match error {
        StoreError::Io { source, .. } if source.kind() == ErrorKind::NotADirectory => {
            "; give --data-dir another directory"
        }
        StoreError::Io { action, source, .. } if *action == "create" => {
            match is_forbidden(source) {
                true => {
                    "; give --data-dir a directory that this user may write, or --ephemeral to do \
                 without"
                }
                false => "; give --data-dir another directory",
            }
        }
        // Clients may hold locks of a run that is recorded there.
        StoreError::Io { .. } => {
            "; make it readable and writable, then start on it again: another directory waits for \
             no client that still holds a lock"
        }
        _ => "",
    }
}

fn shard_remedy(error: &StartError) -> &'static str {
    match error {
        StartError::Memory { .. } => {
            "; lower --memory, or raise what bounds address space (`ulimit -v`, \
             vm.overcommit_memory)"
        }
        StartError::Resources { .. } | StartError::Executor { .. } | StartError::Ring { .. } => {
            "; lower --shards, or raise the limits of descriptors (`ulimit -n`), threads \
             (`ulimit -u`) and locked memory (`ulimit -l`)"
        }
    }
}

fn listen_remedy(address: &Address, setting: &str, error: &io::Error) -> String {
    match address {
        Address::Tcp(address) => tcp_remedy(address.port(), setting, error),
        Address::Unix(name) => unix_remedy(name, error),
    }
}

fn unix_remedy(name: &UnixName, error: &io::Error) -> String {
    let shown = match name {
        UnixName::Path(path) => path.display().to_string(),
        UnixName::Abstract(name) => format!("@{name}"),
    };
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another process listens there; `ss -lxp src {shown}` shows which. Stop it, or give \
             --listen another path"
        ),
        ErrorKind::WouldBlock => {
            "another process keeps its folder locked (flock); give --listen a path in a folder of \
             its own"
                .to_owned()
        }
        ErrorKind::AlreadyExists => {
            format!("{error}; move it away, or give --listen another path")
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "there is no such folder; make it (RuntimeDirectory= in the systemd unit), or give \
             --listen another path"
                .to_owned()
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "this user may not make a file there, or not replace the one that is; give --listen a \
             path in a folder of its own (RuntimeDirectory= in the systemd unit)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

fn tcp_remedy(port: u16, setting: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "the port is taken; `ss -ltnp 'sport = :{port}'` shows by whom. Stop that process, or \
             give --{setting} another port"
        ),
        ErrorKind::PermissionDenied => format!(
            "port {port} is privileged; take one above 1023, or grant CAP_NET_BIND_SERVICE \
             (AmbientCapabilities= in the systemd unit)"
        ),
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address; `ip address` lists those it has".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(action: &'static str, kind: ErrorKind) -> Failure {
        Failure::from(StoreError::Io {
            action,
            path: "/data/state.tmp".into(),
            source: kind.into(),
        })
    }

    #[test]
    fn a_data_dir_that_cannot_be_made_may_be_another_one() {
        let failure = store("create", ErrorKind::PermissionDenied);
        assert_eq!(failure.exit_code(), Sysexit::NoPermission);
        let text = failure.to_string();
        assert!(text.contains("or --ephemeral to do without"), "{text}");
    }

    #[test]
    fn a_clock_far_ahead_is_named_where_epochs_have_run_out() {
        let text = Failure::Epochs(EpochsExhausted).to_string();
        assert!(text.contains("clock stands beyond the year 2109"), "{text}");
    }

    #[test]
    fn nobody_is_sent_away_from_a_data_dir_that_may_hold_a_record() {
        use ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        for (action, kind, code) in [
            ("open", PermissionDenied, Sysexit::NoPermission),
            ("open", ReadOnlyFilesystem, Sysexit::IoError),
            ("write", PermissionDenied, Sysexit::IoError),
            ("write", ReadOnlyFilesystem, Sysexit::IoError),
            ("write", StorageFull, Sysexit::IoError),
            ("fsync", ErrorKind::Other, Sysexit::IoError),
        ] {
            let failure = store(action, kind);
            assert_eq!(failure.exit_code(), code, "{action} {kind}");
            let text = failure.to_string();
            assert!(text.contains("then start on it again"), "{text}");
            assert!(!text.contains("give --data-dir"), "{text}");
        }
    }
}
