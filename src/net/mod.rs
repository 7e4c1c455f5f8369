//! Sockets to bytes and back.

pub mod acceptor;
pub mod chunk;
pub mod connections;
pub mod flow;
pub mod kernel;
pub mod listen;
pub mod ring;
pub mod words;

/// Bytes of one receive buffer.
pub const RECEIVE_BUFFER_BYTES: usize = 4096;
/// Receive buffers of a shard; a power of two.
pub const RECEIVE_BUFFERS: u16 = 512;
/// Bytes of the longest frame with its header, and the preface that may stand before the first.
pub const FRAME_WHOLE_BYTES_MAX: usize = 64 * 1024 + 16 + 4;
