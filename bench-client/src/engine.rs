//! `locker-bench engine`: what one request costs inside the engine.
//!
//! The table holds `--locks` locks. A round draws keys uniformly, half of them held (to be released
//! by token) and half free (to be tried), builds all requests first, and then times how long the
//! engine takes to copy them into batches and apply them. A second figure renews held locks.

use std::io;

use locker::lock::Input;
use locker::lock::op::{Lease, Op, RenewTo, ReplyTo, Wait};
use locker::time::Millis;

use locker_bench::dice::Dice;

use crate::table::{Sizes, Table, reply_to};

/// Requests drawn before the clock starts at most: few enough that their keys stay in the cache.
const DRAWN_MAX: usize = 4_096;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    sizes: Sizes,
    /// Requests applied together; several may be given.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16, 64, 128],
          value_parser = clap::value_parser!(u16).range(1..=128))]
    batch: Vec<u16>,
    /// Rounds of up to 4,096 requests per figure; the median is told.
    #[arg(long, default_value_t = 201, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seed of the keys drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A request drawn: its key's number, or where in the bytes its key lies.
#[derive(Clone, Copy)]
struct Drawn {
    to: ReplyTo,
    op: Op,
    from: usize,
}

struct Bench {
    table: Table,
    dice: Dice,
    /// Numbers of keys: the held ones first.
    numbers: Vec<u32>,
    held: u32,
    tokens: Vec<u64>,
    /// Requests of a round.
    count: usize,
    drawn: Vec<Drawn>,
    keys: Vec<u8>,
}

/// Measures and prints.
///
/// # Errors
/// The memory is not available, or a flag is wrong.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let sizes = options.sizes;
    let mut bench = Bench::new(Table::new(sizes)?, options.seed);
    println!(
        "{} locks, keys of {} bytes, blocks of {} bytes, lease {} ms",
        sizes.locks, sizes.key_bytes, sizes.block_size, sizes.lease
    );
    println!("CPU ns per request, median of {} rounds", options.rounds);
    println!("{:>6} {:>18} {:>8}", "batch", "acquire+release", "renew");
    for batch in &options.batch {
        let batch = usize::from(*batch);
        let pairs = median(options.rounds, || bench.exchange(batch));
        let renewals = median(options.rounds, || bench.renew(batch));
        println!("{batch:>6} {pairs:>18.0} {renewals:>8.0}");
    }
    Ok(())
}

/// Processor time of this thread: what others take of the machine does not count.
pub(crate) fn thread_nanoseconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

pub(crate) fn median(rounds: u32, mut round: impl FnMut() -> f64) -> f64 {
    let mut figures: Vec<f64> = (0..rounds).map(|_| round()).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

impl Bench {
    /// Fills the table in an order that leaves no two neighbours together.
    fn new(mut table: Table, seed: u64) -> Self {
        let held = table.sizes.locks;
        let count = DRAWN_MAX.min(held as usize);
        let spare = u32::try_from(count).expect("few");
        table.fill(0..held, Wait::Try);
        let tokens = std::mem::take(&mut table.ears.tokens);
        let mut bench = Self {
            table,
            dice: Dice::new(seed),
            numbers: (0..held + spare).collect(),
            held,
            tokens,
            drawn: Vec::with_capacity(count),
            count,
            keys: Vec::new(),
        };
        bench.tokens.resize(bench.numbers.len(), 0);
        // Blocks are handed out in order at first: churn until they lie at random.
        let rounds = (held as usize / count).clamp(50, 20_000);
        for _ in 0..rounds {
            bench.exchange(128);
        }
        bench
    }

    fn draw(&mut self, number: u32, op: Op) {
        let from = self.keys.len();
        self.table.write_key(number, &mut self.keys);
        let to = reply_to(number);
        self.drawn.push(Drawn { to, op, from });
    }

    /// Applies what was drawn; ns per request.
    fn time(&mut self, batch: usize) -> f64 {
        let Self {
            table, drawn, keys, ..
        } = self;
        let length = usize::from(table.sizes.key_bytes);
        let start = thread_nanoseconds();
        for drawn in drawn.chunks(batch) {
            for Drawn { to, op, from } in drawn {
                let input = Input::Request {
                    to: *to,
                    op: *op,
                    key: &keys[*from..*from + length],
                    metadata: &[],
                };
                table.batch.push(input).expect("a batch has room for 128");
            }
            table.engine.apply(&mut table.batch, &mut table.ears);
        }
        (thread_nanoseconds() - start) / drawn.len() as f64
    }

    /// Releases random held locks and acquires random free ones, by turns.
    fn exchange(&mut self, batch: usize) -> f64 {
        self.drawn.clear();
        self.keys.clear();
        let free = self.held as usize;
        let half = self.count / 2;
        let mut leaving = Vec::with_capacity(half);
        for taken in 0..half {
            // The last of the held take the places of those drawn, so that none is drawn twice.
            let left = self.held - u32::try_from(taken).expect("few");
            let at = self.dice.below(left) as usize;
            self.numbers.swap(at, left as usize - 1);
            let number = self.numbers[left as usize - 1];
            let token = self.tokens[number as usize];
            let owner = number.into();
            self.draw(number, Op::Release { owner, token });
            leaving.push(left as usize - 1);
            let taken = self.numbers[free + taken];
            let (_, op) = self.table.acquire(taken, Wait::Try);
            self.draw(taken, op);
        }
        self.table.ears.tokens.clear();
        let figure = self.time(batch);
        assert_eq!(self.table.ears.refused, 0, "every request was served");
        for (taken, at) in leaving.into_iter().enumerate() {
            let number = self.numbers[free + taken];
            self.tokens[number as usize] = self.table.ears.tokens[taken];
            self.numbers.swap(at, free + taken);
        }
        // Free keys rotate, so that all of them come to be used.
        self.numbers[free..].rotate_left(half);
        figure
    }

    /// Renews random held locks.
    fn renew(&mut self, batch: usize) -> f64 {
        self.drawn.clear();
        self.keys.clear();
        let to = match self.table.sizes.lease {
            0 => RenewTo::Keep,
            ms => RenewTo::Lease(Lease::For(Millis(ms))),
        };
        for _ in 0..self.count {
            let at = self.dice.below(self.held) as usize;
            let number = self.numbers[at];
            let token = self.tokens[number as usize];
            let owner = number.into();
            self.draw(number, Op::Renew { owner, token, to });
        }
        let figure = self.time(batch);
        assert_eq!(self.table.ears.refused, 0, "every request was served");
        figure
    }
}
