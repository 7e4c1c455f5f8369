//! Frames that the home shard writes: answers, refusals and pushes.

use crate::lock::effect::{Answer, CancelOutcome, Refusal};
use crate::session::{SeatOp, Settled};
use crate::shard::io::{ConnectionId, Io};
use crate::time::Instant;
use locker_protocol as wire;
use locker_protocol::{Opcode, Sink};

/// Set in the opcode of an answer.
pub(super) const REPLY_BIT: u8 = 0x80;

/// Puts encoded frames into a connection's output.
pub(super) struct Output<'a, I>(pub(super) &'a mut I, pub(super) ConnectionId);

impl<I: Io> Sink for Output<'_, I> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.write(self.1, bytes);
    }
}

/// The opcode of the answer to a seated request.
pub(super) const fn reply_op(op: SeatOp) -> u8 {
    match op {
        SeatOp::Close => Opcode::Close,
        SeatOp::Acquire => Opcode::Acquire,
        SeatOp::Cancel => Opcode::Cancel,
        SeatOp::Release => Opcode::Release,
        SeatOp::Renew => Opcode::Renew,
        SeatOp::Reclaim => Opcode::Reclaim,
        SeatOp::ForceRelease => Opcode::ForceRelease,
    }
    .reply()
}

/// Writes the answer to a seated request.
///
/// # Panics
/// If the answer is not one to that operation.
pub(super) fn write_answer(out: &mut impl Sink, request_id: u64, op: SeatOp, settled: Settled) {
    let server_now = settled.at.as_micros();
    let micros = |until: Option<Instant>| until.map_or(0, Instant::as_micros);
    match (op, settled.answer) {
        (_, Answer::Refused(refusal)) => refuse(out, request_id, reply_op(op), refusal, ""),
        (SeatOp::Acquire, Answer::Granted { token, until }) => wire::Granted {
            token,
            until: micros(until),
            server_now,
        }
        .encode(request_id, out),
        (SeatOp::Reclaim, Answer::Reclaimed { until, .. } | Answer::Renewed { until }) => {
            let until = micros(until);
            wire::Reclaimed { until, server_now }.encode(request_id, out);
        }
        (SeatOp::Renew, Answer::Renewed { until }) => wire::Renewed {
            until: micros(until),
            server_now,
        }
        .encode(request_id, out),
        (SeatOp::Cancel, Answer::CancelDone { outcome, token }) => wire::CancelDone {
            token,
            outcome: wire_outcome(outcome),
        }
        .encode(request_id, out),
        (SeatOp::ForceRelease, Answer::Forced { ended, closed_ms }) => {
            wire::Forced { ended, closed_ms }.encode(request_id, out);
        }
        (SeatOp::Release, Answer::Released) => wire::Released.encode(request_id, out),
        (SeatOp::Close, Answer::Released) => wire::Closed.encode(request_id, out),
        (op, answer) => panic!("{answer:?} is no answer to {op:?}"),
    }
}

/// Writes a refusal of a request whose answer has opcode `op`.
pub(super) fn refuse(out: &mut impl Sink, request_id: u64, op: u8, refusal: Refusal, detail: &str) {
    wire::Refusal {
        status: refusal.status,
        limit: refusal.limit,
        value: refusal.value,
        detail,
    }
    .encode(op, request_id, out);
}

const fn wire_outcome(outcome: CancelOutcome) -> wire::CancelOutcome {
    match outcome {
        CancelOutcome::Cancelled => wire::CancelOutcome::Cancelled,
        CancelOutcome::Released => wire::CancelOutcome::Released,
        CancelOutcome::Kept => wire::CancelOutcome::Kept,
        CancelOutcome::NotFound => wire::CancelOutcome::NotFound,
    }
}
