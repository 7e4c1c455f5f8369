//! `locker-bench turn`: what one request costs in the pure part of a shard's turn.
//!
//! Real frames, no kernel: connections send pairs of acquire and release, each pair in one write as
//! `compare` has it, and every turn takes in what all of them sent. Counted is what the shard does
//! from the receive buffers to the output that is handed to the kernel: frames, seats, locks,
//! answers. `bench-client/callgrind` counts the instructions of it.

mod answers;
mod server;
mod wire;

use std::io;

use locker_bench::compare::dialect::{Asking, Dialect};
use locker_bench::compare::peers::locker::Locker;
use locker_bench::dice::Dice;

use crate::engine::{median, thread_nanoseconds};
use answers::Answers;
use server::{Server, Sizes};

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Connections that have something to say in every turn.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Pairs of acquire and release that each of them sends in every turn.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    depth: u16,
    /// Keys, drawn uniformly.
    #[arg(long, default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..=99_999_999))]
    keys: u32,
    /// Locks that fit: the table is made for so many, and the server's is 1 M at 256 MiB or so.
    #[arg(long, default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1_024..=100_000_000))]
    locks_max: u32,
    /// Lease of each lock in ms, 0 = as long as its session: no timer.
    #[arg(long, default_value_t = 0)]
    lease: u32,
    /// Turns per round.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    turns: u32,
    /// Rounds; the median is told.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seed of the keys drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Tell no times: for valgrind, under which reading this clock crashes.
    #[arg(long)]
    no_clock: bool,
}

/// Clients and the server that they talk to.
struct Bench {
    server: Server,
    clients: Vec<Locker>,
    answers: Answers,
    dice: Dice,
    keys: u32,
    depth: u16,
    turns: u32,
    /// Nanoseconds of this thread.
    clock: fn() -> f64,
}

/// Measures and prints.
///
/// # Errors
/// The memory is not available, or an answer was not what a pair is answered with.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let mut bench = Bench::new(options)?;
    let mut failed = None;
    let figure = median(options.rounds, || {
        bench.round().unwrap_or_else(|error| {
            failed = Some(error);
            0.0
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let Options {
        connections,
        depth,
        keys,
        turns,
        rounds,
        ..
    } = options;
    let requests = u64::from(*connections) * u64::from(*depth) * 2 * u64::from(*turns);
    println!("{connections} connections x {depth} pairs a turn, {keys} keys");
    println!("{requests} requests a round, {rounds} rounds");
    if !options.no_clock {
        println!("CPU ns per request, median {figure:.1}");
    }
    Ok(())
}

impl Bench {
    fn new(options: &Options) -> io::Result<Self> {
        let mut server = Server::new(Sizes {
            connections: options.connections,
            seats: 2 * options.depth,
            locks_max: options.locks_max,
        })?;
        let client = |_| Locker::new(options.depth, options.lease);
        let mut clients: Vec<Locker> = (0..options.connections).map(client).collect();
        let mut answers = Answers::default();
        for (connection, client) in clients.iter_mut().enumerate() {
            client.greet(server.input(connection));
        }
        server.turn();
        answers.take(&mut server, &mut clients)?;
        if clients.iter().any(|client| !client.ready()) {
            return Err(io::Error::other("a session did not open"));
        }
        Ok(Self {
            server,
            clients,
            answers,
            dice: Dice::new(options.seed),
            keys: options.keys,
            depth: options.depth,
            turns: options.turns,
            clock: if options.no_clock {
                || 0.0
            } else {
                thread_nanoseconds
            },
        })
    }

    /// Some turns; CPU ns per request.
    fn round(&mut self) -> io::Result<f64> {
        let mut taken = 0.0;
        let mut requests = 0.0;
        for _ in 0..self.turns {
            self.write_pairs();
            let start = (self.clock)();
            self.server.turn();
            taken += (self.clock)() - start;
            let answered = self.answers.take(&mut self.server, &mut self.clients)?;
            let asked = self.clients.len() * usize::from(self.depth) * 2;
            if answered != asked {
                let error = format!("{answered} answers to {asked} requests");
                return Err(io::Error::other(error));
            }
            requests += answered as f64;
        }
        Ok(taken / requests)
    }

    fn write_pairs(&mut self) {
        for (connection, client) in self.clients.iter_mut().enumerate() {
            for place in 0..self.depth {
                let key = self.dice.below(self.keys);
                let out = self.server.input(connection);
                client.acquire(place, key, Asking::Try, out);
                client.release(place, key, out);
            }
        }
    }
}
