//! Reads a stream as a client does; see `locker_protocol::check`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| locker_protocol::check::answers(bytes));
