//! Requests that use a seat: taken in once, and sent to the engine that owns their key.

use crate::lock::effect::Answer;
use crate::lock::input::Input;
use crate::lock::op::{ReplyTo, Seat, SessionRef, ShardId};
use crate::session::{Admission, SeatOp, Session};
use crate::shard::connection::Phase;
use crate::shard::core::Core;
use crate::shard::home::{Home, id_of};
use crate::shard::io::{ConnectionId, Io};
use crate::shard::message::{ANSWER_BYTES, Message, REQUEST_BYTES, SESSION_OPEN_BYTES};
use crate::shard::paused::{Step, WaitsFor};
use crate::shard::reply::{Output, reply_op, write_answer};
use crate::shard::request::{Forwarded, Prepared, refusal};
use crate::shard::router::{Room, Urgency};
use locker_protocol::{EndReason, Request, RequestId, Status};

/// A seated request as it came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seated<'a> {
    connection: ConnectionId,
    admin: bool,
    /// Session and seat.
    to: ReplyTo,
    id: u64,
    sequence: u64,
    op: SeatOp,
    request: &'a Request<'a>,
}

impl<'a> Seated<'a> {
    pub(super) const fn new(
        connection: ConnectionId,
        admin: bool,
        session: SessionRef,
        id: u64,
        op: SeatOp,
        request: &'a Request<'a>,
    ) -> Self {
        let RequestId { seat, sequence } = RequestId::unpack(id);
        let seat = Seat(seat);
        Self {
            connection,
            admin,
            to: ReplyTo { session, seat },
            id,
            sequence,
            op,
            request,
        }
    }
}

impl Core {
    /// A request that goes through its seat's record: taken in once, answered once.
    pub(super) fn seated(&mut self, asked: &Seated<'_>, io: &mut impl Io) -> Step {
        let home = &mut self.home;
        let seat = asked.to.seat.0;
        let admission = match home.sessions.record(asked.to.session, seat) {
            Some(record) if record.is_fresh(asked.sequence) => Admission::Fresh,
            Some(record) => record.classify(asked.sequence),
            None => Admission::Bad { last: 0 },
        };
        match admission {
            Admission::Running => Step::Taken,
            Admission::Done(op, settled) => {
                let out = &mut Output(io, asked.connection);
                write_answer(out, asked.id, op, settled);
                Step::Taken
            }
            Admission::Bad { last } => {
                let last = if last == 0 { 0 } else { id_of(seat, last) };
                let bad = refusal(Status::BadRequestId, home.config.seats.into(), last);
                home.refuse(io, asked.connection, asked.id, reply_op(asked.op), bad);
                Step::Taken
            }
            Admission::Fresh => self.fresh(asked, io),
        }
    }

    fn fresh(&mut self, asked: &Seated<'_>, io: &mut impl Io) -> Step {
        let home = &mut self.home;
        match home.prepare(asked.to.session, asked.admin, asked.request) {
            Prepared::Decided(answer) => {
                home.begin(asked, 0);
                home.settle(io, asked.to, answer, false);
            }
            Prepared::Close => {
                home.begin(asked, 0);
                home.close_session(io, asked);
            }
            Prepared::Forward(forwarded) => {
                let key_slot = home.router.key_slot(asked.op, forwarded.key);
                if home.router.owner_of_slot(key_slot) != home.config.shard {
                    return home.forward(key_slot, asked, &forwarded, io);
                }
                self.request_here(key_slot, asked, &forwarded, io);
            }
        }
        Step::Taken
    }

    /// A request on a key of this shard: no lane, no copy but the batch's.
    fn request_here(
        &mut self,
        key_slot: u16,
        asked: &Seated<'_>,
        forwarded: &Forwarded<'_>,
        io: &mut impl Io,
    ) {
        let here = self.home.config.shard;
        let session = self.home.begin(asked, key_slot);
        if !session.touched.contains(here) {
            session.touched.insert(here);
            let opening = session.opening;
            let open = Input::SessionOpen {
                session: asked.to.session,
                ttl: opening.ttl,
                name: opening.name.as_bytes(),
                peer: opening.peer,
            };
            self.input(open, io);
        }
        self.input(forwarded.input(asked.to), io);
    }
}

impl Home {
    /// A request on another shard's key: goes with its answer's room reserved, or waits with its
    /// connection, or is refused if it is an acquire that waited too long.
    fn forward(
        &mut self,
        key_slot: u16,
        asked: &Seated<'_>,
        forwarded: &Forwarded<'_>,
        io: &mut impl Io,
    ) -> Step {
        let (to, owner) = (asked.to, self.router.owner_of_slot(key_slot));
        let urgency = match asked.op {
            SeatOp::Acquire => Urgency::Patient,
            _ => Urgency::Required,
        };
        let known = self.sessions.at(to.session).touched.contains(owner);
        let open_bytes = if known { 0 } else { SESSION_OPEN_BYTES + 8 };
        let request_bytes = REQUEST_BYTES + forwarded.key.len() + forwarded.metadata.len();
        let bytes = (open_bytes + request_bytes, ANSWER_BYTES);
        match self.room_for(io, asked.connection, owner, bytes, urgency) {
            Room::Wait if urgency == Urgency::Patient => {
                return Step::Wait(WaitsFor::LaneOrBusy(owner));
            }
            Room::Wait => return Step::Wait(WaitsFor::Lane(owner)),
            Room::Busy => {
                self.counters.lane_busy += 1;
                self.begin(asked, key_slot);
                let busy = Answer::Refused(refusal(Status::Busy, 0, 0));
                self.settle(io, to, busy, false);
                return Step::Taken;
            }
            Room::Free => {}
        }
        self.begin(asked, key_slot);
        if !known {
            self.announce(io, owner, to.session);
        }
        self.router.reserve(owner, ANSWER_BYTES);
        self.sessions.at_mut(to.session).owed += 1;
        io.cork(asked.connection);
        self.send(io, owner, Message::Input(forwarded.input(to)));
        Step::Taken
    }

    /// Another shard answered a request, or queued it: with the last of them the output may leave.
    pub(super) fn heard(&mut self, io: &mut impl Io, session: SessionRef) {
        let session = self.sessions.at_mut(session);
        session.owed = session.owed.checked_sub(1).expect("it was forwarded");
        if let (0, Some(connection)) = (session.owed, session.connection) {
            io.uncork(connection);
        }
    }

    /// Takes a fresh request in; its session.
    fn begin(&mut self, asked: &Seated<'_>, key_slot: u16) -> &mut Session {
        let to = asked.to;
        if let Request::ForceRelease(force) = asked.request {
            self.log_force(to.session, force);
        }
        self.running += 1;
        let seat = self.sessions.seat(to.session, to.seat.0);
        let (session, mut record) = seat.expect("its seat was granted");
        record.begin(asked.sequence, asked.op, key_slot);
        match asked.request {
            Request::Cancel(cancel) => record.note_acquire(cancel.acquire_id),
            Request::Acquire(_) => self.counters.acquires += 1,
            _ => {}
        }
        session.running += 1;
        session
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
    fn close_session(&mut self, io: &mut impl Io, asked: &Seated<'_>) {
        let to = asked.to;
        let closing = self.sessions.at_mut(to.session);
        closing.close_seat = Some(to.seat.0);
        let state = self
            .connections
            .find_mut(asked.connection)
            .expect("it just spoke");
        state.phase = Phase::Closing(to.session);
        self.end(io, to.session, EndReason::Closed);
    }
}
