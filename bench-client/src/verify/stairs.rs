//! Tokens that an acquire must exceed, by the instant at which it was asked.
//!
//! Who is known to have been in the key's queue before an acquire was sent is served before it,
//! whatever the modes: grants go in order of arrival, and tokens grow in the order of grants.

use std::collections::VecDeque;

use crate::nanos::Nanos;

/// Steps that are kept when nobody is known to wait.
const STEPS_MIN: usize = 16;

/// A grant that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// From when on it is known to have been in the queue or past it.
    pub(super) known: Nanos,
    /// When its grant was received.
    pub(super) granted: Nanos,
    pub(super) token: u64,
}

/// Grants, `known` and `token` both growing: those that say nothing more than another are dropped.
#[derive(Debug, Default)]
pub(super) struct Stairs(VecDeque<Step>);

impl Stairs {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a grant and forgets the oldest beyond what `waiting` acquires may still be held
    /// against. O(1) while the server is fair.
    pub(super) fn add(&mut self, step: Step, waiting: usize) {
        let place = self.0.partition_point(|other| other.known <= step.known);
        if place > 0 && self.0[place - 1].token >= step.token {
            return;
        }
        while self.0.get(place).is_some_and(|o| o.token <= step.token) {
            self.0.remove(place);
        }
        self.0.insert(place, step);
        while self.0.len() > STEPS_MIN + 2 * waiting {
            self.0.pop_front();
        }
    }

    /// The grant of the greatest token among those known before `asked`.
    pub(super) fn before(&self, asked: Nanos) -> Option<&Step> {
        let place = self.0.partition_point(|step| step.known < asked);
        place.checked_sub(1).map(|last| &self.0[last])
    }

    /// Whether one had this token, as far as remembered.
    pub(super) fn had(&self, token: u64) -> bool {
        let place = self.0.partition_point(|step| step.token < token);
        self.0.get(place).is_some_and(|step| step.token == token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(known: u64, token: u64) -> Step {
        Step {
            known: Nanos(known),
            granted: Nanos(known),
            token,
        }
    }

    #[test]
    fn the_greatest_token_known_before_an_instant_is_found() {
        let mut stairs = Stairs::default();
        for (known, token) in [(10, 5), (30, 9), (20, 7), (25, 6), (40, 8)] {
            stairs.add(step(known, token), 0);
        }
        let before = |asked| stairs.before(Nanos(asked)).map_or(0, |step| step.token);
        assert_eq!(
            [5, 10, 11, 21, 26, 30, 31, 99].map(before),
            [0, 0, 5, 7, 7, 7, 9, 9]
        );
        assert!(stairs.had(7));
        assert!(!stairs.had(4));
    }

    #[test]
    fn old_steps_are_forgotten() {
        let mut stairs = Stairs::default();
        for token in 1..1_000 {
            stairs.add(step(token, token), 3);
        }
        assert_eq!(stairs.0.len(), STEPS_MIN + 6);
        assert_eq!(stairs.before(Nanos(500)), None);
    }
}
