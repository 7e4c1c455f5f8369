//! One shard in memory: the core and its connections as the server has them, driven by hand.

use std::io;

use locker::limits;
use locker::lock::input::Peer;
use locker::lock::op::ShardId;
use locker::lock::{EngineConfig, TokenSource};
use locker::net::RECEIVE_BUFFER_BYTES;
use locker::net::chunk::{CHUNK_BYTES, ChunkPool};
use locker::net::connections::{Connections, Happened};
use locker::net::kernel::Completion;
use locker::shard::io::{CloseHow, ConnectionId, Io, Reading, ShellCounters, ToControl};
use locker::shard::machine::Machine;
use locker::shard::{Core, CoreConfig};
use locker::time::{Instant, Millis};
use locker_protocol::{FRAME_BYTES_MAX, HEADER_BYTES};

use super::wire::Wire;

/// Time from one turn to the next.
const TURN: u64 = 100;
const START: Instant = Instant(1_000_000);

/// How large a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) connections: u32,
    pub(super) seats: u16,
    pub(super) locks_max: u32,
}

/// What the core reaches: the connections alone. A single shard has no lanes.
struct Shell(Connections<usize>);

/// A shard.
pub(super) struct Server {
    core: Core,
    shell: Shell,
    wire: Wire,
    connections: Vec<ConnectionId>,
    /// What each connection is about to send.
    inputs: Vec<Vec<u8>>,
    sends: Vec<Completion>,
    now: Instant,
}

impl Server {
    /// A shard with so many connections, none of which has said a word.
    pub(super) fn new(sizes: Sizes) -> io::Result<Self> {
        let count = sizes.connections as usize;
        let core = Core::new(core_config(sizes), engine_config(sizes))?;
        // As much as all connections may have unread.
        let answers = count * limits::OUTPUT_PAUSE_BYTES.div_ceil(CHUNK_BYTES);
        let pool = ChunkPool::new(u32::try_from(answers).expect("connections are few"));
        let mut server = Self {
            core,
            shell: Shell(Connections::new(pool, count, &[])),
            wire: Wire::new(count),
            connections: Vec::with_capacity(count),
            inputs: vec![Vec::new(); count],
            sends: Vec::with_capacity(count),
            now: START,
        };
        for socket in 0..count {
            let id = server.shell.0.adopt(socket, Peer::default(), false);
            let Self { core, shell, .. } = &mut server;
            core.connected(id, Peer::default(), false, shell);
            server.connections.push(id);
        }
        server.shell.0.settle(&mut server.wire);
        Ok(server)
    }

    /// What a connection sends with the next turn: to be appended to.
    pub(super) fn input(&mut self, connection: usize) -> &mut Vec<u8> {
        &mut self.inputs[connection]
    }

    /// What a connection was sent and has not cleared.
    pub(super) fn output(&mut self, connection: usize) -> &mut Vec<u8> {
        &mut self.wire.sent[connection]
    }

    /// One turn, as the driver takes it: sends that are over, everything that arrived, one send per
    /// connection.
    #[inline(never)]
    pub(super) fn turn(&mut self) {
        self.now = Instant(self.now.as_micros() + TURN);
        let Self { shell, wire, .. } = self;
        shell.0.turn_begin(self.now);
        self.core.turn_begin(self.now, shell);
        std::mem::swap(&mut self.sends, &mut wire.sends_done);
        for completion in self.sends.drain(..) {
            shell.0.completed(completion, wire);
        }
        for connection in 0..self.connections.len() {
            self.receive(connection);
        }
        self.core.turn_end(&mut self.shell);
        self.shell.0.settle(&mut self.wire);
    }

    /// Hands a connection's input to the core in buffers as the ring's, each of whole frames.
    fn receive(&mut self, connection: usize) {
        let input = &mut self.inputs[connection];
        let mut rest = &input[..];
        while !rest.is_empty() {
            let (buffer, after) = rest.split_at(whole_frames(rest));
            let completion = self.wire.arrived(connection, buffer.len());
            let happened = self.shell.0.completed(completion, &mut self.wire);
            let Happened::Received { connection, .. } = happened else {
                panic!("an open connection hears its client");
            };
            let taken = self.core.received(connection, buffer, &mut self.shell);
            assert_eq!(taken, buffer.len(), "there is room for every request");
            rest = after;
        }
        input.clear();
    }
}

/// Bytes of the frames in front that fit a receive buffer; a greeting is shorter than one.
fn whole_frames(bytes: &[u8]) -> usize {
    if bytes.len() <= RECEIVE_BUFFER_BYTES {
        return bytes.len();
    }
    let mut end = 0;
    while let Some(length) = bytes[end..].first_chunk::<4>() {
        let next = end + HEADER_BYTES + u32::from_le_bytes(*length) as usize;
        if next > RECEIVE_BUFFER_BYTES {
            break;
        }
        end = next;
    }
    end
}

fn core_config(sizes: Sizes) -> CoreConfig {
    CoreConfig {
        shard: ShardId(0),
        shards: 1,
        connections_max: sizes.connections,
        sessions_max: sizes.connections,
        seats: sizes.seats,
        lane_bytes: 0,
        key_bytes_max: 256,
        metadata_bytes_max: 64,
        frame_bytes_max: u32::try_from(FRAME_BYTES_MAX).expect("a frame is short"),
        lease_min: Millis(10),
        lease_max: Millis(limits::LEASE_MS_MAX),
        ttl_default: Millis(limits::TTL_MS_DEFAULT),
        ttl_max: Millis(3_600_000),
        ttl_durable: Millis(3_600_000),
        ephemeral: true,
        server_id: [0; 16],
        run: 1,
        floor: 1,
        grace_until: None,
        grace: Millis(0),
        ports: Vec::new(),
    }
}

fn engine_config(sizes: Sizes) -> EngineConfig {
    EngineConfig {
        shard: ShardId(0),
        shards: 1,
        sessions_per_shard: sizes.connections,
        blocks: sizes.locks_max,
        block_bytes: 128,
        waiters_max: sizes.locks_max,
        key_waiters_max: 1_000_000.min(sizes.locks_max),
        seed: [0x1234_5678, 0x9ABC_DEF0],
        tokens: TokenSource::epoch(1),
        grace_until: None,
        now: START,
    }
}

impl Io for Shell {
    fn write(&mut self, to: ConnectionId, bytes: &[u8]) {
        self.0.write(to, bytes);
    }

    fn cork(&mut self, connection: ConnectionId) {
        self.0.cork(connection);
    }

    fn uncork(&mut self, connection: ConnectionId) {
        self.0.uncork(connection);
    }

    fn close(&mut self, connection: ConnectionId, how: CloseHow) {
        self.0.close(connection, how);
    }

    fn read(&mut self, connection: ConnectionId, how: Reading) {
        self.0.set_reading(connection, how);
    }

    fn hand_over(&mut self, _connection: ConnectionId, _to: ShardId, _bytes: &[u8]) {
        unreachable!("there is one shard");
    }

    fn lane_room(&self, _to: ShardId) -> usize {
        0
    }

    fn lane_send(&mut self, _to: ShardId, _message: &[u8]) {
        unreachable!("there is one shard");
    }

    fn control(&mut self, _message: ToControl) {}

    fn output_full(&mut self, connection: ConnectionId) -> bool {
        self.0.output_full(connection)
    }

    fn input_waits(&self) -> bool {
        false
    }

    fn shell_counters(&self) -> ShellCounters {
        ShellCounters::default()
    }

    fn secret(&mut self) -> [u8; 16] {
        [7; 16]
    }
}
