//! Measures turns in processor time, with few looks at the clock of that. Pure.
//!
//! The clock of a thread's processor time is a system call, 0.3 to 1 us; a turn may take 5. So it
//! is read only at the end of a turn that took [`READ_FROM_US`] or more on the wall. A shorter one
//! took no more processor time than that: it counts as all its time on the wall. What the thread's
//! clock showed at the begin of a long turn is then what it showed last, plus the turns since. The
//! calls between turns, in which the kernel sends and the shard sleeps, take processor time too; so
//! the clock is read anew after [`READ_AFTER_US`] of turns: about every 250 us of work. What
//! remains is an error upwards, of as much, and only of turns whose core was taken away: none is
//! told longer than it was on the wall.

use crate::shard::turn_times::TurnTimes;
use crate::time::Instant;

/// The processor time of a turn that took so long on the wall is read.
pub(super) const READ_FROM_US: u64 = 100;
/// It is read, too, once turns since the last reading took so long.
const READ_AFTER_US: u64 = 50;

/// Measures one shard's turns.
#[derive(Debug, Default)]
pub(super) struct TurnMeter {
    /// What the thread's clock shows at least, in microseconds.
    cpu_us: u64,
    /// Turns since it was read took so long.
    unread_us: u64,
}

impl TurnMeter {
    /// A turn is over, begun and ended at these instants; `cpu_us` reads the thread's clock.
    pub(super) fn add(
        &mut self,
        (began, ended): (Instant, Instant),
        cpu_us: impl FnOnce() -> u64,
        times: &mut TurnTimes,
    ) {
        let wall_us = ended.micros_since(began);
        self.unread_us += wall_us;
        if wall_us < READ_FROM_US && self.unread_us < READ_AFTER_US {
            self.cpu_us += wall_us;
            return times.add(wall_us, wall_us);
        }
        let reading = cpu_us();
        let took_us = reading.saturating_sub(self.cpu_us).min(wall_us);
        self.cpu_us = reading;
        self.unread_us = 0;
        // Of a short one the wall tells enough.
        let is_long = wall_us >= READ_FROM_US;
        times.add(if is_long { took_us } else { wall_us }, wall_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use locker_protocol::CounterId;

    fn span(began: u64, ended: u64) -> (Instant, Instant) {
        (Instant(began), Instant(ended))
    }

    fn unread() -> u64 {
        panic!("no look at the clock is needed")
    }

    #[test]
    fn a_short_turn_costs_no_look_at_the_clock() {
        let (mut meter, mut times) = (TurnMeter::default(), TurnTimes::default());
        meter.add(span(0, 30), unread, &mut times);
        meter.add(span(95, 100), unread, &mut times);
        assert_eq!(times.count(CounterId::TurnsCpu50us), 1);
        assert_eq!(times.count(CounterId::TurnsCpu10us), 1);
    }

    #[test]
    fn a_turn_whose_core_was_taken_away_counts_what_it_ran() {
        let (mut meter, mut times) = (TurnMeter::default(), TurnTimes::default());
        meter.add(span(0, 60), || 700, &mut times);
        meter.add(span(100, 130), unread, &mut times);
        meter.add(span(150, 4_250), || 700 + 30 + 160, &mut times);
        assert_eq!((times.cpu_us_max, times.wall_us_max), (160, 4_100));
        meter.add(span(4_300, 6_300), || 890 + 2_050, &mut times);
        assert_eq!(times.cpu_us_max, 2_000, "no longer than on the wall");
    }

    #[test]
    fn the_clock_is_read_again_after_some_work() {
        let (mut meter, mut times) = (TurnMeter::default(), TurnTimes::default());
        let mut looks = 0;
        for turn in 1..=1_000 {
            let read = || {
                looks += 1;
                turn * 30
            };
            meter.add(span(turn * 30, turn * 30 + 10), read, &mut times);
        }
        assert_eq!(looks, 200);
        assert_eq!(times.count(CounterId::TurnsCpu10us), 1_000);
    }
}
