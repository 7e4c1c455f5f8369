//! Listening sockets.

use crate::config::{Config, Listener};
use crate::control::failure::Failure;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, listen, socket_with};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// Connections that may wait to be accepted; the kernel lowers it to `net.core.somaxconn`.
const BACKLOG: i32 = 4_096;

/// A socket that listens.
#[derive(Debug)]
pub struct Listening {
    /// The socket, blocking: the ring waits for it.
    pub socket: OwnedFd,
    /// Where it listens, the port chosen where 0 was asked for.
    pub address: SocketAddr,
    /// Whether its clients may use the admin requests.
    pub admin: bool,
}

/// Sockets bound to all configured addresses, not listening yet: who is in the way is found before
/// anything durable is written.
///
/// # Errors
/// The first address that cannot be had.
pub fn bind_all(config: &Config) -> Result<Vec<Listening>, Failure> {
    let has_v4 = config
        .listen
        .iter()
        .any(|listener| listener.address.is_ipv4());
    let bind = |listener: &Listener| {
        let address = listener.address;
        bind_one(address, has_v4)
            .map(|(socket, address)| Listening {
                socket,
                address,
                admin: listener.admin,
            })
            .map_err(|source| Failure::Listen { address, source })
    };
    config.listen.iter().map(bind).collect()
}

/// Lets clients in.
///
/// # Errors
/// The first socket that cannot listen.
pub fn listen_all(sockets: &[Listening]) -> Result<(), Failure> {
    for listening in sockets {
        listen(&listening.socket, BACKLOG).map_err(|error| Failure::Listen {
            address: listening.address,
            source: error.into(),
        })?;
    }
    Ok(())
}

fn bind_one(address: SocketAddr, has_v4: bool) -> io::Result<(OwnedFd, SocketAddr)> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // A restarted server must not wait for the connections of the last run to time out.
    set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // Beside an IPv4 listener [::] must leave IPv4 alone; by itself it serves both.
        set_ipv6_v6only(&socket, has_v4)?;
    }
    bind(&socket, &address)?;
    let bound = SocketAddr::try_from(getsockname(&socket)?)?;
    Ok((socket, bound))
}

#[cfg(test)]
mod tests;
