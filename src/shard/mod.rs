//! One shard: the pure core that owns sessions and locks, and the shell that moves its bytes.

mod bytes;
pub mod clock;
pub mod connection;
pub mod core;
pub mod core_config;
pub mod counters;
pub mod cursor;
pub mod deadlines;
mod drain;
mod driver;
mod effects;
mod ending;
mod faults;
mod frames;
mod hello;
mod home;
pub mod io;
pub mod lane;
pub mod machine;
pub mod mail;
pub mod message;
mod park;
pub mod paused;
mod reads;
mod reply;
mod request;
pub mod router;
mod seated;
pub mod server_clock;
pub mod shard_set;
mod shell;
pub mod signal;
pub mod start;
mod waiting;

#[cfg(test)]
mod tests;

pub use core::Core;
pub use core_config::CoreConfig;
pub use machine::NextTurn;
