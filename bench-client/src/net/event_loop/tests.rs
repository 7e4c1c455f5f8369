//! The loop against real sockets on loopback.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use rustix::io::Errno;

use super::*;
use crate::traffic::{Close, End, Wish};

/// Sends a pattern on each connection, expects it back, closes, and keeps a diary.
struct Pattern {
    connections: usize,
    bytes: usize,
    close: Close,
    got: Vec<usize>,
    opened: usize,
    ends: Vec<(usize, End)>,
    over: usize,
    began: bool,
}

impl Pattern {
    fn new(connections: usize, bytes: usize, close: Close) -> Self {
        Self {
            connections,
            bytes,
            close,
            got: vec![0; connections],
            opened: 0,
            ends: Vec::new(),
            over: 0,
            began: false,
        }
    }
}

fn byte_at(connection: usize, at: usize) -> u8 {
    u8::try_from((connection * 7 + at * 13 + at / 251) % 256).unwrap()
}

impl Traffic for Pattern {
    fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
        self.opened += 1;
        let bytes = (0..self.bytes).map(|at| byte_at(connection, at));
        io.out(connection).extend(bytes);
        if self.bytes == 0 {
            self.over += 1;
            io.wish(Wish::Close(connection, self.close));
        }
    }

    fn received(&mut self, connection: usize, bytes: &[u8], _: Nanos, io: &mut Io) -> usize {
        // Takes whole groups of 7 bytes, and the rest at the end, as frames would be taken.
        let got = &mut self.got[connection];
        let all = *got + bytes.len() == self.bytes;
        let take = if all {
            bytes.len()
        } else {
            bytes.len() / 7 * 7
        };
        for byte in &bytes[..take] {
            assert_eq!(*byte, byte_at(connection, *got), "byte {got}");
            *got += 1;
        }
        if *got == self.bytes {
            self.over += 1;
            io.wish(Wish::Close(connection, self.close));
        }
        take
    }

    fn closed(&mut self, connection: usize, end: End, _: Nanos, _: &mut Io) {
        self.over += 1;
        self.ends.push((connection, end));
    }

    fn tick(&mut self, _: Nanos, io: &mut Io) -> Next {
        if !self.began {
            self.began = true;
            for connection in 0..self.connections {
                io.wish(Wish::Connect(connection));
            }
        }
        match self.over == self.connections {
            true => Next::Finished,
            false => Next::Bytes,
        }
    }
}

/// Serves so many connections, each on a thread of its own; what `serve` returns, in any order.
fn server<R: Send + 'static>(
    connections: usize,
    serve: fn(TcpStream) -> R,
) -> (Address, mpsc::Receiver<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..connections {
            let (client, _) = listener.accept().unwrap();
            let tell = tell.clone();
            thread::spawn(move || tell.send(serve(client)));
        }
    });
    (address, told)
}

/// Echoes in pieces of an odd size until the end of the stream.
fn echo(mut client: TcpStream) -> io::Result<usize> {
    let mut buffer = [0; 1_999];
    let mut total = 0;
    loop {
        match client.read(&mut buffer)? {
            0 => return Ok(total),
            count => client.write_all(&buffer[..count])?,
        }
        total += 1;
    }
}

#[test]
fn bytes_come_back_whole_however_they_were_cut() {
    let (address, told) = server(20, echo);
    let mut traffic = Pattern::new(20, 100_003, Close::Orderly);
    let facts = drive(&mut traffic, &[address], 20).unwrap();
    assert_eq!(traffic.ends, []);
    assert_eq!(facts.bytes_in, 20 * 100_003);
    assert_eq!(facts.bytes_out, 20 * 100_003);
    for _ in 0..20 {
        told.recv().unwrap().expect("each stream ended in order");
    }
}

#[test]
fn a_peer_that_reads_late_gets_all_of_it() {
    // Far more than the sockets' buffers hold: the rest waits for room.
    fn late(mut client: TcpStream) -> u64 {
        let mut first = [0; 1];
        client.read_exact(&mut first).unwrap();
        client.write_all(&first).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        1 + io::copy(&mut client, &mut io::sink()).unwrap()
    }
    /// Whether it is over, and whether it began.
    struct Big(bool, bool);
    impl Traffic for Big {
        fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
            io.out(connection).resize(32 << 20, 5);
        }
        fn received(&mut self, connection: usize, bytes: &[u8], _: Nanos, io: &mut Io) -> usize {
            // What was said is sent though we close now.
            io.wish(Wish::Close(connection, Close::Orderly));
            self.0 = true;
            bytes.len()
        }
        fn closed(&mut self, _: usize, end: End, _: Nanos, _: &mut Io) {
            panic!("{end:?}");
        }
        fn tick(&mut self, _: Nanos, io: &mut Io) -> Next {
            if self.0 {
                return Next::Finished;
            }
            if !self.1 {
                self.1 = true;
                io.wish(Wish::Connect(0));
            }
            Next::Bytes
        }
    }
    let (address, told) = server(1, late);
    let mut traffic = Big(false, false);
    drive(&mut traffic, &[address], 1).unwrap();
    assert_eq!(told.recv().unwrap(), 32 << 20);
}

