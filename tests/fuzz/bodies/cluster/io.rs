//! The core's shell over plain vectors: lanes of a given size, output that is kept.

use locker::lock::op::ShardId;
use locker::shard::io::{
    CloseHow, ConnectionId, Io, Reading, ShellCounters, ToControl, record_bytes,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What one core asked of its shell.
#[derive(Debug, Default)]
pub(super) struct Shell {
    pub(super) written: BTreeMap<u32, Vec<u8>>,
    pub(super) closed: BTreeSet<u32>,
    pub(super) reading: BTreeMap<u32, Reading>,
    /// Connections that are read again: what was left is to be offered again.
    pub(super) resumed: Vec<u32>,
    pub(super) handed_over: Vec<(ConnectionId, ShardId, Vec<u8>)>,
    pub(super) control: Vec<ToControl>,
    /// Connections whose clients do not read.
    pub(super) full: BTreeSet<u32>,
    pub(super) lanes: Vec<VecDeque<Vec<u8>>>,
    pub(super) lane_bytes: usize,
    /// More input waits: expiry is put off.
    pub(super) input_waits: bool,
    secrets: u64,
}

impl Shell {
    pub(super) fn new(shard: u8, shards: u16, lane_bytes: usize) -> Self {
        Self {
            lanes: (0..shards).map(|_| VecDeque::new()).collect(),
            lane_bytes,
            secrets: u64::from(shard) << 32,
            ..Self::default()
        }
    }
}

impl Io for Shell {
    fn write(&mut self, to: ConnectionId, bytes: &[u8]) {
        let output = self.written.entry(to.slot).or_default();
        output.extend_from_slice(bytes);
    }

    fn cork(&mut self, _: ConnectionId) {}

    fn uncork(&mut self, _: ConnectionId) {}

    fn close(&mut self, connection: ConnectionId, _: CloseHow) {
        self.closed.insert(connection.slot);
    }

    fn read(&mut self, connection: ConnectionId, how: Reading) {
        let before = self.reading.insert(connection.slot, how);
        if before == Some(Reading::Paused) && how != Reading::Paused {
            self.resumed.push(connection.slot);
        }
    }

    fn hand_over(&mut self, connection: ConnectionId, to: ShardId, bytes: &[u8]) {
        assert_ne!(
            self.reading.get(&connection.slot),
            Some(&Reading::Multishot),
            "a socket that is read continuously cannot move"
        );
        self.handed_over.push((connection, to, bytes.to_vec()));
    }

    fn lane_room(&self, to: ShardId) -> usize {
        let messages = self.lanes[usize::from(to.0)].iter();
        let used: usize = messages.map(|message| record_bytes(message.len())).sum();
        (self.lane_bytes - used).saturating_sub(4)
    }

    fn lane_send(&mut self, to: ShardId, message: &[u8]) {
        assert!(
            message.len() <= self.lane_room(to),
            "room is looked at first"
        );
        self.lanes[usize::from(to.0)].push_back(message.to_vec());
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
        ShellCounters::default()
    }

    fn secret(&mut self) -> [u8; 16] {
        self.secrets += 1;
        let mixed = self.secrets.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let halves = [mixed, mixed.rotate_left(29) ^ 0xA5A5];
        let mut secret = [0; 16];
        for (to, from) in secret.chunks_exact_mut(8).zip(halves) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        secret
    }
}
