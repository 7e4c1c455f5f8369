//! Who is spoken of, and where answers go, as fields of a lane message.

use crate::lock::effect::ClosureRef;
use crate::lock::op::{ReaderRef, ReplyTo, Seat, SessionId, SessionRef, ShardId};
use crate::shard::bytes::{Reader, Writer};

pub(super) fn session_ref(out: &mut Writer<'_>, session: SessionRef) {
    out.u64(session.id.0);
    out.u32(session.slot);
}

pub(super) fn read_session_ref(from: &mut Reader<'_>) -> SessionRef {
    SessionRef {
        id: SessionId(from.u64()),
        slot: from.u32(),
    }
}

pub(super) fn reply_to(out: &mut Writer<'_>, to: ReplyTo) {
    session_ref(out, to.session);
    out.u16(to.seat.0);
}

pub(super) fn read_reply_to(from: &mut Reader<'_>) -> ReplyTo {
    ReplyTo {
        session: read_session_ref(from),
        seat: Seat(from.u16()),
    }
}

pub(super) fn reader(out: &mut Writer<'_>, to: ReaderRef) {
    out.u8(to.home.0);
    out.u32(to.connection);
    out.u32(to.generation);
    out.u64(to.request_id);
    out.u8(to.op);
}

pub(super) fn read_reader(from: &mut Reader<'_>) -> ReaderRef {
    ReaderRef {
        home: ShardId(from.u8()),
        connection: from.u32(),
        generation: from.u32(),
        request_id: from.u64(),
        op: from.u8(),
    }
}

pub(super) fn closure_ref(out: &mut Writer<'_>, closure: ClosureRef) {
    out.u32(closure.block);
    out.u16(closure.generation);
}

pub(super) fn read_closure(from: &mut Reader<'_>) -> ClosureRef {
    ClosureRef {
        block: from.u32(),
        generation: from.u16(),
    }
}
