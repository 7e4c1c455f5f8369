//! `locker-bench engine`: what one request costs inside the engine.
//!
//! The table holds `--locks` locks. A round draws keys uniformly, half of them held (to be released
//! by token) and half free (to be tried), builds all requests first, and then times how long the
//! engine takes to copy them into batches and apply them. A second figure renews held locks.

use std::io;
use std::time::Duration;

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
    /// Take the memory of all locks before the first, as the server's flag of that name does.
    #[arg(long)]
    prefault: bool,
}

/// A request drawn: its key's number, or where in the bytes its key lies.
#[derive(Clone, Copy)]
struct Drawn {
    to: ReplyTo,
    op: Op,
    from: usize,
}

pub(crate) struct Bench {
    pub(crate) table: Table,
    dice: Dice,
    /// Numbers of keys: the held ones first.
    numbers: Vec<u32>,
    held: u32,
    tokens: Vec<u64>,
    /// Requests of a round.
    count: usize,
    drawn: Vec<Drawn>,
    keys: Vec<u8>,
    filling: Filling,
}

/// What it took to acquire the first locks of a table, page faults included.
#[derive(Clone, Copy, Debug)]
struct Filling {
    ns_per_lock: f64,
    longest_batch_us: f64,
}

/// Measures and prints.
///
/// # Errors
/// The memory is not available, or a flag is wrong.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let sizes = options.sizes;
    let mut table = Table::new(sizes)?;
    if options.prefault {
        let start = thread_time();
        table.engine.prefault()?;
        println!("prefault: {} ms", (thread_time() - start).as_millis());
    }
    let mut bench = Bench::new(table, options.seed);
    println!(
        "{} locks, keys of {} bytes, blocks of {} bytes, lease {} ms",
        sizes.locks, sizes.key_bytes, sizes.block_size, sizes.lease
    );
    let Filling {
        ns_per_lock,
        longest_batch_us,
    } = bench.filling;
    println!("fill: {ns_per_lock:.0} ns per lock, longest batch of 128: {longest_batch_us:.0} us");
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
pub(crate) fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let time = Duration::try_from(time);
    time.expect("a thread's time is not negative")
}

/// The same in nanoseconds.
pub(crate) fn thread_nanoseconds() -> f64 {
    thread_time().as_secs_f64() * 1e9
}

pub(crate) fn median(rounds: u32, mut round: impl FnMut() -> f64) -> f64 {
    let mut figures: Vec<f64> = (0..rounds).map(|_| round()).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Acquires the first locks, a batch at a time.
fn fill(table: &mut Table, held: u32) -> Filling {
    // What the table says is kept in memory that is there before.
    table.ears.tokens = vec![1; held as usize];
    table.ears.tokens.clear();
    let (mut whole, mut longest) = (Duration::ZERO, Duration::ZERO);
    for from in (0..held).step_by(128) {
        let start = thread_time();
        table.fill(from..held.min(from + 128), Wait::Try);
        let taken = thread_time() - start;
        whole += taken;
        longest = longest.max(taken);
    }
    Filling {
        ns_per_lock: whole.as_secs_f64() * 1e9 / f64::from(held),
        longest_batch_us: longest.as_secs_f64() * 1e6,
    }
}

impl Bench {
    /// Fills the table in an order that leaves no two neighbours together.
    pub(crate) fn new(mut table: Table, seed: u64) -> Self {
        let held = table.sizes.locks;
        let count = DRAWN_MAX.min(held as usize);
        let spare = u32::try_from(count).expect("few");
        let filling = fill(&mut table, held);
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
            filling,
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
        let start = thread_time();
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
        (thread_time() - start).as_secs_f64() * 1e9 / drawn.len() as f64
    }

    /// Releases random held locks and acquires random free ones, by turns.
    pub(crate) fn exchange(&mut self, batch: usize) -> f64 {
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
    pub(crate) fn renew(&mut self, batch: usize) -> f64 {
        self.drawn.clear();
        self.keys.clear();
        let to = match self.table.sizes.lease {
            0 => RenewTo::Keep,
            ms => RenewTo::Lease(Lease::For(Millis(ms + self.table.lease_spread))),
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
