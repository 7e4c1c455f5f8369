//! What a run tells of servers that break promises, and of those that stall.

#![allow(clippy::unwrap_used)]

mod double;
mod proxy;
mod safety;
mod stalls;
