//! The same locks, asked of locker and of its peers.

pub mod baton;
pub mod contended;
pub mod cycle;
pub mod dialect;
pub mod key;
pub mod peers;
pub mod shape;
pub mod stages;
pub mod tally;
