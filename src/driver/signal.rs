//! What other threads know of a shard: whether it sleeps, how to wake it, how many turns it took.

use crate::driver::lane::Sleeper;
use crossbeam_utils::CachePadded;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Waker;

/// One shard's public face; shared by all threads.
#[derive(Debug)]
pub struct Signal {
    /// The shard's announced sleep.
    pub sleeper: Sleeper,
    turns: CachePadded<AtomicU64>,
    connections: CachePadded<AtomicU32>,
    mail: CachePadded<AtomicU32>,
    watchdog_wakes: AtomicU64,
    /// Its ring signals completions here too.
    eventfd: OwnedFd,
    /// Wakes the shard's task in its executor.
    waker: OnceLock<Waker>,
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
            // Blocking: the executor's ring then waits for a signal; a write blocks only past
            // 2^64 - 2 of them.
            eventfd: eventfd(0, EventfdFlags::CLOEXEC)?,
            waker: OnceLock::new(),
        })
    }

    /// Wakes the shard if it sleeps; to be called after what it is to find was published. Returns
    /// whether it slept.
    pub fn ring(&self) -> bool {
        self.sleeper.ring(|| self.kick())
    }

    /// Makes a park of the shard end, now or when it begins.
    pub fn kick(&self) {
        let written = rustix::io::write(&self.eventfd, &1_u64.to_ne_bytes());
        debug_assert!(written.is_ok(), "an eventfd takes 2^64 - 2 signals");
    }

    /// Gets a shard going that stands still without having announced sleep: the watchdog's means
    /// against an executor that parked with its task runnable.
    pub fn rouse(&self) {
        self.watchdog_wakes.fetch_add(1, Ordering::Relaxed);
        self.kick();
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
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

    /// Tells how to wake the shard's task.
    pub(crate) fn set_waker(&self, waker: Waker) {
        let first = self.waker.set(waker);
        assert!(first.is_ok(), "a shard is started once");
    }

    /// The descriptor that the shard's ring signals and its park reads.
    pub(crate) fn eventfd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }
}
