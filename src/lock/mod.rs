//! The lock engine of one shard: keys, holds, waiters, leases, fencing tokens. Pure.

mod acquire;
mod batch;
mod block;
mod check;
mod clock;
mod counters;
pub mod effect;
mod end;
mod engine;
mod force;
mod hash;
mod index;
pub mod input;
mod inspect;
pub mod op;
mod payload;
mod pending;
mod pool;
mod region;
mod request;
mod ring;
mod settle;
mod stubs;
mod tokens;
mod turn;

pub use batch::{BATCH_BYTES_MAX, Batch, BatchFull};
pub use block::BLOCK_BYTES_ALLOWED;
pub use counters::Counters;
pub use effect::{Answer, Effects, Event};
pub use engine::{Engine, EngineConfig};
pub use force::FORCED_PER_REQUEST_MAX;
pub use input::Input;
pub use tokens::TokenSource;

#[cfg(test)]
mod tests;
