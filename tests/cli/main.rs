//! The `locker` program from outside: real server, real processes, real signals and terminals.
//!
//! Nothing here sleeps: a test goes on when a process has written a line or has ended.

#![allow(clippy::unwrap_used)]

mod contact;
mod environment;
mod exit_codes;
mod holding;
mod inspecting;
mod restarts;
mod signals;
mod support;
mod terminal;
