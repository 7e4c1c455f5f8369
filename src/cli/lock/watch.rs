//! When a command has to stop because its lock does.
//!
//! Pure: it is told how long the lock is certain and what the time is, and says what to do. Without
//! contact the certainty runs out by itself: the command is asked to stop `kill_after` before the
//! end, and killed at the end, so that it does not run beside the next holder.

use std::time::Duration;

/// What becomes of a command that loses its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnLost {
    /// Ask it to stop (TERM), then kill it
    Term,
    /// Kill it at the end of the lock
    Kill,
    /// Let it run on, and say so
    Continue,
}

/// What is known of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It stands for this long at least, longer if the server is heard of.
    For(Duration),
    /// Its time is over.
    Over,
    /// The server ended it before its time; the key is closed to others for a while.
    Forced,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    Terminate,
    Kill,
    Warn,
}

/// What was done so far.
#[derive(Debug)]
pub(super) struct Watch {
    on_lost: OnLost,
    kill_after: Duration,
    /// When the command was asked to stop, on the caller's clock.
    terminated_at: Option<Duration>,
    is_done: bool,
}

impl Watch {
    pub(super) const fn new(on_lost: OnLost, kill_after: Duration) -> Self {
        Self {
            on_lost,
            kill_after,
            terminated_at: None,
            is_done: false,
        }
    }

    /// Whether the command was made to stop, or would have been.
    pub(super) const fn has_acted(&self) -> bool {
        self.is_done || self.terminated_at.is_some()
    }

    /// What to do at `now`, and after how long to ask again at the latest.
    pub(super) fn look(&mut self, now: Duration, lock: Certainty) -> (Action, Option<Duration>) {
        if self.is_done {
            return (Action::Nothing, None);
        }
        match (self.on_lost, lock) {
            (OnLost::Continue | OnLost::Kill, Certainty::For(left)) => {
                (Action::Nothing, Some(left))
            }
            (OnLost::Continue, _) => self.done(Action::Warn),
            (OnLost::Kill, _) | (OnLost::Term, Certainty::Over) => self.done(Action::Kill),
            (OnLost::Term, Certainty::For(left)) => self.look_ahead(now, left),
            (OnLost::Term, Certainty::Forced) => self.look_back(now),
        }
    }

    /// The lock stands: its end is foreseen.
    fn look_ahead(&mut self, now: Duration, left: Duration) -> (Action, Option<Duration>) {
        if self.terminated_at.is_some() {
            return (Action::Nothing, Some(left));
        }
        if left > self.kill_after {
            return (Action::Nothing, Some(left - self.kill_after));
        }
        self.terminated_at = Some(now);
        (Action::Terminate, Some(left))
    }

    /// The lock was taken away: the command has `kill_after` from when it was asked to stop.
    fn look_back(&mut self, now: Duration) -> (Action, Option<Duration>) {
        let Some(terminated_at) = self.terminated_at else {
            self.terminated_at = Some(now);
            return (Action::Terminate, Some(self.kill_after));
        };
        let passed = now.saturating_sub(terminated_at);
        match self
            .kill_after
            .checked_sub(passed)
            .filter(|left| !left.is_zero())
        {
            Some(left) => (Action::Nothing, Some(left)),
            None => self.done(Action::Kill),
        }
    }

    fn done(&mut self, action: Action) -> (Action, Option<Duration>) {
        self.is_done = true;
        (action, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn watch(on_lost: OnLost) -> Watch {
        Watch::new(on_lost, s(2))
    }

    #[test]
    fn without_contact_the_command_is_asked_to_stop_before_the_end_and_killed_at_the_end() {
        let mut watch = watch(OnLost::Term);
        assert_eq!(
            watch.look(s(0), Certainty::For(s(9))),
            (Action::Nothing, Some(s(7)))
        );
        assert_eq!(
            watch.look(s(7), Certainty::For(s(2))),
            (Action::Terminate, Some(s(2)))
        );
        assert_eq!(watch.look(s(9), Certainty::Over), (Action::Kill, None));
        assert_eq!(watch.look(s(10), Certainty::Over), (Action::Nothing, None));
    }

    #[test]
    fn contact_moves_the_end_away() {
        let mut watch = watch(OnLost::Term);
        watch.look(s(0), Certainty::For(s(9)));
        assert_eq!(
            watch.look(s(7), Certainty::For(s(8))),
            (Action::Nothing, Some(s(6)))
        );
        assert!(!watch.has_acted());
    }

    #[test]
    fn contact_after_the_request_to_stop_spares_the_kill() {
        let mut watch = watch(OnLost::Term);
        watch.look(s(7), Certainty::For(s(2)));
        assert_eq!(
            watch.look(s(9), Certainty::For(s(9))),
            (Action::Nothing, Some(s(9)))
        );
        assert!(watch.has_acted());
    }

    #[test]
    fn a_forced_release_asks_at_once_and_kills_after_the_pause() {
        let mut watch = watch(OnLost::Term);
        assert_eq!(
            watch.look(s(4), Certainty::Forced),
            (Action::Terminate, Some(s(2)))
        );
        assert_eq!(
            watch.look(s(5), Certainty::Forced),
            (Action::Nothing, Some(s(1)))
        );
        assert_eq!(watch.look(s(6), Certainty::Forced), (Action::Kill, None));
    }

    #[test]
    fn a_command_that_slept_past_the_end_is_killed_at_once() {
        let mut watch = watch(OnLost::Term);
        assert_eq!(watch.look(s(99), Certainty::Over), (Action::Kill, None));
    }

    #[test]
    fn kill_waits_for_the_end_and_asks_nothing_before() {
        let mut watch = watch(OnLost::Kill);
        assert_eq!(
            watch.look(s(0), Certainty::For(s(1))),
            (Action::Nothing, Some(s(1)))
        );
        assert_eq!(watch.look(s(1), Certainty::Over), (Action::Kill, None));
    }

    #[test]
    fn continue_only_warns_and_only_once() {
        let mut watch = watch(OnLost::Continue);
        assert_eq!(watch.look(s(0), Certainty::Forced), (Action::Warn, None));
        assert_eq!(watch.look(s(1), Certainty::Forced), (Action::Nothing, None));
        assert!(watch.has_acted());
    }
}
