//! The herd: all clients wait for one key; when each had it once, all wait for it again.
//!
//! A client that had its turn waits for the others, on all threads, so that a round always begins
//! with everybody in line. Turns are counted in [`super::Shared`]; a client that had `n` turns may
//! queue again once all clients together had `n` each.

use super::client::Doing;
use super::fleet::{Fleet, Phase};
use crate::nanos::Nanos;
use crate::plan::Mode;
use crate::traffic::Io;

/// Clients that wait for those of other threads look so often.
pub(super) const TICK: Nanos = Nanos(100_000);

impl Fleet {
    /// Whether the round of a client's next turn has begun.
    pub(super) fn herd_gathers(&self, client: usize) -> bool {
        let turns = u64::from(self.clients[client].turn) * u64::from(self.plan.clients());
        self.shared.herd_turns() >= turns
    }

    /// A client had its turn, or lost it.
    pub(super) fn herd_turn(&mut self, client: usize) {
        self.clients[client].turn += 1;
        self.shared.add_herd_turns(1);
    }

    /// Begins the next round with those who wait for it, if all had their turn.
    pub(super) fn muster(&mut self, now: Nanos, io: &mut Io) {
        if self.plan.workload.mode != Mode::Herd || self.phase != Phase::Running {
            return;
        }
        while let Some(client) = self.idle.front().copied() {
            let is_waiting = self.clients[client].doing == Doing::Idle;
            if is_waiting && !self.herd_gathers(client) {
                return;
            }
            self.idle.pop_front();
            self.next_cycle(client, now, io);
        }
    }
}
