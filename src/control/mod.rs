//! The control plane: one ordinary thread for what is not the fast path.
//!
//! It owns the signals, the durable record, the grace window and the watchdog, and talks to shards
//! by messages only: it may stall (on an fsync, say) without a shard noticing, but for the session
//! or the epoch that waits for that very write.
//!
//! ```text
//! record (bytes) <- store (seam) <- file_store (directory)
//!        ^
//!     ledger (what is durable before what is said) <── runtime ──> shards
//! ```

pub mod copies;
pub mod failure;
pub mod file_store;
pub mod ledger;
pub mod listening;
pub mod opening;
pub mod plane;
pub mod preflight;
pub mod record;
pub mod run;
pub mod shards;
pub mod store;
pub mod system;
pub mod watchdog;
pub mod window;
