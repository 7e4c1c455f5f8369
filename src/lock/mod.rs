//! The lock engine of one shard: keys, holds, waiters, leases, fencing tokens. Pure.

pub mod effect;
pub mod input;
pub mod op;

pub use effect::{Answer, Effects, Event};
pub use input::Input;
