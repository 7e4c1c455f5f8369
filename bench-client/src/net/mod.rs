//! The shell around a [`Traffic`](crate::traffic::Traffic): its clock and its sockets.
//!
//! ```text
//!   event_loop (one thread) -- epoll --> connection (socket, rest of a frame)
//!       |  clock                    \--> leaving (orderly closed, not yet over)
//!       +--> Traffic, Io                 stream: a few words, blocking
//! ```

pub mod address;
pub mod clock;
mod connection;
pub mod event_loop;
mod leaving;
mod socket;
mod sockets;
pub mod stream;

use std::io;

use crate::traffic::End;

/// Why a connection is gone, in words, with what to do about it where that is known.
#[must_use]
pub fn describe_end(end: End) -> String {
    match end {
        End::Eof => "the server closed the connection".to_owned(),
        End::Broken(errno) => format!("the connection broke: {}", describe_errno(errno)),
        End::NotOpened(errno) => format!("cannot connect: {}", describe_errno(errno)),
    }
}

fn describe_errno(errno: i32) -> String {
    use rustix::io::Errno;

    let error = io::Error::from_raw_os_error(errno);
    let advice = match Errno::from_raw_os_error(errno) {
        Errno::ADDRNOTAVAIL => {
            "; no local port is left: open fewer connections to one address, or widen \
             net.ipv4.ip_local_port_range"
        }
        Errno::MFILE => "; raise the limit of open files (ulimit -n)",
        Errno::NFILE => "; raise fs.file-max",
        Errno::CONNREFUSED => "; is the server running, and at this address?",
        _ => "",
    };
    format!("{error}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_of_ports_says_what_to_do() {
        let errno = rustix::io::Errno::ADDRNOTAVAIL.raw_os_error();
        let text = describe_end(End::NotOpened(errno));
        assert!(text.contains("ip_local_port_range"), "{text}");
    }
}
