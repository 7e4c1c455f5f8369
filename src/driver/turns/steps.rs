//! What the loop does at each step of a turn and of falling asleep. Which comes after which is
//! [`crate::shard::turn`]'s to say.

use super::Driver;
use crate::net::ring::Wait;
use crate::shard::machine::{Machine, NextTurn};
use crate::shard::turn::{Park, Sleep, Turn};
use crate::time::Instant;

impl<M: Machine> Turn for Driver<M> {
    fn reap(&mut self) {
        self.ring.reap(&mut self.completions);
        self.reaped = self.completions.len();
        self.mail_taken = self.take_mail();
    }

    fn note_lanes(&mut self) {
        for (_, lane) in &mut self.inbound {
            lane.snapshot();
        }
    }

    fn clock(&mut self) -> Instant {
        self.clock.now()
    }

    fn begin(&mut self, now: Instant) {
        self.now = now;
        self.shell.counters.turns = self.signal.count_turn();
        self.shell.connections.turn_begin(now);
        self.machine.turn_begin(now, &mut self.shell);
    }

    fn take_in(&mut self) {
        self.input = 0;
        self.take_completions();
        self.take_arrivals();
        let lane_messages = self.drain_lanes();
        for word in self.words.drain(..) {
            self.machine.control(word, &mut self.shell);
        }
        self.offer_kept();
        self.tell_ended();
        if self.reaped > 0 || self.mail_taken > 0 || lane_messages > 0 {
            self.yielded = false;
        }
    }

    fn end(&mut self) -> NextTurn {
        self.shell.input_waits = self.input_waits();
        let next = self.machine.turn_end(&mut self.shell);
        self.answers_owed = next.answers_owed;
        next
    }

    /// Starts this turn's operations and shows others what is for them.
    fn settle(&mut self) {
        self.shell.connections.settle(&mut self.ring);
        self.shell.post_departures();
        let gone = self.shell.connections.take_gone();
        if gone > 0 {
            self.signal.connections_left(gone);
        }
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.settle(self.now, &mut self.ring);
        }
        self.shell.publish_lanes();
    }
}

impl<M: Machine> Sleep for Driver<M> {
    fn announce(&mut self) {
        self.signal.sleeper.announce();
    }

    fn finds_work(&mut self) -> bool {
        let mail = self.signal.has_mail();
        let lanes = self.inbound.iter_mut().any(|(_, lane)| lane.snapshot());
        mail || lanes || self.ring.has_work()
    }

    fn park(&mut self, how: Park) {
        self.enter(match how {
            Park::No => Wait::No,
            Park::UntilSomethingComes => Wait::ForOne,
        });
    }

    fn awake(&mut self) {
        self.signal.sleeper.awake();
    }
}
