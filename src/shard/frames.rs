//! From a connection's bytes to requests: preface, frames, and where each request goes.
//!
//! ```text
//!  take_in ──► greeting: preface, Hello ──► hello.rs
//!           └─► frames ──► Ping           answered at once
//!                     ├──► reads          reads.rs
//!                     └──► seated ──► seat record ──► request.rs ──► engine here, or a lane
//! ```
//!
//! Malformed frames are answered with a typed refusal and skipped; the connection is closed only
//! when its bytes cannot be cut into frames any more, or its status says that it is of no more use.

use crate::lock::effect::{Answer, Refusal};
use crate::lock::input::Input;
use crate::lock::op::{Op, ReplyTo, Seat, SessionRef, ShardId};
use crate::session::{Admission, SeatOp};
use crate::shard::connection::{Connection, Phase};
use crate::shard::core::Core;
use crate::shard::home::{Home, id_of};
use crate::shard::io::{ConnectionId, Io};
use crate::shard::message::{ANSWER_BYTES, Message, REQUEST_BYTES, SESSION_OPEN_BYTES};
use crate::shard::paused::WaitsFor;
use crate::shard::reply::{Output, refuse, write_answer};
use crate::shard::request::{Prepared, refusal, seat_op};
use crate::shard::router::{Room, Urgency};
use locker_protocol as wire;
use locker_protocol::{
    BadFrame, EndReason, Frame, FrameError, HEADER_BYTES, Header, Opcode, PREFACE, Request,
    RequestId, Status, StatusClass, split_frame,
};

/// Set in the opcode of an answer.
const REPLY_BIT: u8 = 0x80;
/// Reads taken of one connection before the others have their turn.
const READS_PER_SHARE: u32 = 16;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was taken.
    Taken,
    /// It is a read, and was taken.
    Read,
    /// It was not taken: its connection is to wait.
    Wait(WaitsFor),
}

impl Core {
    /// Takes in bytes of a connection; how many of them are done with. The rest is offered again,
    /// in front of what follows.
    pub(super) fn take_in(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        let Some(state) = self.home.connections.find(id).copied() else {
            return bytes.len();
        };
        if let Some(session) = state.session() {
            self.home.seen(session);
        }
        if self.home.paused.waits_for(id.slot).is_some() {
            return 0;
        }
        match state.phase {
            Phase::Vacant | Phase::Closing(_) => bytes.len(),
            Phase::Withheld(_) => 0,
            Phase::Greeting => self.greeting(id, bytes, io),
            Phase::Bare | Phase::Attached(_) => self.frames(id, bytes, io),
        }
    }

    /// Preface and Hello: nothing is done with before both are there, so that a connection whose
    /// session is at home elsewhere can be handed over with all its bytes.
    fn greeting(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        let known = bytes.len().min(PREFACE.len());
        if bytes[..known] != PREFACE[..known] {
            self.home.fault(io, id, refusal(Status::BadPreface, 0, 0));
            return bytes.len();
        }
        let behind = &bytes[known..];
        let frame_max = self.home.config.frame_bytes_max;
        let (frame, length) = match split_frame(behind, frame_max) {
            Ok(Some(split)) => split,
            Ok(None) => return 0,
            Err(error) => {
                self.home.frame_too_long(io, id, error);
                return bytes.len();
            }
        };
        let header = frame.header;
        if header.op != Opcode::Hello.code() {
            let unexpected = refusal(Status::HelloExpected, 0, 0);
            self.home.refuse_and_shut(io, id, &header, unexpected, "");
            return bytes.len();
        }
        match Request::decode(&frame) {
            Ok(Request::Hello(hello)) => self.home.hello(io, id, header.request_id, &hello, bytes),
            Ok(_) => unreachable!("the opcode is Hello's"),
            Err(bad) => {
                self.home.counters.bad_frames += 1;
                self.home
                    .refuse_and_shut(io, id, &header, of_bad(&bad), bad.reason);
            }
        }
        let taken = known + length;
        match self.home.connections.find(id).map(|state| state.phase) {
            None => bytes.len(),
            Some(Phase::Bare | Phase::Attached(_)) => taken + self.frames(id, &bytes[taken..], io),
            Some(_) => taken,
        }
    }

