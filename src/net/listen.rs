//! Listening sockets.

use crate::net::acceptor::{Deal, Listener};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use std::io;
use std::net::SocketAddr;

/// Connections that wait to be accepted at most; the system's own bound (`net.core.somaxconn`) may
/// be lower.
pub const BACKLOG: i32 = 4_096;

/// Binds an address; clients are refused until [`start`].
///
/// The options that every connection needs are set here once: on Linux an accepted socket inherits
/// them. No delay, because the loop itself gathers a turn's answers; keep-alive, so that a client
/// whose host is gone does not hold its descriptor for ever.
///
/// # Errors
/// What the system says: in use, not allowed, no such address.
pub fn bind(address: SocketAddr, admin: bool, deal: Deal) -> io::Result<Listener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC;
    let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    sockopt::set_socket_keepalive(&socket, true)?;
    if address.is_ipv6() {
        // `[::]` beside `0.0.0.0` is two listeners, not a clash.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    net::bind(&socket, &address)?;
    Ok(Listener {
        socket,
        admin,
        deal,
    })
}

/// Lets clients in.
///
/// # Errors
/// What the system says: another process listened first.
pub fn start(listener: &Listener) -> io::Result<()> {
    Ok(net::listen(&listener.socket, BACKLOG)?)
}

impl Listener {
    /// Where it listens: the port that the system chose if 0 was asked for.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::try_from(net::getsockname(&self.socket)?)?)
    }
}
