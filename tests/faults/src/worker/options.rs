//! What a worker is told.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::dice::Dice;
use crate::history::Mode;

/// Flags of a worker.
#[derive(Args, Clone, Debug)]
pub struct WorkerOptions {
    /// Address of the server
    #[arg(long)]
    pub server: String,
    /// Unix socket of the fenced resource
    #[arg(long)]
    pub resource: PathBuf,
    /// File that the history is appended to
    #[arg(long)]
    pub journal: PathBuf,
    /// Name of the worker, for sessions
    #[arg(long)]
    pub name: String,
    /// Clients, each a session and a thread
    #[arg(long, default_value_t = 4)]
    pub clients: u32,
    /// Seed of keys, modes and spans
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// TTL of the sessions, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    pub ttl_ms: u64,
    /// Keys: so many exclusive, shared by readers and writers, and with 3 permits, as 2,1,1
    #[arg(long, default_value = "2,1,1")]
    pub keys: Keys,
    /// Of a thousand holds so many have a lease; the others last as long as the session
    #[arg(long, default_value_t = 500)]
    pub leased: u64,
    /// The longest lease, in milliseconds; the shortest is a quarter of it
    #[arg(long, default_value_t = 800)]
    pub lease_ms: u64,
    /// How long a hold is worked with at most, in milliseconds
    #[arg(long, default_value_t = 30)]
    pub work_ms: u64,
    /// How long an ask waits at most, in milliseconds
    #[arg(long, default_value_t = 5_000)]
    pub wait_ms: u64,
    /// Do not look whether the lock is valid before an access
    #[arg(long)]
    pub careless: bool,
    /// Reckon by the one monotonic clock of the standard library, which is the one that is bent
    #[arg(long)]
    pub one_clock: bool,
    /// How fast that clock runs, as the harness bends it: the history is on the true clock
    #[arg(long, default_value_t = 1.0)]
    pub clock_rate: f64,
    /// Reconnect at most this many milliseconds after the last try
    #[arg(long, default_value_t = 50)]
    pub backoff_ms: u64,
}

/// How many keys of each kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Always alone.
    pub exclusive: u64,
    /// By readers, and now and then a writer.
    pub shared: u64,
    /// By permits.
    pub permits: u64,
}

impl Keys {
    /// A key, and how to ask for it.
    pub fn pick(&self, dice: &mut Dice) -> (String, Mode) {
        let number = dice.below(self.exclusive + self.shared + self.permits);
        if number < self.exclusive {
            return (format!("alone-{number}"), Mode::Exclusive);
        }
        let number = number - self.exclusive;
        if number < self.shared {
            let mode = match dice.chance(300) {
                true => Mode::Exclusive,
                false => Mode::Shared,
            };
            return (format!("shared-{number}"), mode);
        }
        let permits = if dice.chance(300) { 2 } else { 1 };
        let key = format!("permits-{}", number - self.shared);
        (key, Mode::Permits { permits, of: 3 })
    }

    /// As the flag says it.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("{},{},{}", self.exclusive, self.shared, self.permits)
    }
}

impl FromStr for Keys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[exclusive, shared, permits]) if exclusive + shared + permits > 0 => Ok(Self {
                exclusive,
                shared,
                permits,
            }),
            _ => Err("three numbers that are not all 0, as 2,1,1".to_owned()),
        }
    }
}