    fn frames(&mut self, id: ConnectionId, bytes: &[u8], io: &mut impl Io) -> usize {
        let mut taken = 0;
        let mut reads = 0;
        loop {
            let Some(state) = self.home.connections.find(id).copied() else {
                return bytes.len();
            };
            if matches!(state.phase, Phase::Closing(_)) {
                return bytes.len();
            }
            let frame_max = self.home.config.frame_bytes_max;
            let (frame, length) = match split_frame(&bytes[taken..], frame_max) {
                Ok(Some(split)) => split,
                Ok(None) => return taken,
                Err(error) => {
                    self.home.frame_too_long(io, id, error);
                    return bytes.len();
                }
            };
            if io.output_full(id) {
                return taken;
            }
            if reads == READS_PER_SHARE {
                self.home.pause(io, id, WaitsFor::Turn);
                return taken;
            }
            match self.frame(id, &state, &frame, io) {
                Step::Taken => {}
                Step::Read => reads += 1,
                Step::Wait(waits_for) => {
                    self.home.pause(io, id, waits_for);
                    return taken;
                }
            }
            self.home.counters.requests += 1;
            taken += length;
        }
    }

    fn frame(
        &mut self,
        id: ConnectionId,
        state: &Connection,
        frame: &Frame<'_>,
        io: &mut impl Io,
    ) -> Step {
        let header = &frame.header;
        let request = match Request::decode(frame) {
            Ok(request) => request,
            Err(bad) => {
                self.home.bad_frame(io, id, header, &bad);
                return Step::Taken;
            }
        };
        if let Some(op) = seat_op(&request) {
            let Phase::Attached(session) = state.phase else {
                let none = refusal(Status::NoSessionOpen, 0, 0);
                self.home
                    .refuse(io, id, header.request_id, header.op | REPLY_BIT, none);
                return Step::Taken;
            };
            return self.seated(id, state, session, header.request_id, op, &request, io);
        }
        match request {
            Request::Ping(_) => {
                let server_now = self.home.now.as_micros();
                wire::Pong { server_now }.encode(header.request_id, &mut Output(io, id));
                Step::Taken
            }
            Request::Hello(_) => {
                let again = refusal(Status::HelloExpected, 0, 0);
                self.home.refuse_and_shut(io, id, header, again, "");
                Step::Taken
            }
            read => self.read(id, state, header, &read, io),
        }
    }

    /// A request that goes through its seat's record: taken in once, answered once.
    #[expect(clippy::too_many_arguments, reason = "all are facts of one frame")]
    fn seated(
        &mut self,
        id: ConnectionId,
        state: &Connection,
        session: SessionRef,
        request_id: u64,
        op: SeatOp,
        request: &Request<'_>,
        io: &mut impl Io,
    ) -> Step {
        let RequestId { seat, sequence } = RequestId::unpack(request_id);
        let home = &mut self.home;
        let admission = match home.sessions.record(session, seat) {
            Some(record) => record.classify(sequence),
            None => Admission::Bad { last: 0 },
        };
        match admission {
            Admission::Running => Step::Taken,
            Admission::Done(op, settled) => {
                write_answer(&mut Output(io, id), request_id, op, settled);
                Step::Taken
            }
            Admission::Bad { last } => {
                let last = if last == 0 { 0 } else { id_of(seat, last) };
                let bad = refusal(Status::BadRequestId, home.config.seats.into(), last);
                let reply = wire_op(request) | REPLY_BIT;
                home.refuse(io, id, request_id, reply, bad);
                Step::Taken
            }
            Admission::Fresh => {
                let to = ReplyTo {
                    session,
                    seat: Seat(seat),
                };
                let prepared = home.prepare(session, state.admin, request);
                if let Prepared::Forward { op, key, metadata } = prepared {
                    let owner = home.router.owner_of(key);
                    if owner != home.config.shard {
                        return self
                            .forward(id, owner, to, sequence, request, op, key, metadata, io);
                    }
                }
                self.home.begin(to, sequence, op, request);
                match prepared {
                    Prepared::Decided(answer) => self.home.settle(io, to, answer, false),
                    Prepared::Close => self.home.close_session(io, id, to),
                    Prepared::Forward { op, key, metadata } => {
                        self.request_here(to, op, key, metadata, io);
                    }
                }
                Step::Taken
            }
        }
    }

