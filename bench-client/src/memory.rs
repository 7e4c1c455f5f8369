//! `locker-bench memory`: resident memory of held locks, of waiters and of idle connections.
//!
//! Figures are (RSS - RSS of the engine before its first lock) / locks, with the table nine tenths
//! full. The engine runs in this process, whose own memory is the same before and after. Idle
//! connections are held against a server of their own.

mod idle;

use std::path::PathBuf;
use std::{fs, io};

use locker::lock::op::{Op, Wait};

use crate::table::{Sizes, Table};

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    sizes: Sizes,
    /// Waiters as a share of the locks, in percent: they take locks' blocks.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=50))]
    waiters: u8,
    /// Connections, each with a session, opened to a server that is started for it; 0 = none.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    idle_connections: u32,
    /// The server's program; unless given, `locker` beside this program, else in PATH.
    #[arg(long, value_name = "FILE")]
    server_bin: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// The memory is not available, a flag is wrong, /proc cannot be read, or there is no server.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let count = options.idle_connections;
    // What cannot be is told before the table is filled.
    let program = match count {
        0 => None,
        _ => Some(idle::prepare(options.server_bin.as_deref(), count)?),
    };
    locks_and_waiters(options)?;
    program.map_or(Ok(()), |program| idle_connections(program, count))
}

fn idle_connections(program: PathBuf, count: u32) -> io::Result<()> {
    let figures = idle::measure(program, count)?;
    let bytes = figures.after.saturating_sub(figures.before);
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:.0} bytes per idle connection, the kernel's own not counted: {count} of them, a server \
         of {:.1} MiB that grew to {:.1} MiB",
        bytes as f64 / f64::from(count),
        mebibytes(figures.before),
        mebibytes(figures.after),
    );
    Ok(())
}

fn locks_and_waiters(options: &Options) -> io::Result<()> {
    let sizes = options.sizes;
    let waiters = u32::try_from(u64::from(sizes.locks) * u64::from(options.waiters) / 100)
        .expect("a part of 32 bits");
    let mut table = Table::new(sizes)?;
    let tokens = sizes.locks as usize;
    table.ears.tokens = vec![1; tokens];
    table.ears.tokens.clear();
    let empty = resident_bytes()?;
    table.fill(0..sizes.locks, Wait::Try);
    let full = resident_bytes()?;
    let counters = table.engine.counters();
    println!(
        "{} locks, keys of {} bytes, blocks of {} bytes, table {:.0} % full, huge pages {} MiB",
        counters.locks,
        sizes.key_bytes,
        sizes.block_size,
        100.0 * f64::from(counters.blocks_used) / f64::from(counters.blocks),
        huge_bytes()? / (1 << 20),
    );
    let each = |bytes: u64, count: u32| bytes as f64 / f64::from(count.max(1));
    println!(
        "{:.1} bytes per lock",
        each(full.saturating_sub(empty), counters.locks)
    );
    if waiters > 0 {
        let mut table = waited_for(sizes, waiters)?;
        let before = resident_bytes()?;
        queue(&mut table, waiters);
        let after = resident_bytes()?;
        let queued = table.engine.counters().waiters;
        println!(
            "{:.1} bytes per waiter",
            each(after.saturating_sub(before), queued)
        );
    }
    Ok(())
}

/// A table of as many locks as leave room for the waiters.
fn waited_for(sizes: Sizes, waiters: u32) -> io::Result<Table> {
    let mut table = Table::new(sizes)?;
    table.fill(0..sizes.locks - waiters, Wait::Try);
    Ok(table)
}

/// One waiter for each of the first locks, of another owner.
fn queue(table: &mut Table, waiters: u32) {
    let mut key = Vec::new();
    for number in 0..waiters {
        key.clear();
        table.write_key(number, &mut key);
        let (to, op) = table.acquire(number, Wait::Forever);
        let Op::Acquire {
            owner,
            want,
            wait,
            lease,
        } = op
        else {
            unreachable!("it is an acquire")
        };
        let owner = owner + (1 << 40);
        let op = Op::Acquire {
            owner,
            want,
            wait,
            lease,
        };
        table.push(to, op, &key);
    }
    table.engine.apply(&mut table.batch, &mut table.ears);
}

fn resident_bytes() -> io::Result<u64> {
    rollup("Rss:")
}

fn huge_bytes() -> io::Result<u64> {
    rollup("AnonHugePages:")
}

/// A line of /proc/self/smaps_rollup, in bytes.
fn rollup(name: &str) -> io::Result<u64> {
    let text = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let kibibytes = kibibytes.ok_or(io::ErrorKind::InvalidData)?;
    Ok(kibibytes * 1024)
}
