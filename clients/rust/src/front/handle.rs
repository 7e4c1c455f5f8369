//! What keeps a session: clients, locks and pending acquisitions share it.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::shared::{Contact, Shared};
use crate::error::Error;
use crate::machine::{Outcome, Purpose};

/// One session. Dropping the last handle of it closes it.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    /// Waits for the first greeting: for `patience`, and at least for one attempt.
    pub(super) fn wait_for_contact(&self, patience: Duration) -> Result<(), Error> {
        let deadline = Instant::now().checked_add(patience);
        let shared = &self.shared;
        let mut state = shared.state();
        loop {
            if state.contact.attached {
                return Ok(());
            }
            if let Some(ended) = state.machine.ended() {
                return Err(Error::of(Outcome::Ended(ended.clone())));
            }
            let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if is_late && state.contact.failed_rounds > 0 {
                return Err(last_error(&mut state.contact));
            }
            // The driver reports every failure; the timeout only ends patience between two.
            let pause = Duration::from_millis(100);
            let waited = shared.contacted.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn last_error(contact: &mut Contact) -> Error {
    contact.last_error.take().unwrap_or(Error::NoAnswer)
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.shared.check_process().is_err() {
            return;
        }
        let mut state = self.shared.state();
        state.is_abandoned = true;
        let wants_close =
            state.machine.ended().is_none() && state.machine.purpose() == Purpose::Locks;
        if wants_close {
            state.machine.close(self.shared.clock.now());
        } else {
            state.machine.abandon();
        }
        self.shared.publish(state);
        self.shared.wake();
    }
}
