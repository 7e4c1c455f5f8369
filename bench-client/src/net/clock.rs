//! The generator's clock.

use rustix::time::{ClockId, clock_gettime};

use crate::nanos::Nanos;

/// Nanoseconds of `CLOCK_MONOTONIC_RAW`: the same for all threads, never set or slewed.
///
/// The kernel's page of user-space functions answers, in about 25 ns.
#[inline]
#[must_use]
pub fn now() -> Nanos {
    let time = clock_gettime(ClockId::MonotonicRaw);
    let seconds = u64::try_from(time.tv_sec).expect("the clock starts at 0");
    let rest = u64::try_from(time.tv_nsec).expect("a part of a second");
    Nanos(seconds * 1_000_000_000 + rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_clock_runs_forward_and_is_one_for_all_threads() {
        let before = now();
        let elsewhere = std::thread::spawn(now).join().unwrap();
        assert!(before <= elsewhere);
        assert!(elsewhere <= now());
    }
}
