//! When a connection is read, and when it is closed for what it does not read: pure policy.
//!
//! A client that sends requests and does not take the answers would fill the server's memory. Its
//! output is therefore bounded three times: at [`OUTPUT_PAUSE_BYTES`] its requests wait in the
//! socket, at [`OUTPUT_CLOSE_BYTES`] it is closed, and all connections of a shard share one pool of
//! chunks: when less than an eighth is free nobody with output pending is read, and when it is
//! empty the connection that holds most is closed.

use crate::limits::{OUTPUT_CLOSE_BYTES, OUTPUT_PAUSE_BYTES};
use crate::net::chunk::ChunkPool;

/// The pool is low when fewer than one in this many chunks is free.
pub const POOL_LOW_SHARE: u32 = 8;

/// Bytes of output that wait for more at most.
pub const CORK_BYTES_MAX: usize = 16 * 1024;
/// Bytes that one send takes for certain, however they lie in chunks.
pub const ONE_SEND_BYTES_MAX: usize = 32 * 1024;
/// Microseconds that output waits for more at most: some turns of a busy shard.
pub const CORK_MICROS_MAX: u64 = 500;

/// Whether a connection may send us more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Read on.
    Read,
    /// Stop reading until output has left.
    Stop,
}

/// Judges a connection with `output` bytes pending, in a shard with this pool.
#[must_use]
pub fn judge(output: usize, pool: &ChunkPool) -> Verdict {
    if output >= OUTPUT_PAUSE_BYTES || (output > 0 && is_low(pool)) {
        Verdict::Stop
    } else {
        Verdict::Read
    }
}

/// Whether a connection with so much output pending is past all patience, and closed.
#[must_use]
pub const fn is_overrun(output: usize) -> bool {
    output > OUTPUT_CLOSE_BYTES
}

/// Whether `output` bytes may wait for more, in a shard with this pool.
#[must_use]
pub fn may_wait(output: usize, pool: &ChunkPool) -> bool {
    output < CORK_BYTES_MAX && !is_low(pool)
}

/// Whether `output` bytes leave in one send, in a shard with this pool, and nothing waits for them
/// to have left: neither more output nor a connection that is not read.
#[must_use]
pub fn is_one_send(output: usize, pool: &ChunkPool) -> bool {
    output <= ONE_SEND_BYTES_MAX && judge(output, pool) == Verdict::Read
}

/// Whether so few chunks are free that connections with output pending are not read.
#[must_use]
pub fn is_low(pool: &ChunkPool) -> bool {
    pool.free_count() < pool.count() / POOL_LOW_SHARE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::net::chunk::{CHUNK_BYTES, ChunkQueue};

    #[test]
    fn output_stops_reading_at_one_limit_and_closes_past_the_other() {
        let pool = ChunkPool::new(64);
        assert_eq!(judge(0, &pool), Verdict::Read);
        assert_eq!(judge(OUTPUT_PAUSE_BYTES - 1, &pool), Verdict::Read);
        assert_eq!(judge(OUTPUT_PAUSE_BYTES, &pool), Verdict::Stop);
        assert_eq!(judge(OUTPUT_CLOSE_BYTES, &pool), Verdict::Stop);
        assert!(!is_overrun(OUTPUT_CLOSE_BYTES));
        assert!(is_overrun(OUTPUT_CLOSE_BYTES + 1));
    }

    #[test]
    fn a_low_pool_stops_only_those_with_output_pending() {
        let mut pool = ChunkPool::new(64);
        let mut hog = ChunkQueue::default();
        hog.append(&mut pool, &vec![0; 56 * CHUNK_BYTES]).unwrap();
        assert_eq!(judge(1, &pool), Verdict::Read);
        hog.append(&mut pool, &[0]).unwrap();
        assert_eq!(judge(1, &pool), Verdict::Stop);
        assert_eq!(judge(0, &pool), Verdict::Read);
        hog.clear(&mut pool);
    }
}
