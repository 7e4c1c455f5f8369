//! One shard's connections: completions in, operations out. Pure; knows no ring and no clock.
//!
//! ```text
//!  Completion ─> completed() ─> Happened::Received ─> the core reads ─> write(), set_reading(),
//!                    │                                                  close(), hand_over()
//!                    └─> next_ended(): told to the core                        │ marks only
//!  Kernel <─ receive, send, cancel, shutdown, close <─ settle(), once a turn <─┘
//! ```
//!
//! Calls during a turn only change what a connection *wants*; [`Connections::settle`] compares that
//! with what is in flight, once per touched connection and turn, and starts what is missing. So any
//! order of completions and wishes leads to the same operations, and a turn's answers to one
//! connection leave in one send.
//!
//! # Invariants
//! 1. At most one receive and one send are in flight per connection.
//! 2. A socket is neither closed nor moved, and a slot not reused, before both have completed.
//! 3. The core hears of the end of a connection exactly once, unless it closed it itself.
//! 4. Kept input is at most [`KEPT_BYTES_MAX`]; output at most `OUTPUT_CLOSE_BYTES` and a refusal.

mod connection;
mod corks;
mod kept;
mod wishes;

pub use connection::Ended;

use crate::lock::input::Peer;
use crate::lock::op::ShardId;
use crate::net::chunk::{ChunkPool, ChunkQueue};
use crate::net::kernel::{BufferId, Completion, Kernel, Receive, Slot, Token, errno};
use crate::shard::io::{CloseHow, ConnectionId, Reading};
use crate::time::{Instant, Millis};
use connection::{Connection, InFlight, Stage};
use slab::Slab;
use std::collections::VecDeque;

/// Bytes received and not consumed that a connection keeps at most.
///
/// A partial frame, and what a multishot receive still delivers after it was told to stop: at most
/// [`RECEIVES_AFTER_CANCEL_MAX`] buffers.
pub const KEPT_BYTES_MAX: usize = 384 * 1024;
/// Buffers that the kernel fills at most in one go of a multishot receive (its own limit is 32).
pub const RECEIVES_AFTER_CANCEL_MAX: usize = 32;
/// Time that a closing connection has for its last output and for the peer's end of stream.
pub const FLUSH_MS_MAX: Millis = Millis(2_000);

const _: () = assert!(
    KEPT_BYTES_MAX
        >= RECEIVES_AFTER_CANCEL_MAX * super::RECEIVE_BUFFER_BYTES + super::FRAME_WHOLE_BYTES_MAX,
    "a well-behaved client never meets the limit of kept input"
);

const _: () = assert!(
    size_of::<Connection<std::ffi::c_int>>() <= 96,
    "100 k connections cost less than 10 MiB"
);

/// What a completion means to the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Nothing that anybody must hear.
    Nothing,
    /// Bytes arrived; the caller offers them to the core or keeps them, then gives the buffer back.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// Where they are.
        buffer: BufferId,
        /// How many: 1 or more.
        length: usize,
    },
}

/// A socket on its way to another shard, with what was read and not consumed.
#[derive(Debug, PartialEq, Eq)]
pub struct Departure<S> {
    /// Where to.
    pub to: ShardId,
    /// The socket; nothing is in flight on it.
    pub socket: S,
    /// The client's address.
    pub peer: Peer,
    /// Whether it came in by an admin listener.
    pub admin: bool,
    /// Bytes read and not consumed.
    pub bytes: Vec<u8>,
}

/// All connections of one shard.
pub struct Connections<S> {
    table: Slab<Connection<S>>,
    pool: ChunkPool,
    generation: u32,
    /// Connections whose wishes and operations may differ; each at most once.
    touched: Vec<u32>,
    /// Connections whose kept bytes are to be offered to the core; each at most once.
    offers: VecDeque<ConnectionId>,
    /// Connections with an end that the core may not have heard of.
    ended: VecDeque<ConnectionId>,
    /// Departures ready to go.
    departures: VecDeque<Departure<S>>,
    /// Time limits of closing connections, in order.
    closing: VecDeque<(Instant, ConnectionId)>,
    /// Last words to a connection that does not read; an encoded frame.
    slow_reader_words: Box<[u8]>,
    /// Corked connections, in the order of their time limits, and some that are so no more; each at
    /// most once.
    corks: VecDeque<ConnectionId>,
    overruns: u64,
    gone: u32,
    stopping: bool,
    /// The clock of this turn.
    now: Instant,
}

