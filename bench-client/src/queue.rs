//! `locker-bench queue`: what waiters on one key cost the engine, whatever their number.
//!
//! One key is held and so many wait for it. A round queues some behind them and has as many granted
//! in front, release by release; then it cancels some from anywhere and queues others. At last all
//! wait with the same deadline, and turns go on until every one was told that its time is over.

use std::io;

use locker::limits::KEY_WAITERS_MAX;
use locker::lock::op::{IfGranted, Op, Seat, Wait};
use locker::time::{Instant, Millis};

use locker_bench::dice::Dice;

use crate::engine::{median, thread_time};
use crate::table::{START, Sizes, Table, reply_to};
use crate::timers::Turns;

/// Requests of a kind in a round at most.
const ROUND_MAX: u32 = 2_048;

/// Those that a round queues before others have gone need room too.
const WAITERS_MAX: i64 = KEY_WAITERS_MAX as i64 - ROUND_MAX as i64;

/// How long everyone waits in the end.
const WAIT_MS: u32 = 1_000;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Waiters on the key; several may be given.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 990_000],
          value_parser = clap::value_parser!(u32).range(16..=WAITERS_MAX))]
    waiters: Vec<u32>,
    /// Requests applied together.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=128))]
    batch: u16,
    /// Rounds per figure; the median is told.
    #[arg(long, default_value_t = 101, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// One key with its holder and its waiters. Each has a number, which is its owner.
struct Line {
    table: Table,
    key: Vec<u8>,
    dice: Dice,
    /// Who holds the key; those behind wait in this order, as long as none was cancelled.
    holder: u32,
    /// The next number to queue.
    next: u32,
}

/// Measures and prints.
///
/// # Errors
/// The memory is not available.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let batch = usize::from(options.batch);
    println!(
        "CPU ns per request on one key, batches of {batch}, median of {} rounds",
        options.rounds
    );
    println!(
        "{:>9} {:>6} {:>16} {:>7}",
        "waiters", "queue", "release, grant", "cancel"
    );
    for waiters in &options.waiters {
        let [queued, granted, cancelled] = rounds(*waiters, batch, options.rounds)?;
        println!("{waiters:>9} {queued:>6.0} {granted:>16.0} {cancelled:>7.0}");
    }
    for waiters in &options.waiters {
        time_out(*waiters)?;
    }
    Ok(())
}

/// Figures of queueing, of granting and of cancelling.
fn rounds(waiters: u32, batch: usize, rounds: u32) -> io::Result<[f64; 3]> {
    let mut line = Line::new(waiters, Wait::Forever)?;
    let count = ROUND_MAX.min(waiters / 2);
    let mut queued = Vec::new();
    let granted = median(rounds, || {
        queued.push(line.queue(count, Wait::Forever, batch));
        line.release(count, batch)
    });
    let mut waiting: Vec<u32> = (line.holder + 1..line.next).collect();
    let cancelled = median(rounds, || {
        let leaving: Vec<u32> = (0..count)
            .map(|_| {
                let most = u32::try_from(waiting.len()).expect("at most a million");
                waiting.swap_remove(line.dice.below(most) as usize)
            })
            .collect();
        let figure = line.cancel(&leaving, batch);
        waiting.extend(line.next..line.next + count);
        line.queue(count, Wait::Forever, batch);
        figure
    });
    assert_eq!(
        line.table.engine.counters().waiters,
        waiters,
        "as many as before"
    );
    assert_eq!(line.table.ears.refused, 0, "every request was served");
    let queued = median(rounds, || queued.pop().expect("one each round"));
    Ok([queued, granted, cancelled])
}

/// All of them waited for as long: turns go on until none is left.
fn time_out(waiters: u32) -> io::Result<()> {
    let mut line = Line::new(waiters, Wait::For(Millis(WAIT_MS)))?;
    let mut turns = Turns::new(Instant(START.0 + 1_000 * u64::from(WAIT_MS)));
    while line.table.engine.counters().waiters > 0 {
        turns.take(&mut line.table);
    }
    turns.tell(
        waiters,
        "waits that end in the same millisecond",
        0,
        &line.table,
    );
    Ok(())
}

impl Line {
    fn new(waiters: u32, wait: Wait) -> io::Result<Self> {
        let table = Table::new(Sizes {
            locks: waiters + ROUND_MAX,
            key_bytes: 32,
            block_size: 128,
            lease: 0,
        })?;
        let mut key = Vec::new();
        table.write_key(0, &mut key);
        let mut line = Self {
            table,
            key,
            dice: Dice::new(1),
            holder: 0,
            next: 0,
        };
        line.queue(1, Wait::Try, 1);
        line.queue(waiters, wait, 128);
        Ok(line)
    }

    /// Applies a request of each number; ns per request.
    fn time(
        &mut self,
        numbers: impl Iterator<Item = u32>,
        batch: usize,
        op: impl Fn(&Table, u32) -> Op,
    ) -> f64 {
        let start = thread_time();
        let mut count = 0;
        for number in numbers {
            let op = op(&self.table, number);
            self.table.push(reply_to(number), op, &self.key);
            count += 1;
            if self.table.batch.len() == batch {
                self.table.apply();
            }
        }
        self.table.apply();
        (thread_time() - start).as_secs_f64() * 1e9 / f64::from(count)
    }

    /// As many more queue.
    fn queue(&mut self, count: u32, wait: Wait, batch: usize) -> f64 {
        let first = self.next;
        self.next += count;
        self.time(first..first + count, batch, |table, number| {
            table.acquire(number, wait).1
        })
    }

    /// The holder releases, and so does each that is granted, until so many were.
    fn release(&mut self, count: u32, batch: usize) -> f64 {
        let first = self.holder;
        self.holder += count;
        self.time(first..first + count, batch, |_, number| Op::Release {
            owner: number.into(),
            token: 0,
        })
    }

    fn cancel(&mut self, leaving: &[u32], batch: usize) -> f64 {
        self.time(leaving.iter().copied(), batch, |_, number| Op::Cancel {
            owner: number.into(),
            acquire_seat: Seat(0),
            token: 0,
            if_granted: IfGranted::Release,
        })
    }
}
