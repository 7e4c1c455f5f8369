//! The home part of a shard: its connections and sessions, and its end of the lanes.
//!
//! It knows nothing of keys but where they live. What it takes in becomes inputs for an engine,
//! here or behind a lane; what engines say comes back to [`Home::settle`], [`Home::lost`] and
//! [`Home::session_gone`], and leaves as frames.
//!
//! Invariants: a session is `Attached` iff a connection carries it; a request is answered once; the
//! bytes that a lane back may still bring are counted in the router.

use crate::canary::{self, Canary};
use crate::limits::READ_REPLY_BYTES_MAX;
use crate::lock::effect::{Answer, CancelOutcome, ClosureRef, LaneFull, LostReason, Refusal};
use crate::lock::input::Input;
use crate::lock::op::{ReaderRef, ReplyTo, SessionRef, ShardId};
use crate::session::{Life, SeatOp, SessionTable, Settled};
use crate::shard::connection::{ConnectionTable, Phase};
use crate::shard::core_config::CoreConfig;
use crate::shard::counters::HomeCounters;
use crate::shard::deadlines::Deadlines;
use crate::shard::io::{CloseHow, ConnectionId, Io};
use crate::shard::message::{LOST_TOLD_BYTES, MESSAGE_BYTES_MAX, Message};
use crate::shard::paused::{PASSES_PER_TURN_MAX, Paused};
use crate::shard::reply::{Output, refuse, write_answer};
use crate::shard::router::Router;
use crate::time::Instant;
use locker_protocol as wire;
use locker_protocol::{Header, RequestId, Sink, Status};
use std::collections::VecDeque;

/// Closures of this shard's own engine that may wait for the next application at most.
const TOLD_MAX: usize = crate::limits::BATCH_MAX;

/// The home part of a shard.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) config: CoreConfig,
    /// The turn's clock reading.
    pub(super) now: Instant,
    pub(super) sessions: SessionTable,
    pub(super) connections: ConnectionTable,
    pub(super) paused: Paused,
    pub(super) router: Router,
    pub(super) deadlines: Deadlines,
    pub(super) counters: HomeCounters,
    /// Where the full table was looked through for room last.
    pub(super) room_hand: u32,
    /// Sessions whose end some shard is still to be told of; each at most once.
    pub(super) ends_owed: VecDeque<SessionRef>,
    /// Closures of the engine here whose holders were told.
    pub(super) told: Vec<ClosureRef>,
    /// Sessions with TTLs up to this may open.
    pub(super) ttl_durable_ms: u32,
    /// A higher durable bound was asked for, up to this.
    pub(super) ttl_asked_ms: u32,
    /// Stopping: until then.
    pub(super) drain_until: Option<Instant>,
    /// A connection that had to wait is read again: what it sent is offered in the next turn.
    pub(super) reads_resumed: bool,
    /// The drain is over: connections close then at the latest.
    pub(super) close_at: Option<Instant>,
    /// Requests of all sessions that wait for their answers.
    pub(super) running: u32,
    /// All is said and closed.
    pub(super) stopped: bool,
    /// The grace window is over, or there was none.
    pub(super) keys_open: bool,
    /// The ports of all shards as HelloOk carries them.
    pub(super) ports: Vec<u8>,
    /// Connections that room is pledged to in this turn.
    pub(super) passes: Vec<ConnectionId>,
    /// The lane that was first to give passes in the last turn.
    pub(super) first_lane: u16,
    /// A read's reply, while it is put together, and its records.
    pub(super) page: Vec<u8>,
    pub(super) records: Vec<u8>,
    scratch: Vec<u8>,
}

