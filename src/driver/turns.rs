//! The loop of a shard: sockets, lanes and mail in; one turn of the machine; answers out; sleep.
//!
//! ```text
//!  ┌─> enter: submit the last turn's sends, collect completions     1 system call; if nothing is
//!  │                                                               left to do, sleep in it
//!  │   mail, lanes: how far they reach now
//!  │   clock                                  (after everything that this turn will apply)
//!  │   machine: connected, received, lane messages, control, turn_end
//!  │   settle: one send per connection that got answers; lanes published, sleepers woken
//!  └── nothing is left? let shards on this processor run that owe us answers; send what waited
//!      for them; announce sleep, look again, and the next enter waits
//! ```
//!
//! In which order, [`crate::shard::turn`] says; the steps are in `steps`.
//!
//! The driver is the executor's only task and never yields to it: it sleeps in the `enter` of its
//! own ring, where its timer is an operation like any other, and other threads' words are, too. So
//! a request that comes alone costs one system call beside the receive and the send, and nothing
//! lies between the kernel and the turn. (glommio may park with a task runnable if a preemption
//! falls between its polling and its running; every yield would be a chance for that.)

use crate::driver::lane;
use crate::driver::mail::{Arrival, Mail, Origin};
use crate::driver::server_clock::{ServerClock, thread_cpu_us};
use crate::driver::shell::Shell;
use crate::driver::signal::Signal;
use crate::driver::turn_meter::TurnMeter;
use crate::lock::op::ShardId;
use crate::net::FRAME_WHOLE_BYTES_MAX;
use crate::net::acceptor::{Accepted, Acceptor};
use crate::net::connections::{Ended, Happened};
use crate::net::kernel::{Completion, Kernel, Token};
use crate::net::ring::{Ring, Wait};
use crate::shard::io::{CloseHow, ConnectionId, FromControl};
use crate::shard::machine::{HEAD_BYTES, Machine, NextTurn};
use crate::time::Instant;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

mod steps;

/// Completions that one turn takes at most; what is more waits for the next.
const COMPLETIONS_PER_TURN_MAX: usize = 4_096;
/// Pieces of mail that one turn takes at most.
const MAIL_PER_TURN_MAX: u32 = 256;
/// Bytes of requests that one turn takes, but for the last buffer: a few thousand requests, so that
/// a turn stays near a millisecond however much has arrived.
const INPUT_PER_TURN_MAX: usize = 256 * 1024;
/// Bytes of kept input that one turn offers again beside that, but for the last connection: however
/// much arrives, those whose turn was put off get on.
const OFFERED_PER_TURN_MAX: usize = 128 * 1024;
/// Connections whose kept input is offered again in one turn at most.
const OFFERS_PER_TURN_MAX: usize = 1_024;
/// Bytes of kept input that are offered at once: any whole frame, and more than a turn's worth.
const OFFER_BYTES_MAX: usize = FRAME_WHOLE_BYTES_MAX;

/// How long a shard sleeps at most over sends that may have found their sockets full, or broken,
/// for which nothing wakes it: they are repeated then, or their connections closed.
const SENDS_UNSEEN_US_MAX: u64 = 1_000;

/// One shard's loop.
pub(super) struct Driver<M> {
    machine: M,
    shell: Shell,
    ring: Ring,
    inbound: Vec<(ShardId, lane::Receiver)>,
    mail: Receiver<Mail>,
    acceptor: Option<Acceptor>,
    signal: Arc<Signal>,
    clock: ServerClock,
    spin: Duration,
    completions: Vec<Completion>,
    arrivals: Vec<Arrival>,
    words: Vec<FromControl>,
    /// Where kept input is joined to be offered in one piece.
    scratch: Box<[u8]>,
    /// When the timer in the ring fires.
    timer_at: Option<Instant>,
    now: Instant,
    meter: TurnMeter,
    /// Another shard has the same processor.
    shares_cpu: bool,
    /// Other shards owe this one answers.
    answers_owed: bool,
    /// The processor was given to others since the last turn that found work.
    yielded: bool,
    /// Completions that this turn reaped, and those left of the last one.
    reaped: usize,
    /// Pieces of mail that this turn took.
    mail_taken: u32,
    /// Bytes offered to the machine in this turn.
    input: usize,
    stopping: bool,
}