#[test]
fn a_reset_reaches_the_peer_as_a_reset() {
    let (address, told) = server(3, echo);
    let mut traffic = Pattern::new(3, 5_000, Close::Reset);
    drive(&mut traffic, &[address], 3).unwrap();
    for _ in 0..3 {
        let error = told.recv().unwrap().expect_err("no end of stream came");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn ends_by_the_peer_are_told_apart() {
    fn finish(_: TcpStream) {}
    fn reset(client: TcpStream) {
        rustix::net::sockopt::set_socket_linger(&client, Some(std::time::Duration::ZERO)).unwrap();
    }
    let ends = |serve: fn(TcpStream)| {
        let (address, _told) = server(1, serve);
        // Nothing of ours lies unread at the peer when it closes.
        let mut silent = Silent(Pattern::new(1, 0, Close::Orderly));
        drive(&mut silent, &[address], 1).unwrap();
        silent.0.ends[0].1
    };
    assert_eq!(ends(finish), End::Eof);
    let errno = Errno::CONNRESET.raw_os_error();
    assert_eq!(ends(reset), End::Broken(errno));
}

/// Says nothing when it opened.
struct Silent(Pattern);

impl Traffic for Silent {
    fn opened(&mut self, _: usize, _: Nanos, _: &mut Io) {}
    fn received(&mut self, _: usize, bytes: &[u8], _: Nanos, _: &mut Io) -> usize {
        bytes.len()
    }
    fn closed(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        self.0.closed(connection, end, now, io);
    }
    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        self.0.tick(now, io)
    }
}

#[test]
fn a_connection_refused_is_told_each_time() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(free.local_addr().unwrap());
    drop(free);
    let mut traffic = Pattern::new(5, 10, Close::Orderly);
    drive(&mut traffic, &[address], 5).unwrap();
    let refused = End::NotOpened(Errno::CONNREFUSED.raw_os_error());
    let mut ends = traffic.ends;
    ends.sort_by_key(|(connection, _)| *connection);
    assert_eq!(ends, (0..5).map(|c| (c, refused)).collect::<Vec<_>>());
    assert_eq!(traffic.opened, 0);
}

#[test]
fn a_unix_socket_that_is_not_there_is_told() {
    let address = Address::Unix("/nonexistent/socket".into());
    let mut traffic = Pattern::new(1, 10, Close::Orderly);
    drive(&mut traffic, &[address], 1).unwrap();
    let missing = End::NotOpened(Errno::NOENT.raw_os_error());
    assert_eq!(traffic.ends, [(0, missing)]);
}

#[test]
fn two_thousand_connects_at_once_all_open() {
    fn gone(_: TcpStream) {}
    let (address, _told) = server(2_000, gone);
    let mut traffic = Pattern::new(2_000, 0, Close::Reset);
    drive(&mut traffic, &[address], 2_000).unwrap();
    assert_eq!(traffic.ends, []);
    assert_eq!(traffic.opened, 2_000);
}

/// Opens and cuts one connection again and again.
#[test]
fn a_connection_can_be_opened_again_at_once() {
    struct Churn(u32);
    impl Traffic for Churn {
        fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
            self.0 += 1;
            io.wish(Wish::Close(connection, Close::Reset));
            io.wish(Wish::Connect(connection));
        }
        fn received(&mut self, _: usize, bytes: &[u8], _: Nanos, _: &mut Io) -> usize {
            bytes.len()
        }
        fn closed(&mut self, _: usize, end: End, _: Nanos, _: &mut Io) {
            panic!("{end:?}");
        }
        fn tick(&mut self, _: Nanos, io: &mut Io) -> Next {
            if self.0 == 0 {
                io.wish(Wish::Connect(0));
                self.0 = 1;
            }
            match self.0 {
                500.. => Next::Finished,
                _ => Next::Bytes,
            }
        }
    }
    fn gone(_: TcpStream) {}
    let (address, _told) = server(501, gone);
    let facts = drive(&mut Churn(0), &[address], 1).unwrap();
    assert_eq!(facts.bytes_out, 0);
}

#[test]
fn a_timer_is_never_told_early_by_its_own_wait() {
    struct Timers {
        spans: Vec<u64>,
        at: Nanos,
        late: Vec<u64>,
        polling: Nanos,
    }
    impl Traffic for Timers {
        fn opened(&mut self, _: usize, _: Nanos, _: &mut Io) {}
        fn received(&mut self, _: usize, _: &[u8], _: Nanos, _: &mut Io) -> usize {
            0
        }
        fn closed(&mut self, _: usize, _: End, _: Nanos, _: &mut Io) {}
        fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
            self.polling = io.polling();
            if now < self.at {
                return Next::At(self.at);
            }
            self.late.push(now.since(self.at).0);
            let Some(span) = self.spans.pop() else {
                return Next::Finished;
            };
            self.at = now + Nanos(span);
            Next::At(self.at)
        }
    }
    let spans = vec![1, 30_000, 59_999, 60_000, 100_000, 1_000_000, 3_000_001];
    let total: u64 = spans.iter().sum();
    let mut traffic = Timers {
        spans,
        at: Nanos::ZERO,
        late: Vec::new(),
        polling: Nanos::ZERO,
    };
    let began = clock::now();
    let address = "127.0.0.1:1".parse().unwrap();
    let facts = drive(&mut traffic, &[address], 0).unwrap();
    assert_eq!(traffic.polling, facts.polling, "the traffic hears of it");
    assert!(clock::now().since(began) >= Nanos(total));
    assert_eq!(traffic.late.len(), 8);
    // Sleeps end a round each; only the last 60 us before an instant are looked for again.
    assert!(facts.polling < Nanos::from_ms(3), "{facts:?}");
}
