//! The client: one session that many threads share.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::acquisition::Acquisition;
use super::builder::Builder;
use super::shared::{Contact, Shared};
use crate::error::Error;
use crate::machine::{ForceDelay, ForceRelease, Machine, Outcome, Purpose, ServerInfo};

/// A session with a server. Cloning is cheap, and all clones and threads share one connection.
///
/// The session ends, and every lock of it, with [`close`](Self::close) or once the last clone, lock
/// and pending acquisition is dropped.
///
/// After a `fork` the child's calls fail with [`Error::Forked`], and dropping does nothing there.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<Handle>,
}

/// What keeps the session: clients, locks and pending acquisitions share it.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
}

/// What a forced release did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// Holds that were ended.
    pub ended: u32,
    /// Nobody is granted the key for this long.
    pub closed: Duration,
}

impl Client {
    /// Connects to `address`, which is `host`, `host:port` or `unix:/path`, with the settings that
    /// a builder starts with.
    ///
    /// # Errors
    /// Those of [`Builder::connect`].
    pub fn connect(address: impl Into<String>) -> Result<Self, Error> {
        Self::builder().address(address).connect()
    }

    /// Settings, to be followed by [`Builder::connect`].
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            handle: Arc::new(Handle { shared }),
        }
    }

    /// Begins to describe an acquisition of `key`, 1 to 1,024 bytes of any kind; exclusive, waiting
    /// for ever, and held as long as the session, unless it is told otherwise.
    pub fn acquire(&self, key: impl AsRef<[u8]>) -> Acquisition {
        Acquisition::new(Arc::clone(&self.handle), key.as_ref())
    }

    /// What the server said of itself in its last greeting; `None` before the first.
    #[must_use]
    pub fn server(&self) -> Option<ServerInfo> {
        self.shared().check_process().ok()?;
        self.shared().state().machine.server().cloned()
    }

    /// Whether the server is in contact at this moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.shared().check_process().is_ok() && self.shared().state().machine.is_attached()
    }

    /// Asks the server for a sign of life; gives its clock in microseconds since its run began.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], [`Error::Ended`], [`Error::Forked`].
    pub fn ping(&self) -> Result<u64, Error> {
        match self.read(crate::machine::Read::Ping)? {
            Outcome::Pong { server_now } => Ok(server_now),
            other => Err(Error::of(other)),
        }
    }

    /// Ends holds of other sessions: the one with `token`, or all of the key. Only on listeners for
    /// administrators. `reason` is logged by the server, at most 256 bytes.
    ///
    /// # Errors
    /// [`Error::NotHeld`] if there is no such hold, [`Error::Refused`], and those of every call.
    pub fn force_release(
        &self,
        key: impl AsRef<[u8]>,
        token: Option<u64>,
        delay: ForceDelay,
        reason: impl Into<String>,
    ) -> Result<Forced, Error> {
        let force = ForceRelease {
            key: key.as_ref().into(),
            token,
            delay,
            reason: reason.into(),
        };
        let (_, slot) = self
            .shared()
            .call(|machine, now| machine.force_release(now, force))?;
        match slot.wait().outcome {
            Outcome::Forced { ended, closed } => Ok(Forced { ended, closed }),
            other => Err(Error::of(other)),
        }
    }

    /// Ends the session and every lock of it, and waits for the server to say so. Every other call
    /// fails from then on, and remaining locks are lost.
    ///
    /// # Errors
    /// [`Error::NoAnswer`]: the server ends the session by its TTL.
    pub fn close(self) -> Result<(), Error> {
        let (_, slot) = self.shared().call(Machine::close)?;
        match slot.wait().outcome {
            Outcome::Closed => Ok(()),
            other => Err(Error::of(other)),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// Asks a question and waits for its answer.
    pub(super) fn read(&self, read: crate::machine::Read) -> Result<Outcome, Error> {
        let (_, slot) = self.shared().call(|machine, now| machine.read(now, read))?;
        Ok(slot.wait().outcome)
    }

    /// Waits for the first greeting: for `patience`, and at least for one attempt.
    pub(super) fn wait_for_contact(&self, patience: Duration) -> Result<(), Error> {
        let deadline = Instant::now().checked_add(patience);
        let shared = self.shared();
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