/// What a driver is made of.
pub(super) struct Parts<M> {
    pub(super) machine: M,
    pub(super) shell: Shell,
    pub(super) ring: Ring,
    pub(super) inbound: Vec<(ShardId, lane::Receiver)>,
    pub(super) mail: Receiver<Mail>,
    pub(super) acceptor: Option<Acceptor>,
    pub(super) signal: Arc<Signal>,
    pub(super) clock: ServerClock,
    pub(super) spin: Duration,
    pub(super) shares_cpu: bool,
}

/// Whether the loop may park.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// There is more to do.
    Busy,
    /// Nothing to do before this instant.
    IdleUntil(Option<Instant>),
}

impl<M: Machine> Driver<M> {
    pub(super) fn new(parts: Parts<M>) -> Self {
        let Parts {
            machine,
            shell,
            ring,
            inbound,
            mail,
            acceptor,
            signal,
            clock,
            spin,
            shares_cpu,
        } = parts;
        Self {
            machine,
            shell,
            ring,
            inbound,
            mail,
            acceptor,
            signal,
            clock,
            spin,
            completions: Vec::with_capacity(COMPLETIONS_PER_TURN_MAX),
            arrivals: Vec::with_capacity(MAIL_PER_TURN_MAX as usize),
            words: Vec::with_capacity(MAIL_PER_TURN_MAX as usize),
            scratch: vec![0; OFFER_BYTES_MAX].into_boxed_slice(),
            timer_at: None,
            now: Instant::START,
            meter: TurnMeter::default(),
            reaped: 0,
            mail_taken: 0,
            input: 0,
            shares_cpu,
            answers_owed: false,
            yielded: false,
            stopping: false,
        }
    }

    /// Takes turns until told to stop and every connection is closed.
    pub(super) fn run(mut self) {
        let mut turned = Turned::Busy;
        loop {
            self.collect(turned);
            turned = self.turn();
            if self.stopping && self.is_empty() {
                return;
            }
        }
    }

    /// Hands over the last turn's operations and lets completions come: at once, or when there are
    /// some.
    fn collect(&mut self, turned: Turned) {
        let sleeps = match turned {
            Turned::Busy => false,
            Turned::IdleUntil(wake_at) => {
                self.timer_set(wake_at);
                self.may_sleep()
            }
        };
        if sleeps {
            if self.ring.has_at_once() {
                self.timer_set(Some(Instant(self.now.as_micros() + SENDS_UNSEEN_US_MAX)));
            }
            self.sleep();
        } else {
            self.enter(Wait::No);
        }
    }

    fn enter(&mut self, wait: Wait) {
        self.ring.enter(wait).expect("io_uring works as at start");
    }

    fn is_empty(&self) -> bool {
        let accepting = self.acceptor.as_ref().is_some_and(Acceptor::is_running);
        !accepting && self.shell.connections.count() == 0
    }

    fn turn(&mut self) -> Turned {
        let next = self.take_turn();
        self.measure();
        self.judge(next)
    }

    /// Whether input that has arrived is left for the next turn.
    fn input_waits(&self) -> bool {
        let cut = self.reaped == COMPLETIONS_PER_TURN_MAX || !self.completions.is_empty();
        cut || self.shell.connections.offer_count() > 0
    }

