//! The load: what clients say on their connections, and when. Pure: it sees bytes and instants.
//!
//! ```text
//!   schedule --when--> Fleet --what--> cycle of the mode: pair, renew, churn, herd, hold_many
//!                       | ^                       | keys
//!            Io::out <--+ +-- session <-- bytes   v
//!                       |              client: one cycle at a time
//!                       +--> record (measures), events (safety check)
//!
//!   keeper: locks held beside the load, so that the table is full
//! ```
//!
//! **Phases.** Connections are opened, a bounded number at a time, each with its Hello behind the
//! preface; then the fleet waits for the common start. It runs until the time is over or the
//! operations are used up, takes no new cycles then, waits for what is in flight, closes its
//! sessions and is finished.
//!
//! **What a request costs.** No allocation, one entry in a lane of 32 B, about 130 B of client,
//! and the histograms; requests are encoded where the socket sends from.

mod churn;
mod client;
mod drain;
mod fleet;
mod hearing;
mod herd;
mod hold_many;
pub mod keeper;
mod keys;
mod opening;
mod pacing;
mod pair;
mod record;
mod renew;
pub mod schedule;
mod session;
pub mod shared;
mod timers;
pub mod zipf;

pub use fleet::{Fleet, Share};
pub use keys::{key_name, keys_max};
pub use shared::Shared;

#[cfg(test)]
mod tests;
