//! What the shell drives: the shard's core as a machine of turns.
//!
//! The loop in `driver` is generic over this trait, so that its tests and the bench's echo
//! run the very loop that the locks run in.

use crate::lock::input::Peer;
use crate::lock::op::ShardId;
use crate::shard::io::{ConnectionId, FromControl, Io};
use crate::time::Instant;

/// Bytes of input from which [`Machine::whole_at`] can tell: a preface and a frame's header.
pub const HEAD_BYTES: usize = locker_protocol::PREFACE.len() + locker_protocol::HEADER_BYTES;

/// What a machine wants of the loop at the end of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextTurn {
    /// Be called again at this instant at the latest.
    pub wake_at: Option<Instant>,
    /// There is more to do at once: the loop does not park.
    pub more: bool,
    /// Other shards owe this one answers: the loop lets them run before it parks, if they share
    /// its processor.
    pub answers_owed: bool,
}

/// A pure machine: one turn is `turn_begin`, then any of the others, then `turn_end`.
pub trait Machine {
    /// A turn begins; everything in it happens now.
    fn turn_begin(&mut self, now: Instant, io: &mut impl Io);

    /// A client connected, or was handed over by another shard.
    fn connected(&mut self, connection: ConnectionId, peer: Peer, admin: bool, io: &mut impl Io);

    /// Bytes came in. Returns how many were consumed; the rest is offered again in front of the
    /// next ones.
    fn received(&mut self, connection: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize;

    /// How many bytes input that begins with `head` must come to before it is worth an offer; 0 if
    /// that is not known. `head` is all of it, or its first [`HEAD_BYTES`].
    ///
    /// A large frame that arrives in small pieces would else be offered, and copied, with each.
    fn whole_at(&self, _connection: ConnectionId, _head: &[u8]) -> usize {
        0
    }

    /// The connection is gone; `orderly` if the peer ended its stream.
    fn disconnected(&mut self, connection: ConnectionId, orderly: bool, io: &mut impl Io);

    /// A message came down the lane from that shard.
    fn lane_message(&mut self, from: ShardId, message: &[u8], io: &mut impl Io);

    /// The control thread says so.
    fn control(&mut self, message: FromControl, io: &mut impl Io);

    /// The turn ends; the answers leave after this.
    fn turn_end(&mut self, io: &mut impl Io) -> NextTurn;
}
