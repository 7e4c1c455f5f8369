//! A lock that is held.

use std::sync::Arc;
use std::time::Duration;

use locker_protocol::escape_key;

use super::handle::Handle;
use super::slot::HoldWatch;
use crate::error::Error;
use crate::machine::{HoldId, Lease, LostReason, Outcome};

/// A lock, released when dropped.
///
/// It outlives broken connections, and restarts of the server that are over before
/// [`remaining`](Self::remaining) is: it is taken back then, with its token, and nothing is told.
///
/// Nothing stops a program from using what a lost lock protected. It finds out by
/// [`is_valid`](Self::is_valid) before each step, by [`on_lost`](Self::on_lost), or by
/// [`wait_lost`](Self::wait_lost); and whatever is protected can refuse a late writer by comparing
/// [`token`](Self::token) with the greatest it has seen.
#[derive(Debug)]
#[must_use = "a lock is released when it is dropped"]
pub struct Lock {
    handle: Arc<Handle>,
    hold: HoldId,
    token: u64,
    key: Arc<[u8]>,
    watch: Arc<HoldWatch>,
    is_released: bool,
}

impl Lock {
    pub(super) fn new(
        handle: Arc<Handle>,
        hold: HoldId,
        token: u64,
        key: Arc<[u8]>,
        watch: Arc<HoldWatch>,
    ) -> Self {
        Self {
            handle,
            hold,
            token,
            key,
            watch,
            is_released: false,
        }
    }

    /// The fencing token: greater than that of every earlier lock on this key, over restarts too.
    #[must_use]
    pub const fn token(&self) -> u64 {
        self.token
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether the lock is held at this moment, as far as can be known without asking: it is not
    /// known to be lost, and neither its own deadline nor the session's has passed. Both are taken
    /// early, so that no other client is granted the key while this is true.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// How long the lock will stay valid if nothing more is heard of the server; it grows with each
    /// answer and renewal. Zero if it is not valid.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        let shared = &self.handle.shared;
        if shared.check_process().is_err() {
            return Duration::ZERO;
        }
        let until = shared.state().machine.held_until(self.hold);
        until.since(shared.clock.now())
    }

    /// How long the lease lasts unless it is renewed; `None` = as long as the session. Zero if the
    /// lock is not valid.
    #[must_use]
    pub fn lease_remaining(&self) -> Option<Duration> {
        let shared = &self.handle.shared;
        if shared.check_process().is_err() {
            return Some(Duration::ZERO);
        }
        let until = shared.state().machine.lease_until(self.hold)?;
        Some(until.since(shared.clock.now()))
    }

    /// Whether the lock is known to be lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost_reason().is_some()
    }

    /// Why the lock was lost, once it is known to be.
    #[must_use]
    pub fn lost_reason(&self) -> Option<LostReason> {
        self.watch.lost()
    }

    /// Whether the lock may be used on, and why not.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.handle.shared.check_process()?;
        let is_valid = self.is_valid();
        match self.lost_reason() {
            Some(reason) => Err(Error::Lost { reason }),
            None if is_valid => Ok(()),
            // Its time is over, and the client's thread has not come to say so.
            None => Err(Error::Lost {
                reason: match self.lease_remaining() {
                    Some(Duration::ZERO) => LostReason::Lease,
                    _ => LostReason::Session,
                },
            }),
        }
    }

    /// Blocks until the lock is lost or `timeout` has passed; `None` = still held then. In a forked
    /// child, which has no lock, at once [`LostReason::Unknown`].
    #[must_use]
    pub fn wait_lost(&self, timeout: Duration) -> Option<LostReason> {
        if self.handle.shared.check_process().is_err() {
            return Some(LostReason::Unknown);
        }
        self.watch.wait_for(timeout)
    }

    /// Calls `callback` once when the lock is lost, at once if it is lost already. It runs on a
    /// thread of its own that all callbacks of this client share. Not called after the release.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn on_lost(&self, callback: impl FnOnce(LostReason) + Send + 'static) -> Result<(), Error> {
        self.handle.shared.on_lost(&self.watch, Box::new(callback))
    }

    /// Replaces the lease: the lock ends `lease` after the server has heard of it.
    ///
    /// # Errors
    /// [`Error::Lost`]; [`Error::NoAnswer`], after which the lock may or may not have been renewed
    /// and [`remaining`](Self::remaining) tells what is certain; and those of every call.
    pub fn renew(&self, lease: Duration) -> Result<(), Error> {
        let (hold, lease) = (self.hold, Lease::For(lease));
        let (_, slot) = self
            .handle
            .shared
            .call(|machine, now| machine.renew(now, hold, lease))?;
        match slot.wait().outcome {
            Outcome::Renewed => Ok(()),
            other => Err(Error::of(other)),
        }
    }

    /// Releases the lock and waits for the server to say so: `Ok` means that it was held until now.
    ///
    /// # Errors
    /// [`Error::Lost`] if it was lost before; [`Error::NoAnswer`] if the server is out of contact,
    /// which will release it as soon as it is heard of, or end it by itself.
    pub fn release(mut self) -> Result<(), Error> {
        self.is_released = true;
        let hold = self.hold;
        let (_, slot) = self
            .handle
            .shared
            .call(|machine, now| machine.release(now, hold))?;
        self.handle.shared.forget(hold);
        match slot.wait().outcome {
            Outcome::Released => Ok(()),
            other => Err(Error::of(other)),
        }
    }
}

impl Drop for Lock {
    /// Hands the release to the system without waiting; does nothing in a forked child.
    fn drop(&mut self) {
        if self.is_released {
            return;
        }
        let hold = self.hold;
        if self
            .handle
            .shared
            .tell(|machine, now| machine.release(now, hold))
            .is_ok()
        {
            self.handle.shared.forget(hold);
        }
    }
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", escape_key(&self.key), self.token)
    }
}
