//! The clock of the blocking front.

use std::sync::Mutex;
use std::time::Instant as Monotonic;

use rustix::time::{ClockId, Timespec, clock_gettime};

use super::slot::lock;
use crate::machine::Instant;

/// Time since the client was made.
#[derive(Debug)]
pub(super) enum Clock {
    /// By two clocks of the kernel.
    Two(TwoClocks),
    /// By the one monotonic clock of the standard library: it may be slewed, stands still while the
    /// machine is suspended, and needs the margin that goes with that.
    One(Monotonic),
}

/// Over every span at least what either of two clocks advanced.
///
/// `CLOCK_MONOTONIC_RAW` is not slewed by time synchronisation, but stands still while the machine
/// is suspended. `CLOCK_BOOTTIME` counts suspension, but is slewed. A lease is over when either of
/// them says so. A virtual machine whose clocks all stop is outside what a client can see.
///
/// The greater of what the two show since the start would not do: where slewing has put the one
/// behind the other by a minute in the course of weeks, a suspension of a minute would be hidden.
#[derive(Debug)]
pub(super) struct TwoClocks {
    raw_zero: Timespec,
    boot_zero: Timespec,
    lead: Mutex<Lead>,
}

/// By how much boot time has run ahead of raw time, in nanoseconds, adding up every rise.
#[derive(Debug, Default)]
struct Lead {
    /// Boot time less raw time, where the last rise ended or at its lowest since.
    low: i128,
    /// All rises together.
    total: i128,
}

/// Rises smaller than this wait until they are greater: the clocks cannot be read at one moment. It
/// is part of the 2 ms by which every deadline is taken earlier.
const NOISE_NANOS: i128 = 500_000;

impl Clock {
    /// Begins to count, by one clock or by two.
    pub(super) fn start(is_one: bool) -> Self {
        if is_one {
            return Self::One(Monotonic::now());
        }
        Self::Two(TwoClocks {
            raw_zero: clock_gettime(ClockId::MonotonicRaw),
            boot_zero: clock_gettime(ClockId::Boottime),
            lead: Mutex::default(),
        })
    }

    /// Microseconds since the start, rounded down; never less than before. Two vDSO calls at most.
    pub(super) fn now(&self) -> Instant {
        let micros = match self {
            Self::Two(clocks) => u64::try_from(clocks.nanos() / 1_000).unwrap_or(0),
            Self::One(zero) => u64::try_from(zero.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        Instant(micros)
    }
}

impl TwoClocks {
    fn nanos(&self) -> i128 {
        let mut lead = lock(&self.lead);
        // In this order a pause between the two makes boot time seem ahead, which is the safe side.
        let raw = nanos_between(self.raw_zero, clock_gettime(ClockId::MonotonicRaw));
        let boot = nanos_between(self.boot_zero, clock_gettime(ClockId::Boottime));
        lead.elapsed(raw, boot)
    }
}

impl Lead {
    /// What has elapsed when the clocks have advanced by `raw` and `boot` nanoseconds.
    fn elapsed(&mut self, raw: i128, boot: i128) -> i128 {
        let ahead = boot - raw;
        if ahead < self.low {
            self.low = ahead;
        } else if ahead - self.low > NOISE_NANOS {
            self.total += ahead - self.low;
            self.low = ahead;
        }
        raw + self.total
    }
}

fn nanos_between(from: Timespec, to: Timespec) -> i128 {
    let nanos = |at: Timespec| i128::from(at.tv_sec) * 1_000_000_000 + i128::from(at.tv_nsec);
    nanos(to) - nanos(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_counts_however_far_slewing_has_put_boot_time_behind() {
        const SECOND: i128 = 1_000_000_000;
        let mut lead = Lead::default();
        let before = lead.elapsed(1_000 * SECOND, 900 * SECOND);
        let after = lead.elapsed(1_001 * SECOND, 961 * SECOND);
        assert_eq!(after - before, 61 * SECOND);
    }

    #[test]
    fn over_every_span_time_advances_by_what_either_clock_did() {
        let mut lead = Lead::default();
        let (mut raw, mut boot) = (0, 0);
        let mut seen = vec![(0, 0, 0)];
        for step in 1..300_i128 {
            raw += (step * 7_919) % 3_000_000;
            boot += (step * 6_007) % 3_000_000;
            let elapsed = lead.elapsed(raw, boot);
            for &(raw_then, boot_then, then) in &seen {
                let span = (raw - raw_then).max(boot - boot_then);
                assert!(elapsed - then >= span - NOISE_NANOS);
            }
            seen.push((raw, boot, elapsed));
        }
    }

    #[test]
    fn reading_noise_adds_up_to_nothing() {
        let mut lead = Lead::default();
        for step in 0..10_000_i128 {
            let noise = (step * 7_919) % NOISE_NANOS;
            assert_eq!(lead.elapsed(step, step + noise), step);
        }
    }

    #[test]
    fn nanoseconds_are_counted_across_seconds() {
        let from = Timespec {
            tv_sec: 1,
            tv_nsec: 999_999_500,
        };
        let to = Timespec {
            tv_sec: 3,
            tv_nsec: 1_400,
        };
        assert_eq!(nanos_between(from, to), 1_000_001_900);
    }

    #[test]
    fn neither_kind_of_clock_goes_back_or_stands_still() {
        for clock in [Clock::start(false), Clock::start(true)] {
            let first = clock.now();
            while clock.now() == first {}
            assert!(clock.now() > first);
        }
    }
}
