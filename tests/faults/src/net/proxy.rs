//! A TCP proxy between clients and a server that stalls and breaks connections.
//!
//! One thread per connection moves the bytes. What holds for one connection holds for all, those
//! that come later included:
//!
//! ```text
//!   client --> up: pass | hold --> server        a held direction keeps its bytes, and its end,
//!   client <-- down: pass | hold <-- server      and delivers them late
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::net::sockopt::set_socket_linger;

use crate::trouble::{Trouble, Trying as _};

/// Bytes moved at a time.
const CHUNK: usize = 16 * 1024;
/// How long a side may take nothing before its connection is given up: far more than any fault.
const WRITE_PATIENCE: Duration = Duration::from_secs(120);

/// One end of a connection through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client = 0,
    /// Who is connected to.
    Server = 1,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];
}

/// A listener in front of a server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    inside: Arc<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether what that side says is held back.
    held: [bool; 2],
    links: Vec<Arc<Link>>,
    is_stopped: bool,
}

/// One connection: how its thread is told.
#[derive(Debug)]
struct Link {
    orders: Mutex<Orders>,
    wake: OwnedFd,
}

#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    held: [bool; 2],
    /// To be reset at once; the other side hears nothing of it.
    reset: [bool; 2],
    /// To be reset, both, after so many more bytes from the server.
    reset_after: Option<usize>,
    is_over: bool,
}

