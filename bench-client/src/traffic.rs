//! The seam between what is said on connections (pure) and the sockets that carry it (shell).
//!
//! ```text
//!   sockets -> net::event_loop -> Traffic::received -> Io (bytes to send, wishes)
//!      ^                                                   |
//!      +----------------- one write per connection <-------+
//! ```
//!
//! One [`Traffic`] is one thread's share of the load. It knows no socket and no clock: `now` is
//! read after the bytes were received and before anything it says is sent. So a grant is never
//! believed in before it came, nor after its release left: that makes the safety check sound.

use crate::nanos::Nanos;

/// One thread's share of the load: connections are numbered from 0.
pub trait Traffic {
    /// A connection that was wished for is open; nothing was sent on it.
    fn opened(&mut self, connection: usize, now: Nanos, io: &mut Io);

    /// Bytes came; tells how many it took. The rest is offered again with the bytes that follow.
    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize;

    /// A connection is gone, or could not be opened; not called for those that `Io` closed.
    fn closed(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io);

    /// Called in every round and whenever the instant comes that it named last.
    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next;
}

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nobody listens, or no descriptor or port is left; the error's number.
    NotOpened(i32),
    /// The peer ended its stream.
    Eof,
    /// The stream broke; the error's number.
    Broken(i32),
}

/// What a [`Traffic`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Bytes, or this instant.
    At(Nanos),
    /// Bytes alone.
    Bytes,
    /// Nothing any more: the loop ends.
    Finished,
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// What was said is sent, then FIN.
    Orderly,
    /// Reset: what was not sent yet is dropped.
    Reset,
}

/// What a [`Traffic`] wishes of the sockets besides sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Open this connection.
    Connect(usize),
    /// Close it, without a call of [`Traffic::closed`].
    Close(usize, Close),
}

/// What a [`Traffic`] says: bytes per connection, and wishes. Emptied by the loop after each call.
#[derive(Debug, Default)]
pub struct Io {
    out: Vec<Vec<u8>>,
    /// Connections with bytes to send, each once.
    dirty: Vec<usize>,
    wishes: Vec<Wish>,
    polling: Nanos,
}

impl Io {
    /// For so many connections.
    #[must_use]
    pub fn new(connections: usize) -> Self {
        let out = vec![Vec::new(); connections];
        Self {
            out,
            ..Self::default()
        }
    }

    /// Where bytes for a connection are appended.
    #[inline]
    pub fn out(&mut self, connection: usize) -> &mut Vec<u8> {
        let out = &mut self.out[connection];
        if out.is_empty() {
            self.dirty.push(connection);
        }
        out
    }

    /// Wishes something.
    pub fn wish(&mut self, wish: Wish) {
        self.wishes.push(wish);
    }

    /// Time that the loop spent so far looking for events in vain just before an instant: the
    /// thread's processor time is more than its work by this.
    #[must_use]
    pub const fn polling(&self) -> Nanos {
        self.polling
    }

    /// For the loop: adds to [`Io::polling`].
    pub fn add_polling(&mut self, span: Nanos) {
        self.polling = self.polling + span;
    }

    /// For the loop: hands each connection's bytes to `send`, which takes some off the front and
    /// leaves what the socket has no room for; such a connection is the loop's to remember.
    pub fn flush(&mut self, mut send: impl FnMut(usize, &mut Vec<u8>)) {
        for connection in self.dirty.drain(..) {
            send(connection, &mut self.out[connection]);
        }
    }

    /// For the loop: what lies unsent for a connection.
    pub fn unsent(&mut self, connection: usize) -> &mut Vec<u8> {
        &mut self.out[connection]
    }

    /// For the loop: takes the wishes, in order.
    pub fn take_wishes(&mut self) -> std::vec::Drain<'_, Wish> {
        self.wishes.drain(..)
    }
}
