//! The command line: one file per subcommand; `locker` alone is `locker serve`.

mod config;
mod exit;
mod get;
mod list;
mod lock;
mod output;
mod ping;
mod release;
mod serve;
mod server;
mod sessions;
mod stats;

use crate::cli::exit::Exit;
use crate::config::Flags;
use crate::control::failure::{Failure, Sysexit};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A lock server for Linux: named locks over TCP.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    serve: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; what `locker` does without a subcommand
    Serve(Flags),
    /// Check the server's configuration, or show it with the origin of each value
    Config(config::Arguments),
    /// Run a command while holding a lock, or just hold one
    Lock(lock::Arguments),
    /// Show who holds a lock and who waits for it
    Get(get::Arguments),
    /// List the locks that are held or waited for
    List(list::Arguments),
    /// List the clients' sessions
    Sessions(sessions::Arguments),
    /// Show the server's counters
    Stats(stats::Arguments),
    /// Take a lock away from whoever holds it
    Release(release::Arguments),
    /// Ask the server for a sign of life
    Ping(ping::Arguments),
}

/// Reads the command line, does what it says, and returns the process' exit code.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cli.command {
        None => serve::run(&cli.serve),
        Some(Command::Serve(flags)) => serve::run(&flags),
        Some(Command::Config(arguments)) => config::run(&arguments),
        Some(Command::Lock(arguments)) => lock::run(&arguments),
        Some(Command::Get(arguments)) => exit_code(get::run(&arguments)),
        Some(Command::List(arguments)) => exit_code(list::run(&arguments)),
        Some(Command::Sessions(arguments)) => exit_code(sessions::run(&arguments)),
        Some(Command::Stats(arguments)) => exit_code(stats::run(&arguments)),
        Some(Command::Release(arguments)) => exit_code(release::run(&arguments)),
        Some(Command::Ping(arguments)) => exit_code(ping::run(&arguments)),
    }
}

/// What a command that only asks the server comes to.
fn exit_code(outcome: Result<(), Exit>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(),
    }
}

/// Says on stderr why, and with which remedy; the exit code tells the kind.
fn fail(failure: &Failure) -> ExitCode {
    eprintln!("locker: {failure}");
    ExitCode::from(failure.exit_code() as u8)
}

/// Shows what clap has to say: help and version on stdout, errors on stderr.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell if the terminal is gone.
    let _ = error.print();
    match error.use_stderr() {
        true => ExitCode::from(Sysexit::Usage as u8),
        false => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
