//! What the loop does at each step of a turn and of falling asleep. Which comes after which is
//! [`crate::shard::turn`]'s to say.

use super::Driver;
use crate::net::ring::Wait;
use crate::shard::machine::{Machine, NextTurn};
use crate::shard::turn::{Falling, Found, Step, fall_asleep, turn};

impl<M: Machine> Driver<M> {
    /// Takes one turn; what the machine wants next.
    pub(super) fn take_turn(&mut self) -> NextTurn {
        let mut next = NextTurn::default();
        turn(|step| match step {
            Step::Reap => self.reap(),
            Step::Clock => self.now = self.clock.now(),
            Step::Act => next = self.act(),
        });
        next
    }

    fn reap(&mut self) {
        self.ring.reap(&mut self.completions);
        self.reaped = self.completions.len();
        self.mail_taken = self.take_mail();
        for (_, lane) in &mut self.inbound {
            lane.snapshot();
        }
    }

    fn act(&mut self) -> NextTurn {
        self.shell.counters.turns = self.signal.count_turn();
        self.shell.connections.turn_begin(self.now);
        self.machine.turn_begin(self.now, &mut self.shell);

        self.input = 0;
        self.take_completions();
        self.take_arrivals();
        let lane_messages = self.drain_lanes();
        for word in self.words.drain(..) {
            self.machine.control(word, &mut self.shell);
        }
        self.offer_kept();
        self.tell_ended();
        self.shell.input_waits = self.input_waits();
        let next = self.machine.turn_end(&mut self.shell);
        self.answers_owed = next.answers_owed;
        if self.reaped > 0 || self.mail_taken > 0 || lane_messages > 0 {
            self.yielded = false;
        }
        self.settle();
        next
    }

    /// Starts this turn's operations and shows others what is for them.
    pub(super) fn settle(&mut self) {
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

    /// Sleeps until something comes.
    pub(super) fn sleep(&mut self) {
        let mut wait = Wait::ForOne;
        fall_asleep(|step| match step {
            Falling::Announce => {
                self.signal.sleeper.announce();
                Found::Nothing
            }
            Falling::Look if self.finds_work() => {
                wait = Wait::No;
                Found::Something
            }
            Falling::Look | Falling::Park => Found::Nothing,
        });
        self.enter(wait);
        self.signal.sleeper.awake();
    }

    /// Whether something waits: mail, a message in a lane, a completion.
    pub(super) fn finds_work(&mut self) -> bool {
        let mail = self.signal.has_mail();
        let lanes = self.inbound.iter_mut().any(|(_, lane)| lane.snapshot());
        mail || lanes || self.ring.has_work()
    }
}
