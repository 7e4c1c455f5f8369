//! The server's clock, read once a turn.

use crate::time::Instant;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// `CLOCK_MONOTONIC_RAW` counted from the start of the server run; the same in all shards.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    origin_us: u64,
}

impl ServerClock {
    /// The clock of a run that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin_us: raw_us(),
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant(raw_us() - self.origin_us)
    }
}

/// Microseconds of processor time that the calling thread took so far; a system call.
#[must_use]
pub fn thread_cpu_us() -> u64 {
    us_of(ClockId::ThreadCPUTime)
}

fn raw_us() -> u64 {
    us_of(ClockId::MonotonicRaw)
}

fn us_of(clock: ClockId) -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    let seconds = u64::try_from(tv_sec).expect("the clock starts at 0");
    let nanos = u64::try_from(tv_nsec).expect("nanoseconds are 0..10^9");
    seconds * 1_000_000 + nanos / 1_000
}
