//! What all client commands share: the server's address, and keys on the command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use clap::Args;
use locker_client::{Builder, Client};
use locker_protocol::unescape_key;

use super::exit::Exit;

/// Where the server is.
#[derive(Clone, Debug, Args)]
pub(super) struct Server {
    /// The server's address: host, host:port or unix:/path; several, with commas between, are
    /// tried in turn
    #[arg(
        long = "server",
        value_name = "ADDR",
        env = "LOCKER_SERVER",
        default_value = "127.0.0.1:5625"
    )]
    #[arg(value_delimiter = ',')]
    addresses: Vec<String>,
}

impl Server {
    /// A client that is not connected yet.
    pub(super) fn builder(&self) -> Builder {
        let builder = Client::builder().name(session_name());
        self.addresses
            .iter()
            .fold(builder, |builder, address| builder.address(address.trim()))
    }

    /// A connection for looking only.
    pub(super) fn inspect(&self) -> Result<Client, Exit> {
        Ok(self.builder().inspect_only().connect()?)
    }
}

/// Program, host and process, as far as 32 bytes go: what `locker sessions` shows.
fn session_name() -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let process = format!(" {}", std::process::id());
    let room = locker_protocol::NAME_BYTES_MAX - process.len();
    let mut name = host;
    while name.len() > room {
        name.pop();
    }
    name + &process
}

/// A key as it is written on the command line: `\\` is a backslash and `\xNN` any byte, as keys are
/// shown; every other byte stands for itself.
pub(super) fn parse_key(text: &OsStr) -> Result<Arc<[u8]>, String> {
    if text.as_bytes().is_empty() {
        return Err("a key has at least one byte".to_owned());
    }
    parse_prefix(text)
}

/// The beginning of keys; may be empty.
pub(super) fn parse_prefix(text: &OsStr) -> Result<Arc<[u8]>, String> {
    let Some(text) = text.to_str() else {
        return Err(r"a byte that is no text is written \xNN".to_owned());
    };
    match unescape_key(text) {
        Ok(key) if key.len() <= locker_protocol::KEY_BYTES_MAX => Ok(key.into()),
        Ok(key) => Err(format!(
            "a key has at most {} bytes, this has {}",
            locker_protocol::KEY_BYTES_MAX,
            key.len()
        )),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        let key = |text: &str| parse_key(OsStr::new(text));
        assert_eq!(key("a b/ü").unwrap().as_ref(), "a b/ü".as_bytes());
        assert_eq!(key(r"\x00\\").unwrap().as_ref(), [0, b'\\']);
        assert!(key("").is_err());
        assert!(key(r"C:\dir").is_err());
        assert!(key(&"k".repeat(1_025)).is_err());
        assert!(parse_key(OsStr::from_bytes(&[0xFF])).is_err());
    }

    #[test]
    fn a_session_name_fits_the_wire() {
        assert!(session_name().len() <= locker_protocol::NAME_BYTES_MAX);
    }
}
