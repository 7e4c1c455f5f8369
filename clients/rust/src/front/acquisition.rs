//! Asking for a lock: the builder, and the acquisition under way.

use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::handle::Handle;
use super::lock::Lock;
use super::slot::{Answer, CallSlot};
use crate::error::Error;
use crate::machine::{Acquire, AutoRenew, CallId, Lease, Mode, Outcome, Wait};

/// A lock about to be asked for; see [`Client::acquire`](super::Client::acquire).
#[derive(Clone, Debug)]
#[must_use = "nothing is asked for before `lock` or `start`"]
pub struct Acquisition {
    client: Client,
    acquire: Acquire,
}

impl Acquisition {
    pub(super) fn new(client: Client, key: &[u8]) -> Self {
        let acquire = Acquire {
            key: key.into(),
            mode: Mode::Exclusive,
            wait: Wait::Forever,
            lease: Lease::Session,
            auto_renew: None,
            metadata: [].into(),
        };
        Self { client, acquire }
    }

    /// Shares the key with others that share it.
    pub fn shared(mut self) -> Self {
        self.acquire.mode = Mode::Shared;
        self
    }

    /// Takes `permits` of the key's `of` permits: a semaphore. Everybody must say the same `of`.
    pub fn permits(mut self, permits: u32, of: u32) -> Self {
        self.acquire.mode = Mode::Permit {
            permits,
            limit: of,
            resize: false,
        };
        self
    }

    /// Takes `permits`, and makes `of` the key's number of permits if it is another. Holds above a
    /// smaller number stay until they are released.
    pub fn permits_resizing(mut self, permits: u32, of: u32) -> Self {
        self.acquire.mode = Mode::Permit {
            permits,
            limit: of,
            resize: true,
        };
        self
    }

    /// Waits at most this long; for ever, if nothing is said.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.acquire.wait = if wait.is_zero() {
            Wait::Try
        } else {
            Wait::For(wait)
        };
        self
    }

    /// Does not wait: the lock is free or it is not.
    pub fn try_now(mut self) -> Self {
        self.acquire.wait = Wait::Try;
        self
    }

    /// Holds for at most this long unless renewed; as long as the session, if nothing is said. The
    /// server clamps it to its bounds.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.acquire.lease = Lease::For(lease);
        self
    }

    /// Renews the lease at a third of it, until the release. The client's own thread does that, so
    /// a program that hangs elsewhere keeps its lock: prefer a cap.
    pub fn auto_renew(mut self) -> Self {
        self.acquire.auto_renew = Some(AutoRenew { cap: None });
        self
    }

    /// Renews the lease at a third of it, but not later than `cap` after the grant.
    pub fn auto_renew_for(mut self, cap: Duration) -> Self {
        self.acquire.auto_renew = Some(AutoRenew { cap: Some(cap) });
        self
    }

    /// Shows these bytes to whoever inspects the key; at most 256.
    pub fn metadata(mut self, metadata: impl AsRef<[u8]>) -> Self {
        self.acquire.metadata = metadata.as_ref().into();
        self
    }

    /// Asks and waits for the lock. A restart of the server does not end the wait, but the place in
    /// the queue is lost; [`try_now`](Self::try_now) is refused while the server stops or starts.
    ///
    /// # Errors
    /// [`Error::NotObtained`] after the wait; [`Error::Lost`] if it was granted and lost again;
    /// [`Error::Refused`]; [`Error::NoAnswer`]; [`Error::Ended`]; [`Error::Forked`].
    pub fn lock(self) -> Result<Lock, Error> {
        self.start()?.wait()
    }

    pub(super) const fn mode(&self) -> Mode {
        self.acquire.mode
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) const fn key(&self) -> &Arc<[u8]> {
        &self.acquire.key
    }

    /// Asks for the lock without waiting for it.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn start(self) -> Result<Pending, Error> {
        let Self { client, acquire } = self;
        let key = Arc::clone(&acquire.key);
        let handle = Arc::clone(&client.session_of(&key));
        let (call, slot) = handle
            .shared
            .call(|machine, now| machine.acquire(now, acquire))?;
        Ok(Pending {
            canceller: Canceller { handle, call },
            slot,
            key,
            is_answered: false,
        })
    }
}

