//! The loop with real sockets and a machine that echoes.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::lock::input::Peer;
use crate::shard::io::{CloseHow, ConnectionId, Io, Reading};
use crate::shard::machine::NextTurn;
use crate::time::Instant;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Echoes whole 8-byte frames; some frames are commands.
struct Echo {
    me: ShardId,
}

/// Asks for the shard's number in the answer.
const WHERE: &[u8; 8] = b"where   ";
/// Asks to be moved to the shard with the number in the last byte, which answers.
const MOVE: &[u8; 7] = b"move to";
/// Asks to be closed.
const CLOSE: &[u8; 8] = b"close   ";
/// Asks for 64 KiB.
const FLOOD: &[u8; 8] = b"flood   ";

impl Machine for Echo {
    fn turn_begin(&mut self, _now: Instant) {}

    fn connected(&mut self, _: ConnectionId, _: Peer, _: bool, _: &mut impl Io) {}

    fn received(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        for (index, frame) in bytes.chunks_exact(8).enumerate() {
            if io.output_full(id) {
                return index * 8;
            }
            match frame.strip_prefix(MOVE) {
                Some(&[to]) if to != self.me.0 => {
                    io.hand_over(id, ShardId(to), &bytes[index * 8..]);
                    return index * 8;
                }
                Some(_) => {
                    io.write(id, &[self.me.0; 8]);
                    io.read(id, Reading::Multishot);
                }
                None if frame == WHERE => io.write(id, &[self.me.0; 8]),
                None if frame == FLOOD => io.write(id, &[b'x'; 65_536]),
                None if frame == CLOSE => io.close(id, CloseHow::Flush),
                None => io.write(id, frame),
            }
        }
        bytes.len() / 8 * 8
    }

    fn disconnected(&mut self, _: ConnectionId, _: bool, _: &mut impl Io) {}

    fn lane_message(&mut self, _: ShardId, _: &[u8], _: &mut impl Io) {}

    fn control(&mut self, _: FromControl, _: &mut impl Io) {}

    fn turn_end(&mut self, _: &mut impl Io) -> NextTurn {
        NextTurn::default()
    }
}

fn start(shards: u16, connections_max: u32) -> (Running, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (to_control, _) = std::sync::mpsc::channel();
    let setup = ShardsSetup {
        shards,
        cpus: Vec::new(),
        lane_bytes: 64 * 1024,
        chunks: 4_096,
        connections_max,
        spin: Duration::ZERO,
        listeners: vec![Listener {
            socket: listener.into(),
            admin: true,
        }],
        clock: ServerClock::start(),
        to_control,
    };
    let running = start_shards(setup, |me| Echo { me }).unwrap();
    (running, address)
}

fn ask(stream: &mut TcpStream, frame: &[u8; 8]) -> [u8; 8] {
    stream.write_all(frame).unwrap();
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn bytes_come_back() {
    let (running, address) = start(1, 10);
    let mut stream = TcpStream::connect(address).unwrap();
    for round in 0..1_000_u64 {
        assert_eq!(ask(&mut stream, &round.to_le_bytes()), round.to_le_bytes());
    }
    running.stop();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_joined() {
    let (running, address) = start(1, 10);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"abcdefgh" {
        stream.write_all(&[*byte]).unwrap();
        std::thread::yield_now();
    }
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"abcdefgh");
    running.stop();
}

#[test]
fn everything_comes_back_from_a_client_that_writes_much_before_it_reads() {
    let (running, address) = start(1, 10);
    let stream = TcpStream::connect(address).unwrap();
    let mut sending = stream.try_clone().unwrap();
    let bytes: Vec<u8> = (0..1_u32 << 20).flat_map(u32::to_le_bytes).collect();
    let expected = bytes.clone();
    let sender = std::thread::spawn(move || sending.write_all(&bytes).unwrap());
    let mut received = vec![0; expected.len()];
    (&stream).read_exact(&mut received).unwrap();
    assert!(received == expected);
    sender.join().unwrap();
    running.stop();
}
