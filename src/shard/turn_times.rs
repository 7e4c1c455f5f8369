//! How long turns took: a histogram, and the longest of all. Pure.

use locker_protocol::CounterId;

/// Upper ends of the buckets, in microseconds of processor time; the last bucket has none.
pub const TURN_BOUNDS_US: [u64; 13] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
];

/// The counters of Stats that the buckets are told as, in order.
pub const TURN_COUNTERS: [CounterId; TURN_BOUNDS_US.len() + 1] = [
    CounterId::TurnsCpu10us,
    CounterId::TurnsCpu20us,
    CounterId::TurnsCpu50us,
    CounterId::TurnsCpu100us,
    CounterId::TurnsCpu200us,
    CounterId::TurnsCpu500us,
    CounterId::TurnsCpu1ms,
    CounterId::TurnsCpu2ms,
    CounterId::TurnsCpu5ms,
    CounterId::TurnsCpu10ms,
    CounterId::TurnsCpu20ms,
    CounterId::TurnsCpu50ms,
    CounterId::TurnsCpu100ms,
    CounterId::TurnsCpuLonger,
];

/// Turns by their length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnTimes {
    counts: [u64; TURN_COUNTERS.len()],
    /// Processor time of the longest turn, in microseconds.
    pub cpu_us_max: u64,
    /// Time on the wall of the longest turn, in microseconds: that in which the shard did not run,
    /// because the system gave its core to others, included.
    pub wall_us_max: u64,
}

impl TurnTimes {
    /// Adds a turn.
    pub fn add(&mut self, cpu_us: u64, wall_us: u64) {
        let bucket = TURN_BOUNDS_US.iter().position(|most| cpu_us <= *most);
        self.counts[bucket.unwrap_or(TURN_BOUNDS_US.len())] += 1;
        self.cpu_us_max = self.cpu_us_max.max(cpu_us);
        self.wall_us_max = self.wall_us_max.max(wall_us);
    }

    /// The turns of the bucket that this counter tells; 0 if it tells none.
    #[must_use]
    pub fn count(&self, id: CounterId) -> u64 {
        let bucket = TURN_COUNTERS.iter().position(|counter| *counter == id);
        bucket.map_or(0, |bucket| self.counts[bucket])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_counts_in_the_bucket_that_ends_at_it_or_above() {
        let mut times = TurnTimes::default();
        for (cpu_us, wall_us) in [(0, 0), (10, 11), (11, 9_000), (1_000, 1_000), (100_001, 1)] {
            times.add(cpu_us, wall_us);
        }
        let counts = TURN_COUNTERS.map(|id| times.count(id));
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((times.cpu_us_max, times.wall_us_max), (100_001, 9_000));
        assert_eq!(times.count(CounterId::Turns), 0);
    }

    #[test]
    fn the_name_of_each_bucket_tells_its_end() {
        for (bound, counter) in TURN_BOUNDS_US.iter().zip(TURN_COUNTERS) {
            let end = match bound {
                us if *us < 1_000 => format!("turns_cpu_{us}us"),
                us => format!("turns_cpu_{}ms", us / 1_000),
            };
            assert_eq!(counter.metric(), end);
        }
    }
}
