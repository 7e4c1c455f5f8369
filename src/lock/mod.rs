//! The lock engine of one shard: keys, holds, waiters, leases, fencing tokens. Pure.
//!
//! It is told inputs and the time, and says effects. It knows no connection, request id, lane or
//! clock of its own, draws no randomness (the hash's seed is an argument) and allocates nothing
//! after [`Engine::new`]: the same inputs give the same effects, bit for bit.
//!
//! ```text
//!  turn_begin(now)   effects that found a lane full, grants that go on, keys that open
//!        |
//!  Batch -> apply    hash, fetch bucket -> bucket, fetch block -> fetch neighbours -> execute
//!        |                |                   |                                        |
//!        |              hash.rs            index.rs                acquire.rs request.rs force.rs
//!        |                                                         reclaim.rs inspect.rs|
//!        |                                        end.rs: a hold ends   settle.rs: grants, frees
//!        |                                                                              |
//!  turn_end          turn.rs: expiry, sweep of ended sessions, end of a drain     -> Effects
//!        |                                                                              |
//!  next_deadline, has_more                                   lane full: pending.rs keeps a mark
//!
//!  region.rs mmap > pool.rs blocks (block.rs byte table, payload.rs keys) < ring.rs queue, holds
//!                   index.rs buckets      stubs.rs sessions      crate::wheel timers
//! ```
//!
//! # Invariants
//!
//! [`Engine::check_invariants`] asserts what one moment can show; the tests call it after every
//! step, and `tests/model` compares whole histories with a list per key.
//!
//! 1. Holds on a key are compatible; no grant takes the permits in use above the limit.
//! 2. Each token granted on a key is greater than every earlier one.
//! 3. Waiters are granted in order of arrival, never past an incompatible earlier one.
//! 4. A request has exactly one final answer while its session lives; a waiter is there if and only
//!    if its request has none.
//! 5. No hold outlives its lease or session by more than the lateness counted; none ends before.
//! 6. A free key has no block once its effects have left; blocks used = locks + further holds,
//!    waiters, notes and continuations; none leaks, none is shared.
//! 7. Stale handles (block, session, closure) are recognised.
//! 8. Every armed timer belongs to a live hold, waiter or closure.
//! 9. A holder that keeps to its deadline and another never both hold: deadlines are rounded up,
//!    and `until` is told on the raw clock.
//! 10. What can be granted is granted: no head of a queue waits that fits, unless its key stands in
//!     the ready list, closed by the grace window, or the server has stopped.
//!
//! # Cost
//!
//! Cold cache lines of one request on one of many keys, all of which a batch asks for ahead:
//!
//! | request | lines |
//! |---|---|
//! | Acquire of a free key | bucket, block 2, the session's newest block |
//! | Release of a lone hold | bucket, block 2, neighbours: session's list 2, timer's 2 |
//! | Renew | bucket, block 2: the timer finds out when it fires |
//! | Acquire that queues | bucket, lock 2, bucket of the entry, block 2, the queue's last |
//! | Grant of a waiter | beyond its cause's: the waiter's block 2, neighbours 2 to 4 |
//!
//! One in nine buckets of a table nine tenths full has an overflow bucket: one line more.
//!
//! Blocks are asked for only once more of them than 4,096 were ever in use: fewer stay close to the
//! processor by themselves, and two passes over the batch cost a sixth of a request. Buckets always
//! are: few locks may lie under many keys.
//!
//! Besides, for an acquire or a release: the key is hashed once and copied twice, into the batch
//! and, if it was free, into its block; the bucket's ten tags are compared once to find the key;
//! the session is found once, by its slot. What is measured: `locker-bench engine`,
//! `locker-bench turn` and `locker-bench memory`.

mod acquire;
mod batch;
mod block;
mod check;
mod counters;
pub mod effect;
mod end;
mod engine;
mod force;
mod hash;
mod index;
pub mod input;
mod inspect;
mod offer;
pub mod op;
mod page;
mod payload;
mod pending;
mod pool;
mod reclaim;
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
