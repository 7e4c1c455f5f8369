//! Where a thread waits for the outcome of its call, or for the loss of its lock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::parking::{Berth, Parking, Wakes};
use crate::machine::{CallId, LostReason, Outcome};

/// One call's outcome, once it is there.
#[derive(Debug)]
pub(super) struct CallSlot {
    answer: Mutex<Option<Answer>>,
    parking: Arc<Parking>,
    berth: Berth,
}

/// What a call came to; a grant comes with its lock's watch.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) watch: Option<Arc<HoldWatch>>,
}

/// What is known of a lock's loss.
#[derive(Default)]
pub(super) struct HoldWatch {
    state: Mutex<WatchState>,
    changed: Condvar,
}

/// Called once with the reason of the loss.
pub(super) type LostCallback = Box<dyn FnOnce(LostReason) + Send>;

#[derive(Default)]
struct WatchState {
    lost: Option<LostReason>,
    callbacks: Vec<LostCallback>,
}

impl CallSlot {
    /// The outcome of `call`, whose caller sleeps in `parking`.
    pub(super) fn new(call: CallId, parking: Arc<Parking>) -> Self {
        Self {
            answer: Mutex::default(),
            parking,
            berth: Berth::of(call),
        }
    }

    /// Puts the outcome there. Who waits for it sleeps until `wakes` are carried out.
    pub(super) fn complete(&self, answer: Answer, wakes: &mut Wakes) {
        *lock(&self.answer) = Some(answer);
        wakes.add(self.berth);
    }

    /// Blocks until the outcome is there.
    pub(super) fn wait(&self) -> Answer {
        let answer = self.sleep(None);
        answer.expect("without a bound only an answer ends the wait")
    }

    /// Blocks until the outcome is there or `timeout` has passed.
    pub(super) fn wait_for(&self, timeout: Duration) -> Option<Answer> {
        self.sleep(Some(timeout))
    }

    fn sleep(&self, timeout: Option<Duration>) -> Option<Answer> {
        let look = || lock(&self.answer).take();
        self.parking.sleep(self.berth, timeout, look)
    }
}

impl HoldWatch {
    pub(super) fn lost(&self) -> Option<LostReason> {
        lock(&self.state).lost
    }

    /// Notes the loss and gives the callbacks that have to hear of it.
    pub(super) fn lose(&self, reason: LostReason) -> Vec<LostCallback> {
        let mut state = lock(&self.state);
        state.lost = Some(reason);
        self.changed.notify_all();
        std::mem::take(&mut state.callbacks)
    }

    /// Keeps the callback for the loss; gives it back if the lock is lost already.
    pub(super) fn on_lost(&self, callback: LostCallback) -> Option<(LostCallback, LostReason)> {
        let mut state = lock(&self.state);
        if let Some(reason) = state.lost {
            return Some((callback, reason));
        }
        state.callbacks.push(callback);
        None
    }

    /// Blocks until the lock is lost or `timeout` has passed.
    pub(super) fn wait_for(&self, timeout: Duration) -> Option<LostReason> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = lock(&self.state);
        loop {
            if state.lost.is_some() {
                return state.lost;
            }
            let left = time_left(deadline)?;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl std::fmt::Debug for HoldWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HoldWatch")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

/// What is left until `deadline`, a long while if there is none; `None` once it has passed.
fn time_left(deadline: Option<Instant>) -> Option<Duration> {
    let Some(deadline) = deadline else {
        return Some(Duration::from_secs(3_600));
    };
    deadline
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
}

/// Locks past a panic of another thread: everything behind these mutexes is whole at each step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
