//! Sockets on their way out: what was said is still sent, then the peer's end is awaited, unseen
//! by the traffic. Closing at once would reset a connection on which bytes are still coming, and
//! the peer might lose what was sent last.

use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};

use super::socket;
use crate::nanos::Nanos;

/// How long a peer may take to end its direction.
const PATIENCE: Nanos = Nanos::from_ms(2_000);

/// How often those are looked for who took longer.
const SWEEP: Nanos = Nanos::from_ms(250);

/// Sockets here at most; one more is closed at once.
const LEAVING_MAX: usize = 4_096;

/// Set in the epoll data of sockets that leave; the other bits are the place.
const MARK: u64 = 1 << 63;

#[derive(Debug)]
struct Departure {
    socket: OwnedFd,
    unsent: Vec<u8>,
    /// The peer ended its direction; it may still read.
    ended: bool,
    until: Nanos,
}

/// The sockets that leave, by place.
#[derive(Debug)]
pub(super) struct Leaving {
    places: Vec<Option<Departure>>,
    free: Vec<usize>,
    sweep_at: Nanos,
}

impl Leaving {
    pub(super) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            sweep_at: Nanos::FOREVER,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.len() == self.free.len()
    }

    /// When [`Leaving::sweep`] wants to be called next.
    pub(super) fn sweep_at(&self) -> Nanos {
        self.sweep_at
    }

    /// Whether an event is of a socket that leaves.
    pub(super) fn owns(data: u64) -> bool {
        data & MARK != 0
    }

    /// Takes over a socket that epoll watches already.
    pub(super) fn add(&mut self, poll: &OwnedFd, socket: OwnedFd, unsent: Vec<u8>, now: Nanos) {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.places.len() == LEAVING_MAX => return,
            None => {
                self.places.push(None);
                self.places.len() - 1
            }
        };
        let until = now + PATIENCE;
        let mut departure = Departure {
            socket,
            unsent,
            ended: false,
            until,
        };
        if departure.advance(poll, place).is_err() {
            self.free.push(place);
            return;
        }
        self.places[place] = Some(departure);
        self.sweep_at = self.sweep_at.min(now + SWEEP);
    }

    /// Sends and reads on; a socket that is over is closed. `buffer` is scratch.
    pub(super) fn handle(&mut self, poll: &OwnedFd, data: u64, buffer: &mut [u8]) {
        let place = usize::try_from(data & !MARK).expect("a place fits");
        let Some(departure) = &mut self.places[place] else {
            return;
        };
        let ended = match socket::read(&departure.socket, buffer) {
            Ok(None) => false,
            Ok(Some(count)) => count == 0,
            Err(_) => return self.vacate(place),
        };
        departure.ended |= ended;
        if departure.advance(poll, place).is_err() || departure.is_over() {
            self.vacate(place);
        }
    }

    /// Closes those that took too long.
    pub(super) fn sweep(&mut self, now: Nanos) {
        for place in 0..self.places.len() {
            let late = |departure: &Departure| departure.until <= now;
            if self.places[place].as_ref().is_some_and(late) {
                self.vacate(place);
            }
        }
        self.sweep_at = match self.is_empty() {
            true => Nanos::FOREVER,
            false => now + SWEEP,
        };
    }

    fn vacate(&mut self, place: usize) {
        self.places[place] = None;
        self.free.push(place);
    }
}

impl Departure {
    fn is_over(&self) -> bool {
        self.ended && self.unsent.is_empty()
    }

    /// Sends what fits, and ends our direction after the last byte.
    fn advance(&mut self, poll: &OwnedFd, place: usize) -> rustix::io::Result<()> {
        if !self.unsent.is_empty() {
            let sent = socket::send(&self.socket, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        let mut interest = EventFlags::empty();
        if self.unsent.is_empty() {
            socket::finish(&self.socket);
        } else {
            interest |= EventFlags::OUT;
        }
        if !self.ended {
            interest |= EventFlags::IN;
        }
        let data = EventData::new_u64(MARK | place as u64);
        epoll::modify(poll, &self.socket, data, interest)
    }
}
