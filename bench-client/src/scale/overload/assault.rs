//! Clients that do not behave: each kind is a thread with plain sockets, on the generator's core.
//! Shell.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use locker_protocol::{FromServer, OnDisconnect, Ping, Push, Reply, Status};

use crate::greeting::{open_session, without_session};
use crate::scale::member::next_frame;

/// Connections begun in one round of a millisecond.
const PER_ROUND: usize = 5;
const ROUND: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(1);
/// How many slow readers ask in a round.
const OFFERERS: usize = 5;
/// What a slow reader's own socket takes of answers: the server is to meet its limits soon.
const SLOW_READER_BUFFER: usize = 4 * 1024;

/// What they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assault {
    /// They ask as much as the socket takes, this many bytes at a time, and read nothing.
    SlowReaders(usize),
    /// They connect and say nothing.
    Silent,
    /// They connect, open a session, and are cut off at once.
    Cut,
    /// They connect and send bytes that mean nothing.
    Garbage,
    /// They open sessions and keep them.
    Sessions,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    /// Connections begun.
    pub(super) begun: AtomicU64,
    /// Those that could not be.
    pub(super) failed: AtomicU64,
    /// Refusals that say "try again later": sessions or connections full.
    pub(super) refused: AtomicU64,
    /// Refusals of other kinds, unless garbage earned them.
    pub(super) odd: AtomicU64,
}

/// The thread, as long as this lives.
#[derive(Debug)]
pub(super) struct Assailants {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Assailants {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of that thread was told; its harvest is what is judged.
            let _ = thread.join();
        }
    }
}

/// Sends them at a server, at most `at_once` connections open at a time.
pub(super) fn begin(
    assault: Assault,
    address: SocketAddr,
    at_once: usize,
    harvest: Arc<Harvest>,
) -> Assailants {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let mut crowd = Crowd {
        assault,
        address,
        at_once,
        harvest,
        open: VecDeque::new(),
        noise: 0x9e37_79b9_7f4a_7c15,
    };
    let thread = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            crowd.round();
            std::thread::sleep(ROUND);
        }
        while crowd.drop_oldest() {}
    });
    Assailants {
        stop,
        thread: Some(thread),
    }
}

struct Crowd {
    assault: Assault,
    address: SocketAddr,
    at_once: usize,
    harvest: Arc<Harvest>,
    open: VecDeque<TcpStream>,
    noise: u64,
}

impl Crowd {
    fn round(&mut self) {
        for _ in 0..PER_ROUND {
            if self.open.len() >= self.at_once {
                if matches!(self.assault, Assault::SlowReaders(_)) {
                    break;
                }
                self.drop_oldest();
            }
            match self.one() {
                Ok(stream) => {
                    add(&self.harvest.begun);
                    self.open.push_back(stream);
                }
                Err(_) => add(&self.harvest.failed),
            }
        }
        if let Assault::SlowReaders(at_a_time) = self.assault {
            self.offer(at_a_time);
        }
    }

    /// Some ask more; one that the server closed is not missed.
    fn offer(&mut self, at_a_time: usize) {
        let offered = pings(at_a_time);
        for _ in 0..OFFERERS.min(self.open.len()) {
            if let Some(mut stream) = self.open.pop_front()
                && keeps(stream.write(&offered))
            {
                self.open.push_back(stream);
            }
        }
    }

    fn one(&mut self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        let mut words = Vec::new();
        match self.assault {
            Assault::Silent => {}
            Assault::SlowReaders(_) => without_session(1, &mut words),
            Assault::Cut => open_session(1, 0, OnDisconnect::Release, &mut words),
            Assault::Sessions => open_session(1, 1_000, OnDisconnect::Release, &mut words),
            Assault::Garbage => (0..256).for_each(|_| words.push(self.byte())),
        }
        if matches!(self.assault, Assault::SlowReaders(_)) {
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, SLOW_READER_BUFFER)?;
        }
        stream.write_all(&words)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// Ends the one that came first, hearing what it was told; `false` if there is none.
    fn drop_oldest(&mut self) -> bool {
        let Some(mut stream) = self.open.pop_front() else {
            return false;
        };
        let mut heard = [0; 1_024];
        let count = stream.read(&mut heard).unwrap_or(0);
        match refusal_in(&heard[..count]) {
            None => {}
            Some(Status::SessionsFull | Status::ConnectionsFull) => add(&self.harvest.refused),
            // What garbage earns, and a silence.
            Some(Status::BadPreface | Status::HelloTimeout | Status::FrameTooLong) => {}
            Some(_) => add(&self.harvest.odd),
        }
        // Sessions that opened go by an orderly close; all else is cut, and leaves no port in use.
        if self.assault != Assault::Sessions {
            reset(&stream);
        }
        true
    }

    fn byte(&mut self) -> u8 {
        self.noise = self
            .noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.noise.to_be_bytes()[0]
    }
}

fn add(to: &AtomicU64) {
    to.fetch_add(1, Ordering::Relaxed);
}

fn refusal_in(bytes: &[u8]) -> Option<Status> {
    let (_, message, _) = next_frame(bytes).ok()??;
    match message {
        FromServer::Reply(Reply::Refused(refusal)) | FromServer::Push(Push::Fault(refusal)) => {
            Some(refusal.status)
        }
        _ => None,
    }
}

fn pings(bytes: usize) -> Vec<u8> {
    let mut frames = Vec::with_capacity(bytes + 64);
    while frames.len() < bytes {
        Ping.encode(2, &mut frames);
    }
    frames
}

fn keeps(written: io::Result<usize>) -> bool {
    match written {
        Ok(count) => count > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Lets the close be a reset.
fn reset(stream: &TcpStream) {
    // On a socket that is broken already there is nothing to reset.
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