    fn judge(&self, next: NextTurn) -> Turned {
        let wakes = [
            next.wake_at,
            self.shell.connections.wake_at(),
            self.acceptor.as_ref().and_then(Acceptor::wake_at),
        ];
        let wake_at = wakes.into_iter().flatten().min();
        let due = wake_at.is_some_and(|wake_at| wake_at <= self.now);
        let connections = &self.shell.connections;
        let pending = connections.offer_count() > 0 || connections.ended_count() > 0;
        if self.shell.input_waits || next.more || due || pending {
            Turned::Busy
        } else {
            Turned::IdleUntil(wake_at)
        }
    }

    fn measure(&mut self) {
        let span = (self.now, self.clock.now());
        let times = &mut self.shell.counters.turn_times;
        self.meter.add(span, thread_cpu_us, times);
    }

    fn take_completions(&mut self) {
        let mut completions = std::mem::take(&mut self.completions);
        let mut taken = 0;
        while let Some(&completion) = completions.get(taken)
            && self.input < INPUT_PER_TURN_MAX
        {
            self.completed(completion);
            taken += 1;
        }
        completions.drain(..taken);
        self.completions = completions;
    }

    fn take_mail(&mut self) -> u32 {
        if !self.signal.has_mail() {
            return 0;
        }
        let mut taken = 0;
        while taken < MAIL_PER_TURN_MAX {
            match self.mail.try_recv() {
                Ok(Mail::Arrival(arrival)) => self.arrivals.push(arrival),
                Ok(Mail::Control(word)) => self.hear(word),
                Ok(Mail::Stop) => self.stop(),
                Err(_) => break,
            }
            taken += 1;
        }
        self.signal.mail_taken(taken);
        taken
    }

