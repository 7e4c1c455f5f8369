//! The sockets of one loop, by number: what epoll reports of them, what the traffic wishes of them.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;

use super::address::Address;
use super::connection::{Connection, State, Stream};
use super::event_loop::LoopFacts;
use super::leaving::Leaving;
use super::socket::Progress;
use super::{clock, socket};
use crate::nanos::Nanos;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// Bytes asked for by one read.
const READ_BYTES: usize = 64 * 1024;

/// Reads of one socket in a row; one that has more waits for the next round.
const READS_MAX: usize = 16;

/// Bytes that a traffic may leave untaken: more than any frame has.
const REST_MAX: usize = 1024 * 1024;

/// An instant nearer than this is polled for: to sleep and wake takes about as long.
pub(super) const POLL_BELOW: Nanos = Nanos(60_000);

/// What became of a connect, to be told.
#[derive(Clone, Copy, Debug)]
struct Notice {
    connection: usize,
    generation: u32,
    failed: Option<i32>,
}

pub(super) struct Sockets<'a> {
    /// Of these the connections take theirs in turn.
    addresses: &'a [Address],
    poll: OwnedFd,
    connections: Vec<Connection>,
    leaving: Leaving,
    /// Where reads go: first what a connection kept, then what is new.
    buffer: Vec<u8>,
    notices: Vec<Notice>,
    /// The notices being told, and the wishes being obeyed: kept for their memory.
    telling: Vec<Notice>,
    wishes: Vec<Wish>,
    pub(super) facts: LoopFacts,
}

impl<'a> Sockets<'a> {
    pub(super) fn new(addresses: &'a [Address], connections: usize) -> io::Result<Self> {
        Ok(Self {
            addresses,
            poll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: (0..connections).map(|_| Connection::default()).collect(),
            leaving: Leaving::new(),
            buffer: vec![0; READ_BYTES],
            notices: Vec::new(),
            telling: Vec::new(),
            wishes: Vec::new(),
            facts: LoopFacts::default(),
        })
    }

    /// The instant to wait for; [`Nanos::FOREVER`] = only for sockets.
    pub(super) fn until(&self, next: Next) -> Nanos {
        let wanted = match next {
            _ if !self.notices.is_empty() => Nanos::ZERO,
            Next::At(instant) => instant,
            Next::Bytes | Next::Finished => Nanos::FOREVER,
        };
        wanted.min(self.leaving.sweep_at())
    }

