//! What other threads know of a shard: its mail, its sleep, its turns; as `driver::signal`.

use crate::agenda::LinkId;
use locker::driver::lane::Sleeper;
use locker::lock::input::Peer;
use locker::shard::io::FromControl;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// One piece of mail.
#[derive(Debug)]
pub(super) enum Mail {
    /// A connection, fresh or handed over, with what was read from it.
    Arrival(Arrival),
    /// The control thread's word.
    Control(FromControl),
    /// Close all connections and end.
    Stop,
}

/// A socket that gets a new home.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) link: LinkId,
    pub(super) peer: Peer,
    pub(super) admin: bool,
    pub(super) accepted: bool,
    pub(super) bytes: Vec<u8>,
}

/// One shard's public face.
#[derive(Debug, Default)]
pub(super) struct Bell {
    pub(super) sleeper: Sleeper,
    /// Its eventfd was written to.
    pub(super) rung: Cell<bool>,
    pub(super) mail: RefCell<VecDeque<Mail>>,
    pub(super) turns: Cell<u64>,
    pub(super) connections: Cell<u32>,
    pub(super) rouses: Cell<u64>,
}

impl Bell {
    /// Posts and wakes.
    pub(super) fn post(&self, mail: Mail) {
        if let Mail::Arrival(_) = mail {
            self.connections.set(self.connections.get() + 1);
        }
        self.mail.borrow_mut().push_back(mail);
        self.ring();
    }

    /// Wakes the shard if it sleeps.
    pub(super) fn ring(&self) -> bool {
        self.sleeper.ring(|| self.rung.set(true))
    }

    /// The watchdog's kick.
    pub(super) fn rouse(&self) {
        self.rouses.set(self.rouses.get() + 1);
        self.rung.set(true);
    }

    pub(super) fn has_mail(&self) -> bool {
        !self.mail.borrow().is_empty()
    }
}
