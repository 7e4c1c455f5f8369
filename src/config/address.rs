//! Where a server can listen: an IP address with a port, or a Unix socket.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// What an address of a Unix socket begins with.
const UNIX_PREFIX: &str = "unix:";
/// Bytes of a path or abstract name at most: what the kernel keeps, less the zero byte that ends a
/// path or begins a name.
pub const UNIX_NAME_BYTES_MAX: usize = 107;

/// An address to listen on. Shown as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port; port 0 = any.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix(UnixName),
}

/// What a Unix socket is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnixName {
    /// A path from the root, at most [`UNIX_NAME_BYTES_MAX`] bytes.
    Path(PathBuf),
    /// A name without a file, which ends with the server; at most [`UNIX_NAME_BYTES_MAX`] bytes.
    Abstract(String),
}

impl Address {
    /// Whether only clients of this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Whether the system chooses a part of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.port() == 0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(UnixName::Path(path)) => write!(f, "{UNIX_PREFIX}{}", path.display()),
            Self::Unix(UnixName::Abstract(name)) => write!(f, "{UNIX_PREFIX}@{name}"),
        }
    }
}

impl FromStr for Address {
    /// What would be right.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix(UNIX_PREFIX) {
            return unix(name).map(Self::Unix);
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            "write IP:port, as 0.0.0.0:5625 or [::1]:5625, or unix:/path; host names are not \
             looked up"
                .to_owned()
        })
    }
}

/// A path from the root, because the server's folder is not that of its clients; or `@` and a name.
fn unix(name: &str) -> Result<UnixName, String> {
    // A program finds the end of an address in the ready line by them.
    if name.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err("a Unix socket's path or name has no white space here".to_owned());
    }
    let (made, bytes) = match name.strip_prefix('@') {
        Some(name) if !name.is_empty() => (UnixName::Abstract(name.to_owned()), name.len()),
        None if name.starts_with('/') => (UnixName::Path(name.into()), name.len()),
        _ => {
            let right = "write a Unix socket as unix:/path, from the root, or as unix:@name";
            return Err(right.to_owned());
        }
    };
    if bytes > UNIX_NAME_BYTES_MAX {
        return Err(format!(
            "a Unix socket's path or name has at most {UNIX_NAME_BYTES_MAX} bytes, and `{name}` \
             is longer"
        ));
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Address>().expect_err(text)
    }

    #[test]
    fn an_address_is_shown_as_it_is_written() {
        for text in ["127.0.0.1:0", "[::1]:5625", "unix:/run/a.sock", "unix:@a"] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn a_unix_socket_is_reached_from_this_machine_alone() {
        for (text, expected) in [
            ("127.0.0.9:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("unix:/s", true),
            ("unix:@s", true),
            ("0.0.0.0:1", false),
            ("192.0.2.1:1", false),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn a_path_that_is_not_from_the_root_or_too_long_is_refused() {
        for text in ["unix:", "unix:here.sock", "unix:./s", "unix:@"] {
            assert!(refused(text).contains("from the root"), "{text}");
        }
        for blank in ["unix:/a b", "unix:/a\n", "unix:@a\u{1}"] {
            assert!(refused(blank).contains("white space"), "{blank}");
        }
        let rest = "x".repeat(UNIX_NAME_BYTES_MAX - 1);
        assert!(format!("unix:/{rest}").parse::<Address>().is_ok());
        assert!(format!("unix:@{rest}y").parse::<Address>().is_ok());
        assert!(refused(&format!("unix:/{rest}y")).contains("107"));
        assert!(refused(&format!("unix:@{rest}yz")).contains("107"));
    }

    #[test]
    fn names_of_hosts_are_refused() {
        for text in ["localhost:1", "127.0.0.1", "/run/locker", ""] {
            assert!(refused(text).contains("unix:/path"), "{text}");
        }
    }
}
