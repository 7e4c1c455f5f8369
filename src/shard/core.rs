//! The core of one shard: its home part and its lock engine, turn by turn. Pure.
//!
//! ```text
//!  turn_begin(now)       the engine's leftovers: effects that found no room, grants that go on
//!  received(bytes) ...   frames -> seat records -> batch, or a lane
//!  lane_message ...      inputs -> batch; answers and events -> frames
//!  control ...           bound, epoch, window, drain
//!  turn_end              the batch, then what expires, ends owed, notices, connections read again
//! ```
//!
//! The order is the contract's: a renewal that arrives in the turn of its expiry wins. What the
//! shell sends after `turn_end` is all that the turn had to say.

use crate::canary::{self, Canary};
use crate::lock::input::{Input, Peer};
use crate::lock::op::ShardId;
use crate::lock::{Batch, Counters, Event};
use crate::lock::{Engine, EngineConfig};
use crate::shard::core_config::CoreConfig;
use crate::shard::deadlines::Due;
use crate::shard::effects::Sink;
use crate::shard::home::{Home, LostHold};
use crate::shard::io::{ConnectionId, FromControl, Io, Reclaims, ToControl};
use crate::shard::machine::{Machine, NextTurn};
use crate::shard::message::{ANSWER_BYTES, LOST_TOLD_BYTES, Message, READ_REPLY_MESSAGE_BYTES};
use crate::shard::paused::WaitsFor;
use crate::shard::request::refusal;
use crate::time::{Instant, Millis};
use locker_protocol::{EndReason, OnDisconnect, Status};

/// How long a shard sleeps at most while something waits for room in a lane.
const ROOM_RETRY_MICROS: u64 = 500;

/// Turns in a row in which expiry waits for input that has arrived, at most: enough to take in a
/// message from each of a hundred thousand connections after a stall.
const EXPIRY_HELD_TURNS_MAX: u32 = 64;

/// The core of one shard.
#[derive(Debug)]
pub struct Core {
    pub(super) home: Home,
    pub(super) engine: Engine,
    batch: Batch,
    epoch_asked: bool,
    idle_told: bool,
    holding_told: bool,
    /// Turns in a row in which nothing might expire.
    expiry_held: u32,
}

impl Core {
    /// A core without connections. All memory is taken here.
    ///
    /// # Errors
    /// What the operating system says when the memory for the blocks is not available.
    pub fn new(config: CoreConfig, engine: EngineConfig) -> std::io::Result<Self> {
        let now = engine.now;
        Ok(Self {
            home: Home::new(config, now),
            engine: Engine::new(engine)?,
            batch: Batch::new(),
            epoch_asked: false,
            idle_told: false,
            holding_told: false,
            expiry_held: 0,
        })
    }
}

impl Core {
    /// Backs the tables of locks with memory, from the calling thread.
    ///
    /// # Errors
    /// There is not that much memory.
    pub fn prefault(&mut self) -> std::io::Result<()> {
        self.engine.prefault()
    }
}

impl Core {
    /// Sessions in the table, and what the engine counts.
    #[must_use]
    pub fn population(&self) -> (u32, Counters) {
        (self.home.sessions.len(), self.engine.counters())
    }
}

impl Machine for Core {
    /// Begins a turn at this instant, read after sockets and lanes were looked at.
    fn turn_begin(&mut self, now: Instant, io: &mut impl Io) {
        self.home.now = self.home.now.max(now);
        self.home.deadlines.turn(self.home.now);
        let home = &mut self.home;
        self.engine.turn_begin(home.now, &mut Sink { home, io });
    }

    /// A connection was accepted, or handed over from another shard.
    ///
    /// # Panics
    /// If its slot is beyond the table, or in use.
    fn connected(&mut self, id: ConnectionId, peer: Peer, admin: bool, io: &mut impl Io) {
        self.home.connections.open(id, peer, admin);
        let within = Millis(crate::limits::HELLO_MS_MAX);
        self.home.deadlines.connection_opened(id.slot, within);
        if self.home.stopped {
            self.home.shut(io, id);
        }
    }

    /// A connection is gone. `orderly` = its client ended it: FIN, or the end of a Unix socket.
    fn disconnected(&mut self, id: ConnectionId, orderly: bool, io: &mut impl Io) {
        let session = self.home.connections.find(id).and_then(|it| it.session());
        self.home.forget(id);
        let Some(session) = session else {
            return;
        };
        // A session whose HelloOk was withheld went with its connection.
        let Some((kept, state)) = self.home.sessions.in_slot(session.slot) else {
            return;
        };
        let release = state.opening.on_disconnect == OnDisconnect::Release;
        let alive = kept == session && state.life == crate::session::Life::Detached;
        if orderly && release && alive {
            self.home.end(io, session, EndReason::Disconnected);
        }
    }

