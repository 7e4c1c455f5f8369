//! One connection: its stage, what is in flight, and the operations that bring it forward.

use crate::lock::input::Peer;
use crate::lock::op::ShardId;
use crate::net::chunk::{ChunkPool, ChunkQueue};
use crate::net::flow::{self, Verdict};
use crate::net::kernel::{Kernel, Receive, Send, Slot, Token};
use crate::shard::io::{ConnectionId, Reading};
use crate::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In use by the core.
    Open,
    /// Ended by the core or the peer; the rest of the output is being sent.
    Flushing,
    /// All is sent and the end of stream too; what still comes in is dropped until the peer's end,
    /// so that the peer is not reset before it read our last words.
    Lingering,
    /// Leaves the table as soon as nothing is in flight.
    Closing,
    /// Goes to another shard as soon as nothing is in flight and the output is sent.
    Leaving,
}

/// How a connection ended without the core's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The peer ended its stream.
    Orderly,
    /// A reset, a time-out, a write error, or one of our limits.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InFlight {
    Nothing,
    Single,
    Multishot,
    /// Told to end; has not ended yet.
    Cancelled,
}

/// An idle connection costs the shard nothing more.
pub(super) struct Connection<S> {
    pub(super) socket: S,
    pub(super) generation: u32,
    pub(super) stage: Stage,
    pub(super) reading: Reading,
    pub(super) receive: InFlight,
    pub(super) send: InFlight,
    /// The peer sent its end of stream or broke the connection: nothing more can be received.
    pub(super) exhausted: bool,
    /// Is in `Connections::touched`.
    pub(super) touched: bool,
    /// Is in `Connections::offers`.
    pub(super) offered: bool,
    /// The socket took less than it was given: the next send waits for room.
    pub(super) congested: bool,
    /// Was not read for its output: what is kept is offered again when that has left.
    pub(super) starved: bool,
    pub(super) admin: bool,
    /// More output follows soon: what there is waits for it.
    pub(super) corked: bool,
    /// Is in `Connections::corks`.
    pub(super) cork_listed: bool,
    /// When the output leaves at the latest.
    pub(super) corked_until: Instant,
    /// An end that the core has not heard of; the connection stays in the table until it has.
    pub(super) untold: Option<Ended>,
    pub(super) peer: Peer,
    /// Bytes of the send in flight: the front of `output`.
    pub(super) sending: usize,
    pub(super) output: ChunkQueue,
    pub(super) kept: ChunkQueue,
    /// Where it leaves for, and the bytes that go along.
    pub(super) leaving: Option<Box<(ShardId, Vec<u8>)>>,
}

impl<S> Connection<S> {
    pub(super) fn id(&self, slot: u32) -> ConnectionId {
        ConnectionId {
            slot,
            generation: self.generation,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.receive == InFlight::Nothing && self.send == InFlight::Nothing
    }

    pub(super) fn token_slot(&self, index: u32) -> Slot {
        Slot {
            index,
            generation: self.generation & Slot::GENERATION_MASK,
        }
    }

    /// `true`: what is kept should be offered again, its output has left.
    pub(super) fn settle_open(
        &mut self,
        slot: u32,
        pool: &ChunkPool,
        kernel: &mut impl Kernel<Socket = S>,
    ) -> bool {
        if !self.corked || !flow::may_wait(self.output.len(), pool) {
            self.send_more(slot, pool, kernel);
        }
        let verdict = flow::judge(self.output.len(), pool);
        let was_starved = std::mem::replace(&mut self.starved, verdict != Verdict::Read);
        match (self.reading, verdict) {
            (Reading::Paused, _) | (_, Verdict::Stop) => {
                if self.receive == InFlight::Multishot {
                    self.cancel_receive(slot, kernel);
                }
            }
            (Reading::Single, Verdict::Read) => self.receive_more(slot, Receive::Single, kernel),
            (Reading::Multishot, Verdict::Read) => {
                self.receive_more(slot, Receive::Multishot, kernel);
            }
        }
        was_starved && !self.starved
    }

    pub(super) fn receive_more(
        &mut self,
        slot: u32,
        how: Receive,
        kernel: &mut impl Kernel<Socket = S>,
    ) {
        if self.receive != InFlight::Nothing || self.exhausted {
            return;
        }
        self.receive = match how {
            Receive::Single => InFlight::Single,
            Receive::Multishot => InFlight::Multishot,
        };
        kernel.receive(&self.socket, how, Token::Receive(self.token_slot(slot)));
    }

    pub(super) fn send_more(
        &mut self,
        slot: u32,
        pool: &ChunkPool,
        kernel: &mut impl Kernel<Socket = S>,
    ) {
        if self.send != InFlight::Nothing || self.output.is_empty() {
            return;
        }
        self.send = InFlight::Single;
        // The shard may sleep over a send at once: only if nothing is to be done when it went well.
        let is_all = self.stage == Stage::Open && flow::is_one_send(self.output.len(), pool);
        let how = if is_all && !self.congested {
            Send::AtOnce
        } else {
            Send::WhenRoom
        };
        let token = Token::Send(self.token_slot(slot));
        self.sending = kernel.send(&self.socket, self.output.slices(pool), how, token);
    }

    pub(super) fn cancel_receive(&mut self, slot: u32, kernel: &mut impl Kernel<Socket = S>) {
        if matches!(self.receive, InFlight::Single | InFlight::Multishot) {
            self.receive = InFlight::Cancelled;
            kernel.cancel(Token::Receive(self.token_slot(slot)));
        }
    }

    pub(super) fn cancel_send(&mut self, slot: u32, kernel: &mut impl Kernel<Socket = S>) {
        if self.send == InFlight::Single {
            self.send = InFlight::Cancelled;
            kernel.cancel(Token::Send(self.token_slot(slot)));
        }
    }
}
