//! The seam between a shard's pure core and its shell.
//!
//! The core calls [`Io`]; the driver implements it over io_uring, lanes and the control thread; the
//! simulator and the tests implement it over plain vectors. Nothing here blocks or fails: what
//! cannot be done now is told by `lane_room`, and what the network refuses comes back as a
//! disconnect.

use crate::lock::op::ShardId;
use crate::shard::turn_times::TurnTimes;

/// Messages in a lane begin at multiples of this, behind their length of as many bytes.
pub const LANE_ALIGN: usize = 4;

/// Bytes that a message of `message_bytes` takes in a lane.
#[must_use]
pub const fn record_bytes(message_bytes: usize) -> usize {
    (LANE_ALIGN + message_bytes).next_multiple_of(LANE_ALIGN)
}

/// A connection in a shard's table. The generation tells a reused slot from the old connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// Slot in the shard's connection table.
    pub slot: u32,
    /// Generation of the slot.
    pub generation: u32,
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseHow {
    /// After what was written has been sent (bounded by a few seconds); nothing more is read.
    Flush,
    /// At once.
    Now,
}

/// Whether and how a connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One receive at a time: until HelloOk, so that the socket can be handed to another shard.
    Single,
    /// Continuously.
    Multishot,
    /// Not at all for now: the core has no room for what the requests need. What was received but
    /// not consumed is offered again, in the next turn, once the core switches reading on; the core
    /// tells by `NextTurn::more` that this turn should not wait for the network.
    Paused,
}

/// What the core asks of the control thread. Answered by [`FromControl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToControl {
    /// A first session opens, or one with a TTL above the durable bound: make `dirty` and the bound
    /// durable; until the answer its HelloOk is withheld.
    RaiseBound {
        /// The TTL asked for.
        ttl_ms: u32,
    },
    /// The token counter is at 90 % of its epoch: a next one, please.
    NextEpoch,
    /// The grace window is over here: what came of it.
    WindowEnded(Reclaims),
    /// While draining: this shard has no hold left. Said once after `Drain`, when a waiter may
    /// still be granted, and once after `DrainOver`, when none is any more.
    Idle,
    /// After `DrainOver`: this shard closed its connections, and has holds left. Said once; `Idle`
    /// may follow.
    Holding,
}

/// What came of the grace window at one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaims {
    /// Holds reclaimed.
    pub reclaimed: u64,
    /// Requests to reclaim refused.
    pub refused: u64,
    /// Holds reclaimed, and ended because one of a higher token was.
    pub lost: u64,
}

/// What the control thread tells a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromControl {
    /// Sessions with TTLs up to this may open: it is durable.
    BoundRaised {
        /// The durable bound.
        ttl_ms: u32,
    },
    /// An epoch for this shard's token counter, taken durably.
    Epoch {
        /// 28 bits.
        epoch: u32,
    },
    /// The grace window is over and the floor durable: keys open.
    WindowOver,
    /// Stop: no new sessions or acquires, GoAway to all, for at most this long.
    Drain {
        /// The bound.
        bound_ms: u32,
    },
    /// The drain is over: answer the remaining waiters `Draining` and close.
    DrainOver,
}

/// What only the shell can count; additive but for the `_max` ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShellCounters {
    /// Connections taken from the acceptor.
    pub connections_accepted: u64,
    /// Connections refused for want of a slot.
    pub connections_refused: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Messages appended to lanes.
    pub lane_messages: u64,
    /// Sleeping shards woken.
    pub lane_wakes: u64,
    /// Wake-ups of this shard by the watchdog.
    pub watchdog_wakes: u64,
    /// How long turns took.
    pub turn_times: TurnTimes,
    /// Connections closed because their client did not read.
    pub output_overruns: u64,
}

/// What a shard's core may ask of its shell.
pub trait Io {
    /// Appends bytes to the connection's output; sent at the end of the turn, in order.
    ///
    /// Unknown or closing connections swallow them. Past the output limit the shell closes the
    /// connection and reports it as a disconnect.
    fn write(&mut self, to: ConnectionId, bytes: &[u8]);

    /// More output of this connection follows soon, when other shards have answered: the shell may
    /// keep what is written until [`Io::uncork`], so that all leaves in one send.
    ///
    /// Only a hint. The shell sends when it has waited long enough, when it has kept enough, and
    /// before it sleeps.
    fn cork(&mut self, connection: ConnectionId);

    /// What was written may leave; to be said once nothing more is to come.
    fn uncork(&mut self, connection: ConnectionId);

    /// Closes; the core hears nothing more of the connection.
    fn close(&mut self, connection: ConnectionId, how: CloseHow);

    /// Switches reading. A fresh connection is in [`Reading::Single`].
    fn read(&mut self, connection: ConnectionId, how: Reading);

    /// Moves the socket to another shard with all bytes read so far and not consumed; the core
    /// there hears of a fresh connection and then of the bytes. Only in `Reading::Single`.
    fn hand_over(&mut self, connection: ConnectionId, to: ShardId, bytes: &[u8]);

    /// Bytes free in the lane to that shard, the room of one message's header taken off.
    fn lane_room(&self, to: ShardId) -> usize;

    /// Appends one message to the lane.
    ///
    /// # Panics
    /// If the message is longer than `lane_room`: the core must look first.
    fn lane_send(&mut self, to: ShardId, message: &[u8]);

    /// A message to the control thread.
    fn control(&mut self, message: ToControl);

    /// Whether the connection's unsent output stands above
    /// [`crate::limits::OUTPUT_PAUSE_BYTES`], or the shell has no memory for more.
    ///
    /// The core then takes no further frame of it, without asking for [`Reading::Paused`]: the
    /// shell stops reading by itself, and offers what was not consumed again once there is room.
    fn output_full(&mut self, connection: ConnectionId) -> bool;

    /// Whether input that has arrived waits for the next turn: a renewal may be among it, so the
    /// core puts expiry off.
    fn input_waits(&self) -> bool;

    /// The shell's own counters, for Stats.
    fn shell_counters(&self) -> ShellCounters;

    /// 16 fresh bytes from the operating system's generator: a session's secret.
    fn secret(&mut self) -> [u8; 16];
}
