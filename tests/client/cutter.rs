//! A TCP relay whose connections a test can cut, or refuse for a while.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Relays to one server until it is told otherwise.
pub(crate) struct Cutter {
    pub(crate) address: SocketAddr,
    relayed: Arc<Mutex<Relayed>>,
}

#[derive(Default)]
struct Relayed {
    streams: Vec<TcpStream>,
    accepted: usize,
    is_closed: bool,
}

impl Cutter {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let relayed = Arc::new(Mutex::new(Relayed::default()));
        let accepting = Arc::clone(&relayed);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let mut relayed = accepting.lock().unwrap();
                let Some(server) = (!relayed.is_closed)
                    .then(|| TcpStream::connect(server).ok())
                    .flatten()
                else {
                    continue;
                };
                relayed.accepted += 1;
                relayed.streams.push(client.try_clone().unwrap());
                pump(client.try_clone().unwrap(), server.try_clone().unwrap());
                pump(server, client);
            }
        });
        Self { address, relayed }
    }

    /// How many connections were relayed.
    pub(crate) fn accepted(&self) -> usize {
        self.relayed.lock().unwrap().accepted
    }

    /// Cuts every connection; new ones are relayed.
    pub(crate) fn cut(&self) {
        for stream in self.relayed.lock().unwrap().streams.drain(..) {
            // One that has ended already is cut, too.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts every connection and lets none through until [`open`](Self::open).
    pub(crate) fn close(&self) {
        self.relayed.lock().unwrap().is_closed = true;
        self.cut();
    }

    pub(crate) fn open(&self) {
        self.relayed.lock().unwrap().is_closed = false;
    }
}

/// Moves bytes one way until either side ends, and then ends both.
fn pump(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // A cut is an error here or an end, and means the same.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.flush();
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
