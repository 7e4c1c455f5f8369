//! Sessions at their home shard: identity, seats, TTL bookkeeping. Pure.
//!
//! A session is one client's life. Its home shard alone knows its secret, which connection carries
//! it, and per seat what was asked last and how it was answered; owner shards know a stub. Nothing
//! here knows lanes, frames or the engine: `shard` composes them.

pub mod seat;
pub mod table;

pub use seat::{Admission, Record, SeatOp, Settled};
pub use table::{Life, Session, SessionTable};
