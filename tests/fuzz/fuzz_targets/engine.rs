//! Operates the lock engine; see `tests/fuzz/engine`.
#![no_main]

#[path = "../engine/mod.rs"]
mod engine;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    engine::run(bytes);
});
