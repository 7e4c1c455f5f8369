//! The one acceptor: listening sockets, and whom to deal the connections to.
//!
//! It lives in shard 0's loop: accepting is one multishot operation per listener, and dealing a
//! descriptor is one piece of mail, so a thread of its own would only add a wake-up. Counts include
//! what is dealt and not yet taken, so connections that come one after another differ by at most
//! one between shards.
//!
//! Without a free descriptor the kernel keeps the connection in the backlog and says so at once,
//! for ever: so one descriptor is held in reserve, given up to take the waiting clients, tell them,
//! and let them go; then the listener rests for [`RETRY_MS`].

use crate::driver::mail::{Arrival, Mail, MailBox, Origin};
use crate::lock::input::Peer;
use crate::lock::op::ShardId;
use crate::net::kernel::{Completion, Kernel, Token};
use crate::net::ring::Ring;
use crate::time::{Instant, Millis};
use rustix::net::SocketAddrAny;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

/// Rest of a listener after the system was out of descriptors or memory.
pub const RETRY_MS: Millis = Millis(100);
/// Connections over the limit that are kept, unread, so that they read our word before the close
/// resets them; one more, and the oldest of them is closed.
pub const REFUSED_MAX: usize = 64;
/// For so long.
const REFUSED_MS: Millis = Millis(1_000);
/// Clients taken and let go at most, each time the descriptors run out.
const SHED_MAX: u32 = 64;

/// A bound and listening socket.
#[derive(Debug)]
pub struct Listener {
    /// In blocking mode: the ring waits for it.
    pub socket: OwnedFd,
    /// Whether its clients may use the admin requests.
    pub admin: bool,
    /// Whose its connections become.
    pub deal: Deal,
}

/// Which shard gets a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deal {
    /// The one with the fewest connections.
    Fewest,
    /// This one: the port is its own.
    To(ShardId),
}

/// All listeners, and where their connections go.
#[derive(Debug)]
pub struct Acceptor {
    listeners: Vec<Accepting>,
    /// Those that do not run: there may be a thousand that do, and a turn looks at none of them.
    idle: Vec<u16>,
    boxes: Vec<MailBox>,
    connections_max: u32,
    reserve: Option<OwnedFd>,
    full_words: Box<[u8]>,
    /// Refused connections and when each is closed.
    refused: VecDeque<(Instant, OwnedFd)>,
    stopped: bool,
}

#[derive(Debug)]
struct Accepting {
    /// None once it is closed.
    listener: Option<Listener>,
    running: bool,
    retry_at: Option<Instant>,
}

/// What became of an accepted connection.
#[derive(Debug)]
pub enum Accepted {
    /// Dealt to a shard, or nothing came.
    Done,
    /// One too many: told so, and closed.
    Refused,
}

impl Acceptor {
    /// An acceptor that deals to these shards until they have `connections_max` together; then it
    /// says `full_words`, an encoded frame.
    #[must_use]
    pub fn new(
        listeners: Vec<Listener>,
        boxes: Vec<MailBox>,
        connections_max: u32,
        full_words: &[u8],
    ) -> Self {
        listeners.iter().for_each(set_options);
        let count = u16::try_from(listeners.len()).expect("the configuration bounds listeners");
        let accepting = |listener| Accepting {
            listener: Some(listener),
            running: false,
            retry_at: None,
        };
        Self {
            listeners: listeners.into_iter().map(accepting).collect(),
            idle: (0..count).collect(),
            boxes,
            connections_max,
            reserve: spare_descriptor(),
            full_words: full_words.into(),
            refused: VecDeque::with_capacity(REFUSED_MAX),
            stopped: false,
        }
    }

    /// Starts the listeners that do not run and need not rest; closes what is to be closed by now.
    pub fn settle(&mut self, now: Instant, kernel: &mut impl Kernel<Socket = OwnedFd>) {
        while self.refused.front().is_some_and(|&(until, _)| until <= now) {
            self.refused.pop_front();
        }
        let Self {
            listeners, stopped, ..
        } = self;
        self.idle.retain(|&index| {
            let accepting = &mut listeners[usize::from(index)];
            if accepting.retry_at.is_some_and(|retry_at| retry_at > now) {
                return true;
            }
            if *stopped {
                // Clients that come now are refused by the system, not left waiting.
                accepting.listener = None;
            }
            if let Some(listener) = &accepting.listener {
                accepting.running = true;
                accepting.retry_at = None;
                kernel.accept(&listener.socket, Token::Accept(index));
            }
            false
        });
    }

