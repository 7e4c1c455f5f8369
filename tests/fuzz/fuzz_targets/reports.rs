//! Reads files and words of the load generator; see `tests/fuzz/reports.rs`.
#![no_main]

#[path = "../reports.rs"]
mod reports;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reports::run(bytes));
