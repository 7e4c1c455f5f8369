//! The same locks, asked of locker and of its peers.

pub mod baton;
pub mod contended;
pub mod contestant;
pub mod cycle;
pub mod dialect;
pub mod key;
pub mod peers;
pub mod results;
pub mod sample;
pub mod shape;
pub mod spread;
pub mod stages;
pub mod tally;
pub mod targets;
pub mod text;
