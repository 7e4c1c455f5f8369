//! locker: a lock server for Linux.

pub mod cli;
pub mod config;
pub mod control;
pub mod limits;
pub mod lock;
pub mod net;
pub mod session;
pub mod shard;
pub mod time;
pub mod wheel;
