//! Stream sockets that never block.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::{Errno, Result};
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, bind, connect, socket_with,
    sockopt,
};

use super::address::Address;

/// How a connect went that does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    /// Epoll tells when it is over.
    Pending,
}

/// Connections of a thread that come from the same address of this machine, where there are more.
///
/// The kernel looks for a free port one after the other: with half of an address' 28,000 in use
/// towards one server each connect costs about a millisecond, with all of them it fails.
const PER_SOURCE: usize = 2_048;

/// A socket on its way to `address`, as the thread's connection of this number.
pub(super) fn open(address: &Address, connection: usize) -> Result<(OwnedFd, Progress)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let family = match address {
        Address::Tcp(address) if address.is_ipv4() => AddressFamily::INET,
        Address::Tcp(_) => AddressFamily::INET6,
        Address::Unix(_) => AddressFamily::UNIX,
    };
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    let outcome = match address {
        Address::Tcp(address) => {
            sockopt::set_tcp_nodelay(&socket, true)?;
            if let Some(source) = source(address, connection) {
                bind(&socket, &source)?;
            }
            connect(&socket, address)
        }
        Address::Unix(path) => connect(&socket, &SocketAddrUnix::new(path)?),
    };
    match outcome {
        Ok(()) => Ok((socket, Progress::Done)),
        Err(Errno::INPROGRESS | Errno::INTR) => Ok((socket, Progress::Pending)),
        Err(error) => Err(error),
    }
}

/// Another address of the loopback network to come from; `None` = the kernel chooses.
fn source(address: &SocketAddr, connection: usize) -> Option<SocketAddr> {
    let number = u8::try_from(connection / PER_SOURCE).unwrap_or(u8::MAX);
    let is_own = address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST);
    let last = number.saturating_add(1).min(254);
    (is_own && number > 0).then(|| SocketAddr::from(([127, 0, 0, last], 0)))
}

/// The outcome of a connect that was pending.
pub(super) fn outcome(socket: &OwnedFd) -> Result<()> {
    sockopt::socket_error(socket)?
}

/// Sends what fits; how many bytes that was, 0 if none fit.
#[inline]
pub(super) fn send(socket: &OwnedFd, bytes: &[u8]) -> Result<usize> {
    use rustix::net::SendFlags;

    loop {
        // A broken stream is an answer here, not a signal that ends the process.
        match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(0),
            outcome => return outcome,
        }
    }
}

/// Reads what is there; `None` if nothing is.
#[inline]
pub(super) fn read(socket: &OwnedFd, into: &mut [u8]) -> Result<Option<usize>> {
    loop {
        match rustix::io::read(socket, &mut *into) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(None),
            outcome => return outcome.map(Some),
        }
    }
}

/// Closes at once: the peer gets a reset, and nothing of the connection stays in the kernel.
pub(super) fn reset(socket: OwnedFd) {
    // On a socket that is broken already this fails, and there is nothing to reset.
    let _ = sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
}

/// Ends our direction: the peer reads what was sent, then the end.
pub(super) fn finish(socket: &OwnedFd) {
    let _ = rustix::net::shutdown(socket, Shutdown::Write);
}

/// Ends both directions, so that epoll reports the socket as ended.
pub(super) fn give_up(socket: &OwnedFd) {
    let _ = rustix::net::shutdown(socket, Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_connections_to_this_machine_come_from_several_addresses() {
        let own = SocketAddr::from(([127, 0, 0, 1], 5625));
        let from = |connection| source(&own, connection).map(|source| source.to_string());
        assert_eq!(from(2_047), None);
        assert_eq!(from(2_048).as_deref(), Some("127.0.0.2:0"));
        assert_eq!(from(20_000).as_deref(), Some("127.0.0.10:0"));
        assert_eq!(from(10_000_000).as_deref(), Some("127.0.0.254:0"));
        let other = SocketAddr::from(([10, 0, 0, 1], 5625));
        assert_eq!(source(&other, 20_000), None);
    }
}
