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
//! [`core`] is the machine and the order of a turn; `home` the state of the home part: connections,
//! sessions, routes. What waits: `waiting` and `paused` (connections, for room), `ending` (ends,
//! for room), [`deadlines`] (time), `drain` (the server's end). The seams are [`machine`] (what the
//! loop calls) and [`io`] (what the core asks of the loop). It knows no clock, socket or thread.

mod bytes;
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
mod reply;
mod request;
pub mod router;
mod seated;
pub mod shard_set;
mod waiting;

#[cfg(test)]
mod tests;

pub use core::Core;
pub use core_config::CoreConfig;
pub use machine::NextTurn;