    /// A request on a key of this shard: no lane, no copy but the batch's.
    fn request_here(&mut self, to: ReplyTo, op: Op, key: &[u8], metadata: &[u8], io: &mut impl Io) {
        let here = self.home.config.shard;
        if !self.home.sessions.at(to.session).touched.contains(here) {
            let opening = self.home.sessions.at(to.session).opening;
            let open = Input::SessionOpen {
                session: to.session,
                ttl: opening.ttl,
                name: opening.name.as_bytes(),
                peer: opening.peer,
            };
            self.input(open, io);
            self.home.sessions.at_mut(to.session).touched.insert(here);
        }
        let request = Input::Request {
            to,
            op,
            key,
            metadata,
        };
        self.input(request, io);
    }

    /// A request on another shard's key: goes with its answer's room reserved, is refused, or
    /// waits with its connection.
    #[expect(clippy::too_many_arguments, reason = "all are facts of one request")]
    fn forward(
        &mut self,
        id: ConnectionId,
        owner: ShardId,
        to: ReplyTo,
        sequence: u64,
        request: &Request<'_>,
        op: Op,
        key: &[u8],
        metadata: &[u8],
        io: &mut impl Io,
    ) -> Step {
        let home = &mut self.home;
        let (seat_op, urgency) = match op {
            Op::Acquire { .. } => (SeatOp::Acquire, Urgency::Refusable),
            Op::Cancel { .. } => (SeatOp::Cancel, Urgency::Required),
            Op::Release { .. } => (SeatOp::Release, Urgency::Required),
            Op::Renew { .. } => (SeatOp::Renew, Urgency::Required),
            Op::ForceRelease { .. } => (SeatOp::ForceRelease, Urgency::Required),
        };
        let known = home.sessions.at(to.session).touched.contains(owner);
        let open_bytes = if known { 0 } else { SESSION_OPEN_BYTES + 8 };
        let bytes = open_bytes + REQUEST_BYTES + key.len() + metadata.len();
        match home.room_for(io, id, owner, (bytes, ANSWER_BYTES), urgency) {
            Room::Wait => return Step::Wait(WaitsFor::Lane(owner)),
            Room::Busy => {
                home.counters.lane_busy += 1;
                home.begin(to, sequence, seat_op, request);
                let busy = Answer::Refused(refusal(Status::Busy, 0, 0));
                home.settle(io, to, busy, false);
                return Step::Taken;
            }
            Room::Free => {}
        }
        home.begin(to, sequence, seat_op, request);
        if !known {
            home.announce(io, owner, to.session);
        }
        home.router.reserve(owner, ANSWER_BYTES);
        let request = Input::Request {
            to,
            op,
            key,
            metadata,
        };
        home.send(io, owner, Message::Input(request));
        Step::Taken
    }
}

impl Home {
    /// The session's bytes arrived: its TTL counts from now.
    pub(super) fn seen(&mut self, session: SessionRef) {
        let now = self.now;
        let seen = self.sessions.at_mut(session);
        if seen.life != crate::session::Life::Attached {
            return;
        }
        seen.seen_at = now;
        let ttl = seen.opening.ttl;
        self.deadlines.session_seen(session.slot, ttl);
    }

