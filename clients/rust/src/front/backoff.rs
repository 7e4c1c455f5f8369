//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// Doubles from one attempt to the next up to a bound, with jitter, so that the clients of a
/// restarted server do not all come back at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    longest: Duration,
    next: Duration,
    random: u64,
}

/// The wait after the first failure.
const SHORTEST: Duration = Duration::from_millis(20);

impl Backoff {
    /// Waits of at most `longest`; `seed` decides the jitter.
    pub(super) fn new(longest: Duration, seed: u64) -> Self {
        let longest = longest.max(SHORTEST);
        Self {
            longest,
            next: SHORTEST,
            random: seed | 1,
        }
    }

    /// The next wait: between a half and the whole of what it has grown to.
    pub(super) fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        let half_micros = u64::try_from(whole.as_micros() / 2).unwrap_or(u64::MAX - 1);
        whole / 2 + Duration::from_micros(self.draw() % (half_micros + 1))
    }

    /// The server was in contact: the next failure is a first one.
    pub(super) const fn reset(&mut self) {
        self.next = SHORTEST;
    }

    /// xorshift64*, Vigna 2016; jitter needs no better.
    const fn draw(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_with_jitter_up_to_the_bound_and_start_anew_after_contact() {
        let longest = Duration::from_millis(100);
        let mut backoff = Backoff::new(longest, 7);
        for whole_ms in [20, 40, 80, 100, 100, 100] {
            let whole = Duration::from_millis(whole_ms);
            let wait = backoff.wait();
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= SHORTEST);
    }

    #[test]
    fn two_clients_wait_differently() {
        let waits = |seed| {
            let mut backoff = Backoff::new(Duration::from_secs(1), seed);
            (0..4).map(|_| backoff.wait()).collect::<Vec<_>>()
        };
        assert_ne!(waits(1), waits(2));
    }
}
