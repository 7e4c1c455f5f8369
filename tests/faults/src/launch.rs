//! The step before a program of ours runs: it dies with us, and is as poor as we want it.
//!
//! `faults launch [limits] -- PROGRAM ...` limits itself and becomes the program, so that the
//! process has the same id and no code runs between a fork and an exec.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

/// How a program is limited, and which.
#[derive(Args, Clone, Debug, Default)]
pub struct LaunchOptions {
    /// Descriptors at most
    #[arg(long)]
    pub descriptors: Option<u64>,
    /// Address space at most, in MiB
    #[arg(long)]
    pub address_space_mib: Option<u64>,
    /// Control groups to enter: their folders
    #[arg(long)]
    pub group: Vec<PathBuf>,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

impl LaunchOptions {
    /// The arguments that say this to `faults`.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["launch".into()];
        if let Some(count) = self.descriptors {
            arguments.push(format!("--descriptors={count}").into());
        }
        if let Some(mib) = self.address_space_mib {
            arguments.push(format!("--address-space-mib={mib}").into());
        }
        for group in &self.group {
            arguments.push("--group".into());
            arguments.push(group.into());
        }
        arguments.push("--".into());
        arguments.extend(self.command.iter().cloned());
        arguments
    }

    /// Becomes the program.
    ///
    /// # Errors
    /// A limit is refused, or the program cannot be run; else it does not return.
    pub fn run(&self) -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        for group in &self.group {
            let own = std::process::id().to_string();
            std::fs::write(group.join("cgroup.procs"), own)?;
        }
        if let Some(count) = self.descriptors {
            limit(Resource::Nofile, count)?;
        }
        if let Some(mib) = self.address_space_mib {
            limit(Resource::As, mib << 20)?;
        }
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command.args(arguments);
        // The scenario alone decides the configuration.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"LOCKER_") {
                command.env_remove(name);
            }
        }
        Err(command.exec())
    }
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    Ok(setrlimit(resource, limit)?)
}
