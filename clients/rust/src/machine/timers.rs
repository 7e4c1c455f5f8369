//! The machine's deadlines in order of time.
//!
//! Each timer is armed at most at one instant; whoever arms it keeps that instant, so that it can
//! be cancelled exactly and the set holds nothing that is not wanted any more.

use std::collections::BTreeSet;

use super::call::{CallId, HoldId};
use super::instant::Instant;

/// What happens at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A hold's own deadline.
    HoldDeadline(HoldId),
    /// A hold's lease wants renewing.
    HoldRenew(HoldId),
    /// A call has waited long enough.
    Call(CallId),
}

/// Armed timers; arming, cancelling and taking the first cost O(log n).
#[derive(Debug, Default)]
pub(super) struct Timers {
    armed: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Arms `timer` for `at`; at [`Instant::NEVER`] it is not armed at all.
    pub(super) fn arm(&mut self, at: Instant, timer: Timer) {
        if at != Instant::NEVER {
            self.armed.insert((at, timer));
        }
    }

    /// Forgets `timer`, armed for `at`.
    pub(super) fn cancel(&mut self, at: Instant, timer: Timer) {
        self.armed.remove(&(at, timer));
    }

    /// The earliest instant at which a timer is armed.
    pub(super) fn next(&self) -> Option<Instant> {
        self.armed.first().map(|&(at, _)| at)
    }

    /// Takes the earliest timer that is due at `now`.
    pub(super) fn due(&mut self, now: Instant) -> Option<Timer> {
        let &(at, timer) = self.armed.first()?;
        if at > now {
            return None;
        }
        self.armed.pop_first();
        Some(timer)
    }
}
