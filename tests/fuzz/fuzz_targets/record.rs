//! Reads the data dir's record, and lives with it; see `tests/fuzz/bodies`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::record::run(bytes));
