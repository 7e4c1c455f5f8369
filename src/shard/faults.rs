//! Frames that cannot be served: what their senders hear, and when the connection ends.

use crate::lock::effect::Refusal;
use crate::shard::home::Home;
use crate::shard::io::{ConnectionId, Io};
use crate::shard::reply::{Output, REPLY_BIT, refuse};
use crate::shard::request::refusal;
use locker_protocol as wire;
use locker_protocol::{BadFrame, FrameError, Header, Status, StatusClass};

impl Home {
    /// Refuses a frame that does not decode; the next one is looked at all the same, unless this
    /// one could not be answered.
    pub(super) fn bad_frame(
        &mut self,
        io: &mut impl Io,
        id: ConnectionId,
        header: &Header,
        bad: &BadFrame,
    ) {
        self.counters.bad_frames += 1;
        let of = of_bad(bad);
        if header.request_id == 0 || bad.status.class() == StatusClass::Fatal {
            self.refuse_and_shut(io, id, header, of, bad.reason);
            return;
        }
        let op = header.op | REPLY_BIT;
        refuse(&mut Output(io, id), header.request_id, op, of, bad.reason);
    }

    /// Refuses a frame too long to be taken: where the next one begins is not known.
    pub(super) fn frame_too_long(&mut self, io: &mut impl Io, id: ConnectionId, error: FrameError) {
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

/// What is wrong with a frame, as a refusal.
pub(super) const fn of_bad(bad: &BadFrame) -> Refusal {
    refusal(bad.status, bad.limit, bad.value)
}