impl Home {
    pub(super) fn new(config: CoreConfig, now: Instant) -> Self {
        Self {
            now,
            sessions: SessionTable::new(config.shard, config.sessions_max, config.seats),
            connections: ConnectionTable::new(config.connections_max),
            paused: Paused::new(config.connections_max),
            router: Router::new(
                config.shard,
                config.shards,
                config.lane_bytes,
                usize::from(config.key_bytes_max) + usize::from(config.metadata_bytes_max),
            ),
            passes: Vec::with_capacity(PASSES_PER_TURN_MAX),
            first_lane: 0,
            page: Vec::with_capacity(READ_REPLY_BYTES_MAX),
            records: Vec::with_capacity(READ_REPLY_BYTES_MAX),
            deadlines: Deadlines::new(config.sessions_max, config.connections_max, now),
            counters: HomeCounters::default(),
            room_hand: 0,
            ends_owed: VecDeque::with_capacity(config.sessions_max as usize),
            told: Vec::with_capacity(TOLD_MAX),
            ttl_durable_ms: config.ttl_durable.0,
            ttl_asked_ms: 0,
            drain_until: None,
            stopped: false,
            reads_resumed: false,
            close_at: None,
            running: 0,
            keys_open: config.grace_until.is_none(),
            ports: config
                .ports
                .iter()
                .flat_map(|port| port.to_le_bytes())
                .collect(),
            scratch: Vec::with_capacity(MESSAGE_BYTES_MAX),
            config,
        }
    }

    /// Appends a message to a lane whose room was looked at.
    pub(super) fn send(&mut self, io: &mut impl Io, to: ShardId, message: Message<'_>) {
        assert_ne!(to, self.config.shard, "no lane leads home");
        self.scratch.clear();
        message.encode(&mut self.scratch);
        io.lane_send(to, &self.scratch);
    }

    /// Keeps a request's answer, and writes it if its session has a connection.
    pub(super) fn settle(
        &mut self,
        io: &mut impl Io,
        to: ReplyTo,
        answer: Answer,
        lost_pending: bool,
    ) {
        let at = self.now;
        let seat = self.sessions.seat(to.session, to.seat.0);
        let (session, mut record) = seat.expect("requests run on granted seats");
        session.running = session.running.checked_sub(1).expect("it was running");
        self.running -= 1;
        let connection = session.connection;
        match answer {
            Answer::Granted { .. } | Answer::Reclaimed { .. } => session.holds += 1,
            Answer::Released
            | Answer::CancelDone {
                outcome: CancelOutcome::Released,
                ..
            } => session.holds = session.holds.saturating_sub(1),
            _ => {}
        }
        let op = record.op();
        let acquire_id = record.noted_acquire();
        record.settle(answer, at);
        let request_id = id_of(to.seat.0, record.sequence());
        if op == SeatOp::Cancel {
            self.settle_cancelled(to.session, acquire_id, answer);
        }
        self.counters.settled(op, &answer);
        let Some(connection) = connection else {
            return;
        };
        if lost_pending {
            self.shut(io, connection);
        } else {
            let settled = Settled { answer, at };
            write_answer(&mut Output(io, connection), request_id, op, settled);
            if canary::is(Canary::AnsweredTwice) && self.sessions.at(to.session).attach > 0 {
                write_answer(&mut Output(io, connection), request_id, op, settled);
            }
        }
    }

    /// A hold that a Cancel ended is lost to its acquire's record.
    fn settle_cancelled(&mut self, session: SessionRef, acquire_id: u64, answer: Answer) {
        let Answer::CancelDone {
            outcome: CancelOutcome::Released,
            token,
        } = answer
        else {
            return;
        };
        let RequestId { seat, sequence } = RequestId::unpack(acquire_id);
        if let Some(mut record) = self.sessions.record(session, seat)
            && record.sequence() == sequence
        {
            record.lose(token);
        }
    }

