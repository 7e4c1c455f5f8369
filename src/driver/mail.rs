//! A shard's mail: what comes to it seldom, from any thread, and may own a descriptor.
//!
//! Sockets are not sent down the lanes: the room in a lane is reserved to the byte for answers, and
//! a socket is a thing to be closed if its receiver is gone. Nor do they need the lanes' order: a
//! session lives at the shard that its socket goes to. The queue needs no bound of its own: it
//! holds at most one socket per connection, and a handful of the control thread's words.

use crate::driver::signal::Signal;
use crate::lock::input::Peer;
use crate::lock::op::ShardId;
use crate::shard::io::FromControl;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Where a socket comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The acceptor.
    Accepted,
    /// Another shard.
    HandedOver,
}

/// A socket that gets a new home.
#[derive(Debug)]
pub struct Arrival {
    /// The socket; nothing is in flight on it.
    pub socket: OwnedFd,
    /// The client's address.
    pub peer: Peer,
    /// Whether it came in by an admin listener.
    pub admin: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// What was read from it already, at its old home.
    pub bytes: Vec<u8>,
}

/// One piece of mail.
#[derive(Debug)]
pub enum Mail {
    /// A connection, fresh from the acceptor or handed over.
    Arrival(Arrival),
    /// The control thread's word.
    Control(FromControl),
    /// Close all connections and end.
    Stop,
}

/// Where to post mail for one shard.
#[derive(Clone, Debug)]
pub struct MailBox {
    sender: Sender<Mail>,
    signal: Arc<Signal>,
}

impl MailBox {
    /// A shard's box, and the end from which the shard takes its mail.
    #[must_use]
    pub fn new(signal: Arc<Signal>) -> (Self, Receiver<Mail>) {
        let (sender, receiver) = channel();
        (Self { sender, signal }, receiver)
    }

    /// Posts and wakes the shard. Mail for a shard that has ended is dropped, its sockets closed.
    pub fn post(&self, mail: Mail) {
        if let Mail::Arrival(_) = mail {
            self.signal.connection_dealt();
        }
        self.signal.mail_posted();
        if self.sender.send(mail).is_ok() {
            self.signal.ring();
        }
    }

    /// The shard's public face.
    #[must_use]
    pub fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }
}

/// Posts to the box of `to`.
///
/// # Panics
/// If there is no such shard.
pub fn post(boxes: &[MailBox], to: ShardId, mail: Mail) {
    boxes[usize::from(to.0)].post(mail);
}
