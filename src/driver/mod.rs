//! The thread of a shard: what moves its bytes, wakes it and lets it sleep. Shell.
//!
//! ```text
//!  other shards ──lane──┐                        ┌──lane──> other shards
//!  acceptor, control ─mail─> turns ── Machine ───┤
//!  sockets <── net ───────┘   │                  └─ shell (Io) ──> net, lanes, control thread
//!                          ring <── signal: asleep? wake
//! ```
//!
//! [`turns`](self) is the loop, `shell` what the core may ask of it, [`lane`] and [`mail`] the two
//! ways from thread to thread (the path of requests, and what is rare and owns a descriptor),
//! [`signal`] what other threads see of a shard, [`start`] its birth and end. No policy here: what
//! is decided is decided in `shard`, `session`, `lock` and `net`'s pure files.

pub mod lane;
pub mod mail;
pub mod server_clock;
mod shell;
pub mod signal;
pub mod start;
mod turn_meter;
mod turns;
