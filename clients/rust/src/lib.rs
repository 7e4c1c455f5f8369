//! The Rust client of the locker lock server: a pure protocol machine and a blocking front.
//!
#![doc = include_str!("../README.md")]
//!
//! # Inside
//! [`machine`] is pure and deterministic; the blocking front (this crate's other items) is a thin
//! shell of threads and sockets around it.
#![forbid(unsafe_code)]

mod error;
mod front;
pub mod machine;

pub use error::Error;
pub use front::{
    Acquisition, Builder, Canceller, Client, Forced, KeyPages, Lock, Pending, ReentrantLock,
    SessionPages, Traffic,
};
pub use machine::{
    CounterId, CounterPage, Ended, ForceDelay, HolderView, KeyView, LockView, LostReason, Margin,
    ModeName, OnDisconnect, Peer, Refusal, ServerInfo, SessionState, SessionView, Status,
    WaiterView,
};