    fn hear(&mut self, word: FromControl) {
        if let (FromControl::Drain { .. }, Some(acceptor)) = (word, &mut self.acceptor) {
            acceptor.stop(&mut self.ring);
        }
        self.words.push(word);
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.shell.connections.close_all();
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.stop(&mut self.ring);
        }
    }

    fn take_arrivals(&mut self) {
        for arrival in self.arrivals.drain(..) {
            let Arrival {
                socket,
                peer,
                admin,
                origin,
                bytes,
            } = arrival;
            let connections = &mut self.shell.connections;
            let id = connections.adopt(socket, peer, admin);
            if self.stopping {
                connections.close(id, CloseHow::Now);
                continue;
            }
            self.shell.counters.connections_accepted += u64::from(origin == Origin::Accepted);
            self.machine.connected(id, peer, admin, &mut self.shell);
            self.shell.connections.keep(id, &bytes);
            self.shell.connections.offer(id);
        }
    }

    fn drain_lanes(&mut self) -> usize {
        let mut messages = 0;
        for (from, lane) in &mut self.inbound {
            let from = *from;
            messages += lane.drain(|message| {
                self.machine.lane_message(from, message, &mut self.shell);
            });
        }
        messages
    }

    fn completed(&mut self, completion: Completion) {
        match completion.token {
            Token::Receive(_) | Token::Send(_) => {
                let happened = self.shell.connections.completed(completion, &mut self.ring);
                if let Happened::Received {
                    connection,
                    buffer,
                    length,
                } = happened
                {
                    self.received(connection, buffer, length);
                }
            }
            Token::Accept(listener) => self.accepted(listener, completion),
            Token::Timer => self.timer_at = None,
            Token::Wake if !completion.more => self.ring.watch_wake(),
            Token::Wake | Token::Cancel => {}
        }
    }

    fn received(&mut self, id: ConnectionId, buffer: u16, length: usize) {
        let bytes = self.ring.received(buffer, length);
        self.input += length;
        if self.shell.connections.offers_directly(id) {
            let consumed = self.machine.received(id, bytes, &mut self.shell);
            let rest = &bytes[consumed..];
            // A socket that was just handed over took the rest with it.
            if !rest.is_empty() && self.shell.connections.is_open(id) {
                self.shell.connections.keep(id, rest);
            }
        } else {
            self.shell.connections.keep(id, bytes);
            self.offer_grown(id);
        }
        self.ring.give_back(buffer);
    }

    /// Offers what is kept of one connection, unless it is the front of a frame still: then the
    /// machine only hears that something came.
    fn offer_grown(&mut self, id: ConnectionId) {
        let mut head = [0; HEAD_BYTES];
        let count = self.shell.connections.kept_copy(id, &mut head);
        let whole = self.machine.whole_at(id, &head[..count]);
        let connections = &self.shell.connections;
        if connections.is_read(id) && connections.kept_count(id) < whole {
            self.machine.received(id, &[], &mut self.shell);
        } else {
            self.offer_one(id);
        }
    }

    /// Offers what is kept of one connection, as long as it is read and something is consumed.
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
            let consumed = self.machine.received(id, bytes, &mut self.shell);
            self.shell.connections.kept_consumed(id, consumed);
            // Only a part was offered if more is kept than the scratch holds.
            if consumed == 0 || count < self.scratch.len() {
                return;
            }
        }
    }

    fn offer_kept(&mut self) {
        let offers = self.shell.connections.offer_count();
        let input_max = self.input + OFFERED_PER_TURN_MAX;
        for _ in 0..offers.min(OFFERS_PER_TURN_MAX) {
            if self.input >= input_max {
                return;
            }
            let Some(id) = self.shell.connections.next_offer() else {
                return;
            };
            self.offer_one(id);
        }
    }

    fn tell_ended(&mut self) {
        while let Some((id, how)) = self.shell.connections.next_ended() {
            let orderly = how == Ended::Orderly;
            self.machine.disconnected(id, orderly, &mut self.shell);
        }
    }

    fn accepted(&mut self, listener: u16, completion: Completion) {
        let Some(acceptor) = &mut self.acceptor else {
            return;
        };
        match acceptor.completed(listener, completion, self.now) {
            Accepted::Done => {}
            Accepted::Refused => self.shell.counters.connections_refused += 1,
        }
    }

    /// Sees to it that the timer fires at `wake_at` or before.
    fn timer_set(&mut self, wake_at: Option<Instant>) {
        let Some(wake_at) = wake_at else {
            return;
        };
        if self.timer_at.is_some_and(|timer_at| timer_at <= wake_at) {
            return;
        }
        let after = Duration::from_micros(wake_at.micros_since(self.now));
        self.ring.timer(after, self.timer_at.is_some());
        self.timer_at = Some(wake_at);
    }

    /// Whether there is nothing better to do than to sleep.
    ///
    /// Alone, a shard sleeps in the call that submits. Beside others it submits first: who sleeps
    /// is rung by each message for it, and to be rung costs the sender a system call. A shard that
    /// spins submits before it does.
    fn may_sleep(&mut self) -> bool {
        if self.inbound.is_empty() && self.spin.is_zero() {
            return true;
        }
        if self.ring.has_queued() || self.others_may_run() {
            return false;
        }
        if self.shell.connections.uncork_all() {
            self.settle();
            return false;
        }
        !self.spin_finds_work()
    }

    /// Gives the processor to the shards that owe us answers, once before each sleep: cheaper than
    /// to sleep and be woken by them, and what they say then meets the output that waits for it.
    fn others_may_run(&mut self) -> bool {
        let first = self.shares_cpu && self.answers_owed && !self.yielded;
        if first {
            self.yielded = true;
            std::thread::yield_now();
        }
        first
    }

    /// Polls for the configured time; `true` once there is work.
    fn spin_finds_work(&mut self) -> bool {
        if self.spin.is_zero() {
            return false;
        }
        let limit = self.clock.now().0 + u64::try_from(self.spin.as_micros()).unwrap_or(u64::MAX);
        while self.clock.now().0 < limit {
            if self.finds_work() {
                return true;
            }
            std::hint::spin_loop();
        }
        false
    }
}
