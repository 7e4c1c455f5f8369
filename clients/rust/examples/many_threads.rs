//! Many threads lock and release keys of their own over one connection, and the rate is printed.
//!
//! ```text
//! cargo run --release -p locker-client --example many_threads -- 127.0.0.1:5625 [THREADS] [PAIRS]
//! ```

use std::env::args;
use std::thread;
use std::time::Instant;

use locker_client::{Client, Error};

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
    let client = Client::connect(address)?;
    let started = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            let client = &client;
            scope.spawn(move || {
                let key = format!("example/{thread}");
                for _ in 0..pairs {
                    if let Err(error) = client.acquire(&key).lock().and_then(|lock| lock.release())
                    {
                        eprintln!("thread {thread}: {error}");
                        return;
                    }
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let total = f64::from(threads) * f64::from(pairs);
    println!(
        "{threads} threads: {:.0} pairs/s, {:.1} us per pair and thread",
        total / seconds,
        seconds / f64::from(pairs) * 1e6
    );
    client.close()
}
