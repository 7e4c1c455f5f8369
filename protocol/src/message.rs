//! Whole frames to messages: what a server reads, and what a client reads.

use crate::bad_frame::BadFrame;
use crate::frame::Frame;
use crate::generated::{FAULT_OP, HEADER_BYTES, Push, Refusal, Reply, Request, Status};
use crate::sink::Sink;

/// Offset in the frame of the header's op.
const OP_OFFSET: usize = 4;
/// Offset in the frame of the header's flags.
const FLAGS_OFFSET: usize = 5;
/// Offset in the frame of the header's status.
const STATUS_OFFSET: usize = 6;
/// The smallest op of a reply.
const REPLY_OP_MIN: u8 = 0x80;
/// The smallest op of a push.
const PUSH_OP_MIN: u8 = 0xC0;

impl<'a> Request<'a> {
    /// Reads a request; its id stands in the frame's header. O(1) but for text and TLVs.
    ///
    /// # Errors
    /// The first thing that breaks the protocol, to be answered with [`BadFrame::refusal`].
    #[inline]
    pub fn decode(frame: &Frame<'a>) -> Result<Self, BadFrame> {
        let header = frame.header;
        if header.flags != 0 {
            return Err(BadFrame::at(FLAGS_OFFSET, "header flags are reserved"));
        }
        if header.status != 0 {
            return Err(BadFrame::at(STATUS_OFFSET, "a request has no status"));
        }
        if header.request_id == 0 {
            return Err(BadFrame::request_id_zero());
        }
        Self::decode_body(header.op, frame.body)
    }
}

/// What a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromServer<'a> {
    /// The answer to the request whose id the header has.
    Reply(Reply<'a>),
    /// Something unasked; its id is 0.
    Push(Push<'a>),
}

impl<'a> FromServer<'a> {
    /// Reads a reply or a push.
    ///
    /// # Errors
    /// The first thing that breaks the protocol; the connection is of no more use.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, BadFrame> {
        if frame.header.request_id == 0 && frame.header.op >= PUSH_OP_MIN {
            Push::decode(frame).map(Self::Push)
        } else {
            Reply::decode(frame).map(Self::Reply)
        }
    }
}

impl<'a> Reply<'a> {
    /// Reads a reply; any status but `Ok` makes it [`Reply::Refused`].
    ///
    /// # Errors
    /// The first thing that breaks the protocol.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, BadFrame> {
        match answer_status(frame)? {
            Status::Ok => Self::decode_body(frame.header.op, frame.body),
            status => Refusal::decode(status, frame.body).map(Self::Refused),
        }
    }
}

impl<'a> Push<'a> {
    /// Reads a push.
    ///
    /// # Errors
    /// The first thing that breaks the protocol.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, BadFrame> {
        let status = answer_status(frame)?;
        let is_fault = frame.header.op == FAULT_OP;
        if is_fault != (status != Status::Ok) {
            return Err(BadFrame::at(
                STATUS_OFFSET,
                "a fault has a status, other pushes have none",
            ));
        }
        if is_fault {
            return Refusal::decode(status, frame.body).map(Self::Fault);
        }
        Self::decode_body(frame.header.op, frame.body)
    }
}

impl Refusal<'_> {
    /// Writes it as a push: the error answers no request, and the connection closes behind it.
    pub fn encode_fault(&self, out: &mut impl Sink) {
        self.encode(FAULT_OP, 0, out);
    }
}

fn answer_status(frame: &Frame<'_>) -> Result<Status, BadFrame> {
    if frame.header.flags != 0 {
        return Err(BadFrame::at(FLAGS_OFFSET, "header flags are reserved"));
    }
    if frame.header.op < REPLY_OP_MIN {
        return Err(BadFrame::at(OP_OFFSET, "a server sends no request"));
    }
    Status::from_code(frame.header.status)
        .ok_or_else(|| BadFrame::at(STATUS_OFFSET, "the status is not known"))
}

const _: () = assert!(
    HEADER_BYTES == 16,
    "the header's layout is written out in frame.rs"
);