/// A lock that was asked for. Dropping it cancels it.
#[derive(Debug)]
#[must_use = "dropping a pending acquisition cancels it"]
pub struct Pending {
    canceller: Canceller,
    slot: Arc<CallSlot>,
    key: Arc<[u8]>,
    is_answered: bool,
}

/// Cancels a pending acquisition from another thread.
#[derive(Clone, Debug)]
pub struct Canceller {
    handle: Arc<Handle>,
    call: CallId,
}

impl Pending {
    /// Waits for the lock.
    ///
    /// # Errors
    /// Those of [`Acquisition::lock`], and [`Error::Cancelled`].
    pub fn wait(mut self) -> Result<Lock, Error> {
        self.canceller.handle.shared.check_process()?;
        let answer = self.slot.wait();
        self.finish(answer)
    }

    /// Waits for the lock for at most `timeout`; gives itself back if that was not enough.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait), inside the `Ok`; the error is the acquisition, still pending.
    pub fn wait_for(mut self, timeout: Duration) -> Result<Result<Lock, Error>, Self> {
        if let Err(forked) = self.canceller.handle.shared.check_process() {
            return Ok(Err(forked));
        }
        match self.slot.wait_for(timeout) {
            Some(answer) => Ok(self.finish(answer)),
            None => Err(self),
        }
    }

    /// What cancels this acquisition from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    fn finish(&mut self, answer: Answer) -> Result<Lock, Error> {
        self.is_answered = true;
        match (answer.outcome, answer.watch) {
            (Outcome::Granted { hold, token }, Some(watch)) => {
                let handle = Arc::clone(&self.canceller.handle);
                Ok(Lock::new(handle, hold, token, Arc::clone(&self.key), watch))
            }
            (other, _) => Err(Error::of(other)),
        }
    }
}

impl Canceller {
    /// Ends the acquisition with [`Error::Cancelled`] unless it has its outcome already.
    pub fn cancel(&self) {
        // After a fork there is nothing to cancel here: the parent waits for it.
        let _ = self
            .handle
            .shared
            .tell(|machine, now| machine.cancel(now, self.call));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.is_answered || self.canceller.handle.shared.check_process().is_err() {
            return;
        }
        self.canceller.cancel();
        // The answer came before the cancel, or it is the cancel's: it is there in either case.
        let answer = self.slot.wait();
        drop(self.finish(answer));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rustix::process::{Pid, getpid, getppid};

    use super::*;
    use crate::front::clock::Clock;
    use crate::front::shared::Shared;
    use crate::machine::{Machine, Settings};

    /// An acquisition that the process of that id began, and that is not answered.
    fn pending_of(process: Pid) -> Pending {
        let machine = Machine::new(Settings::default());
        let shared = Shared::of_process(machine, Clock::start(false), Arc::default(), process);
        let handle = Arc::new(Handle {
            shared: Arc::new(shared.unwrap()),
        });
        let call = CallId(1);
        Pending {
            canceller: Canceller { handle, call },
            slot: Arc::new(CallSlot::new(call, Arc::default())),
            key: b"k"[..].into(),
            is_answered: process == getpid(),
        }
    }

    #[test]
    fn a_forked_child_does_not_wait_for_what_its_parent_asked_for() {
        let parent = getppid().unwrap();
        assert!(matches!(pending_of(parent).wait(), Err(Error::Forked)));
        let waited = pending_of(parent).wait_for(Duration::MAX);
        assert!(matches!(waited, Ok(Err(Error::Forked))));
        let own = pending_of(getpid()).wait_for(Duration::from_millis(1));
        assert!(own.is_err(), "nothing answers it");
    }
}
