//! Sockets that never block: close-on-exec, and no delay where there is one.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::address::Endpoint;

/// Begins to connect. The socket is writable once that has succeeded or failed.
///
/// # Errors
/// What the system says at once: no descriptors, no route; of a Unix socket also whether anybody
/// listens, and `WouldBlock` while too many wait to be accepted.
pub(super) fn begin_connect(endpoint: &Endpoint) -> io::Result<OwnedFd> {
    let family = match endpoint {
        Endpoint::Tcp(SocketAddr::V4(_)) => AddressFamily::INET,
        Endpoint::Tcp(SocketAddr::V6(_)) => AddressFamily::INET6,
        Endpoint::Unix(_) => AddressFamily::UNIX,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    let connecting = match endpoint {
        Endpoint::Tcp(address) => {
            sockopt::set_tcp_nodelay(&socket, true)?;
            connect(&socket, address)
        }
        Endpoint::Unix(address) => connect(&socket, address),
    };
    match connecting {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Whether connecting has succeeded, for a socket that became writable.
///
/// # Errors
/// Why it has not.
pub(super) fn finish_connect(socket: &OwnedFd) -> io::Result<()> {
    sockopt::socket_error(socket)?.map_err(io::Error::from)
}
