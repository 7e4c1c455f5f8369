//! Encodes messages between shards and reads them back; see `tests/fuzz/bodies`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::lanes::run(bytes));
