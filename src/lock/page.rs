//! Where the answers to reads are put together: memory taken once, at start.

use locker_protocol::{GetReply, HEADER_BYTES, Sink};

use crate::limits::READ_REPLY_BYTES_MAX;

/// Room for the records of one reply.
pub(super) const RECORD_BYTES_MAX: usize = READ_REPLY_BYTES_MAX - GetReply::FIXED_BYTES;

/// A sink over a part of the scratch memory; the caller keeps to its size.
pub(super) struct Page<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) used: usize,
}

impl Sink for Page<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }
}

/// Memory of reads: records as they are found, then the frame around them.
#[derive(Debug)]
pub(super) struct ReadBuffers {
    pub(super) holders: Box<[u8]>,
    pub(super) waiters: Box<[u8]>,
    pub(super) frame: Box<[u8]>,
}

impl ReadBuffers {
    pub(super) fn new() -> Self {
        let buffer = |bytes| vec![0; bytes].into_boxed_slice();
        Self {
            holders: buffer(RECORD_BYTES_MAX),
            waiters: buffer(RECORD_BYTES_MAX),
            frame: buffer(READ_REPLY_BYTES_MAX + HEADER_BYTES),
        }
    }
}
