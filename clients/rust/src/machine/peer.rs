//! Where another session is connected from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The other end of a connection, as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket of the server's machine. Shown as `unix`.
    Unix,
}

impl Peer {
    /// The wire has every address as IPv6, an IPv4 one mapped; and port 0 for a Unix socket.
    pub(super) fn of(ip: [u8; 16], port: u16) -> Self {
        if port == 0 {
            return Self::Unix;
        }
        let ip = Ipv6Addr::from(ip);
        let ip = ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4);
        Self::Tcp(SocketAddr::new(ip, port))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_its_own_kind_and_a_unix_socket_as_one() {
        let mapped = std::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped();
        assert_eq!(Peer::of(mapped.octets(), 7).to_string(), "10.0.0.1:7");
        let localhost = Ipv6Addr::LOCALHOST.octets();
        assert_eq!(Peer::of(localhost, 7).to_string(), "[::1]:7");
        assert_eq!(Peer::of([0; 16], 0).to_string(), "unix");
    }
}
