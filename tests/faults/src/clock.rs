//! The one clock of all processes of a host.

use crate::history::Nanos;
use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC_RAW` now. No library call: what replaces the C library's clocks in a process,
/// to let its client run fast or slow, does not reach this one.
#[must_use]
pub fn now() -> Nanos {
    let time = clock_gettime(ClockId::MonotonicRaw);
    let seconds = u64::try_from(time.tv_sec).expect("the clock counts up from the boot");
    let nanos = u64::try_from(time.tv_nsec).expect("nanoseconds are below 10^9");
    Nanos(seconds * 1_000_000_000 + nanos)
}
