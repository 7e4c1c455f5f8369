//! The clock of the blocking front.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::machine::Instant;

/// Time since the client was made: the greater of what two clocks have advanced.
///
/// `CLOCK_MONOTONIC_RAW` is not slewed by time synchronisation, but stands still while the machine
/// is suspended. `CLOCK_BOOTTIME` counts suspension, but is slewed. A lease is over when either of
/// them says so. A virtual machine whose clocks all stop is outside what a client can see.
#[derive(Debug)]
pub(super) struct Clock {
    raw_zero: Timespec,
    boot_zero: Timespec,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            raw_zero: clock_gettime(ClockId::MonotonicRaw),
            boot_zero: clock_gettime(ClockId::Boottime),
        }
    }

    /// Microseconds since the start, rounded down. Two vDSO calls.
    pub(super) fn now(&self) -> Instant {
        let raw = micros_between(self.raw_zero, clock_gettime(ClockId::MonotonicRaw));
        let boot = micros_between(self.boot_zero, clock_gettime(ClockId::Boottime));
        Instant(raw.max(boot))
    }
}

fn micros_between(from: Timespec, to: Timespec) -> u64 {
    let nanos = |at: Timespec| i128::from(at.tv_sec) * 1_000_000_000 + i128::from(at.tv_nsec);
    u64::try_from((nanos(to) - nanos(from)) / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_counted_across_seconds_and_rounded_down() {
        let from = Timespec {
            tv_sec: 1,
            tv_nsec: 999_999_500,
        };
        let to = Timespec {
            tv_sec: 3,
            tv_nsec: 1_400,
        };
        assert_eq!(micros_between(from, to), 1_000_001);
        assert_eq!(micros_between(to, from), 0);
    }

    #[test]
    fn the_clock_does_not_go_back() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
