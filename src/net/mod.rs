//! Sockets to bytes and back: what lies between the kernel and the core of a shard.
//!
//! ```text
//!           ┌ listening sockets (shard 0) ─> acceptor ─mail─> the shard with fewest connections
//!  kernel ─ ring ┬─ receive buffer ─────────────────────┬─> core.received(&bytes)
//!           ^    └─> connections: what is in flight,    │        │ not consumed
//!           │        what is wanted, who ended          │<─ kept ┘ (chunks, joined when offered)
//!           └─── one send per connection and turn <── output (chunks) <── io.write(&bytes)
//! ```
//!
//! [`ring`], [`acceptor`], [`listen`], [`unix`] and [`unsent`] touch the kernel; [`connections`],
//! [`flow`] and [`chunk`] are pure.
//! The loop that moves all this is `driver::turns`. Nothing here knows a frame: bytes are offered
//! to the core, which says how many it used.
//!
//! # Costs
//! - System calls per turn: one `io_uring_enter`, which submits everything of the last turn (a send
//!   per connection with answers, receives armed again), collects what completed, and waits if that
//!   was nothing but the sends.
//! - Per request in a batch: no call, no allocation, one copy (the answer into the output chunk).
//! - Memory of a shard: 2 MiB of receive buffers, common to all its connections; 0.5 MiB of rings
//!   and slices; the chunk pool. A connection is 96 bytes, and a chunk of 4 KiB only while it has
//!   output that has not left or a partial frame.
//! - Accept, hand-over: one piece of mail each; `getpeername` per accept.

pub mod acceptor;
pub mod chunk;
pub mod connections;
pub mod flow;
pub mod kernel;
pub mod listen;
pub mod ring;
pub mod unix;
pub mod unsent;
pub mod words;

/// Bytes of one receive buffer: what a client of 64 callers writes at once.
pub const RECEIVE_BUFFER_BYTES: usize = 8192;
/// Receive buffers of a shard: so many connections can have input at once; the others are received
/// in the next turn.
pub const RECEIVE_BUFFERS: u16 = 256;
/// Bytes of the longest frame with its header, and the preface that may stand before the first.
pub const FRAME_WHOLE_BYTES_MAX: usize = locker_protocol::FRAME_BYTES_MAX
    + locker_protocol::HEADER_BYTES
    + locker_protocol::PREFACE.len();
