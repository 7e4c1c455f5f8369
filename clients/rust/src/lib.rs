//! The Rust client of the locker lock server.
#![forbid(unsafe_code)]

pub mod machine;