    fn received(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        self.take_in(id, bytes, io)
    }

    fn whole_at(&self, id: ConnectionId, head: &[u8]) -> usize {
        self.frame_end(id, head)
    }

    /// A message of another shard, in the order of its lane.
    fn lane_message(&mut self, from: ShardId, bytes: &[u8], io: &mut impl Io) {
        match Message::decode(bytes) {
            Message::Input(input) => self.lane_input(from, input, io),
            Message::HomeRead { to, read } => self.read_home(to, read, io),
            Message::Answer {
                to,
                answer,
                lost_pending,
            } => {
                self.home.router.release(from, ANSWER_BYTES);
                if !self.home.stopped {
                    self.home.settle(io, to, answer, lost_pending);
                    self.home.heard(io, to.session);
                }
            }
            Message::Queued { to } => {
                self.home.router.release(from, ANSWER_BYTES);
                if !self.home.stopped {
                    self.home.heard(io, to.session);
                }
            }
            Message::ReadReply { to, body } => {
                self.home.router.release(from, READ_REPLY_MESSAGE_BYTES);
                self.home.read_reply(io, to, body);
            }
            Message::Event(event) => self.lane_event(from, event, io),
        }
    }

    /// A message of the control thread.
    fn control(&mut self, message: FromControl, io: &mut impl Io) {
        match message {
            FromControl::BoundRaised { ttl_ms } => self.home.bound_raised(io, ttl_ms),
            FromControl::Epoch { epoch } => {
                self.epoch_asked = false;
                self.engine.add_epoch(epoch);
            }
            FromControl::WindowOver => {
                // What came before belongs to the window.
                self.apply(io);
                self.home.keys_open = true;
                self.engine.open_keys();
                io.control(ToControl::WindowEnded(self.reclaims()));
            }
            FromControl::Drain { bound_ms } => {
                let until = self.home.now + Millis(bound_ms);
                self.apply(io);
                self.home.drain(io, until);
                self.engine.drain(until);
            }
            FromControl::DrainOver => {
                self.apply(io);
                self.home.drain_over();
                self.engine.drain_over();
                // A waiter may have been granted since; from here on none is.
                self.idle_told = false;
            }
        }
    }

    /// Ends a turn: everything taken in is applied, then what is due expires.
    fn turn_end(&mut self, io: &mut impl Io) -> NextTurn {
        self.apply(io);
        if self.may_expire(io) {
            self.expire(io);
        } else {
            self.engine.hold_expiry();
        }
        let home = &mut self.home;
        self.engine.turn_end(&mut Sink { home, io });
        self.apply(io);
        self.send_ends(io);
        self.home.close_drained(io);
        self.ask_control(io);
        self.home.read_again(io);
        self.next_turn()
    }
}

impl Core {
    /// Nothing expires while input that has arrived waits, for a while: under a load that never
    /// lets up, a deadline must come in the end.
    fn may_expire(&mut self, io: &impl Io) -> bool {
        if io.input_waits() && self.expiry_held < EXPIRY_HELD_TURNS_MAX {
            self.expiry_held += 1;
            return false;
        }
        self.expiry_held = 0;
        true
    }

    fn reclaims(&self) -> Reclaims {
        let engine = self.engine.counters();
        Reclaims {
            reclaimed: engine.reclaims,
            refused: self.home.counters.reclaims_refused,
            lost: engine.lost_conflict,
        }
    }

    fn lane_input(&mut self, from: ShardId, input: Input<'_>, io: &mut impl Io) {
        if let Input::LostTold { .. } = input {
            self.home.router.release(from, LOST_TOLD_BYTES);
        }
        if let Input::SessionEnd { session } = input
            && canary::is(Canary::EndOvertakes)
        {
            let home = &mut self.home;
            return self.engine.end_overtaking(session, &mut Sink { home, io });
        }
        self.input(input, io);
    }

    fn lane_event(&mut self, from: ShardId, event: Event<'_>, io: &mut impl Io) {
        match event {
            Event::Settled { to, answer } if !self.home.stopped => {
                self.home.settle(io, to, answer, false);
            }
            Event::Settled { .. } => {}
            Event::Lost {
                to,
                owner,
                token,
                reason,
                key,
                closure,
            } => {
                let lost = LostHold {
                    to,
                    owner,
                    token,
                    reason,
                    key,
                };
                self.home.lost(io, &lost);
                if let Some(closure) = closure {
                    self.home.told_there(io, from, closure);
                }
            }
            Event::SessionGone { session } => self.home.session_gone(io, session, from),
        }
    }