    /// Waits for events; tells since when if it polled for an instant that is near.
    pub(super) fn wait(&self, events: &mut Vec<Event>, until: Nanos) -> io::Result<Option<Nanos>> {
        events.clear();
        let (span, polled_at) = match until {
            Nanos::FOREVER | Nanos::ZERO => (until, None),
            _ => {
                // Sending took time: the clock is read again before a sleep.
                let now = clock::now();
                match until.since(now) {
                    span if span < POLL_BELOW => (Nanos::ZERO, Some(now)),
                    span => (span, None),
                }
            }
        };
        let timeout = (span != Nanos::FOREVER).then(|| timespec(span));
        let spare = rustix::buffer::spare_capacity(events);
        match epoll::wait(&self.poll, spare, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(polled_at),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn handle<T: Traffic>(&mut self, event: Event, traffic: &mut T, out: &mut Io) {
        let data = event.data.u64();
        if Leaving::owns(data) {
            return self.leaving.handle(&self.poll, data, &mut self.buffer);
        }
        let (connection, generation) = parts(data);
        let slot = &mut self.connections[connection];
        if slot.generation != generation {
            return;
        }
        let stream = match &mut slot.state {
            State::Absent => return,
            State::Connecting(_) => return self.connected(connection),
            State::Open(stream) => stream,
        };
        let flags = event.flags;
        if stream.blocked && flags.contains(EventFlags::OUT) {
            stream.blocked = false;
            self.watch(connection, EventFlags::IN);
            self.send(connection, out.unsent(connection));
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.receive(connection, traffic, out);
        }
    }

    /// A pending connect is over; it is told with the notices.
    fn connected(&mut self, connection: usize) {
        let slot = &mut self.connections[connection];
        let generation = slot.generation;
        let failed = match mem::take(&mut slot.state) {
            State::Connecting(socket) => {
                let outcome = socket::outcome(&socket);
                slot.state = State::Open(Stream::new(socket));
                outcome.err().map(Errno::raw_os_error)
            }
            other => {
                slot.state = other;
                return;
            }
        };
        match failed {
            // Nothing is read before it is told that the connection is open.
            None => self.watch(connection, EventFlags::IN),
            Some(_) => slot.state = State::Absent,
        }
        self.notices.push(Notice {
            connection,
            generation,
            failed,
        });
    }

    fn receive<T: Traffic>(&mut self, connection: usize, traffic: &mut T, out: &mut Io) {
        let generation = self.connections[connection].generation;
        for _ in 0..READS_MAX {
            let slot = &mut self.connections[connection];
            let State::Open(stream) = &mut slot.state else {
                return;
            };
            let kept = slot.rest.len();
            if self.buffer.len() < kept + READ_BYTES {
                self.buffer.resize(kept + READ_BYTES, 0);
            }
            self.buffer[..kept].copy_from_slice(&slot.rest);
            let room = &mut self.buffer[kept..kept + READ_BYTES];
            let count = match socket::read(&stream.socket, room) {
                Ok(Some(count)) if count > 0 => count,
                Ok(None) => return,
                Ok(Some(_)) => {
                    let end = stream.broken.map_or(End::Eof, End::Broken);
                    return self.lose(connection, end, traffic, out);
                }
                Err(error) => {
                    let errno = stream.broken.unwrap_or(error.raw_os_error());
                    return self.lose(connection, End::Broken(errno), traffic, out);
                }
            };
            let now = clock::now();
            self.facts.reads += 1;
            self.facts.bytes_in += count as u64;
            let bytes = &self.buffer[..kept + count];
            let taken = traffic.received(connection, bytes, now, out);
            slot.rest.clear();
            if taken < bytes.len() {
                slot.rest.extend_from_slice(&bytes[taken..]);
            }
            let too_long = slot.rest.len() > REST_MAX;
            self.obey(out, now);
            if self.connections[connection].generation != generation {
                return;
            }
            if too_long {
                let end = End::Broken(Errno::MSGSIZE.raw_os_error());
                return self.lose(connection, end, traffic, out);
            }
            self.send(connection, out.unsent(connection));
            if count < READ_BYTES {
                return;
            }
        }
    }

    /// Forgets a connection and tells so.
    fn lose<T: Traffic>(&mut self, connection: usize, end: End, traffic: &mut T, out: &mut Io) {
        self.connections[connection].vacate();
        out.unsent(connection).clear();
        let now = clock::now();
        traffic.closed(connection, end, now, out);
        self.obey(out, now);
    }

    /// Sends what fits of a connection's output.
    #[inline]
    fn send(&mut self, connection: usize, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let stream = match &mut self.connections[connection].state {
            State::Open(stream) => stream,
            State::Connecting(_) => return,
            State::Absent => return bytes.clear(),
        };
        if stream.blocked {
            return;
        }
        if stream.broken.is_some() {
            return bytes.clear();
        }
        match socket::send(&stream.socket, bytes) {
            Ok(sent) => {
                self.facts.writes += u64::from(sent > 0);
                self.facts.bytes_out += sent as u64;
                if sent == bytes.len() {
                    return bytes.clear();
                }
                bytes.drain(..sent);
                stream.blocked = true;
                self.watch(connection, EventFlags::IN | EventFlags::OUT);
            }
            Err(error) => {
                bytes.clear();
                stream.broken = Some(error.raw_os_error());
                // Epoll now reports the socket, so the end is told after what can be read.
                socket::give_up(&stream.socket);
            }
        }
    }

    pub(super) fn flush(&mut self, out: &mut Io) {
        out.flush(|connection, bytes| self.send(connection, bytes));
    }

    /// Tells what became of connects, of which epoll has nothing to say.
    pub(super) fn tell<T: Traffic>(&mut self, traffic: &mut T, out: &mut Io, now: Nanos) {
        let mut telling = mem::replace(&mut self.notices, mem::take(&mut self.telling));
        for notice in telling.drain(..) {
            let connection = notice.connection;
            if self.connections[connection].generation != notice.generation {
                continue;
            }
            match notice.failed {
                None => traffic.opened(connection, now, out),
                Some(errno) => {
                    out.unsent(connection).clear();
                    traffic.closed(connection, End::NotOpened(errno), now, out);
                }
            }
            self.obey(out, now);
            self.send(connection, out.unsent(connection));
        }
        self.telling = telling;
    }

    /// Does what the traffic wished, in order.
    #[inline]
    pub(super) fn obey(&mut self, out: &mut Io, now: Nanos) {
        let mut wishes = mem::take(&mut self.wishes);
        wishes.extend(out.take_wishes());
        for wish in wishes.drain(..) {
            match wish {
                Wish::Connect(connection) => self.connect(connection),
                Wish::Close(connection, close) => {
                    self.close(connection, close, out.unsent(connection), now);
                }
            }
        }
        self.wishes = wishes;
    }

    fn connect(&mut self, connection: usize) {
        if let Some(socket) = self.connections[connection].vacate() {
            socket::reset(socket);
        }
        let slot = &mut self.connections[connection];
        let generation = slot.generation;
        let address = &self.addresses[connection % self.addresses.len()];
        let opened = socket::open(address, connection).and_then(|(socket, progress)| {
            let interest = match progress {
                Progress::Done => EventFlags::IN,
                Progress::Pending => EventFlags::OUT,
            };
            let data = data(connection, generation);
            epoll::add(&self.poll, &socket, data, interest)?;
            Ok((socket, progress))
        });
        let failed = match opened {
            Ok((socket, Progress::Pending)) => {
                slot.state = State::Connecting(socket);
                return;
            }
            Ok((socket, Progress::Done)) => {
                slot.state = State::Open(Stream::new(socket));
                None
            }
            Err(error) => Some(error.raw_os_error()),
        };
        self.notices.push(Notice {
            connection,
            generation,
            failed,
        });
    }

    fn close(&mut self, connection: usize, close: Close, unsent: &mut Vec<u8>, now: Nanos) {
        let slot = &mut self.connections[connection];
        let open = slot.stream().is_some_and(|stream| stream.broken.is_none());
        let socket = slot.vacate();
        match socket {
            Some(socket) if open && close == Close::Orderly => {
                let unsent = mem::take(unsent);
                self.leaving.add(&self.poll, socket, unsent, now);
            }
            Some(socket) if close == Close::Reset => socket::reset(socket),
            _ => {}
        }
        unsent.clear();
    }

    /// Changes what epoll reports of a connection.
    fn watch(&mut self, connection: usize, interest: EventFlags) {
        let slot = &mut self.connections[connection];
        let data = data(connection, slot.generation);
        if let State::Open(stream) = &mut slot.state
            && let Err(error) = epoll::modify(&self.poll, &stream.socket, data, interest)
        {
            stream.broken = Some(error.raw_os_error());
            socket::give_up(&stream.socket);
        }
    }

    pub(super) fn leaving_sweep(&mut self, now: Nanos) {
        if self.leaving.sweep_at() <= now {
            self.leaving.sweep(now);
        }
    }

    /// Drops what is open and waits for what is leaving.
    pub(super) fn part(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        self.connections.clear();
        while !self.leaving.is_empty() {
            self.wait(events, self.leaving.sweep_at())?;
            for event in events.iter() {
                let data = event.data.u64();
                if Leaving::owns(data) {
                    self.leaving.handle(&self.poll, data, &mut self.buffer);
                }
            }
            self.leaving_sweep(clock::now());
        }
        Ok(())
    }
}

fn timespec(span: Nanos) -> Timespec {
    let seconds = i64::try_from(span.0 / 1_000_000_000).expect("584 years fit");
    let nanoseconds = i64::try_from(span.0 % 1_000_000_000).expect("less than a second");
    Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    }
}

/// The epoll data of a connection: its generation, then its number. The highest bit is free.
fn data(connection: usize, generation: u32) -> EventData {
    let number = u32::try_from(connection).expect("there are fewer connections");
    EventData::new_u64(u64::from(generation) << 32 | u64::from(number))
}

/// Number and generation in epoll data.
fn parts(data: u64) -> (usize, u32) {
    let generation = u32::try_from(data >> 32).expect("half of 64 bits");
    let number = u32::try_from(data & u64::from(u32::MAX)).expect("half of 64 bits");
    (number as usize, generation)
}
