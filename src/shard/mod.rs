//! The core of one shard: everything it decides, as one pure machine of turns.
//!
//! ```text
//!  received(bytes) -> frames ─ hello ─> session opened, resumed, handed over
//!                       │
//!                       ├ reads ───────────────> here, or down the lane to who knows
//!                       └ seated ─ request ─ router ─┬─ this shard: batch ─> engine (lock)
//!                          (once per id)             └─ other: message ─> lane
//!  lane_message ─ message ─┬─ input ─> batch ─> engine ─> effects ─┬─> home: reply ─> write
//!                          └─ answer, event ──────────────────────>│   (record, then the frame)
//!                                                                  └─> lane back
//! ```
//!
//! [`core`] is the machine; `home` the state of the home part: connections,
//! sessions, routes. What waits: `waiting` and `paused` (connections, for room), `ending` (ends,
//! for room), [`deadlines`] (time), `drain` (the server's end). The seams are [`machine`] (what the
//! loop calls), [`turn`] (in which order) and [`io`] (what the core asks of the loop). It knows no
//! clock, socket or thread.
//!
//! # Budget
//!
//! What one request on a key of this shard may cost when others arrive with it; frames of 64 bytes.
//!
//! | step | cache lines | copies | besides |
//! |---|---|---|---|
//! | cut, decode (`frames`) | the frame's 1 or 2, warm from the kernel's copy | none | |
//! | sender, seat (`seated`) | connection 1, session 2, record 1 | none | two look-ups |
//! | route ([`router`]) | none | none | CRC16 of the key, with several shards only |
//! | batch | slot 1.5, key bytes 1: the same ones again and again | key, metadata | |
//! | engine | see [`crate::lock`]; fetched ahead | key into its block | one hash of the key |
//! | answer (`home`, `reply`) | session, record, output 1 | frame into the output | one look-up |
//! | send | none | the kernel's | shared by all answers to a connection |
//!
//! Hops: none here; two messages of a lane if another shard owns the key. Per turn, not per
//! request: one system call, one reading of the clock, one touch of a session's TTL for each
//! receive, one descriptor of a send for each connection. Nothing is allocated or logged.
//!
//! In instructions: at most 1,700, of which the locks have half. `bench-client/callgrind` counts
//! them, and `.ci/run` fails when they come to more than 15 % above what docs/PERFORMANCE.md tells.

mod bytes;
mod check;
pub mod connection;
pub mod core;
pub mod core_config;
pub mod counters;
pub mod cursor;
pub mod deadlines;
mod drain;
mod effects;
mod ending;
mod faults;
mod frames;
mod hello;
mod home;
pub mod io;
pub mod machine;
pub mod message;
pub mod paused;
mod reads;
mod reclaim;
mod reply;
mod request;
pub mod router;
mod seated;
pub mod shard_set;
pub mod turn;
pub mod turn_times;
mod waiting;

#[cfg(test)]
mod tests;

pub use core::Core;
pub use core_config::CoreConfig;
pub use machine::NextTurn;
