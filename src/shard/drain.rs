//! Stopping in good order: who is told what, and when connections close.

use crate::shard::connection::Phase;
use crate::shard::home::Home;
use crate::shard::io::Io;
use crate::shard::reply::Output;
use crate::time::{Instant, Millis};
use locker_protocol as wire;
use locker_protocol::GoAwayReason;

/// How long the last answers may take once the drain is over.
const LAST_WORDS: Millis = Millis(500);

impl Home {
    /// Stops: every client hears how long its holds may stay.
    pub(super) fn drain(&mut self, io: &mut impl Io, until: Instant) {
        self.drain_until = Some(until);
        let drain_ms = self.drain_ms_left().expect("just set");
        for slot in 0..self.connections.slots() {
            let Some((id, state)) = self.connections.in_slot(slot) else {
                continue;
            };
            if matches!(state.phase, Phase::Bare | Phase::Attached(_)) {
                wire::GoAway {
                    drain_ms,
                    reason: GoAwayReason::Restart,
                }
                .encode(&mut Output(io, id));
            }
        }
    }

    /// The drain is over: the remaining answers go out, then the connections close.
    pub(super) fn drain_over(&mut self) {
        self.close_at = Some(self.now + LAST_WORDS);
    }

    /// Closes all connections once every waiter has its answer, or has had its time.
    pub(super) fn close_drained(&mut self, io: &mut impl Io) {
        let Some(close_at) = self.close_at else {
            return;
        };
        if self.stopped || (self.running > 0 && self.now < close_at) {
            return;
        }
        self.stopped = true;
        for slot in 0..self.connections.slots() {
            if let Some((id, _)) = self.connections.in_slot(slot) {
                self.shut(io, id);
            }
        }
    }

    /// When the connections close at the latest.
    pub(super) fn drain_deadline(&self) -> Option<Instant> {
        self.close_at.filter(|_| !self.stopped)
    }
}
