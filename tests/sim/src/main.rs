//! Plays seeds, tells what happened, and how to repeat what failed.

#[cfg(feature = "canaries")]
mod hunt;

use sim::minimise::minimise;
use sim::plan::Without;
use sim::tally::Tally;
use sim::{report, trace};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const HELP: &str = "\
Plays whole locker clusters in virtual time, one per seed: the server's and the client's own code
between a simulated network, kernel, disk and clocks, under random faults. Stops at the first
broken promise and prints how to repeat it.

    cargo run --profile sim -p sim -- --seeds 10000

    --seeds N        plays so many seeds (default 1000)
    --from N         the first of them (default 1)
    --seed N         plays this one
    --threads N      as many at a time (default: one per processor)
    --keep-going     does not stop at the first failure; counts them by promise
    --trace          prints all that was seen of the last seed played
    --without WORDS  leaves out faults, operations, clients (by number), with commas between
    --until-ms N     ends the random part of a run after so many milliseconds
    --canary NAME    lets a known defect loose; several with commas between, or `all`: hunts each
                     until it is found, through N seeds (wants the feature canaries)
    --help           this text

Exit codes: 0 no promise was broken, 1 one was, 2 the flags make no sense.
";

/// How often a long campaign says that it lives.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

struct Flags {
    from: u64,
    seeds: u64,
    threads: usize,
    keeps_going: bool,
    traces: bool,
    without: Without,
    /// A known defect by its name, or all of them one by one.
    canary: Option<String>,
}

/// What all threads share.
struct Campaign {
    flags: Flags,
    next: AtomicU64,
    sum: Mutex<Sum>,
}

#[derive(Default)]
struct Sum {
    played: u64,
    tally: Tally,
    /// Failed seeds, with the promise.
    failed: Vec<(u64, &'static str)>,
    told_at: Option<Instant>,
}

fn main() -> ExitCode {
    let flags = match parse(std::env::args().skip(1)) {
        Ok(Some(flags)) => flags,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(words) => {
            eprintln!("{words}; --help tells what there is");
            return ExitCode::from(2);
        }
    };
    if let Err(words) = let_loose(&flags) {
        eprintln!("{words}");
        return ExitCode::from(2);
    }
    if flags.traces {
        return show(&flags);
    }
    // A panic is told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    #[cfg(feature = "canaries")]
    if let Some(names) = flags.canary.as_deref().filter(|names| is_hunt(names)) {
        return hunt::hunt_all(
            names,
            flags.from,
            flags.seeds,
            flags.threads,
            &flags.without,
        );
    }
    let campaign = Campaign {
        next: AtomicU64::new(flags.from),
        flags,
        sum: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 0..campaign.flags.threads {
            scope.spawn(|| campaign.play());
        }
    });
    campaign.finish()
}

/// Whether more than one canary is named: each is hunted until it is found.
#[cfg(feature = "canaries")]
fn is_hunt(names: &str) -> bool {
    names == "all" || names.contains(',')
}

/// Lets the defect loose in this thread that the flags name, if they name one.
fn let_loose(flags: &Flags) -> Result<(), String> {
    match flags.canary.as_deref() {
        None => Ok(()),
        #[cfg(feature = "canaries")]
        Some(names) if is_hunt(names) => {
            let all = names.split(',').filter(|name| *name != "all");
            all.into_iter().try_for_each(hunt::choose)
        }
        #[cfg(feature = "canaries")]
        Some(name) => hunt::choose(name),
        #[cfg(not(feature = "canaries"))]
        Some(_) => Err("canaries want a build with `--features canaries`".to_owned()),
    }
}

impl Campaign {
    fn play(&self) {
        let_loose(&self.flags).expect("it was let loose once");
        let end = self.flags.from + self.flags.seeds;
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            let is_over = !self.flags.keeps_going && !self.sum().failed.is_empty();
            if seed >= end || is_over {
                return;
            }
            let outcome = sim::play(seed, &self.flags.without);
            let mut sum = self.sum();
            sum.played += 1;
            sum.tally.add(&outcome.tally);
            if let Some((_, violation)) = &outcome.violation {
                sum.failed.push((seed, violation.invariant));
            }
            let now = Instant::now();
            let told_at = *sum.told_at.get_or_insert(now);
            if now - told_at >= PROGRESS_EVERY {
                sum.told_at = Some(now);
                eprintln!("{} seeds, {} failed", sum.played, sum.failed.len());
            }
        }
    }

    fn sum(&self) -> std::sync::MutexGuard<'_, Sum> {
        self.sum.lock().expect("nobody panics with it")
    }

    fn finish(self) -> ExitCode {
        let Sum {
            played,
            tally,
            mut failed,
            ..
        } = self.sum.into_inner().expect("nobody panics with it");
        print!("{}", report::table(played, &tally));
        failed.sort_unstable();
        let Some((seed, _)) = failed.first() else {
            println!("no promise was broken");
            return ExitCode::SUCCESS;
        };
        let outcome = sim::play(*seed, &self.flags.without);
        let (without, outcome) = minimise(*seed, &self.flags.without, outcome);
        print!("{}", report::failure(*seed, &outcome, &without));
        for (seed, promise) in &failed {
            println!("failed: {seed} ({promise})");
        }
        ExitCode::FAILURE
    }
}

/// Prints all that was seen of one seed.
fn show(flags: &Flags) -> ExitCode {
    let seed = flags.from + flags.seeds - 1;
    for (at, event) in trace(seed, &flags.without) {
        println!("{}", report::line(at, &event));
    }
    let outcome = sim::play(seed, &flags.without);
    let Some((at, violation)) = outcome.violation else {
        println!("seed {seed} breaks no promise");
        return ExitCode::SUCCESS;
    };
    println!("seed {seed} breaks {} at {} us:", violation.invariant, at.0);
    println!("  {}", violation.reason);
    ExitCode::FAILURE
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Flags>, String> {
    let mut flags = Flags {
        from: 1,
        seeds: 1_000,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        keeps_going: false,
        traces: false,
        without: Without::default(),
        canary: None,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--keep-going" => flags.keeps_going = true,
            "--trace" => flags.traces = true,
            "--canary" => {
                flags.canary = Some(words.next().ok_or("--canary wants a name, or `all`")?);
            }
            "--seeds" => flags.seeds = number(&mut words, &word)?,
            "--from" => flags.from = number(&mut words, &word)?,
            "--until-ms" => flags.without.until_ms = Some(number(&mut words, &word)?),
            "--threads" => {
                let count = number(&mut words, &word)?.clamp(1, 256);
                flags.threads = usize::try_from(count).expect("at most 256");
            }
            "--seed" => {
                flags.from = number(&mut words, &word)?;
                flags.seeds = 1;
            }
            "--without" => {
                let list = words.next().ok_or("--without wants a list")?;
                for name in list.split(',') {
                    if !flags.without.add(name) {
                        return Err(format!("there is no `{name}` to leave out"));
                    }
                }
            }
            _ => return Err(format!("no flag is called `{word}`")),
        }
    }
    Ok(Some(flags))
}

fn number(words: &mut impl Iterator<Item = String>, flag: &str) -> Result<u64, String> {
    let word = words
        .next()
        .ok_or_else(|| format!("{flag} wants a number"))?;
    word.parse()
        .map_err(|_| format!("{flag} wants a number, not `{word}`"))
}
