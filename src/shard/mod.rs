//! One shard: the pure core that owns sessions and locks, and the shell that moves its bytes.

pub mod cursor;
mod driver;
pub mod io;
pub mod lane;
pub mod machine;
pub mod mail;
mod park;
pub mod server_clock;
pub mod shard_set;
mod shell;
pub mod signal;
pub mod start;
