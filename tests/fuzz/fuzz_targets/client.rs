//! Calls the client's machine and answers it with anything; see `tests/fuzz/bodies`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::client::run(bytes));
