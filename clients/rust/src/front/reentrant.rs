//! Locks that their own thread may take again.
//!
//! The server knows nothing of this: it grants one hold, and the client counts how often the thread
//! that has it has entered. Opt-in, because code that enters twice by accident is better told.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::acquisition::Acquisition;
use super::client::Client;
use super::lock::Lock;
use crate::error::Error;
use crate::machine::{Mode, Refusal, Status};

thread_local! {
    /// What this thread holds re-entrantly. An entry lives as long as a guard of it does.
    static ENTERED: RefCell<HashMap<Entry, Weak<Entered>>> = RefCell::default();
}

/// Which client, by the address of what all its clones share, and which key. Valid while the client
/// lives.
type Entry = (usize, Arc<[u8]>);

#[derive(Debug)]
struct Entered {
    lock: Lock,
    mode: Mode,
    entry: Entry,
    /// Keeps the entry valid: of several sessions the lock keeps only its own.
    _client: Client,
}

/// A lock that its thread may take again; released with the last guard of it.
///
/// It stays on its thread: a guard that could be sent to another would let two threads be inside.
/// Everything that a [`Lock`] tells, it tells too.
#[derive(Debug)]
#[must_use = "a lock is released when its last guard is dropped"]
pub struct ReentrantLock {
    /// `None` only while being released.
    entered: Option<Rc<Entered>>,
}

impl Acquisition {
    /// Asks and waits for the lock, unless this thread holds it re-entrantly already through this
    /// client: then it is entered once more, at once and without asking the server; wait, lease and
    /// metadata are those of the first time. An exclusive lock may be entered as a shared one.
    ///
    /// # Errors
    /// Those of [`lock`](Self::lock). [`Error::Lost`] if the lock that would be entered again is
    /// not held any more. [`Error::Refused`] with `AlreadyHeld` for an exclusive lock inside a
    /// shared one, which would wait for itself; and with `Unsupported` for permits, of which each
    /// is a hold of its own.
    pub fn lock_reentrant(self) -> Result<ReentrantLock, Error> {
        let mode = self.mode();
        if matches!(mode, Mode::Permit { .. }) {
            return Err(refused(
                Status::Unsupported,
                0,
                "permits cannot be entered again",
            ));
        }
        let client = self.client().clone();
        let entry = (client.identity(), Arc::clone(self.key()));
        let entered = ENTERED.with_borrow(|entered| entered.get(&entry).and_then(Weak::upgrade));
        if let Some(entered) = entered {
            return ReentrantLock::again(entered, mode);
        }
        let lock = self.lock()?;
        let entered = Rc::new(Entered {
            lock,
            mode,
            entry: entry.clone(),
            _client: client,
        });
        ENTERED.with_borrow_mut(|all| all.insert(entry, Rc::downgrade(&entered)));
        Ok(ReentrantLock {
            entered: Some(entered),
        })
    }
}

impl ReentrantLock {
    fn again(entered: Rc<Entered>, wanted: Mode) -> Result<Self, Error> {
        entered.lock.check()?;
        if entered.mode == Mode::Shared && wanted == Mode::Exclusive {
            let detail = "this thread holds the key shared";
            return Err(refused(Status::AlreadyHeld, entered.lock.token(), detail));
        }
        Ok(Self {
            entered: Some(entered),
        })
    }

    /// How often this thread is inside, this guard included.
    #[must_use]
    pub fn depth(&self) -> usize {
        Rc::strong_count(self.entered())
    }

    /// Leaves once; the last one out releases the lock and waits for the server to say so.
    ///
    /// # Errors
    /// Those of [`Lock::release`], from the last guard alone.
    pub fn release(mut self) -> Result<(), Error> {
        match self.leave() {
            Some(lock) => lock.release(),
            None => Ok(()),
        }
    }

    /// Leaves once, and gives the lock if nobody is inside any more.
    fn leave(&mut self) -> Option<Lock> {
        let Entered {
            lock,
            entry,
            _client,
            ..
        } = Rc::into_inner(self.entered.take()?)?;
        // At the end of the thread the map may be gone already, and with it the entry.
        let _ = ENTERED.try_with(|all| all.borrow_mut().remove(&entry));
        Some(lock)
    }

    fn entered(&self) -> &Rc<Entered> {
        self.entered
            .as_ref()
            .expect("only `leave` takes it, and that is the end of the guard")
    }
}

impl Deref for ReentrantLock {
    type Target = Lock;

    fn deref(&self) -> &Lock {
        &self.entered().lock
    }
}

impl Drop for ReentrantLock {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

/// A refusal of the client's own, in the words that the server would use.
fn refused(status: Status, value: u64, detail: &str) -> Error {
    Error::Refused(Refusal {
        status,
        limit: 0,
        value,
        detail: detail.to_owned(),
    })
}
