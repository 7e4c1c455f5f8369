//! The operations of requests as fields of a lane message.

use crate::lock::op::{ClosedFor, IfGranted, Lease, Mode, Op, RenewTo, Seat, Wait, Want};
use crate::shard::bytes::{Reader, Writer};
use crate::time::Millis;

pub(super) fn encode_op(out: &mut Writer<'_>, op: Op) {
    match op {
        Op::Acquire {
            owner,
            want,
            wait,
            lease,
        } => {
            out.u8(1);
            out.u64(owner);
            encode_want(out, want);
            encode_wait(out, wait);
            encode_lease(out, lease);
        }
        Op::Cancel {
            owner,
            acquire_seat,
            token,
            if_granted,
        } => {
            out.u8(2);
            out.u64(owner);
            out.u16(acquire_seat.0);
            out.u64(token);
            out.u8((if_granted == IfGranted::Release).into());
        }
        Op::Release { owner, token } => {
            out.u8(3);
            out.u64(owner);
            out.u64(token);
        }
        Op::Renew { owner, token, to } => {
            out.u8(4);
            out.u64(owner);
            out.u64(token);
            match to {
                RenewTo::Keep => out.u8(0),
                RenewTo::Lease(lease) => {
                    out.u8(1);
                    encode_lease(out, lease);
                }
            }
        }
        Op::Reclaim {
            owner,
            token,
            want,
            lease,
        } => {
            out.u8(6);
            out.u64(owner);
            out.u64(token);
            encode_want(out, want);
            encode_lease(out, lease);
        }
        Op::ForceRelease { token, closed } => {
            out.u8(5);
            out.u64(token);
            match closed {
                ClosedFor::HolderTtl => out.u8(0),
                ClosedFor::For(ms) => {
                    out.u8(1);
                    out.u32(ms.0);
                }
            }
        }
    }
}

pub(super) fn decode_op(from: &mut Reader<'_>) -> Op {
    match from.u8() {
        1 => Op::Acquire {
            owner: from.u64(),
            want: decode_want(from),
            wait: decode_wait(from),
            lease: decode_lease(from),
        },
        2 => Op::Cancel {
            owner: from.u64(),
            acquire_seat: Seat(from.u16()),
            token: from.u64(),
            if_granted: match from.u8() {
                0 => IfGranted::Keep,
                _ => IfGranted::Release,
            },
        },
        3 => Op::Release {
            owner: from.u64(),
            token: from.u64(),
        },
        4 => Op::Renew {
            owner: from.u64(),
            token: from.u64(),
            to: match from.u8() {
                0 => RenewTo::Keep,
                _ => RenewTo::Lease(decode_lease(from)),
            },
        },
        5 => Op::ForceRelease {
            token: from.u64(),
            closed: match from.u8() {
                0 => ClosedFor::HolderTtl,
                _ => ClosedFor::For(Millis(from.u32())),
            },
        },
        6 => Op::Reclaim {
            owner: from.u64(),
            token: from.u64(),
            want: decode_want(from),
            lease: decode_lease(from),
        },
        other => panic!("no operation {other} is ever sent"),
    }
}

#[inline]
fn encode_want(out: &mut Writer<'_>, want: Want) {
    out.u8(want.mode as u8);
    out.u8(want.resize.into());
    out.u32(want.permits);
    out.u32(want.limit);
}

#[inline]
fn encode_wait(out: &mut Writer<'_>, wait: Wait) {
    let (kind, ms) = match wait {
        Wait::Try => (0, 0),
        Wait::For(ms) => (1, ms.0),
        Wait::Forever => (2, 0),
    };
    out.u8(kind);
    out.u32(ms);
}

fn decode_want(from: &mut Reader<'_>) -> Want {
    let mode = match from.u8() {
        1 => Mode::Exclusive,
        2 => Mode::Shared,
        3 => Mode::Permit,
        other => panic!("no mode {other} is ever sent"),
    };
    Want {
        mode,
        resize: from.u8() == 1,
        permits: from.u32(),
        limit: from.u32(),
    }
}

fn decode_wait(from: &mut Reader<'_>) -> Wait {
    match (from.u8(), from.u32()) {
        (0, _) => Wait::Try,
        (1, ms) => Wait::For(Millis(ms)),
        _ => Wait::Forever,
    }
}

fn encode_lease(out: &mut Writer<'_>, lease: Lease) {
    match lease {
        Lease::Session => out.u32(0),
        Lease::For(ms) => out.u32(ms.0),
    }
}

fn decode_lease(from: &mut Reader<'_>) -> Lease {
    match from.u32() {
        0 => Lease::Session,
        ms => Lease::For(Millis(ms)),
    }
}
