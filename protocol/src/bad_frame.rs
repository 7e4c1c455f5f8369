//! What is wrong with a frame: status, place, limit and value.

use crate::generated::{HEADER_BYTES, Refusal, Status};
use thiserror::Error;

/// A frame that breaks the protocol or one of its limits; nothing of it was acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset} of the frame ({status})")]
pub struct BadFrame {
    /// What the answer's header says.
    pub status: Status,
    /// Offset in the frame, header included, of the first field that is wrong; where bytes are
    /// missing, the length of the frame.
    pub offset: u32,
    /// `limit` of the refusal; meaning per status.
    pub limit: u64,
    /// `value` of the refusal; meaning per status.
    pub value: u64,
    /// For people.
    pub reason: &'static str,
}

impl BadFrame {
    /// The body of the answer that tells the peer.
    #[must_use]
    pub const fn refusal(&self) -> Refusal<'static> {
        Refusal {
            status: self.status,
            limit: self.limit,
            value: self.value,
            detail: self.reason,
        }
    }

    /// The frame breaks the protocol at `offset`.
    #[cold]
    pub(crate) fn at(offset: usize, reason: &'static str) -> Self {
        let offset = u32::try_from(offset).expect("a frame's length fits u32");
        let value = u64::from(offset);
        Self {
            status: Status::BadFrame,
            offset,
            limit: 0,
            value,
            reason,
        }
    }

    /// The body ends at `offset`, inside something.
    #[cold]
    pub(crate) fn short(offset: usize) -> Self {
        Self::at(offset, "the frame ends early")
    }

    /// A limit of its own status was passed.
    #[cold]
    pub(crate) fn over(
        status: Status,
        offset: usize,
        limit: usize,
        value: usize,
        reason: &'static str,
    ) -> Self {
        let bad = Self::at(offset, reason);
        Self {
            status,
            limit: limit as u64,
            value: value as u64,
            ..bad
        }
    }

    /// An opcode or tag that must be understood and is not.
    #[cold]
    pub(crate) fn unsupported(offset: usize, value: u64, reason: &'static str) -> Self {
        Self {
            status: Status::Unsupported,
            value,
            ..Self::at(offset, reason)
        }
    }

    /// A request that carries id 0, which is kept for pushes.
    #[cold]
    pub(crate) fn request_id_zero() -> Self {
        let bad = Self::at(HEADER_BYTES - 8, "request id 0 is for pushes");
        Self {
            status: Status::BadRequestId,
            value: 0,
            ..bad
        }
    }
}