    /// Adds an input for the engine here, applying the batch if it is full.
    #[inline]
    pub(super) fn input(&mut self, input: Input<'_>, io: &mut impl Io) {
        if !self.batch.has_room(&input) {
            self.apply(io);
        }
        let taken = self.batch.push(input);
        taken.expect("an empty batch takes any input");
    }

    /// Applies what was collected, and the words about holders told that it leads to.
    fn apply(&mut self, io: &mut impl Io) {
        loop {
            while let Some(closure) = self.home.told.pop() {
                if self.batch.push(Input::LostTold { closure }).is_err() {
                    self.home.told.push(closure);
                    break;
                }
            }
            if self.batch.is_empty() {
                return;
            }
            let home = &mut self.home;
            self.engine.apply(&mut self.batch, &mut Sink { home, io });
        }
    }

    fn expire(&mut self, io: &mut impl Io) {
        while let Some(due) = self.home.deadlines.poll() {
            match due {
                Due::Connection(slot) => self.home.hello_timeout(io, slot),
                Due::Session(slot) => self.home.expire_session(io, slot),
            }
        }
    }

    fn send_ends(&mut self, io: &mut impl Io) {
        if self.home.ends_owed.is_empty() {
            return;
        }
        let Self { home, batch, .. } = self;
        home.send_ends(io, |input| batch.push(input).is_ok());
        self.apply(io);
    }

    fn ask_control(&mut self, io: &mut impl Io) {
        if self.engine.wants_epoch() && !self.epoch_asked {
            self.epoch_asked = true;
            io.control(ToControl::NextEpoch);
        }
        if self.home.drain_until.is_none() || self.idle_told {
            return;
        }
        if self.is_idle() {
            self.idle_told = true;
            io.control(ToControl::Idle);
        } else if self.home.stopped && !self.holding_told {
            self.holding_told = true;
            io.control(ToControl::Holding);
        }
    }

    /// Nothing is held here, and nothing will be: acquires are refused already, and a waiter is
    /// granted no more if all keys stay closed. A forced hold counts until its delay has passed:
    /// its holder, not reached maybe, believes in it that long.
    fn is_idle(&self) -> bool {
        let counters = self.engine.counters();
        let held = counters.holds + counters.closures;
        held == 0 && (counters.waiters == 0 || !self.home.keys_open)
    }

    fn next_turn(&mut self) -> NextTurn {
        let read_again = std::mem::take(&mut self.home.reads_resumed);
        let waits = self.engine.has_pending() || self.home.waits_for_room();
        let retry = waits.then(|| Instant(self.home.now.as_micros() + ROOM_RETRY_MICROS));
        let due = [
            self.engine.next_deadline(),
            self.home.deadlines.wake_at(),
            self.home.drain_deadline(),
            retry,
        ];
        NextTurn {
            wake_at: due.into_iter().flatten().min(),
            more: read_again || self.engine.has_more(),
            answers_owed: self.home.router.is_awaiting(),
        }
    }
}

impl Home {
    fn hello_timeout(&mut self, io: &mut impl Io, slot: u32) {
        let Some((id, _)) = self.connections.in_slot(slot) else {
            return;
        };
        let limit = crate::limits::HELLO_MS_MAX.into();
        self.fault(io, id, refusal(Status::HelloTimeout, limit, 0));
    }

    /// A session was silent for its TTL, unless it was us who did not read it.
    fn expire_session(&mut self, io: &mut impl Io, slot: u32) {
        let Some((session, state)) = self.sessions.in_slot(slot) else {
            return;
        };
        let waits = state
            .connection
            .and_then(|connection| self.paused.waits_for(connection.slot));
        if waits.is_some_and(|waits| waits != WaitsFor::Bound) {
            self.seen(session);
            return;
        }
        self.counters.sessions_expired += 1;
        self.end(io, session, EndReason::Expired);
    }
}

#[cfg(test)]
impl Core {
    /// Asserts that no answer is awaited, no connection waits, no end is owed.
    pub(super) fn assert_at_rest(&self) {
        for shard in 0..self.home.config.shards {
            let shard = ShardId(u8::try_from(shard).expect("256 shards at most"));
            assert_eq!(self.home.router.awaited_bytes(shard), 0, "of {shard:?}");
        }
        assert!(self.home.paused.is_empty(), "no connection waits");
        assert!(self.home.ends_owed.is_empty(), "no end is owed");
    }

    /// What the home part counts.
    pub(super) const fn home_counters(&self) -> crate::shard::counters::HomeCounters {
        self.home.counters
    }
}
