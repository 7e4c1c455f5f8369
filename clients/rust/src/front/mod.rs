//! The blocking front: threads around the machine.
//!
//! ```text
//!  caller threads                                   the client's thread (driver)
//!  ──────────────                                   ────────────────────────────
//!  lock state ─▶ machine.acquire                    poll: socket, wake, next deadline
//!  unlock                                           recv ─▶ lock state ─▶ machine.received
//!  send, unless another thread is sending:          unlock ─▶ complete the callers' slots
//!  that one looks again and takes our bytes along   reconnect, resume, keepalive, expiry
//!  wait on our own slot ◀──────────────────────────
//! ```
//!
//! All threads share one connection. Requests made while somebody is sending leave together in the
//! next write; answers that arrive together are handled under one lock. No thread holds the state's
//! mutex across a system call.
//!
//! A shard-aware client has a session, with connection and driver thread, for each shard of the
//! server: see `fleet`.

mod acquisition;
mod address;
mod backoff;
mod builder;
mod callbacks;
mod client;
mod clock;
mod driver;
mod fleet;
mod handle;
mod inspect;
mod lock;
mod opener;
mod parking;
mod reentrant;
mod resolver;
mod roster;
mod shared;
mod slot;
mod socket;
mod traffic;
mod writer;

#[cfg(test)]
mod tests;

pub use acquisition::{Acquisition, Canceller, Pending};
pub use builder::Builder;
pub use client::{Client, Forced};
pub use inspect::{KeyPages, SessionPages};
pub use lock::Lock;
pub use reentrant::ReentrantLock;
pub use traffic::Traffic;
