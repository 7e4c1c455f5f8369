//! A lock server for tests: small, in plain threads, honest unless told to break one promise.
//!
//! ```text
//!   a thread per connection: bytes -> requests -+
//!   a thread for time: leases, waits -----------+-> Table (one mutex) -> answers -> sockets
//! ```
//!
//! It knows what a load generator asks for and nothing else: no resume, no keepalive, and a
//! session ends with its connection.

mod fault;
mod table;

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use locker_protocol::{FRAME_BYTES_MAX, PREFACE, Request, split_frame};

pub(crate) use fault::Fault;
use table::{Answers, Table};

/// The table, and the sockets that its answers go to.
struct Shared {
    table: Mutex<Table>,
    is_over: AtomicBool,
}

/// A server on a free port of loopback; it stops when dropped.
pub(crate) struct Double {
    shared: Arc<Shared>,
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Double {
    /// A server that breaks this promise.
    pub(crate) fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            table: Mutex::new(Table::new(fault)),
            is_over: AtomicBool::new(false),
        });
        let (for_time, for_accepting) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            std::thread::spawn(move || keep_time(&for_time)),
            std::thread::spawn(move || accept(&listener, &for_accepting)),
        ];
        Self {
            shared,
            address,
            threads,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Shared {
    /// Does something with the table, and sends what it answers before anybody else may.
    fn with(&self, work: impl FnOnce(&mut Table, &mut Answers)) {
        let mut table = self.table.lock().unwrap();
        let mut answers = Answers::default();
        work(&mut table, &mut answers);
        table.send(answers);
    }
}

/// Ends leases and waits.
fn keep_time(shared: &Shared) {
    while !shared.is_over.load(Ordering::SeqCst) {
        std::thread::park_timeout(Duration::from_micros(500));
        shared.with(|table, answers| table.pass_time(answers));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    let mut sockets = Vec::new();
    for (socket, connection) in listener.incoming().zip(1..) {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let socket = socket.unwrap();
        socket.set_nodelay(true).unwrap();
        sockets.push(socket.try_clone().unwrap());
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            serve(socket, connection, &shared);
        }));
    }
    for socket in sockets {
        drop(socket.shutdown(Shutdown::Both));
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Reads a connection to its end.
fn serve(mut socket: TcpStream, connection: u64, shared: &Shared) {
    let writer = socket.try_clone().unwrap();
    shared.with(|table, _| table.opened(connection, writer));
    let mut preface = [0; PREFACE.len()];
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    if socket.read_exact(&mut preface).is_ok() {
        assert_eq!(preface, PREFACE);
        loop {
            let read = match socket.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            bytes.extend_from_slice(&chunk[..read]);
            let mut taken = 0;
            shared.with(|table, answers| {
                while let Some((frame, length)) = whole(&bytes[taken..]) {
                    let request = Request::decode(&frame).unwrap();
                    table.request(connection, frame.header.request_id, &request, answers);
                    taken += length;
                }
            });
            bytes.drain(..taken);
        }
    }
    shared.with(|table, answers| table.closed(connection, answers));
    drop(socket.shutdown(Shutdown::Both));
}

fn whole(bytes: &[u8]) -> Option<(locker_protocol::Frame<'_>, usize)> {
    split_frame(bytes, u32::try_from(FRAME_BYTES_MAX).unwrap()).unwrap()
}
