//! Echo on epoll: the least that a server of one thread can do. A client that does not read its
//! echo stalls the others, as a send waits for room; the generator reads always.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;

/// Events taken at a time.
const EVENTS_MAX: usize = 256;

/// What epoll tells of the listener; clients have their place.
const LISTENER: u64 = u64::MAX;

struct Clients {
    poll: OwnedFd,
    places: Vec<Option<TcpStream>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

/// Serves; `ready` is called once connections are taken.
pub(super) fn serve(listener: &TcpListener, ready: impl Fn()) -> io::Result<Infallible> {
    let mut clients = Clients {
        poll: epoll::create(CreateFlags::CLOEXEC)?,
        places: Vec::new(),
        free: Vec::new(),
        buffer: vec![0; READ_BYTES],
    };
    clients.watch(listener, LISTENER)?;
    ready();
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS_MAX);
    loop {
        events.clear();
        let spare = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&clients.poll, spare, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => clients.accept(listener),
                place => clients.echo(usize::try_from(place).expect("a place fits")),
            }
        }
    }
}

impl Clients {
    fn watch(&self, socket: &impl AsFd, data: u64) -> io::Result<()> {
        let data = EventData::new_u64(data);
        Ok(epoll::add(&self.poll, socket, data, EventFlags::IN)?)
    }

    fn accept(&mut self, listener: &TcpListener) {
        // A client that is gone already, or for which no descriptor is left, is none.
        let Ok((client, _)) = listener.accept() else {
            return;
        };
        let place = self.free.pop().unwrap_or(self.places.len());
        let ready = client.set_nodelay(true);
        let ready = ready.and_then(|()| self.watch(&client, place as u64));
        let client = ready.is_ok().then_some(client);
        if client.is_none() {
            self.free.push(place);
        }
        if place == self.places.len() {
            self.places.push(None);
        }
        self.places[place] = client;
    }

    fn echo(&mut self, place: usize) {
        let Some(client) = &mut self.places[place] else {
            return;
        };
        let echoed = client.read(&mut self.buffer).and_then(|count| {
            client.write_all(&self.buffer[..count])?;
            Ok(count)
        });
        if echoed.is_ok_and(|count| count > 0) {
            return;
        }
        self.places[place] = None;
        self.free.push(place);
    }
}