impl<S> Connections<S> {
    /// An empty table for so many connections, over this pool.
    #[must_use]
    pub fn new(pool: ChunkPool, connections_max: usize, slow_reader_words: &[u8]) -> Self {
        Self {
            table: Slab::with_capacity(connections_max),
            pool,
            generation: 0,
            touched: Vec::with_capacity(connections_max),
            offers: VecDeque::with_capacity(connections_max),
            ended: VecDeque::with_capacity(connections_max),
            departures: VecDeque::new(),
            closing: VecDeque::new(),
            slow_reader_words: slow_reader_words.into(),
            corks: VecDeque::with_capacity(connections_max),
            overruns: 0,
            gone: 0,
            stopping: false,
            now: Instant::START,
        }
    }

    /// Connections in the table, those that are closing included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table.len()
    }

    /// Sets the clock of this turn.
    pub fn turn_begin(&mut self, now: Instant) {
        self.now = now;
    }

    /// How often a client that did not read was closed.
    #[must_use]
    pub fn overrun_count(&self) -> u64 {
        self.overruns
    }

    /// Takes a connected socket in; it is read by single receives.
    pub fn adopt(&mut self, socket: S, peer: Peer, admin: bool) -> ConnectionId {
        self.generation = self.generation.wrapping_add(1);
        let slot = self.table.insert(Connection {
            socket,
            generation: self.generation,
            stage: Stage::Open,
            reading: Reading::Single,
            receive: InFlight::Nothing,
            send: InFlight::Nothing,
            exhausted: false,
            touched: false,
            offered: false,
            congested: false,
            starved: false,
            admin,
            corked: false,
            cork_listed: false,
            corked_until: Instant::START,
            untold: None,
            peer,
            sending: 0,
            output: ChunkQueue::default(),
            kept: ChunkQueue::default(),
            leaving: None,
        });
        let slot = u32::try_from(slot).expect("descriptors are fewer than 2^31");
        self.touch(slot);
        ConnectionId {
            slot,
            generation: self.generation,
        }
    }

    /// Takes note of a completed receive or send. Tokens of unknown connections are ignored.
    pub fn completed(
        &mut self,
        completion: Completion,
        kernel: &mut impl Kernel<Socket = S>,
    ) -> Happened {
        match completion.token {
            Token::Receive(slot) => self.receive_completed(slot, completion, kernel),
            Token::Send(slot) => {
                self.send_completed(slot, completion.result);
                Happened::Nothing
            }
            Token::Cancel | Token::Accept(_) | Token::Timer | Token::Wake => Happened::Nothing,
        }
    }

    fn receive_completed(
        &mut self,
        slot: Slot,
        completion: Completion,
        kernel: &mut impl Kernel<Socket = S>,
    ) -> Happened {
        let Some(connection) = self.in_slot(slot) else {
            debug_assert!(false, "a slot is kept while operations are in flight");
            completion
                .buffer
                .into_iter()
                .for_each(|buffer| kernel.give_back(buffer));
            return Happened::Nothing;
        };
        if !completion.more {
            connection.receive = InFlight::Nothing;
        }
        let stage = connection.stage;
        let id = connection.id(slot.index);
        self.touch(slot.index);
        if let (Ok(length @ 1..), Some(buffer)) =
            (usize::try_from(completion.result), completion.buffer)
        {
            if matches!(stage, Stage::Open | Stage::Leaving) {
                return Happened::Received {
                    connection: id,
                    buffer,
                    length,
                };
            }
            kernel.give_back(buffer);
            return Happened::Nothing;
        }
        completion
            .buffer
            .into_iter()
            .for_each(|buffer| kernel.give_back(buffer));
        match -completion.result {
            0 => self.ended(id, Ended::Orderly),
            // No buffer was free, or the operation was ended for us: settle() starts it again.
            errno::ENOBUFS | errno::ECANCELED | errno::EAGAIN | errno::EINTR => {}
            _ => self.ended(id, Ended::Broken),
        }
        Happened::Nothing
    }

    fn send_completed(&mut self, slot: Slot, result: i32) {
        let Some((index, sending)) = self.in_slot(slot).map(|connection| {
            connection.send = InFlight::Nothing;
            (slot.index, std::mem::take(&mut connection.sending))
        }) else {
            debug_assert!(false, "a slot is kept while operations are in flight");
            return;
        };
        self.touch(index);
        let connection = &mut self.table[index as usize];
        let id = connection.id(index);
        match usize::try_from(result) {
            Ok(sent @ 1..) => {
                connection.congested = sent < sending;
                connection.output.consume(&mut self.pool, sent);
            }
            Err(_) if -result == errno::EAGAIN => connection.congested = true,
            Err(_) if matches!(-result, errno::EINTR | errno::ECANCELED) => {}
            // A write error, or a send that moved nothing: the connection is broken.
            _ => self.ended(id, Ended::Broken),
        }
    }

    /// The peer ended the stream, or the connection broke, or it met a limit of ours.
    fn ended(&mut self, id: ConnectionId, how: Ended) {
        let Some(connection) = Self::find(&mut self.table, id) else {
            return;
        };
        connection.exhausted = true;
        match (connection.stage, how) {
            (Stage::Open, _) => {
                connection.untold = Some(how);
                self.ended.push_back(id);
                self.begin_close(
                    id,
                    match how {
                        Ended::Orderly => CloseHow::Flush,
                        Ended::Broken => CloseHow::Now,
                    },
                );
            }
            (Stage::Flushing | Stage::Lingering, Ended::Broken)
            | (Stage::Lingering, Ended::Orderly) => self.begin_close(id, CloseHow::Now),
            // The output is still being sent; or nobody asks; or the new home finds out by itself.
            (Stage::Flushing, Ended::Orderly) | (Stage::Closing | Stage::Leaving, _) => {}
        }
    }

    /// The next end of a connection that the core has not heard of.
    pub fn next_ended(&mut self) -> Option<(ConnectionId, Ended)> {
        while let Some(id) = self.ended.pop_front() {
            let connection = Self::find(&mut self.table, id);
            if let Some(how) = connection.and_then(|connection| connection.untold.take()) {
                self.touch(id.slot);
                return Some((id, how));
            }
        }
        None
    }

    /// Ends waiting in [`Connections::next_ended`], those included that the core need not hear of.
    #[must_use]
    pub fn ended_count(&self) -> usize {
        self.ended.len()
    }

    /// Connections that left the table since this was last asked.
    pub fn take_gone(&mut self) -> u32 {
        std::mem::take(&mut self.gone)
    }

    /// The server ends: all connections are closed after their output, waiting for no peer's end.
    pub fn close_all(&mut self) {
        self.stopping = true;
        let all: Vec<u32> = self
            .table
            .iter()
            .map(|(slot, _)| u32::try_from(slot).expect("slots were made from u32"))
            .collect();
        for slot in all {
            let connection = &self.table[slot as usize];
            let how = match connection.stage {
                Stage::Open | Stage::Flushing => CloseHow::Flush,
                Stage::Lingering | Stage::Closing | Stage::Leaving => CloseHow::Now,
            };
            self.close(connection.id(slot), how);
        }
    }

    /// The next socket that is ready to go to another shard; it has left the table.
    pub fn next_departure(&mut self) -> Option<Departure<S>> {
        self.departures.pop_front()
    }

    /// Starts the operations that this turn's events ask for.
    pub fn settle(&mut self, kernel: &mut impl Kernel<Socket = S>) {
        self.close_overdue();
        self.uncork_overdue();
        while let Some(slot) = self.touched.pop() {
            self.settle_one(slot, kernel);
        }
    }

    /// When [`Connections::settle`] must be called again at the latest, for a time limit.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.closing.front().map(|&(limit, _)| limit)
    }

    fn close_overdue(&mut self) {
        while let Some(&(limit, id)) = self.closing.front() {
            let gone = self.known(id).is_none();
            if !gone && limit > self.now {
                return;
            }
            self.closing.pop_front();
            if !gone {
                self.close(id, CloseHow::Now);
            }
        }
    }

    fn settle_one(&mut self, slot: u32, kernel: &mut impl Kernel<Socket = S>) {
        let Some(connection) = self.table.get_mut(slot as usize) else {
            return;
        };
        connection.touched = false;
        match connection.stage {
            Stage::Open => {
                if connection.settle_open(slot, &self.pool, kernel) {
                    let id = connection.id(slot);
                    self.offer(id);
                }
            }
            Stage::Flushing => {
                connection.send_more(slot, &self.pool, kernel);
                if connection.send == InFlight::Nothing {
                    self.sent_all(slot, kernel);
                }
            }
            Stage::Lingering => connection.receive_more(slot, Receive::Single, kernel),
            Stage::Closing => self.finish(slot, kernel),
            Stage::Leaving => {
                connection.cancel_receive(slot, kernel);
                connection.send_more(slot, &self.pool, kernel);
                if connection.is_idle() {
                    self.depart(slot);
                }
            }
        }
    }

    /// The last output of a closing connection is with the kernel.
    fn sent_all(&mut self, slot: u32, kernel: &mut impl Kernel<Socket = S>) {
        let stopping = self.stopping;
        let connection = &mut self.table[slot as usize];
        if connection.exhausted || stopping {
            connection.stage = Stage::Closing;
            self.finish(slot, kernel);
        } else {
            kernel.shutdown_write(&connection.socket);
            connection.stage = Stage::Lingering;
            connection.receive_more(slot, Receive::Single, kernel);
        }
    }

    /// Ends what is in flight on a closing connection; with nothing in flight it is gone.
    fn finish(&mut self, slot: u32, kernel: &mut impl Kernel<Socket = S>) {
        let connection = &mut self.table[slot as usize];
        connection.cancel_receive(slot, kernel);
        connection.cancel_send(slot, kernel);
        if connection.is_idle() && connection.untold.is_none() {
            let connection = self.remove(slot);
            kernel.close(connection.socket);
        }
    }

    fn depart(&mut self, slot: u32) {
        let mut connection = self.remove(slot);
        let leaving = connection.leaving.take();
        let (to, bytes) = *leaving.expect("set when it began to leave");
        self.departures.push_back(Departure {
            to,
            socket: connection.socket,
            peer: connection.peer,
            admin: connection.admin,
            bytes,
        });
    }

    fn remove(&mut self, slot: u32) -> Connection<S> {
        self.gone += 1;
        let mut connection = self.table.remove(slot as usize);
        connection.output.clear(&mut self.pool);
        connection.kept.clear(&mut self.pool);
        connection
    }

    pub(super) fn touch(&mut self, slot: u32) {
        if let Some(connection) = self.table.get_mut(slot as usize)
            && !connection.touched
        {
            connection.touched = true;
            self.touched.push(slot);
        }
    }

    fn known(&self, id: ConnectionId) -> Option<&Connection<S>> {
        let connection = self.table.get(id.slot as usize)?;
        (connection.generation == id.generation).then_some(connection)
    }

    fn find(table: &mut Slab<Connection<S>>, id: ConnectionId) -> Option<&mut Connection<S>> {
        let connection = table.get_mut(id.slot as usize)?;
        (connection.generation == id.generation).then_some(connection)
    }

    fn in_slot(&mut self, slot: Slot) -> Option<&mut Connection<S>> {
        let connection = self.table.get_mut(slot.index as usize)?;
        let generation = connection.generation & Slot::GENERATION_MASK;
        (generation == slot.generation).then_some(connection)
    }
}

#[cfg(test)]
mod tests;