    /// Tells a holder that its hold is over, ahead of every later answer on its connection.
    pub(super) fn lost(&mut self, io: &mut impl Io, lost: &LostHold<'_>) {
        let to = lost.to;
        // The seat may have been used again since, and the token is another shard's as well.
        if let Some(mut record) = self.sessions.record(to.session, to.seat.0)
            && record.key_slot() == self.router.key_slot(record.op(), lost.key)
        {
            record.lose(lost.token);
        }
        let session = self.sessions.at_mut(to.session);
        session.holds = session.holds.saturating_sub(1);
        if let Some(connection) = session.connection {
            wire::Lost {
                token: lost.token,
                owner: lost.owner,
                reason: match lost.reason {
                    LostReason::Lease => wire::LostReason::Lease,
                    LostReason::Forced => wire::LostReason::Forced,
                    LostReason::Conflict => wire::LostReason::Conflict,
                },
                key: lost.key,
            }
            .encode(&mut Output(io, connection));
        }
    }

    /// Notes that the engine here may be told: the holder of that closure knows.
    pub(super) fn told_here(&mut self, closure: Option<ClosureRef>) -> Result<(), LaneFull> {
        let Some(closure) = closure else {
            return Ok(());
        };
        if self.told.len() == TOLD_MAX {
            return Err(LaneFull);
        }
        self.told.push(closure);
        Ok(())
    }

    /// Sends word to the owner shard that the holder of that closure knows; its room is reserved.
    pub(super) fn told_there(&mut self, io: &mut impl Io, to: ShardId, closure: ClosureRef) {
        assert!(
            io.lane_room(to) >= LOST_TOLD_BYTES,
            "the owner shard reserved this room"
        );
        self.send(io, to, Message::Input(Input::LostTold { closure }));
    }

    /// Writes a read's reply, if its connection is still there.
    pub(super) fn read_reply(&mut self, io: &mut impl Io, to: ReaderRef, body: &[u8]) {
        let connection = ConnectionId {
            slot: to.connection,
            generation: to.generation,
        };
        if self.connections.find(connection).is_none() {
            return;
        }
        let header = Header {
            len: u32::try_from(body.len()).expect("a reply fits a frame"),
            op: to.op,
            flags: 0,
            status: Status::Ok.code(),
            request_id: to.request_id,
        };
        let mut out = Output(io, connection);
        out.put(&header.encode());
        out.put(body);
    }

    /// Refuses a request on a connection.
    pub(super) fn refuse(
        &mut self,
        io: &mut impl Io,
        connection: ConnectionId,
        request_id: u64,
        op: u8,
        refusal: Refusal,
    ) {
        self.counters.refusals += 1;
        refuse(&mut Output(io, connection), request_id, op, refusal, "");
    }

    /// Closes a connection from our side; its session, if it has one, waits for a resume.
    pub(super) fn shut(&mut self, io: &mut impl Io, connection: ConnectionId) {
        io.close(connection, CloseHow::Flush);
        self.forget(connection);
    }

    /// Takes a connection out of every table; its session is detached.
    pub(super) fn forget(&mut self, connection: ConnectionId) -> Option<Phase> {
        let was = self.connections.close(connection)?;
        self.paused.remove(connection.slot);
        self.deadlines.connection_greeted(connection.slot);
        if let Some(shard) = was.pass {
            self.router.unpledge(shard);
        }
        if let Some(kept) = was.session() {
            let session = self.sessions.at_mut(kept);
            if canary::is(Canary::OldConnectionHeard) && session.connection != Some(connection) {
                return Some(was.phase);
            }
            session.connection = None;
            match session.life {
                Life::Attached => session.life = Life::Detached,
                // Nobody knows its secret yet: nobody can resume it.
                Life::Opening => self.sessions.remove(kept),
                Life::Detached | Life::Ending => {}
            }
        }
        Some(was.phase)
    }
}

/// A hold that the server ended, as the home shard hears of it.
pub(super) struct LostHold<'a> {
    pub(super) to: ReplyTo,
    pub(super) owner: u64,
    pub(super) token: u64,
    pub(super) reason: LostReason,
    pub(super) key: &'a [u8],
}

/// The id of a request on a seat.
pub(super) const fn id_of(seat: u16, sequence: u64) -> u64 {
    RequestId { seat, sequence }.pack()
}
