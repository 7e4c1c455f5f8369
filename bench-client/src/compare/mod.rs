//! The same locks, asked of locker and of its peers.

pub mod dialect;
pub mod key;
pub mod peers;
