//! `locker-bench timers`: what leases cost the engine, and what a turn does when they end.
//!
//! Two tables of as many locks, one with a lease on each lock and one without, do the same by
//! turns. Acquires arm a timer and releases cancel one, so the difference is the timer's. Then the
//! clock of the first goes on, as fast as the turns take: every lease ends within the same second.

use std::io;
use std::time::Duration;

use locker::time::Instant;

use crate::engine::{Bench, median, thread_time};
use crate::table::{START, Sizes, Table};

/// Leases end within so many ms of each other.
const SPREAD_MS: u32 = 1_000;

/// Lease of the locks: longer than the measuring, as the table's clock stands still meanwhile.
const LEASE_MS: u32 = 60_000;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Leases armed.
    #[arg(long, default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(2..=500_000_000))]
    timers: u32,
    /// Requests applied together.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=128))]
    batch: u16,
    /// Rounds of up to 4,096 requests per figure; the median is told.
    #[arg(long, default_value_t = 201, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// Measures and prints.
///
/// # Errors
/// The memory is not available.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let batch = usize::from(options.batch);
    let mut with = bench(options.timers, LEASE_MS)?;
    let mut without = bench(options.timers, 0)?;
    println!(
        "{} leases armed, batches of {batch}, CPU ns per request, median of {} rounds",
        options.timers, options.rounds
    );
    let (mut leased, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        leased.push(with.exchange(batch));
        bare.push(without.exchange(batch));
    }
    let (leased, bare) = (middle(leased), middle(bare));
    let renewed = median(options.rounds, || with.renew(batch));
    let seen = median(options.rounds, || without.renew(batch));
    println!(
        "acquire, release: {leased:.0} with a lease, {bare:.0} without: arming or cancelling {:.0}",
        leased - bare
    );
    println!(
        "renew: {renewed:.0} of a lease, {seen:.0} without: moving a deadline later {:.0}",
        renewed - seen
    );
    drop(without);
    expire(&mut with.table);
    Ok(())
}

fn bench(locks: u32, lease: u32) -> io::Result<Bench> {
    let sizes = Sizes {
        locks,
        key_bytes: 32,
        block_size: 128,
        lease,
    };
    let mut table = Table::new(sizes)?;
    table.lease_spread = SPREAD_MS - 1;
    Ok(Bench::new(table, 1))
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Lets every lease end; tells how long turns took and how late they came to it.
fn expire(table: &mut Table) {
    let held = table.engine.counters().holds;
    let mut turns = Turns::new(Instant(START.0 + 1_000 * u64::from(LEASE_MS)));
    while table.engine.counters().holds > 0 {
        turns.take(table);
    }
    turns.tell(
        held,
        "leases that end within a second",
        SPREAD_MS - 1,
        table,
    );
}

/// Turns without requests, each beginning when the one before has ended.
#[derive(Debug)]
pub(crate) struct Turns {
    /// When the first is due.
    due: Instant,
    now: Instant,
    taken: Vec<Duration>,
}

impl Turns {
    /// The first turn is taken when the first timer is due.
    pub(crate) fn new(due: Instant) -> Self {
        Self {
            due,
            now: due,
            taken: Vec::new(),
        }
    }

    /// Takes a turn, and waits for the next deadline if nothing is left to do before.
    pub(crate) fn take(&mut self, table: &mut Table) {
        let start = thread_time();
        table.engine.turn_begin(self.now, &mut table.ears);
        table.engine.turn_end(&mut table.ears);
        let taken = thread_time() - start;
        let taken_us = u64::try_from(taken.as_micros()).expect("a turn is short");
        self.taken.push(taken);
        let ended = Instant(self.now.0 + taken_us);
        self.now = table
            .engine
            .next_deadline()
            .map_or(ended, |due| due.max(ended));
    }

    /// Tells of so many timers, due within so long, that all have come.
    pub(crate) fn tell(mut self, count: u32, what: &str, spread_ms: u32, table: &Table) {
        let whole: Duration = self.taken.iter().sum();
        self.taken.sort_unstable();
        let turns = self.taken.len();
        let at = |share: usize| self.taken[(turns * share / 1_000).min(turns - 1)].as_micros();
        let last_due = self.due.0 + 1_000 * u64::from(spread_ms);
        let ms = |us: u64| us as f64 / 1e3;
        println!(
            "{count} {what}: {:.0} ns each, in {turns} turns of {} us (p50), {} (p99), {} \
             (longest); the last {:.0} ms late, the clock of deadlines held back by {} ms",
            whole.as_secs_f64() * 1e9 / f64::from(count),
            at(500),
            at(990),
            at(1_000),
            ms(self.now.0.saturating_sub(last_due)),
            table.engine.counters().stall_ms,
        );
    }
}
