//! A blocking connection for a few words, outside of any load.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::address::Address;

/// A blocking stream to an address of either kind.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP, without Nagle's delay.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Stream {
    /// Connects; both this and each read take no longer than `patience`.
    ///
    /// # Errors
    /// Nobody listens, or the system has no socket to give.
    pub fn connect(address: &Address, patience: Duration) -> io::Result<Self> {
        let stream = match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, patience)?;
                stream.set_nodelay(true)?;
                Self::Tcp(stream)
            }
            Address::Unix(path) => Self::Unix(UnixStream::connect(path)?),
        };
        stream.wait_at_most(patience)?;
        Ok(stream)
    }

    /// How long each read may take from here on.
    ///
    /// # Errors
    /// The span is 0.
    pub fn wait_at_most(&self, patience: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(patience)),
            Self::Unix(stream) => stream.set_read_timeout(Some(patience)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn both_kinds_of_address_carry_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let unix = UnixListener::bind(&path).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut to_tcp =
            Stream::connect(&Address::Tcp(tcp.local_addr().unwrap()), PATIENCE).unwrap();
        let mut to_unix = Stream::connect(&Address::Unix(path), PATIENCE).unwrap();
        tcp.accept().unwrap().0.write_all(b"tcp").unwrap();
        unix.accept().unwrap().0.write_all(b"unix").unwrap();
        let mut heard = String::new();
        to_tcp.read_to_string(&mut heard).unwrap();
        to_unix.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "tcpunix");
    }

    #[test]
    fn who_says_nothing_is_not_waited_for_for_ever() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(tcp.local_addr().unwrap());
        let mut stream = Stream::connect(&address, Duration::from_millis(1)).unwrap();
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