    /// Takes a fresh request in.
    fn begin(&mut self, to: ReplyTo, sequence: u64, op: SeatOp, request: &Request<'_>) {
        let record = self.sessions.record(to.session, to.seat.0);
        let mut record = record.expect("its seat was granted");
        record.begin(sequence, op);
        if let Request::Cancel(cancel) = request {
            record.note_acquire(cancel.acquire_id);
        }
        self.sessions.at_mut(to.session).running += 1;
        self.running += 1;
        if op == SeatOp::Acquire {
            self.counters.acquires += 1;
        }
        if let Request::ForceRelease(force) = request {
            self.log_force(to.session, force);
        }
    }

    /// Tells an owner shard of a session that touches it for the first time.
    fn announce(&mut self, io: &mut impl Io, owner: ShardId, session: SessionRef) {
        let opening = self.sessions.at(session).opening;
        self.sessions.at_mut(session).touched.insert(owner);
        let open = Input::SessionOpen {
            session,
            ttl: opening.ttl,
            name: opening.name.as_bytes(),
            peer: opening.peer,
        };
        self.send(io, owner, Message::Input(open));
    }

    /// The client closes its session: it is answered once all that it had is gone.
    fn close_session(&mut self, io: &mut impl Io, id: ConnectionId, to: ReplyTo) {
        let closing = self.sessions.at_mut(to.session);
        closing.close_seat = Some(to.seat.0);
        let state = self.connections.find_mut(id).expect("it just spoke");
        state.phase = Phase::Closing(to.session);
        self.end(io, to.session, EndReason::Closed);
    }

    fn bad_frame(&mut self, io: &mut impl Io, id: ConnectionId, header: &Header, bad: &BadFrame) {
        self.counters.bad_frames += 1;
        let of = of_bad(bad);
        if header.request_id == 0 || bad.status.class() == StatusClass::Fatal {
            self.refuse_and_shut(io, id, header, of, bad.reason);
            return;
        }
        let op = header.op | REPLY_BIT;
        refuse(&mut Output(io, id), header.request_id, op, of, bad.reason);
    }

    fn frame_too_long(&mut self, io: &mut impl Io, id: ConnectionId, error: FrameError) {
        let FrameError::TooLong {
            op,
            request_id,
            announced,
            limit,
        } = error;
        let header = Header {
            len: announced,
            op,
            flags: 0,
            status: 0,
            request_id,
        };
        self.counters.bad_frames += 1;
        let too_long = refusal(Status::FrameTooLong, limit.into(), announced.into());
        self.refuse_and_shut(io, id, &header, too_long, "");
    }

    /// Answers a frame, or says a Fault if it cannot be answered, and closes.
    pub(super) fn refuse_and_shut(
        &mut self,
        io: &mut impl Io,
        id: ConnectionId,
        header: &Header,
        of: Refusal,
        detail: &str,
    ) {
        if header.request_id == 0 {
            self.fault(io, id, of);
            return;
        }
        let op = header.op | REPLY_BIT;
        refuse(&mut Output(io, id), header.request_id, op, of, detail);
        self.counters.refusals += 1;
        self.shut(io, id);
    }

    /// Says an error that answers no request, and closes.
    pub(super) fn fault(&mut self, io: &mut impl Io, id: ConnectionId, of: Refusal) {
        wire::Refusal {
            status: of.status,
            limit: of.limit,
            value: of.value,
            detail: "",
        }
        .encode_fault(&mut Output(io, id));
        self.counters.refusals += 1;
        self.shut(io, id);
    }
}

const fn of_bad(bad: &BadFrame) -> Refusal {
    refusal(bad.status, bad.limit, bad.value)
}

/// The opcode of a seated request.
const fn wire_op(request: &Request<'_>) -> u8 {
    match request {
        Request::Close(_) => Opcode::Close,
        Request::Acquire(_) => Opcode::Acquire,
        Request::Cancel(_) => Opcode::Cancel,
        Request::Release(_) => Opcode::Release,
        Request::Renew(_) => Opcode::Renew,
        Request::Reclaim(_) => Opcode::Reclaim,
        Request::ForceRelease(_) => Opcode::ForceRelease,
        _ => panic!("these use no seat"),
    }
    .code()
}

const _: () = assert!(HEADER_BYTES == 16, "frames are cut at 16 bytes of header");
