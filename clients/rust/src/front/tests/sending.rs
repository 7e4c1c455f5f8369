//! Who sends, when the socket takes no more.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::getpid;

use super::{LONG, shared_of};

/// A socket and its peer, who does not read.
fn sockets() -> (OwnedFd, OwnedFd) {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap()
}

#[test]
fn a_sender_whose_socket_is_full_lets_go_before_the_driver_is_told_to_send_the_rest() {
    let (socket, peer) = sockets();
    let shared = Arc::new(shared_of(getpid()));
    {
        let mut writer = shared.writer.lock().unwrap();
        writer.buffer = vec![0; 16 << 20];
        writer.socket = Some(Arc::new(socket));
    }
    // Nobody can tell the driver while the state is ours.
    let state = shared.state();
    let sender = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.send(false))
    };
    // What has arrived was sent with the writer in hand: before that, a look of ours would be in
    // the sender's way.
    poll(&mut [PollFd::new(&peer, PollFlags::IN)], None).unwrap();
    let give_up_at = Instant::now() + LONG;
    let is_free = loop {
        // As the driver does: it tries, and leaves the rest to whoever has the writer.
        match shared.writer.try_lock() {
            Ok(_) => break true,
            _ if Instant::now() >= give_up_at => break false,
            _ => thread::yield_now(),
        }
    };
    assert!(!state.is_blocked);
    drop(state);
    sender.join().unwrap();
    assert!(is_free, "the driver would find the writer taken");
    assert!(shared.state().is_blocked, "the driver is told");
}
