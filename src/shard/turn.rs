//! The order of a turn and of falling asleep: what the loop of a shard and the simulator both run.
//!
//! ```text
//!  turn         reap, note the lanes ─> read the clock ─> act: apply, expire, send
//!  fall asleep  announce ─> look again ─> park, unless something was found
//! ```
//!
//! Two of the server's promises are nothing but these orders. All that a turn judges arrived before
//! the instant that it is judged by, so a renewal in time is never met by a clock read before it
//! came. And whoever publishes something for a shard that falls asleep is seen by its second look,
//! or sees its announcement and wakes it.
//!
//! The loop takes the steps of a turn one behind the other ([`turn`], [`fall_asleep`]); the
//! simulator takes each when it pleases ([`Step::next`], [`Falling::next`]), so that time passes
//! and other shards run in between.

use crate::canary::{self, Canary};

/// A step of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Collects what has come by now from sockets and other threads, and notes how far each inbound
    /// lane is filled: this turn takes no more of it.
    Reap,
    /// Reads the clock.
    Clock,
    /// Hands all that was collected to the machine at the instant that was read, lets it expire
    /// what is due, and lets its answers leave.
    Act,
}

impl Step {
    /// The first step of a turn.
    #[inline]
    #[must_use]
    pub fn first() -> Self {
        match canary::is(Canary::ClockBeforeReap) {
            false => Self::Reap,
            true => Self::Clock,
        }
    }

    /// The step after this one; none if the turn is over.
    #[inline]
    #[must_use]
    pub fn next(self) -> Option<Self> {
        if canary::is(Canary::ClockBeforeReap) {
            return match self {
                Self::Clock => Some(Self::Reap),
                Self::Reap => Some(Self::Act),
                Self::Act => None,
            };
        }
        match self {
            Self::Reap => Some(Self::Clock),
            Self::Clock => Some(Self::Act),
            Self::Act => None,
        }
    }
}

/// Takes one turn.
#[inline]
pub fn turn(mut take: impl FnMut(Step)) {
    let mut next = Some(Step::first());
    while let Some(step) = next {
        take(step);
        next = step.next();
    }
}

/// A step of falling asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Falling {
    /// Shows other threads that this shard sleeps and has to be woken.
    Announce,
    /// Looks whether something waits: mail, a message in a lane, a completion.
    Look,
    /// Waits.
    Park,
}

impl Falling {
    /// The first step of falling asleep.
    #[inline]
    #[must_use]
    pub const fn first() -> Self {
        Self::Announce
    }

    /// The step after this one; none if the shard sleeps.
    #[inline]
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Announce if canary::is(Canary::SleepWithoutLook) => Some(Self::Park),
            Self::Announce => Some(Self::Look),
            Self::Look => Some(Self::Park),
            Self::Park => None,
        }
    }
}

/// What a step of falling asleep came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing keeps the shard awake.
    Nothing,
    /// Something is there: it does not sleep.
    Something,
}

/// Falls asleep, unless a step finds something.
#[inline]
pub fn fall_asleep(mut take: impl FnMut(Falling) -> Found) {
    let mut next = Some(Falling::first());
    while let Some(step) = next {
        if take(step) == Found::Something {
            return;
        }
        next = step.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_read_after_all_that_the_turn_judges_has_come() {
        let mut taken = Vec::new();
        turn(|step| taken.push(step));
        assert_eq!(taken, [Step::Reap, Step::Clock, Step::Act]);
    }

    #[test]
    fn a_shard_looks_again_once_it_has_announced_its_sleep() {
        let mut taken = Vec::new();
        fall_asleep(|step| {
            taken.push(step);
            Found::Nothing
        });
        assert_eq!(taken, [Falling::Announce, Falling::Look, Falling::Park]);
    }

    #[test]
    fn a_shard_that_finds_something_on_its_second_look_does_not_sleep() {
        let mut taken = Vec::new();
        fall_asleep(|step| {
            taken.push(step);
            match step {
                Falling::Look => Found::Something,
                _ => Found::Nothing,
            }
        });
        assert_eq!(taken, [Falling::Announce, Falling::Look]);
    }
}