    /// When [`Acceptor::settle`] must be called again at the latest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        let idle = self.idle.iter();
        let rests = idle.filter_map(|&index| self.listeners[usize::from(index)].retry_at);
        let refused = self.refused.front().map(|&(until, _)| until);
        rests.chain(refused).min()
    }

    /// Accepts no more: each listener closes, and what is in its backlog is reset.
    pub fn stop(&mut self, kernel: &mut impl Kernel<Socket = OwnedFd>) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        for (index, accepting) in (0..).zip(&mut self.listeners) {
            accepting.retry_at = None;
            if accepting.running {
                kernel.cancel(Token::Accept(index));
            }
        }
    }

    /// Whether an accept is in flight.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.listeners.iter().any(|listener| listener.running)
    }

    /// Takes note of a completed accept.
    pub fn completed(&mut self, index: u16, completion: Completion, now: Instant) -> Accepted {
        let Some(accepting) = self.listeners.get_mut(usize::from(index)) else {
            return Accepted::Done;
        };
        accepting.running = completion.more;
        if !completion.more {
            self.idle.push(index);
        }
        match Ring::accepted(completion) {
            Ok(socket) => return self.deal(socket, index, now),
            Err(errno) if is_exhaustion(errno) => {
                accepting.retry_at = Some(now + RETRY_MS);
                self.shed(usize::from(index));
            }
            Err(errno) if !is_client_fault(errno) && !self.stopped => {
                accepting.retry_at = Some(now + RETRY_MS);
                log::warn!("accept: {}", std::io::Error::from_raw_os_error(errno));
            }
            Err(_) => {}
        }
        Accepted::Done
    }

    fn deal(&mut self, socket: OwnedFd, index: u16, now: Instant) -> Accepted {
        let counts = || self.boxes.iter().map(|shard| shard.signal().connections());
        let total: u64 = counts().map(u64::from).sum();
        let listener = &self.listeners[usize::from(index)].listener;
        let Some(Listener { admin, deal, .. }) = listener.as_ref().filter(|_| !self.stopped) else {
            return Accepted::Refused;
        };
        let (admin, deal) = (*admin, *deal);
        if total >= u64::from(self.connections_max) {
            self.refuse(socket, now);
            return Accepted::Refused;
        }
        let fewest = || {
            let shards = self.boxes.iter();
            shards.min_by_key(|shard| shard.signal().connections())
        };
        let shard = match deal {
            Deal::Fewest => fewest().expect("there is a shard"),
            Deal::To(shard) => &self.boxes[usize::from(shard.0)],
        };
        let peer = peer_of(&socket);
        shard.post(Mail::Arrival(Arrival {
            socket,
            peer,
            admin,
            origin: Origin::Accepted,
            bytes: Vec::new(),
        }));
        Accepted::Done
    }

    /// Tells a connection that it is one too many.
    fn refuse(&mut self, socket: OwnedFd, now: Instant) {
        tell(&socket, &self.full_words);
        // A client that is gone already needs no end of stream.
        let _ = rustix::net::shutdown(&socket, rustix::net::Shutdown::Write);
        if self.refused.len() == REFUSED_MAX {
            self.refused.pop_front();
        }
        self.refused.push_back((now + REFUSED_MS, socket));
    }

    /// Descriptors are exhausted: gives the reserve up, takes waiting clients one by one, tells
    /// each, closes it.
    fn shed(&mut self, index: usize) {
        use rustix::net::{SocketFlags, accept_with};
        if self.reserve.take().is_none() {
            self.reserve = spare_descriptor();
            return;
        }
        let Some(Listener {
            socket: listener, ..
        }) = &self.listeners[index].listener
        else {
            return;
        };
        for _ in 0..SHED_MAX {
            if !is_readable(listener) {
                break;
            }
            let Ok(client) = accept_with(listener, SocketFlags::CLOEXEC) else {
                break;
            };
            tell(&client, &self.full_words);
        }
        self.reserve = spare_descriptor();
    }
}

/// The client's address; unknown if it is gone already.
#[must_use]
pub fn peer_of(socket: &OwnedFd) -> Peer {
    match rustix::net::getpeername(socket) {
        Ok(address) => peer_at(address),
        Err(_) => Peer::default(),
    }
}

/// Sets what every connection needs once: on Linux an accepted socket inherits it.
fn set_options(listener: &Listener) {
    use rustix::net::AddressFamily;
    use rustix::net::sockopt::{set_socket_keepalive, set_tcp_nodelay, socket_domain};
    // A Unix socket delays nothing, and its other end cannot be gone unnoticed.
    if socket_domain(&listener.socket) == Ok(AddressFamily::UNIX) {
        return;
    }
    // The loop itself gathers a turn's answers; the kernel must not wait for more.
    let no_delay = set_tcp_nodelay(&listener.socket, true);
    // A client whose host is gone must not hold its descriptor for ever.
    let keep_alive = set_socket_keepalive(&listener.socket, true);
    // Who does not read must not fill the kernel's memory.
    let unsent = super::unsent::bound(&listener.socket);
    if let Err(error) = no_delay.and(keep_alive).and(unsent) {
        log::warn!("cannot set options of a listening socket: {error}");
    }
}

fn peer_at(address: Option<SocketAddrAny>) -> Peer {
    match address.map(SocketAddr::try_from) {
        Some(Ok(address)) => Peer::new(address.ip(), address.port()),
        _ => Peer::default(),
    }
}

/// Best effort: a client that does not hear it sees the end of stream.
fn tell(client: &OwnedFd, words: &[u8]) {
    use rustix::net::{SendFlags, send};
    let _ = send(client, words, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

fn is_readable(listener: &OwnedFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut polled = [PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)];
    poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Some descriptor that can be given up.
fn spare_descriptor() -> Option<OwnedFd> {
    std::fs::File::open("/dev/null").ok().map(OwnedFd::from)
}

fn is_exhaustion(errno: i32) -> bool {
    matches!(
        errno,
        libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM
    )
}

/// The client left before it was accepted, or the operation was only interrupted.
fn is_client_fault(errno: i32) -> bool {
    matches!(
        errno,
        libc::ECONNABORTED
            | libc::EINTR
            | libc::EAGAIN
            | libc::EPROTO
            | libc::ENETDOWN
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EHOSTUNREACH
            | libc::EOPNOTSUPP
            | libc::ENETUNREACH
            | libc::EPERM
            | libc::ECANCELED
    )
}

#[cfg(test)]
mod tests;
