//! Where a server listens: what a user writes, and what a socket connects to.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use rustix::net::SocketAddrUnix;

/// The port of a server that says no other.
const PORT_DEFAULT: u16 = 5625;
/// What an address of a Unix socket begins with.
const UNIX_PREFIX: &str = "unix:";

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system, or an abstract name.
    Unix(SocketAddrUnix),
}

impl Endpoint {
    /// Every place that `name` stands for now. Blocks if it has to be looked up.
    ///
    /// # Errors
    /// What the resolver says; a Unix address that cannot be one.
    pub(super) fn find(name: &str) -> io::Result<Vec<Self>> {
        if let Some(path) = name.strip_prefix(UNIX_PREFIX) {
            return Ok(vec![Self::Unix(unix(path)?)]);
        }
        let found = with_port(name).to_socket_addrs()?;
        Ok(found.map(Self::Tcp).collect())
    }
}

/// Whether `name` stands for the same place for ever.
pub(super) fn is_fixed(name: &str) -> bool {
    name.starts_with(UNIX_PREFIX) || with_port(name).parse::<SocketAddr>().is_ok()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(address) => match (address.path_bytes(), address.abstract_name()) {
                (Some(path), _) => write!(f, "{UNIX_PREFIX}{}", path.escape_ascii()),
                (None, name) => {
                    let name = name.unwrap_or_default();
                    write!(f, "{UNIX_PREFIX}@{}", name.escape_ascii())
                }
            },
        }
    }
}

/// A path from the root, because a program may change its folder before it reconnects; or `@` and
/// an abstract name.
fn unix(path: &str) -> io::Result<SocketAddrUnix> {
    let made = match path.strip_prefix('@') {
        Some(name) if !name.is_empty() => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        None if Path::new(path).is_absolute() => SocketAddrUnix::new(path),
        _ => {
            let why = "a Unix address is unix:/path or unix:@name";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    };
    Ok(made?)
}

/// The name with the default port unless it says one. A bare IPv6 address gets its brackets.
fn with_port(name: &str) -> String {
    let after_host = name.rsplit_once(']').map_or(name, |(_, rest)| rest);
    match after_host.matches(':').count() {
        0 => format!("{name}:{PORT_DEFAULT}"),
        1 => name.to_owned(),
        _ => format!("[{name}]:{PORT_DEFAULT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_added_where_none_is_said() {
        for (name, expected) in [
            ("db1", "db1:5625"),
            ("db1:7", "db1:7"),
            ("10.0.0.1", "10.0.0.1:5625"),
            ("[::1]", "[::1]:5625"),
            ("[::1]:7", "[::1]:7"),
            ("::1", "[::1]:5625"),
        ] {
            assert_eq!(with_port(name), expected);
        }
    }

    #[test]
    fn only_names_of_hosts_may_stand_for_another_place_later() {
        for (name, expected) in [
            ("127.0.0.1:7", true),
            ("::1", true),
            ("unix:/run/locker", true),
            ("localhost", false),
        ] {
            assert_eq!(is_fixed(name), expected, "{name}");
        }
    }

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for name in ["127.0.0.1:7", "[::1]:7", "unix:/run/locker", "unix:@locker"] {
            let found = Endpoint::find(name).expect("nothing is looked up");
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].to_string(), name);
        }
    }

    #[test]
    fn a_unix_address_that_cannot_be_one_is_an_error_that_says_so() {
        for name in ["unix:", "unix:@", "unix:run/locker"] {
            let error = Endpoint::find(name).expect_err(name);
            assert!(error.to_string().contains("unix:/path"), "{error}");
        }
        let long = format!("unix:/{}", "x".repeat(108));
        Endpoint::find(&long).expect_err("the system has room for 108 bytes");
    }
}
