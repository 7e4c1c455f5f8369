//! One shard: the pure core that owns sessions and locks, and the shell that moves its bytes.

pub mod cursor;
pub mod io;
pub mod lane;
pub mod shard_set;
