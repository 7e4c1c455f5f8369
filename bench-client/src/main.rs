//! locker-bench: measures locker by committed commands.
//!
//! Figures of one machine mean little alone: compare two builds, or two settings, in one run.

mod engine;
mod memory;
mod queue;
mod reports;
mod table;
mod timers;
mod turn;

use clap::{Parser, Subcommand};
use locker_bench::echo;

/// Measures the lock server locker.
#[derive(Debug, Parser)]
#[command(name = "locker-bench", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load a server, measure what its users would feel, check that its locks exclude.
    ///
    /// Two latencies are told: from when an operation should have begun, which is what a user
    /// feels, and from when it was sent, which is what the server took. With --rate they differ
    /// when the server stalls.
    Run(Box<locker_bench::run::Options>),
    /// The same locks, asked of locker and of its peers: who needs how much, side by side.
    Compare(Box<locker_bench::compare::Options>),
    /// Cost per request of the lock engine alone: no sockets, keys uniform over a full table.
    Engine(engine::Options),
    /// Cost of armed leases: arming, cancelling, renewing, and all of them ending within a second.
    Timers(timers::Options),
    /// Cost of waiters on one key: queueing, cancelling, granting, and all of them timing out.
    Queue(queue::Options),
    /// Cost per request of a shard's turn: real frames in, answers out, no kernel.
    Turn(turn::Options),
    /// Resident memory per held lock, per waiter and per idle connection.
    Memory(memory::Options),
    /// Hard situations at scale: many sessions resuming, ending, coming and going.
    Scale(Box<locker_bench::scale::Options>),
    /// Echo server, the yardstick of `compare`: 64-byte frames, one thread.
    #[command(name = echo::COMMAND, hide = true)]
    EchoServer(echo::Options),
    /// Tell a run again from its JSON, or compare two.
    Report(reports::Options),
}

fn main() -> std::process::ExitCode {
    // The command line as reports show it.
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let outcome = match Arguments::parse().command {
        Command::Run(options) => return locker_bench::run::run(&options, &words),
        Command::Compare(options) => return locker_bench::compare::run(&options, &words),
        Command::Scale(options) => return locker_bench::scale::run(&options, &words),
        Command::Engine(options) => engine::run(&options),
        Command::Timers(options) => timers::run(&options),
        Command::Queue(options) => queue::run(&options),
        Command::Turn(options) => turn::run(&options),
        Command::Memory(options) => memory::run(&options),
        Command::EchoServer(options) => echo::serve(&options).map(|never| match never {}),
        Command::Report(options) => reports::run(&options).map_err(std::io::Error::other),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("locker-bench: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
