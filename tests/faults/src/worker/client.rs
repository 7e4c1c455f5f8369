//! One client of a worker: a session, a thread, one ask at a time.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use locker_client::{Client, Error, Lock, Pending};

use super::journal::Journal;
use super::options::WorkerOptions;
use crate::clock;
use crate::dice::Dice;
use crate::history::{Deed, Mode, Nanos};
use crate::resource::Visitor;

/// How often a client that waits looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct WorkingClient<'a> {
    options: &'a WorkerOptions,
    name: String,
    dice: Dice,
    journal: Journal,
    visitor: Visitor,
    asks: u64,
}

impl<'a> WorkingClient<'a> {
    pub(super) fn new(options: &'a WorkerOptions, client: u32) -> io::Result<Self> {
        let seed = options.seed ^ u64::from(client).wrapping_mul(0xA24B_AED4_963E_E407);
        Ok(Self {
            options,
            name: format!("{}.{client}", options.name),
            dice: Dice::new(seed),
            journal: Journal::open(&options.journal, client)?,
            visitor: Visitor::to(&options.resource)?,
            asks: 0,
        })
    }

    /// Works until told to stop.
    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<()> {
        let is_stopped = || stop.load(Ordering::Relaxed);
        while !is_stopped() {
            let Ok(client) = self.connect() else {
                thread::sleep(Duration::from_millis(self.options.backoff_ms));
                continue;
            };
            while !is_stopped() && self.turn(&client, stop)? {}
        }
        Ok(())
    }

    fn connect(&self) -> Result<Client, Error> {
        let builder = Client::builder().address(self.options.server.as_str());
        let builder = builder.ttl(Duration::from_millis(self.options.ttl_ms));
        let builder = builder.backoff_max(Duration::from_millis(self.options.backoff_ms));
        let builder = match self.options.one_clock {
            true => builder.one_clock(),
            false => builder,
        };
        builder.name(self.name.as_str()).connect()
    }

    /// How long a span of the client's clock is in truth: one that runs fast shows too much.
    fn true_span(&self, span: Duration) -> Duration {
        span.div_f64(self.options.clock_rate)
    }

    /// One ask and what comes of it; `false` if the client is finished.
    fn turn(&mut self, client: &Client, stop: &AtomicBool) -> io::Result<bool> {
        let (key, mode) = self.options.keys.pick(&mut self.dice);
        self.asks += 1;
        let deed = Deed::Ask {
            key: key.clone(),
            mode,
        };
        self.journal.write(clock::now(), self.asks, deed)?;
        match self.ask(client, &key, mode, stop) {
            Ok(lock) => self.hold(lock, &key, mode, stop).map(|()| true),
            Err(error) => {
                let goes_on = !matches!(error, Error::Ended(_) | Error::Forked);
                // A refusal comes at once: whoever asks again at once asks a thousand times.
                let is_refused = matches!(error, Error::Refused(_));
                self.ended(error)?;
                if is_refused {
                    thread::sleep(self.dice.millis(1, 20));
                }
                Ok(goes_on)
            }
        }
    }

    fn ask(
        &mut self,
        client: &Client,
        key: &str,
        mode: Mode,
        stop: &AtomicBool,
    ) -> Result<Lock, Error> {
        let options = self.options;
        let asked = client.acquire(key);
        let asked = match mode {
            Mode::Exclusive => asked,
            Mode::Shared => asked.shared(),
            Mode::Permits { permits, of } => asked.permits(permits, of),
        };
        let asked = asked.wait(self.dice.millis(0, options.wait_ms));
        let asked = match self.dice.chance(options.leased) {
            true => asked.lease(self.dice.millis(options.lease_ms / 4, options.lease_ms + 1)),
            false => asked,
        };
        let mut pending: Pending = asked.start()?;
        loop {
            match pending.wait_for(LOOK) {
                Ok(answer) => return answer,
                Err(_) if stop.load(Ordering::Relaxed) => return Err(Error::Cancelled),
                Err(still) => pending = still,
            }
        }
    }

    /// Works with a lock and releases it.
    fn hold(&mut self, lock: Lock, key: &str, mode: Mode, stop: &AtomicBool) -> io::Result<()> {
        let ask = self.asks;
        let from = clock::now();
        let mut until = from.after(self.true_span(lock.remaining()));
        let token = lock.token();
        let deed = Deed::Granted { token, until };
        self.journal.write(from, ask, deed)?;
        let work = self.dice.millis(0, self.options.work_ms + 1);
        loop {
            until = self.believe(&lock, until)?;
            if !self.options.careless && !lock.is_valid() {
                break;
            }
            self.visitor.access(mode, token, key)?;
            if clock::now().since(from) >= work || stop.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(self.dice.millis(0, 6));
        }
        self.believe(&lock, until)?;
        if self.options.careless {
            // Whenever it was stopped, this comes after it.
            self.visitor.access(mode, token, key)?;
        }
        self.journal.write(clock::now(), ask, Deed::Releasing)?;
        match lock.release() {
            Ok(()) => self.journal.write(clock::now(), ask, Deed::Released),
            Err(error) => self.ended(error),
        }
    }

    /// Writes down a deadline that has grown.
    fn believe(&mut self, lock: &Lock, until: Nanos) -> io::Result<Nanos> {
        let now = clock::now();
        // Read after the clock: what is added to `now` is not more than what is left.
        let remaining = lock.remaining();
        let grown = now.after(remaining);
        // A clock of the client's own moves a little against this one.
        if remaining.is_zero() || grown <= until.after(Duration::from_millis(1)) {
            return Ok(until);
        }
        let deed = Deed::Believe { until: grown };
        self.journal.write(now, self.asks, deed)?;
        Ok(grown)
    }

    /// Writes down how an ask or a hold ended.
    fn ended(&mut self, error: Error) -> io::Result<()> {
        let deed = match error {
            Error::Lost { reason } => Deed::Lost {
                reason: format!("{reason:?}").to_lowercase(),
            },
            error => Deed::Ended {
                why: error.to_string(),
            },
        };
        self.journal.write(clock::now(), self.asks, deed)
    }
}
