//! One shard: the server's core and connection table, driven step by step.
//!
//! The order of a turn and of going to sleep is `locker::shard::turn`'s, what is done at each step
//! that of `driver::turns`. Each step happens at a moment of its own, so that other shards and the
//! network come between: after the sockets are reaped and before the clock is read, between the
//! announcement of sleep and the look at the lanes, between that look and the sleep.

use super::bell::{Arrival, Bell, Mail};
use super::kernel::{Outside, SimKernel};
use super::shell::Shell;
use crate::moment::{Clock, Moment};
use locker::driver::lane;
use locker::lock::op::ShardId;
use locker::net::connections::{Ended, Happened};
use locker::net::kernel::{Completion, Kernel as _, Token};
use locker::shard::Core;
use locker::shard::io::{CloseHow, ConnectionId, FromControl, ToControl};
use locker::shard::machine::{HEAD_BYTES, Machine as _, NextTurn};
use locker::shard::turn::{self, Falling};
use locker::time::Instant;
use std::rc::Rc;

/// How long a shard sleeps at most over sends that nothing wakes it for.
const SENDS_UNSEEN_US_MAX: u64 = 1_000;
/// Kept input is offered in pieces of this.
const OFFER_BYTES_MAX: usize = locker::net::FRAME_WHOLE_BYTES_MAX;

/// How much one turn takes; small ones make work wait for the next turn.
#[derive(Clone, Copy, Debug)]
pub struct TurnSizes {
    /// Completions at most.
    pub completions: usize,
    /// Pieces of mail at most.
    pub mail: usize,
    /// Bytes of requests at most, but for the last buffer.
    pub input: usize,
    /// Bytes of kept input beside that.
    pub offered: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A step of a turn.
    Turn(turn::Step),
    /// What was queued is handed over, or the shard begins to fall asleep.
    Collect,
    /// A step of falling asleep.
    Falling(Falling),
    /// Asleep until something completes.
    Asleep,
    /// Told to stop, and everything is closed.
    Over,
}

impl Stage {
    /// The beginning of a turn.
    fn first() -> Self {
        Self::Turn(turn::Step::first())
    }
}

/// A shard of a running server.
pub(super) struct Shard {
    pub(super) core: Core,
    pub(super) shell: Shell,
    pub(super) kernel: SimKernel,
    pub(super) inbound: Vec<(ShardId, lane::Receiver)>,
    pub(super) bell: Rc<Bell>,
    pub(super) stage: Stage,
    clock: Clock,
    sizes: TurnSizes,
    completions: Vec<Completion>,
    arrivals: Vec<Arrival>,
    words: Vec<FromControl>,
    scratch: Vec<u8>,
    timer_at: Option<Instant>,
    wake_at: Option<Instant>,
    is_busy: bool,
    now: Instant,
    input: usize,
    reaped: usize,
    stopping: bool,
    /// Shard 0: the acceptor stops with this turn.
    pub(super) heard_drain: bool,
}

/// What a shard is made of.
pub(super) struct Parts {
    pub(super) core: Core,
    pub(super) shell: Shell,
    pub(super) kernel: SimKernel,
    pub(super) inbound: Vec<(ShardId, lane::Receiver)>,
    pub(super) bell: Rc<Bell>,
    pub(super) clock: Clock,
    pub(super) sizes: TurnSizes,
}

