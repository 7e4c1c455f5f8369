//! Where a server listens.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// Port of a server unless it is told otherwise.
const PORT: u16 = 5625;

/// An address to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// Text that is no address: the text, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAddress(String);

impl fmt::Display for NoAddress {
    fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str(&self.0)
    }
}

impl std::error::Error for NoAddress {}

impl FromStr for Address {
    type Err = NoAddress;

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`. The port is 5625 unless given. Of
    /// a name's addresses the first of version 4 is taken, else the first. A name is looked up,
    /// which may take the time that the system's resolver takes.
    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            if !path.starts_with('/') {
                let why = format!("`{text}`: a socket's path begins with /");
                return Err(NoAddress(why));
            }
            return Ok(Self::Unix(path.into()));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        if let Ok(host) = text.trim_matches(['[', ']']).parse() {
            return Ok(Self::Tcp(SocketAddr::new(host, PORT)));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => {
                let no_port =
                    |_| NoAddress(format!("`{text}`: `{port}` is not a port, 0 to 65535"));
                (host, port.parse().map_err(no_port)?)
            }
            None => (text, PORT),
        };
        resolve(host, port).map(Self::Tcp)
    }
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, NoAddress> {
    if host.is_empty() || host.contains(':') {
        let why = format!("`{host}` is not a host; say HOST:PORT, [IPV6]:PORT or unix:/PATH");
        return Err(NoAddress(why));
    }
    let unknown = |error| NoAddress(format!("cannot look up `{host}`: {error}"));
    let mut found: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    let first = found.first().copied();
    first.ok_or_else(|| NoAddress(format!("`{host}` has no address")))
}

impl fmt::Display for Address {
    fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(into),
            Self::Unix(path) => write!(into, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tcp(text: &str) -> Address {
        Address::Tcp(text.parse().unwrap())
    }

    #[test]
    fn numbers_names_and_paths_are_addresses() {
        assert_eq!("127.0.0.1:9".parse(), Ok(tcp("127.0.0.1:9")));
        assert_eq!("127.0.0.1".parse(), Ok(tcp("127.0.0.1:5625")));
        assert_eq!("[::1]:9".parse(), Ok(tcp("[::1]:9")));
        assert_eq!("::1".parse(), Ok(tcp("[::1]:5625")));
        assert_eq!("[::1]".parse(), Ok(tcp("[::1]:5625")));
        assert_eq!("localhost:9".parse(), Ok(tcp("127.0.0.1:9")));
        let path = Address::Unix("/run/locker".into());
        assert_eq!("unix:/run/locker".parse(), Ok(path));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let why = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        assert!(why("127.0.0.1:http").contains("`http` is not a port"));
        assert!(why("127.0.0.1:70000").contains("not a port"));
        assert!(why(":7").contains("not a host"));
        assert!(why("").contains("not a host"));
        assert!(why("unix:here").contains("begins with /"));
    }

    #[test]
    fn an_address_reads_back_as_it_is_shown() {
        for text in ["127.0.0.1:9", "[::1]:9", "unix:/run/locker"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }
}
