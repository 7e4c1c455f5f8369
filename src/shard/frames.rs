//! From a connection's bytes to requests: preface, frames, and where each request goes.
//!
//! ```text
//!  take_in ──► greeting: preface, Hello ──► hello.rs
//!          └─► frames ──► Ping           answered at once
//!                     ├──► reads          reads.rs
//!                     └──► seated         seated.rs ──► engine here, or a lane
//! ```
//!
//! Malformed frames are answered with a typed refusal and skipped; the connection is closed only
//! when its bytes cannot be cut into frames any more, or its status says that it is of no more use.

use crate::lock::op::SessionRef;
use crate::session::Life;
use crate::shard::connection::Phase;
use crate::shard::core::Core;
use crate::shard::faults::of_bad;
use crate::shard::home::Home;
use crate::shard::io::{ConnectionId, Io};
use crate::shard::paused::{Step, WaitsFor};
use crate::shard::reply::{Output, REPLY_BIT};
use crate::shard::request::{refusal, seat_op};
use crate::shard::seated::Seated;
use locker_protocol as wire;
use locker_protocol::{Frame, HEADER_BYTES, Header, Opcode, PREFACE, Request, Status, split_frame};

/// Reads taken of one connection before the others have their turn.
const READS_PER_SHARE: u32 = 16;
/// Frames taken between two looks at how much output a connection has, but for reads: so many
/// refusals more are nothing beside the limit.
const FRAMES_PER_LOOK: u32 = 16;

/// Who sent a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub(super) id: ConnectionId,
    /// Came in on an admin listener.
    pub(super) admin: bool,
    /// The session that the connection carries, if any.
    session: Option<SessionRef>,
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

    /// Where the first frame ends of input that begins with `head`; 0 if that is not known, or not
    /// to be awaited.
    pub(super) fn frame_end(&self, id: ConnectionId, head: &[u8]) -> usize {
        let Some(state) = self.home.connections.find(id) else {
            return 0;
        };
        let before = match state.phase {
            Phase::Greeting => PREFACE.len(),
            _ => 0,
        };
        frame_end(
            &head[before.min(head.len())..],
            self.home.config.frame_bytes_max,
        )
        .map_or(0, |end| before + end)
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
        let frame_max = self.home.config.frame_bytes_max;
        let (mut taken, mut reads, mut until_look) = (0, 0, 0);
        loop {
            // What a frame leads to may end its connection, or the session that it carries.
            let Some(sender) = self.sender(id) else {
                return bytes.len();
            };
            let (frame, length) = match split_frame(&bytes[taken..], frame_max) {
                Ok(Some(split)) => split,
                Ok(None) => return taken,
                Err(error) => {
                    self.home.frame_too_long(io, id, error);
                    return bytes.len();
                }
            };
            if until_look == 0 {
                if io.output_full(id) {
                    return taken;
                }
                until_look = FRAMES_PER_LOOK;
            }
            until_look -= 1;
            if reads == READS_PER_SHARE {
                self.home.pause(io, id, WaitsFor::Turn);
                return taken;
            }
            match self.frame(&sender, &frame, io) {
                Step::Taken => {}
                Step::Read => (reads, until_look) = (reads + 1, 0),
                Step::Wait(waits_for) => {
                    self.home.pause(io, id, waits_for);
                    return taken;
                }
            }
            self.home.counters.requests += 1;
            taken += length;
        }
    }

    /// The sender of a connection's next frame, if it is to be heard.
    #[inline]
    fn sender(&self, id: ConnectionId) -> Option<Sender> {
        let state = self.home.connections.find(id)?;
        let session = match state.phase {
            Phase::Closing(_) => return None,
            Phase::Attached(session) => Some(session),
            _ => None,
        };
        let admin = state.admin;
        Some(Sender { id, admin, session })
    }

    fn frame(&mut self, sender: &Sender, frame: &Frame<'_>, io: &mut impl Io) -> Step {
        let id = sender.id;
        let header = &frame.header;
        // Looked at where it lies: moving it out costs a sixtieth of a request.
        let decoded = Request::decode(frame);
        let request = match &decoded {
            Ok(request) => request,
            Err(bad) => {
                self.home.bad_frame(io, id, header, bad);
                return Step::Taken;
            }
        };
        if let Some(op) = seat_op(request) {
            let Some(session) = sender.session else {
                let none = refusal(Status::NoSessionOpen, 0, 0);
                self.home
                    .refuse(io, id, header.request_id, header.op | REPLY_BIT, none);
                return Step::Taken;
            };
            let asked = Seated::new(id, sender.admin, session, header.request_id, op, request);
            return self.seated(&asked, io);
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
            read => self.read(sender, header, read, io),
        }
    }
}

/// Where a frame ends that begins with `head`; none if its header is not whole, or announces more
/// than is taken.
fn frame_end(head: &[u8], frame_max: u32) -> Option<usize> {
    let header = Header::decode(head.first_chunk()?);
    (header.len <= frame_max).then_some(HEADER_BYTES + header.len as usize)
}

impl Home {
    /// The session's bytes arrived: its TTL counts from now.
    pub(super) fn seen(&mut self, session: SessionRef) {
        let now = self.now;
        let seen = self.sessions.at_mut(session);
        if seen.life != Life::Attached {
            return;
        }
        seen.seen_at = now;
        let ttl = seen.opening.ttl;
        self.deadlines.session_seen(session.slot, ttl);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_where_its_header_says() {
        let header = |len| Header {
            len,
            op: 1,
            flags: 0,
            status: 0,
            request_id: 9,
        };
        let head = header(1_000).encode();
        assert_eq!(frame_end(&head, 1_000), Some(HEADER_BYTES + 1_000));
        assert_eq!(frame_end(&head[..HEADER_BYTES - 1], 1_000), None);
        assert_eq!(frame_end(&head, 999), None, "it is to be refused at once");
    }
}
