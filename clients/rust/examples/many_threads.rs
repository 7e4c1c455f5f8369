//! Many threads lock and release keys of their own over one connection. Prints the rate, what that
//! cost in processor time, and how many requests left in one write.
//!
//! ```text
//! cargo run --release -p locker-client --example many_threads -- \
//!     127.0.0.1:5625 [THREADS] [PAIRS] [PID]
//! ```
//!
//! PAIRS is per thread. With PID, the server's process on this machine, its processor time is told.

use std::env::args;
use std::fs;
use std::thread;
use std::time::Instant;

use locker_client::{Client, Error};
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Error> {
    let mut arguments = args().skip(1);
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:5625".to_owned());
    let mut number = |default| {
        arguments
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (threads, pairs) = (number(32), number(10_000));
    let server = arguments.next();
    let server_seconds = || server.as_deref().and_then(seconds_of_process);
    let client = Client::connect(address)?;
    let before = (client.traffic(), own_seconds(), server_seconds());
    let started = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            let client = &client;
            scope.spawn(move || run(client, thread, pairs));
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let after = (client.traffic(), own_seconds(), server_seconds());
    let total = f64::from(threads) * f64::from(pairs);
    println!(
        "{threads} threads: {:.0} pairs/s, {:.1} us per pair and thread",
        total / seconds,
        seconds / f64::from(pairs) * 1e6
    );
    println!(
        "requests per write {:.1}, answers per read {:.1}",
        ratio(
            after.0.frames_sent - before.0.frames_sent,
            after.0.writes - before.0.writes
        ),
        ratio(
            after.0.frames_received - before.0.frames_received,
            after.0.reads - before.0.reads
        )
    );
    println!(
        "client CPU {:.2} us per pair",
        (after.1 - before.1) / total * 1e6
    );
    if let (Some(before), Some(after)) = (before.2, after.2) {
        println!(
            "server CPU {:.2} us per pair",
            (after - before) / total * 1e6
        );
    }
    client.close()
}

fn run(client: &Client, thread: u32, pairs: u32) {
    let key = format!("example/{thread}");
    for _ in 0..pairs {
        if let Err(error) = client.acquire(&key).lock().and_then(|lock| lock.release()) {
            eprintln!("thread {thread}: {error}");
            return;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn ratio(frames: u64, calls: u64) -> f64 {
    frames as f64 / calls.max(1) as f64
}

/// Processor time of this process.
fn own_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64())
}

/// Processor time of another process: the 14th and 15th word of its `stat`, in hundredths.
fn seconds_of_process(process: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second word is the program's name in parentheses, which may have blanks.
    let (_, words) = stat.rsplit_once(')')?;
    let times = words.split_whitespace().skip(11).take(2);
    let hundredths: Option<f64> = times.map(|word| word.parse::<f64>().ok()).sum();
    hundredths.map(|sum| sum / 100.0)
}