impl Proxy {
    /// Listens on a port of its own and connects each client on to `server`.
    ///
    /// # Errors
    /// There is no port, or `server` is no address.
    pub fn start(server: &str) -> Result<Self, Trouble> {
        let server: SocketAddr = server
            .parse()
            .map_err(|_| Trouble::failed(format!("no address: {server}")))?;
        let listener = TcpListener::bind("127.0.0.1:0").trying("cannot listen")?;
        let address = listener.local_addr().trying("cannot listen")?;
        let inside = Arc::new(Inside::default());
        let accepting = Arc::clone(&inside);
        thread::spawn(move || accepting.accept(&listener, server));
        Ok(Self { address, inside })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Keeps back what a side says, on all connections from now on.
    pub fn hold(&self, side: Side) {
        self.inside.set_held(side, true);
    }

    /// Delivers what was kept back, and lets everything through again.
    pub fn release(&self, side: Side) {
        self.inside.set_held(side, false);
    }

    /// Resets one end of every connection: the other end is left alone with it and hears nothing.
    pub fn half_cut(&self, side: Side) {
        self.order_all(|orders| orders.reset[side as usize] = true);
    }

    /// Resets both ends of every connection.
    pub fn reset(&self) {
        self.order_all(|orders| orders.reset = [true; 2]);
    }

    /// Resets both ends of every connection once so many more bytes came from the server: in the
    /// middle of a frame, often.
    pub fn reset_after(&self, bytes: usize) {
        self.order_all(|orders| orders.reset_after = Some(bytes));
    }

    fn order_all(&self, change: impl Fn(&mut Orders)) {
        for link in &self.inside.state().links {
            link.order(&change);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.inside.state().is_stopped = true;
        self.reset();
        // The acceptor sees the mark when it has accepted something.
        drop(TcpStream::connect(self.address));
    }
}

impl Inside {
    /// Nothing that panics happens under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_held(&self, side: Side, is_held: bool) {
        let mut state = self.state();
        state.held[side as usize] = is_held;
        for link in &state.links {
            link.order(|orders| orders.held[side as usize] = is_held);
        }
    }

    fn accept(&self, listener: &TcpListener, server: SocketAddr) {
        for client in listener.incoming().map_while(Result::ok) {
            if self.state().is_stopped {
                return;
            }
            // Nobody there: the client's connection ends.
            let Ok(server) = TcpStream::connect(server) else {
                continue;
            };
            let mut state = self.state();
            state.links.retain(|link| !link.orders().is_over);
            let Ok(link) = Link::new(state.held) else {
                continue;
            };
            let link = Arc::new(link);
            state.links.push(Arc::clone(&link));
            thread::spawn(move || {
                // Whatever ends it, the connection is over.
                let _ = Pump::new(client, server, &link).and_then(Pump::run);
                link.order(|orders| orders.is_over = true);
            });
        }
    }
}

impl Link {
    fn new(held: [bool; 2]) -> io::Result<Self> {
        let orders = Orders {
            held,
            ..Orders::default()
        };
        Ok(Self {
            orders: Mutex::new(orders),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.orders());
        // A counter that is full wakes as well.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// The thread of a connection.
struct Pump<'a> {
    /// By [`Side`]; none once it was reset.
    sides: [Option<TcpStream>; 2],
    /// Whether that side has said all, and the other was told.
    has_ended: [bool; 2],
    link: &'a Link,
}

impl<'a> Pump<'a> {
    fn new(client: TcpStream, server: TcpStream, link: &'a Link) -> io::Result<Self> {
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
            socket.set_write_timeout(Some(WRITE_PATIENCE))?;
        }
        Ok(Self {
            sides: [Some(client), Some(server)],
            has_ended: [false; 2],
            link,
        })
    }

    fn run(mut self) -> io::Result<()> {
        loop {
            let orders = *self.link.orders();
            for side in Side::BOTH {
                if orders.reset[side as usize] {
                    self.reset(side)?;
                }
            }
            if self.sides.iter().all(Option::is_none) || self.has_ended == [true; 2] {
                return Ok(());
            }
            for side in self.await_bytes(orders)? {
                self.pass(side)?;
            }
        }
    }

    /// Sleeps until a side that is not held has something, or there are orders.
    fn await_bytes(&self, orders: Orders) -> io::Result<Vec<Side>> {
        let mut polled = vec![PollFd::new(&self.link.wake, PollFlags::IN)];
        let mut sides = Vec::new();
        for side in Side::BOTH {
            let index = side as usize;
            // A side whose other is gone speaks to nobody, and is left to find out by itself.
            let other_is_there = self.sides[1 - index].is_some();
            if orders.held[index] || self.has_ended[index] || !other_is_there {
                continue;
            }
            if let Some(socket) = &self.sides[index] {
                polled.push(PollFd::new(socket, PollFlags::IN));
                sides.push(side);
            }
        }
        poll(&mut polled, None)?;
        // The counter only wakes.
        let _ = rustix::io::read(&self.link.wake, &mut [0; 8]);
        let ready = polled[1..].iter().map(|fd| !fd.revents().is_empty());
        let ready = sides.into_iter().zip(ready).filter(|(_, ready)| *ready);
        Ok(ready.map(|(side, _)| side).collect())
    }

    /// Passes on what a side has said.
    fn pass(&mut self, side: Side) -> io::Result<()> {
        let index = side as usize;
        let [Some(client), Some(server)] = &self.sides else {
            return Ok(());
        };
        let (mut from, mut to) = match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let mut chunk = [0; CHUNK];
        let length = match from.read(&mut chunk) {
            Ok(0) => {
                self.has_ended[index] = true;
                let _ = to.shutdown(std::net::Shutdown::Write);
                return Ok(());
            }
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            // Reset by that side: so is the other.
            Err(_) => return self.reset_both(),
        };
        let length = self.limit(side, length);
        if to.write_all(&chunk[..length]).is_err() {
            return self.reset_both();
        }
        Ok(())
    }

    /// How many of so many bytes go through before a reset that is due.
    fn limit(&self, side: Side, length: usize) -> usize {
        let mut orders = self.link.orders();
        let Some(left) = orders.reset_after.filter(|_| side == Side::Server) else {
            return length;
        };
        orders.reset_after = Some(left.saturating_sub(length));
        if left <= length {
            orders.reset = [true; 2];
        }
        length.min(left)
    }

    fn reset_both(&mut self) -> io::Result<()> {
        Side::BOTH.into_iter().try_for_each(|side| self.reset(side))
    }

    fn reset(&mut self, side: Side) -> io::Result<()> {
        if let Some(socket) = self.sides[side as usize].take() {
            set_socket_linger(&socket, Some(Duration::ZERO))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A proxy, and both ends of a connection through it.
    fn connected() -> (Proxy, TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(&listener.local_addr().unwrap().to_string()).unwrap();
        let client = TcpStream::connect(proxy.address()).unwrap();
        let (server, _) = listener.accept().unwrap();
        for socket in [&client, &server] {
            socket
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
        }
        // The pump is there once something went through.
        let mut seen = [0; 1];
        (&client).write_all(b"?").unwrap();
        (&server).read_exact(&mut seen).unwrap();
        (proxy, client, server)
    }

    #[test]
    fn what_is_held_comes_late_and_whole() {
        let (proxy, client, server) = connected();
        proxy.hold(Side::Client);
        (&client).write_all(b"late").unwrap();
        (&server).write_all(b"now").unwrap();
        let mut heard = [0; 3];
        (&client).read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"now");
        proxy.release(Side::Client);
        let mut heard = [0; 4];
        (&server).read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"late");
    }

    #[test]
    fn of_a_half_cut_one_side_hears_and_the_other_does_not() {
        let (proxy, client, server) = connected();
        proxy.half_cut(Side::Server);
        let error = (&server).read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        client.set_nonblocking(true).unwrap();
        let error = (&client).read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_reset_after_some_bytes_lets_just_those_through() {
        let (proxy, client, server) = connected();
        proxy.reset_after(3);
        (&server).write_all(b"abcdef").unwrap();
        let error = (&server).read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // A reset may overtake what lies unread, but nothing behind it comes.
        let mut heard = Vec::new();
        let _ = (&client).read_to_end(&mut heard);
        assert!(b"abc".starts_with(&heard), "{heard:?}");
    }

    #[test]
    fn an_end_of_one_side_is_told_to_the_other() {
        let (_proxy, client, server) = connected();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!((&server).read(&mut [0; 1]).unwrap(), 0);
        (&server).write_all(b"still").unwrap();
        let mut heard = [0; 5];
        (&client).read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"still");
    }
}
