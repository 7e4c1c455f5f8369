//! What other threads know of a shard: whether it sleeps, how to wake it, how many turns it took.

use crate::driver::lane::Sleeper;
use crossbeam_utils::CachePadded;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// One shard's public face; shared by all threads.
#[derive(Debug)]
pub struct Signal {
    /// The shard's announced sleep.
    pub sleeper: Sleeper,
    turns: CachePadded<AtomicU64>,
    connections: CachePadded<AtomicU32>,
    mail: CachePadded<AtomicU32>,
    watchdog_wakes: AtomicU64,
    /// Its ring polls it; nobody reads it.
    eventfd: OwnedFd,
}

impl Signal {
    /// The face of a shard that has not started.
    ///
    /// # Errors
    /// No descriptor was free.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            sleeper: Sleeper::new(),
            turns: CachePadded::default(),
            connections: CachePadded::default(),
            mail: CachePadded::default(),
            watchdog_wakes: AtomicU64::new(0),
            // A write would block past 2^64 - 2 of them: never.
            eventfd: eventfd(0, EventfdFlags::CLOEXEC)?,
        })
    }

    /// Wakes the shard if it sleeps; to be called after what it is to find was published. Returns
    /// whether it slept.
    pub fn ring(&self) -> bool {
        self.sleeper.ring(|| self.kick())
    }

    /// Makes a sleep of the shard end, now or when it begins.
    pub fn kick(&self) {
        let written = rustix::io::write(&self.eventfd, &1_u64.to_ne_bytes());
        debug_assert!(written.is_ok(), "an eventfd takes 2^64 - 2 signals");
    }

    /// Kicks a shard that stands still without having announced sleep, and counts that: the
    /// watchdog's means.
    pub fn rouse(&self) {
        self.watchdog_wakes.fetch_add(1, Ordering::Relaxed);
        self.kick();
    }

    /// How often the watchdog had to rouse it.
    #[must_use]
    pub fn watchdog_wakes(&self) -> u64 {
        self.watchdog_wakes.load(Ordering::Relaxed)
    }

    /// Turns the shard took. Standing still while not [`Sleeper::is_asleep`] is an alarm.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Connections of the shard, those dealt to it and not yet taken included.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    /// A connection was dealt to the shard.
    pub(crate) fn connection_dealt(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections left the shard.
    pub(crate) fn connections_left(&self, count: u32) {
        self.connections.fetch_sub(count, Ordering::Relaxed);
    }

    /// Mail is about to be posted.
    pub(crate) fn mail_posted(&self) {
        self.mail.fetch_add(1, Ordering::Relaxed);
    }

    /// Mail was taken.
    pub(crate) fn mail_taken(&self, count: u32) {
        self.mail.fetch_sub(count, Ordering::Relaxed);
    }

    /// Whether mail was posted and not taken.
    pub(crate) fn has_mail(&self) -> bool {
        self.mail.load(Ordering::Relaxed) > 0
    }

    /// The shard begins a turn. Only the shard itself calls this.
    pub(crate) fn count_turn(&self) -> u64 {
        let turns = self.turns.load(Ordering::Relaxed) + 1;
        self.turns.store(turns, Ordering::Relaxed);
        turns
    }

    /// The descriptor that wakes the shard's ring.
    pub(crate) fn eventfd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }
}
