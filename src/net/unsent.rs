//! How much a socket takes of us that it cannot send yet.
//!
//! The kernel lets the send buffer of a TCP socket grow to megabytes. A client that asks and does
//! not read would fill it before the server notices: with hundreds of them the kernel's memory for
//! all sockets runs short, and it drops what other clients send. What waits for such a client is to
//! wait in our chunks, where [`super::flow`] bounds it.

use rustix::io;
use std::os::fd::{AsFd, AsRawFd as _};

/// Bytes not yet sent from which on the socket takes no more: two sends of full length.
pub const UNSENT_BYTES_MAX: libc::c_int = 128 * 1024;

/// Bounds what a TCP socket, and each that it accepts, keeps unsent. What is on its way does not
/// count, so a fast and distant client loses nothing.
///
/// # Errors
/// What the system says: not a TCP socket.
pub fn bound(socket: impl AsFd) -> io::Result<()> {
    let value = UNSENT_BYTES_MAX;
    let length = libc::socklen_t::try_from(size_of_val(&value)).expect("an integer is short");
    // SAFETY: the descriptor is borrowed for the call; the kernel reads `length` bytes of `value`,
    // which outlives it.
    // JUSTIFICATION: rustix does not have this option.
    let failed = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            (&raw const value).cast(),
            length,
        )
    };
    match failed {
        0 => Ok(()),
        _ => Err(io::Errno::from_io_error(&std::io::Error::last_os_error())
            .expect("a failed call has its number")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_socket_whose_peer_does_not_read_soon_takes_no_more() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        bound(&listener).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&client, 4_096).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        accepted.set_nonblocking(true).unwrap();
        let mut taken = 0;
        while let Ok(count) = accepted.write(&[0; 16 * 1024]) {
            taken += count;
        }
        let most = 4 * usize::try_from(UNSENT_BYTES_MAX).unwrap();
        assert!(taken <= most, "{taken} bytes");
        drop(client);
    }
}
