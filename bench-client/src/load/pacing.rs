//! When the next cycle begins: at the end of the one before, or when the schedule says.

use super::client::Doing;
use super::fleet::{Fleet, Phase};
use super::schedule::Schedule;
use super::session::State;
use super::shared::CLAIM_MAX;
use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::plan::{Mode, Pace, Stop};
use crate::traffic::Io;

/// Sets the dice of the schedule apart from those of the keys.
const SCHEDULE_DICE: u64 = 1 << 32;

impl Fleet {
    /// Sets the schedule of an open loop.
    pub(super) fn set_pace(&mut self, begin: Nanos) {
        let Pace::Open {
            rate,
            arrivals,
            ramp,
        } = self.plan.pace
        else {
            return;
        };
        if self.share.connections == 0 {
            return;
        }
        let all = f64::from(self.plan.connections);
        let share = f64::from(self.share.connections) / all;
        let phase = f64::from(self.share.first_connection) / all;
        let dice = Dice::split(self.plan.seed, SCHEDULE_DICE + u64::from(self.share.thread));
        let schedule = Schedule::new(begin, rate * share, arrivals, ramp, phase, dice);
        self.schedule = Some(schedule);
    }

    /// A client is between cycles: begins its next one, or lets it rest until one is due.
    #[inline]
    pub(super) fn next_cycle(&mut self, client: usize, now: Nanos, io: &mut Io) {
        if self.phase != Phase::Running || !self.is_able(client) {
            return;
        }
        if self.plan.workload.mode == Mode::Herd && !self.herd_gathers(client) {
            self.idle.push_back(client);
            return;
        }
        if self.schedule.is_none() {
            self.begin_if_allowed(client, now, now, io);
            return;
        }
        match self.backlog.take() {
            Some(intended) => self.begin_if_allowed(client, intended, now, io),
            None => self.idle.push_back(client),
        }
    }

    /// Whether a client could begin a cycle now.
    #[inline]
    pub(super) fn is_able(&self, client: usize) -> bool {
        let client = &self.clients[client];
        let state = self.sessions[client.connection].state;
        let needed = match self.plan.workload.mode {
            Mode::Churn => State::Absent,
            _ => State::Open,
        };
        client.doing == Doing::Idle && state == needed
    }

    fn begin_if_allowed(&mut self, client: usize, intended: Nanos, now: Nanos, io: &mut Io) {
        if !self.claim(intended) {
            return;
        }
        if self.schedule.is_some() {
            self.record.lag(intended, now);
        }
        self.begin_cycle(client, intended, now, io);
    }

    /// Whether one more cycle may begin: of a counted run each takes one of the operations.
    #[inline]
    fn claim(&mut self, intended: Nanos) -> bool {
        let is_counted = matches!(self.plan.stop, Stop::Operations(_));
        if !is_counted || !self.record.covers(intended) {
            return true;
        }
        if self.claimed == 0 {
            let most = match self.plan.workload.mode {
                // Threads that wait for each other's turns have nothing to keep for later.
                Mode::Herd => 1,
                _ => CLAIM_MAX,
            };
            self.claimed = self.shared.claim(most);
        }
        self.is_exhausted = self.claimed == 0;
        self.claimed = self.claimed.saturating_sub(1);
        !self.is_exhausted
    }

    fn begin_cycle(&mut self, client: usize, intended: Nanos, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        state.intended = intended;
        state.sent = now;
        match self.plan.workload.mode {
            Mode::Uncontended
            | Mode::Contended
            | Mode::ReadWrite { .. }
            | Mode::Permit { .. }
            | Mode::Herd => self.begin_pair(client, now, io),
            Mode::Renew => self.begin_renew(client, now, io),
            Mode::Churn => self.begin_churn(client, now, io),
            Mode::HoldMany => self.begin_hold(client, now, io),
        }
    }

    /// A client's cycle ended.
    #[inline]
    pub(super) fn cycle_over(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        state.doing = Doing::Idle;
        self.record.cycle_over(state.intended, now);
        if self.plan.workload.mode == Mode::Herd {
            self.herd_turn(client);
            self.muster(now, io);
        }
        self.next_cycle(client, now, io);
    }

    /// A client's cycle ended with its connection.
    pub(super) fn cycle_broken(&mut self, client: usize) {
        let doing = self.clients[client].doing;
        if doing == Doing::Retired {
            return;
        }
        self.clients[client].doing = Doing::Idle;
        self.clients[client].token = 0;
        match self.plan.workload.mode {
            Mode::Herd if doing != Doing::Idle => self.herd_turn(client),
            Mode::Renew => self.forget_kept(client),
            _ => {}
        }
    }

    /// A client has nothing to do any more.
    pub(super) fn retire(&mut self, client: usize) {
        self.clients[client].doing = Doing::Retired;
        self.working -= 1;
        self.is_exhausted |= self.working == 0;
    }

    /// Takes the cycles that are due, and gives them to clients that rest.
    pub(super) fn arrive(&mut self, now: Nanos, io: &mut Io) {
        self.take_arrivals(now);
        self.give_arrivals(now, io);
    }

    /// Gives the cycles that are in line to clients that rest.
    pub(super) fn give_arrivals(&mut self, now: Nanos, io: &mut Io) {
        while self.schedule.is_some() && !self.backlog.is_empty() {
            let Some(client) = self.idle.pop_front() else {
                break;
            };
            // One whose connection broke meanwhile comes back when it is open again.
            self.next_cycle(client, now, io);
        }
    }

    /// Puts the cycles that are due in line.
    pub(super) fn take_arrivals(&mut self, now: Nanos) {
        let Some(schedule) = &mut self.schedule else {
            return;
        };
        while let Some(intended) = schedule.due(now) {
            self.backlog.add(intended);
        }
        for intended in self.backlog.take_dropped() {
            self.record.dropped(intended);
        }
    }

    /// When a client that rests is to be given something to do.
    pub(super) fn next_arrival(&self, now: Nanos) -> Nanos {
        match &self.schedule {
            _ if self.idle.is_empty() => Nanos::FOREVER,
            Some(schedule) => schedule.next(),
            None => now + super::herd::TICK,
        }
    }
}