impl Shard {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            core,
            shell,
            kernel,
            inbound,
            bell,
            clock,
            sizes,
        } = parts;
        Self {
            core,
            shell,
            kernel,
            inbound,
            bell,
            stage: Stage::first(),
            clock,
            sizes,
            completions: Vec::new(),
            arrivals: Vec::new(),
            words: Vec::new(),
            scratch: vec![0; OFFER_BYTES_MAX],
            timer_at: None,
            wake_at: None,
            is_busy: true,
            now: Instant::START,
            input: 0,
            reaped: 0,
            stopping: false,
            heard_drain: false,
        }
    }

    /// Does the next step.
    pub(super) fn advance(&mut self, outside: &mut Outside<'_>) {
        self.stage = match self.stage {
            Stage::Turn(step) => {
                self.take(step, outside);
                step.next()
                    .map_or_else(|| self.turned(outside), Stage::Turn)
            }
            Stage::Collect => self.collect(outside),
            Stage::Falling(step) => match self.fall(step, outside) {
                turn::Found::Something => {
                    self.kernel.enter(outside);
                    self.bell.sleeper.awake();
                    Stage::first()
                }
                turn::Found::Nothing => step.next().map_or_else(
                    || {
                        self.park(outside);
                        Stage::Asleep
                    },
                    Stage::Falling,
                ),
            },
            Stage::Asleep => {
                self.bell.sleeper.awake();
                Stage::first()
            }
            Stage::Over => Stage::Over,
        };
    }

    /// What the core said to the control thread since this was last asked.
    pub(super) fn take_words(&mut self) -> Vec<ToControl> {
        std::mem::take(&mut self.shell.to_control)
    }

    /// When a sleeper's timer fires.
    pub(super) fn timer(&self) -> Option<Moment> {
        self.timer_at.map(|at| self.clock.when(at.as_micros()))
    }

    /// Whether a sleeper is woken: by a word, its sockets or its timer.
    pub(super) fn wakes(&mut self, outside: &mut Outside<'_>) -> bool {
        if self.stage != Stage::Asleep {
            return false;
        }
        let due = self.timer().is_some_and(|at| at <= outside.now);
        self.bell.rung.get() || due || self.kernel_has_work(outside)
    }

    fn kernel_has_work(&mut self, outside: &mut Outside<'_>) -> bool {
        if self.bell.rung.take() {
            self.kernel.wake();
        }
        self.kernel.has_work(outside)
    }

    fn take(&mut self, step: turn::Step, outside: &mut Outside<'_>) {
        match step {
            turn::Step::Reap => self.reap(),
            turn::Step::Clock => self.now = Instant(self.clock.at(outside.now)),
            turn::Step::Act => self.act(outside),
        }
    }

    fn reap(&mut self) {
        self.kernel
            .reap(&mut self.completions, self.sizes.completions);
        self.reaped = self.completions.len();
        self.take_mail();
        for (_, lane) in &mut self.inbound {
            lane.snapshot();
        }
    }

    fn act(&mut self, outside: &mut Outside<'_>) {
        if self.timer_at.is_some_and(|at| at <= self.now) {
            self.timer_at = None;
        }
        self.bell.turns.set(self.bell.turns.get() + 1);
        self.shell.counters.turns = self.bell.turns.get();
        self.shell.connections.turn_begin(self.now);
        self.core.turn_begin(self.now, &mut self.shell);
        self.input = 0;
        self.take_completions();
        self.take_arrivals();
        self.drain_lanes();
        for word in std::mem::take(&mut self.words) {
            self.core.control(word, &mut self.shell);
        }
        self.offer_kept();
        self.tell_ended();
        self.shell.input_waits = self.input_waits();
        let next = self.core.turn_end(&mut self.shell);
        self.core.check_invariants();
        self.settle(outside);
        self.judge(next);
    }

    /// A turn is over.
    fn turned(&mut self, outside: &mut Outside<'_>) -> Stage {
        if self.stopping && self.shell.connections.count() == 0 {
            self.kernel.close_ended(outside);
            return Stage::Over;
        }
        Stage::Collect
    }

    fn input_waits(&self) -> bool {
        let cut = self.reaped == self.sizes.completions || !self.completions.is_empty();
        cut || self.shell.connections.offer_count() > 0
    }

    fn settle(&mut self, outside: &mut Outside<'_>) {
        self.shell.connections.settle(&mut self.kernel);
        self.kernel.close_ended(outside);
        self.shell.post_departures();
        let gone = self.shell.connections.take_gone();
        self.bell
            .connections
            .set(self.bell.connections.get() - gone);
        self.shell.publish_lanes();
    }

    fn judge(&mut self, next: NextTurn) {
        let connections = &self.shell.connections;
        let wakes = [next.wake_at, connections.wake_at()];
        self.wake_at = wakes.into_iter().flatten().min();
        let due = self.wake_at.is_some_and(|wake_at| wake_at <= self.now);
        let pending = connections.offer_count() > 0 || connections.ended_count() > 0;
        self.is_busy = self.shell.input_waits || next.more || due || pending;
    }

    /// Falls asleep, or goes on at once.
    fn collect(&mut self, outside: &mut Outside<'_>) -> Stage {
        if !self.is_busy {
            self.timer_set();
            if self.may_sleep(outside) {
                if self.kernel.has_at_once() {
                    self.wake_at = Some(Instant(self.now.as_micros() + SENDS_UNSEEN_US_MAX));
                    self.timer_set();
                }
                return Stage::Falling(Falling::first());
            }
        }
        self.kernel.enter(outside);
        Stage::first()
    }

    fn may_sleep(&mut self, outside: &mut Outside<'_>) -> bool {
        if self.inbound.is_empty() {
            return true;
        }
        if self.kernel.has_queued() {
            return false;
        }
        if self.shell.connections.uncork_all() {
            self.settle(outside);
            return false;
        }
        true
    }

    fn fall(&mut self, step: Falling, outside: &mut Outside<'_>) -> turn::Found {
        match step {
            Falling::Announce => {
                self.bell.sleeper.announce();
                turn::Found::Nothing
            }
            Falling::Look if self.finds_work(outside) => turn::Found::Something,
            Falling::Look | Falling::Park => turn::Found::Nothing,
        }
    }

    fn finds_work(&mut self, outside: &mut Outside<'_>) -> bool {
        let mail = self.bell.has_mail();
        let lanes = self.inbound.iter_mut().any(|(_, lane)| lane.snapshot());
        mail || lanes || self.kernel_has_work(outside)
    }

    /// Sleeps in the call that hands over what is queued.
    fn park(&mut self, outside: &mut Outside<'_>) {
        if self.bell.rung.take() {
            self.kernel.wake();
        }
        self.kernel.enter(outside);
    }

    fn timer_set(&mut self) {
        let Some(wake_at) = self.wake_at else {
            return;
        };
        if self.timer_at.is_none_or(|timer_at| timer_at > wake_at) {
            self.timer_at = Some(wake_at);
        }
    }

    fn take_mail(&mut self) {
        for _ in 0..self.sizes.mail {
            let Some(mail) = self.bell.mail.borrow_mut().pop_front() else {
                return;
            };
            match mail {
                Mail::Arrival(arrival) => self.arrivals.push(arrival),
                Mail::Control(word) => {
                    self.heard_drain |= matches!(word, FromControl::Drain { .. });
                    self.words.push(word);
                }
                Mail::Stop => {
                    self.stopping = true;
                    self.shell.connections.close_all();
                }
            }
        }
    }

    fn take_completions(&mut self) {
        let mut completions = std::mem::take(&mut self.completions);
        let mut taken = 0;
        while let Some(&completion) = completions.get(taken)
            && self.input < self.sizes.input
        {
            self.completed(completion);
            taken += 1;
        }
        completions.drain(..taken);
        self.completions = completions;
    }

    fn completed(&mut self, completion: Completion) {
        if !matches!(completion.token, Token::Receive(_) | Token::Send(_)) {
            return;
        }
        let happened = self
            .shell
            .connections
            .completed(completion, &mut self.kernel);
        if let Happened::Received {
            connection,
            buffer,
            length,
        } = happened
        {
            self.received(connection, buffer, length);
        }
    }

    fn received(&mut self, id: ConnectionId, buffer: u16, length: usize) {
        let bytes = self.kernel.received(buffer, length);
        self.input += length;
        if self.shell.connections.offers_directly(id) {
            let consumed = self.core.received(id, &bytes, &mut self.shell);
            let rest = &bytes[consumed..];
            if !rest.is_empty() && self.shell.connections.is_open(id) {
                self.shell.connections.keep(id, rest);
            }
        } else {
            self.shell.connections.keep(id, &bytes);
            self.offer_grown(id);
        }
        self.kernel.give_back(buffer);
    }

    fn offer_grown(&mut self, id: ConnectionId) {
        let mut head = [0; HEAD_BYTES];
        let count = self.shell.connections.kept_copy(id, &mut head);
        let whole = self.core.whole_at(id, &head[..count]);
        let connections = &self.shell.connections;
        if connections.is_read(id) && connections.kept_count(id) < whole {
            self.core.received(id, &[], &mut self.shell);
        } else {
            self.offer_one(id);
        }
    }

    fn offer_one(&mut self, id: ConnectionId) {
        loop {
            let connections = &self.shell.connections;
            if !connections.is_read(id) {
                return;
            }
            let count = connections.kept_copy(id, &mut self.scratch);
            if count == 0 {
                return;
            }
            self.input += count;
            let bytes = &self.scratch[..count];
            let consumed = self.core.received(id, bytes, &mut self.shell);
            self.shell.connections.kept_consumed(id, consumed);
            if consumed == 0 || count < self.scratch.len() {
                return;
            }
        }
    }

    fn offer_kept(&mut self) {
        let offers = self.shell.connections.offer_count();
        let input_max = self.input + self.sizes.offered;
        for _ in 0..offers {
            if self.input >= input_max {
                return;
            }
            let Some(id) = self.shell.connections.next_offer() else {
                return;
            };
            self.offer_one(id);
        }
    }

    fn take_arrivals(&mut self) {
        for arrival in std::mem::take(&mut self.arrivals) {
            let Arrival {
                link,
                peer,
                admin,
                accepted,
                bytes,
            } = arrival;
            let connections = &mut self.shell.connections;
            let id = connections.adopt(link, peer, admin);
            if self.stopping {
                connections.close(id, CloseHow::Now);
                continue;
            }
            self.shell.counters.connections_accepted += u64::from(accepted);
            self.core.connected(id, peer, admin, &mut self.shell);
            self.shell.connections.keep(id, &bytes);
            self.shell.connections.offer(id);
        }
    }

    fn drain_lanes(&mut self) {
        for (from, lane) in &mut self.inbound {
            let from = *from;
            lane.drain(|message| {
                self.core.lane_message(from, message, &mut self.shell);
            });
        }
    }

    fn tell_ended(&mut self) {
        while let Some((id, how)) = self.shell.connections.next_ended() {
            let orderly = how == Ended::Orderly;
            self.core.disconnected(id, orderly, &mut self.shell);
        }
    }
}
