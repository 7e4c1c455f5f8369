//! A proxy that stops forwarding for a while, in both directions: a server that stalls.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// What its threads share. Bytes are forwarded under the read lock; a freeze is the write lock.
struct Shared {
    forwarding: RwLock<()>,
    forwarded: AtomicU64,
    freezes: AtomicU64,
    is_over: AtomicBool,
}

/// A proxy on a free port of loopback; it stops when dropped.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Forwards to `server`, and once so many bytes went through, freezes for `length`; then
    /// again after as many bytes, until it froze `times` times.
    pub(crate) fn start(server: &str, after: u64, length: Duration, times: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            forwarding: RwLock::new(()),
            forwarded: AtomicU64::new(0),
            freezes: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let (for_freezing, for_accepting) = (Arc::clone(&shared), Arc::clone(&shared));
        let server = server.to_owned();
        let threads = vec![
            std::thread::spawn(move || for_freezing.freeze(after, length, times)),
            std::thread::spawn(move || accept(&listener, &server, &for_accepting)),
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

    /// How often it froze.
    pub(crate) fn freezes(&self) -> u64 {
        self.shared.freezes.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
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
    fn freeze(&self, after: u64, length: Duration, times: u64) {
        let mut next = after;
        while !self.is_over.load(Ordering::SeqCst) && self.freezes.load(Ordering::SeqCst) < times {
            if self.forwarded.load(Ordering::SeqCst) < next {
                std::thread::park_timeout(Duration::from_millis(1));
                continue;
            }
            let still = self.forwarding.write().unwrap();
            std::thread::sleep(length);
            next = self.forwarded.load(Ordering::SeqCst) + after;
            self.freezes.fetch_add(1, Ordering::SeqCst);
            drop(still);
        }
    }

    /// Forwards one direction to its end.
    fn forward(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = match from.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            let moving = self.forwarding.read().unwrap();
            let written = to.write_all(&chunk[..read]);
            drop(moving);
            self.forwarded.fetch_add(read as u64, Ordering::SeqCst);
            if written.is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Write));
    }
}

fn accept(listener: &TcpListener, server: &str, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    let mut sockets = Vec::new();
    for near in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let near = near.unwrap();
        let far = TcpStream::connect(server).unwrap();
        for (from, to) in [(&near, &far), (&far, &near)] {
            from.set_nodelay(true).unwrap();
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let shared = Arc::clone(shared);
            threads.push(std::thread::spawn(move || shared.forward(from, to)));
        }
        sockets.extend([near, far]);
    }
    for socket in sockets {
        drop(socket.shutdown(Shutdown::Both));
    }
    for thread in threads {
        thread.join().unwrap();
    }
}
