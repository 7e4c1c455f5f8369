//! The core as its clients see it: bytes in, frames out, in virtual time.
#![allow(clippy::unwrap_used)]

mod bench;
mod cluster;
mod ends;
mod fake_io;
mod garbage;
mod greetings;
mod lanes;
mod random;
mod reads;
mod reclaim;
mod requests;
