//! The order of a turn and of falling asleep: what the loop of a shard and the simulator both run.
//!
//! ```text
//!  turn         reap, note the lanes ─> read the clock ─> begin, take in, end ─> settle
//!  fall_asleep  announce ─> look again ─> park, if nothing was found ─> awake
//! ```
//!
//! Two of the server's promises are nothing but these orders. All that a turn judges arrived before
//! the instant that it is judged by, so a renewal in time is never met by a clock read before it
//! came. And whoever publishes something for a shard that falls asleep is seen by its second look,
//! or sees its announcement and wakes it. The steps are the shell's, or the simulator's, which lets
//! time pass and other shards run between any two of them.

use crate::shard::machine::NextTurn;
use crate::time::Instant;

/// The steps of one turn.
pub trait Turn {
    /// Collects what has come by now from sockets and from other threads.
    fn reap(&mut self);

    /// Notes how far each inbound lane is filled by now: this turn takes no more of them.
    fn note_lanes(&mut self);

    /// Reads the clock.
    fn clock(&mut self) -> Instant;

    /// Begins the machine's turn at this instant.
    fn begin(&mut self, now: Instant);

    /// Gives the machine what was collected and noted.
    fn take_in(&mut self);

    /// Ends the machine's turn: what it was given is applied, then what is due expires.
    fn end(&mut self) -> NextTurn;

    /// Lets the turn's answers leave: sends started, lanes published, sleepers woken.
    fn settle(&mut self);
}

/// Takes one turn.
#[inline]
pub fn turn(steps: &mut impl Turn) -> NextTurn {
    steps.reap();
    steps.note_lanes();
    let now = steps.clock();
    steps.begin(now);
    steps.take_in();
    let next = steps.end();
    steps.settle();
    next
}

/// How [`Sleep::park`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Park {
    /// Not at all: something is there.
    No,
    /// Until something comes.
    UntilSomethingComes,
}

/// The steps of falling asleep.
pub trait Sleep {
    /// Shows other threads that this shard sleeps and has to be woken; whatever they published
    /// before they could see it is seen by [`Self::finds_work`].
    fn announce(&mut self);

    /// Whether something waits: mail, a message in a lane, a completion.
    fn finds_work(&mut self) -> bool;

    /// Hands over the last operations and waits.
    fn park(&mut self, how: Park);

    /// Takes the announcement back.
    fn awake(&mut self);
}

/// Sleeps until something comes.
#[inline]
pub fn fall_asleep(steps: &mut impl Sleep) {
    steps.announce();
    let park = match steps.finds_work() {
        true => Park::No,
        false => Park::UntilSomethingComes,
    };
    steps.park(park);
    steps.awake();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down which steps were taken; the clock stands.
    #[derive(Default)]
    struct Taken {
        steps: Vec<&'static str>,
        work: bool,
    }

    impl Turn for Taken {
        fn reap(&mut self) {
            self.steps.push("reap");
        }

        fn note_lanes(&mut self) {
            self.steps.push("note lanes");
        }

        fn clock(&mut self) -> Instant {
            self.steps.push("clock");
            Instant(7)
        }

        fn begin(&mut self, now: Instant) {
            assert_eq!(now, Instant(7));
            self.steps.push("begin");
        }

        fn take_in(&mut self) {
            self.steps.push("take in");
        }

        fn end(&mut self) -> NextTurn {
            self.steps.push("end");
            NextTurn::default()
        }

        fn settle(&mut self) {
            self.steps.push("settle");
        }
    }

    impl Sleep for Taken {
        fn announce(&mut self) {
            self.steps.push("announce");
        }

        fn finds_work(&mut self) -> bool {
            self.steps.push("look");
            self.work
        }

        fn park(&mut self, how: Park) {
            self.steps.push(match how {
                Park::No => "go on",
                Park::UntilSomethingComes => "wait",
            });
        }

        fn awake(&mut self) {
            self.steps.push("awake");
        }
    }

    #[test]
    fn the_clock_is_read_after_all_that_the_turn_judges_has_come() {
        let mut taken = Taken::default();
        turn(&mut taken);
        let order = [
            "reap",
            "note lanes",
            "clock",
            "begin",
            "take in",
            "end",
            "settle",
        ];
        assert_eq!(taken.steps, order);
    }

    #[test]
    fn a_shard_looks_again_once_it_has_announced_its_sleep() {
        for (work, waits) in [(false, "wait"), (true, "go on")] {
            let mut taken = Taken {
                work,
                ..Taken::default()
            };
            fall_asleep(&mut taken);
            assert_eq!(taken.steps, ["announce", "look", waits, "awake"]);
        }
    }
}
