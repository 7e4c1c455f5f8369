//! Frames: the 16-byte header, and cutting a stream of bytes into frames.

use crate::generated::{HEADER_BYTES, Refusal, Status};
use crate::wire::{put_at, u8_at, u16_at, u32_at, u64_at};
use thiserror::Error;

/// The 16 bytes before every body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes after the header.
    pub len: u32,
    /// What the frame is.
    pub op: u8,
    /// Reserved: 0.
    pub flags: u8,
    /// 0 in requests; in answers a [`crate::Status`] code.
    pub status: u16,
    /// Echoed in the answer; 0 in pushes.
    pub request_id: u64,
}

impl Header {
    /// Reads a header; every bit pattern is one.
    #[inline]
    #[must_use]
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        Self {
            len: u32_at(bytes, 0),
            op: u8_at(bytes, 4),
            flags: u8_at(bytes, 5),
            status: u16_at(bytes, 6),
            request_id: u64_at(bytes, 8),
        }
    }

    /// The header's bytes.
    #[inline]
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        self.write(&mut bytes);
        bytes
    }

    /// Writes the header over the first 16 bytes of a frame's fixed part.
    #[inline(always)]
    pub(crate) fn write<const N: usize>(&self, frame: &mut [u8; N]) {
        put_at(frame, 0, self.len.to_le_bytes());
        put_at(frame, 4, [self.op, self.flags]);
        put_at(frame, 6, self.status.to_le_bytes());
        put_at(frame, 8, self.request_id.to_le_bytes());
    }
}

/// One whole frame, borrowed from the bytes received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header; `header.len` is the length of `body`.
    pub header: Header,
    /// The bytes after the header.
    pub body: &'a [u8],
}

/// The stream cannot be cut into frames any more: the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The header announces more than the receiver takes.
    #[error("a frame of {announced} bytes was announced, at most {limit} are taken")]
    TooLong {
        /// Op of the header.
        op: u8,
        /// Request id of the header, to answer it.
        request_id: u64,
        /// Bytes announced after the header.
        announced: u32,
        /// Bytes taken at most.
        limit: u32,
    },
}

impl FrameError {
    /// The body of the fault that tells the peer.
    #[must_use]
    pub const fn refusal(&self) -> Refusal<'static> {
        let Self::TooLong {
            announced, limit, ..
        } = *self;
        Refusal {
            status: Status::FrameTooLong,
            limit: limit as u64,
            value: announced as u64,
            detail: "",
        }
    }
}

/// Cuts the first frame off `bytes`; with it comes its length, header included.
///
/// `None`: more bytes are needed. At most `frame_max` bytes may follow a header.
///
/// # Errors
/// [`FrameError::TooLong`] as soon as the header is there.
#[inline]
pub fn split_frame(bytes: &[u8], frame_max: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let header = Header::decode(head);
    if header.len > frame_max {
        return Err(FrameError::TooLong {
            op: header.op,
            request_id: header.request_id,
            announced: header.len,
            limit: frame_max,
        });
    }
    let body_bytes = header.len as usize;
    Ok(rest
        .get(..body_bytes)
        .map(|body| (Frame { header, body }, HEADER_BYTES + body_bytes)))
}
