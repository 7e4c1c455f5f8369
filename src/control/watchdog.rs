//! Finds shards that stand still without having announced sleep. Pure.
//!
//! Nothing inside a shard that hangs would notice, and whoever looks from outside should be told:
//! it is kicked, counted and logged. A look every [`LOOK_EVERY`] costs two relaxed loads per shard.

use std::time::Duration;

/// Time between two looks.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Looks in a row that must find a shard at the same turn: 100 ms. Looks are counted, and not time,
/// because a process that was stopped as a whole is behind in time and in nothing else.
pub const LOOKS_MAX: u32 = 2;

/// What one look sees of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Turns that the shard took.
    pub turns: u64,
    /// Whether it announced sleep.
    pub asleep: bool,
}

/// The last sight of each shard.
#[derive(Clone, Debug)]
pub struct Watchdog {
    shards: Vec<Watched>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    turns: u64,
    looks: u32,
}

impl Watchdog {
    /// A watchdog over so many shards.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self {
            shards: vec![Watched::default(); shards],
        }
    }

    /// Takes a look at one shard; true if it must be roused, again every 100 ms that it stands.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn look(&mut self, shard: usize, sight: Sight) -> bool {
        let watched = &mut self.shards[shard];
        if sight.asleep || sight.turns != watched.turns {
            *watched = Watched {
                turns: sight.turns,
                looks: 0,
            };
            return false;
        }
        watched.looks += 1;
        let stands = watched.looks == LOOKS_MAX;
        if stands {
            watched.looks = 0;
        }
        stands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(watchdog: &mut Watchdog, turns: u64, asleep: bool) -> bool {
        watchdog.look(0, Sight { turns, asleep })
    }

    #[test]
    fn a_shard_that_turns_or_sleeps_is_left_alone() {
        let mut watchdog = Watchdog::new(1);
        for turns in 1..100 {
            assert!(!look(&mut watchdog, turns, false));
        }
        for _ in 0..100 {
            assert!(!look(&mut watchdog, 99, true));
        }
    }

    #[test]
    fn a_shard_that_stands_still_awake_is_roused_every_hundred_milliseconds() {
        let mut watchdog = Watchdog::new(1);
        assert!(!look(&mut watchdog, 7, false));
        let roused: Vec<bool> = (0..6).map(|_| look(&mut watchdog, 7, false)).collect();
        assert_eq!(roused, [false, true, false, true, false, true]);
        assert!(!look(&mut watchdog, 8, false));
        assert!(!look(&mut watchdog, 8, false));
    }

    #[test]
    fn sleep_between_two_looks_starts_the_count_anew() {
        let mut watchdog = Watchdog::new(1);
        look(&mut watchdog, 7, false);
        look(&mut watchdog, 7, false);
        look(&mut watchdog, 7, true);
        assert!(!look(&mut watchdog, 7, false));
        assert!(look(&mut watchdog, 7, false));
    }
}
