//! An `Io` over plain vectors: what the core said, and lanes of a given size.

use crate::lock::op::ShardId;
use crate::shard::io::record_bytes;
use crate::shard::io::{CloseHow, ConnectionId, Io, Reading, ShellCounters, ToControl};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A lane that delivers when the bench says so.
#[derive(Default)]
pub(super) struct FakeLane {
    pub(super) messages: VecDeque<Vec<u8>>,
    pub(super) used: usize,
}

impl FakeLane {
    /// Takes the first message out and gives its room back.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let message = self.messages.pop_front()?;
        self.used -= record_bytes(message.len());
        Some(message)
    }
}

/// What one core asked of its shell.
pub(super) struct FakeIo {
    pub(super) written: BTreeMap<u32, Vec<u8>>,
    pub(super) closed: BTreeMap<u32, CloseHow>,
    pub(super) reading: BTreeMap<u32, Reading>,
    /// Connections that are read again: what they sent is to be offered again.
    pub(super) resumed: Vec<u32>,
    pub(super) handed_over: Vec<(ConnectionId, ShardId, Vec<u8>)>,
    pub(super) control: Vec<ToControl>,
    pub(super) full: BTreeSet<u32>,
    /// Connections whose output waits for more.
    pub(super) corked: BTreeSet<u32>,
    pub(super) lanes: Vec<FakeLane>,
    pub(super) input_waits: bool,
    lane_bytes: usize,
    secrets: u8,
}

impl FakeIo {
    pub(super) fn new(shards: u16, lane_bytes: usize) -> Self {
        Self {
            written: BTreeMap::new(),
            closed: BTreeMap::new(),
            reading: BTreeMap::new(),
            resumed: Vec::new(),
            handed_over: Vec::new(),
            control: Vec::new(),
            full: BTreeSet::new(),
            corked: BTreeSet::new(),
            lanes: (0..shards).map(|_| FakeLane::default()).collect(),
            input_waits: false,
            lane_bytes,
            secrets: 0,
        }
    }
}

impl Io for FakeIo {
    fn write(&mut self, to: ConnectionId, bytes: &[u8]) {
        self.written
            .entry(to.slot)
            .or_default()
            .extend_from_slice(bytes);
    }

    fn cork(&mut self, connection: ConnectionId) {
        self.corked.insert(connection.slot);
    }

    fn uncork(&mut self, connection: ConnectionId) {
        self.corked.remove(&connection.slot);
    }

    fn close(&mut self, connection: ConnectionId, how: CloseHow) {
        self.corked.remove(&connection.slot);
        self.closed.insert(connection.slot, how);
    }

    fn read(&mut self, connection: ConnectionId, how: Reading) {
        let before = self.reading.insert(connection.slot, how);
        if before == Some(Reading::Paused) && how != Reading::Paused {
            self.resumed.push(connection.slot);
        }
    }

    fn hand_over(&mut self, connection: ConnectionId, to: ShardId, bytes: &[u8]) {
        self.handed_over.push((connection, to, bytes.to_vec()));
    }

    fn lane_room(&self, to: ShardId) -> usize {
        let used = self.lanes[usize::from(to.0)].used;
        (self.lane_bytes - used).saturating_sub(4)
    }

    fn lane_send(&mut self, to: ShardId, message: &[u8]) {
        let room = self.lane_room(to);
        assert!(message.len() <= room, "the core looks at the room first");
        let lane = &mut self.lanes[usize::from(to.0)];
        lane.used += record_bytes(message.len());
        lane.messages.push_back(message.to_vec());
    }

    fn control(&mut self, message: ToControl) {
        self.control.push(message);
    }

    fn output_full(&mut self, connection: ConnectionId) -> bool {
        self.full.contains(&connection.slot)
    }

    fn input_waits(&self) -> bool {
        self.input_waits
    }

    fn shell_counters(&self) -> ShellCounters {
        ShellCounters {
            turns: 7,
            ..ShellCounters::default()
        }
    }

    fn secret(&mut self) -> [u8; 16] {
        self.secrets = self.secrets.wrapping_add(1);
        [self.secrets; 16]
    }
}
