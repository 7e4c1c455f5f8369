//! Echo on the server's own socket driver.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use locker::driver::server_clock::ServerClock;
use locker::driver::start::{ShardsSetup, start_shards};
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::net::acceptor::{Deal, Listener};
use locker::shard::io::{ConnectionId, FromControl, Io, Reading};
use locker::shard::machine::{Machine, NextTurn};
use locker::time::Instant;

use crate::compare::peers::echo::FRAME_BYTES;

/// Connections at most; one more is closed at once.
const CONNECTIONS_MAX: u32 = 10_000;

/// Chunks of 4 KiB for output that waits, as a server of the default size has.
const CHUNKS: u32 = 16_384;

/// One shard's core: whole frames go back where they came from.
struct Echo;

impl Machine for Echo {
    fn turn_begin(&mut self, _: Instant, _: &mut impl Io) {}

    fn connected(&mut self, id: ConnectionId, _: Peer, _: bool, io: &mut impl Io) {
        io.read(id, Reading::Multishot);
    }

    fn received(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        let frames = bytes.chunks_exact(FRAME_BYTES);
        let rest = frames.remainder().len();
        // One write per frame, as a server of requests would.
        for frame in frames {
            io.write(id, frame);
        }
        bytes.len() - rest
    }

    fn disconnected(&mut self, _: ConnectionId, _: bool, _: &mut impl Io) {}

    fn lane_message(&mut self, _: ShardId, _: &[u8], _: &mut impl Io) {}

    fn control(&mut self, _: FromControl, _: &mut impl Io) {}

    fn turn_end(&mut self, _: &mut impl Io) -> NextTurn {
        NextTurn::default()
    }
}

/// Serves on one shard; `ready` is called once it takes connections.
pub(super) fn serve(
    listener: TcpListener,
    core: Option<usize>,
    ready: impl Fn(),
) -> io::Result<Infallible> {
    let (to_control, words) = mpsc::channel();
    let setup = ShardsSetup {
        shards: 1,
        cpus: core.into_iter().collect(),
        lane_bytes: 64 * 1024,
        chunks: CHUNKS,
        connections_max: CONNECTIONS_MAX,
        spin: Duration::ZERO,
        listeners: vec![Listener {
            socket: listener.into(),
            admin: true,
            deal: Deal::Fewest,
        }],
        clock: ServerClock::start(),
        to_control,
    };
    let running = start_shards(setup, |_| Ok(Echo)).map_err(io::Error::other)?;
    ready();
    // What the shard says to a control thread is of no interest here, until it says no more.
    while words.recv().is_ok() {}
    drop(running);
    Err(io::Error::other("the shard ended"))
}
