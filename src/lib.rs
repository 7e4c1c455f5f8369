//! locker: a lock server for Linux.
//!
//! # Threads
//!
//! ```text
//!  main ── cli::serve ── control (signals, data-dir file, epochs, grace window, watchdog)
//!                          │ messages
//!            ┌─────────────┴─────────────┐
//!        shard 0   <── lanes, mail ──>  shard 1 ...        one thread and one core each
//! ```
//!
//! Nothing on the path of a request is shared between threads; nothing is allocated after start.
//!
//! # The path of a request
//!
//! | step | where |
//! |---|---|
//! | bytes arrive in a buffer of the shard's own io_uring | [`net`] |
//! | the loop reaps them, then reads the clock, once a turn | [`driver`] |
//! | frames are cut and decoded | [`shard`] (`frames`), crate `locker_protocol` |
//! | the seat check: a request sent twice runs once | [`session`], [`shard`] (`seated`) |
//! | the key's slot names its owner shard: here, or down a lane | [`shard::router`] |
//! | a batch of requests meets the locks; effects come out | [`lock`] |
//! | the answer is recorded in its seat and framed | [`shard`] (`reply`) |
//! | one send per connection and turn | [`net`] |
//!
//! # Two colours
//!
//! Pure (no clock, socket, thread, `async`, randomness; the same inputs give the same effects):
//! [`lock`], [`session`], [`shard`], [`wheel`], [`clock`], [`time`], [`limits`], most of
//! [`config`]; of [`net`] the files `connections`, `flow`, `words` and `chunk`; of [`control`] the
//! files `record`, `copies`, `ledger`, `plane`, `store`, `watchdog` and `window`. Shell:
//! [`driver`], [`cli`], and the rest of [`net`] and [`control`]. The test `tidy` holds the exact
//! list and fails on a breach.

#[doc(hidden)]
pub mod canary;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod driver;
pub mod limits;
pub mod lock;
pub mod net;
pub mod session;
pub mod shard;
pub mod time;
pub mod wheel;
