//! Cuts a stream into frames; see `locker_protocol::check`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| locker_protocol::check::split(bytes));
