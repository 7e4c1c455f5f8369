//! Answers as fields of a lane message.

use crate::lock::effect::{Answer, CancelOutcome, Refusal};
use crate::shard::bytes::{Reader, Writer};
use crate::time::Instant;
use locker_protocol::Status;

pub(super) fn encode_answer(out: &mut Writer<'_>, answer: Answer) {
    match answer {
        Answer::Granted { token, until } => {
            out.u8(1);
            out.u64(token);
            encode_until(out, until);
        }
        Answer::Released => out.u8(2),
        Answer::Renewed { until } => {
            out.u8(3);
            encode_until(out, until);
        }
        Answer::CancelDone { outcome, token } => {
            out.u8(4);
            out.u8(match outcome {
                CancelOutcome::Cancelled => 0,
                CancelOutcome::Released => 1,
                CancelOutcome::Kept => 2,
                CancelOutcome::NotFound => 3,
            });
            out.u64(token);
        }
        Answer::Forced { ended, closed_ms } => {
            out.u8(5);
            out.u32(ended);
            out.u32(closed_ms);
        }
        Answer::Reclaimed { token, until } => {
            out.u8(7);
            out.u64(token);
            encode_until(out, until);
        }
        Answer::Refused(refusal) => {
            out.u8(6);
            out.u16(refusal.status.code());
            out.u64(refusal.limit);
            out.u64(refusal.value);
        }
    }
}

pub(super) fn decode_answer(from: &mut Reader<'_>) -> Answer {
    match from.u8() {
        1 => Answer::Granted {
            token: from.u64(),
            until: decode_until(from),
        },
        2 => Answer::Released,
        3 => Answer::Renewed {
            until: decode_until(from),
        },
        4 => Answer::CancelDone {
            outcome: match from.u8() {
                0 => CancelOutcome::Cancelled,
                1 => CancelOutcome::Released,
                2 => CancelOutcome::Kept,
                _ => CancelOutcome::NotFound,
            },
            token: from.u64(),
        },
        5 => Answer::Forced {
            ended: from.u32(),
            closed_ms: from.u32(),
        },
        6 => Answer::Refused(Refusal {
            status: Status::from_code(from.u16()).expect("a status was sent"),
            limit: from.u64(),
            value: from.u64(),
        }),
        7 => Answer::Reclaimed {
            token: from.u64(),
            until: decode_until(from),
        },
        other => panic!("no answer {other} is ever sent"),
    }
}

fn encode_until(out: &mut Writer<'_>, until: Option<Instant>) {
    out.u64(until.map_or(0, Instant::as_micros));
}

fn decode_until(from: &mut Reader<'_>) -> Option<Instant> {
    Some(Instant(from.u64())).filter(|until| *until != Instant::START)
}
