//! Everything generated is what `table.toml` says now.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../examples/generate/docs.rs"]
mod docs;
#[path = "../examples/generate/interpreter.rs"]
mod interpreter;
#[path = "../examples/generate/outputs.rs"]
mod outputs;
#[path = "../examples/generate/rust/mod.rs"]
mod rust;
#[path = "../examples/generate/table.rs"]
mod table;
#[path = "../examples/generate/vectors/mod.rs"]
mod vectors;

#[test]
fn generated_files_are_what_the_table_says() {
    for (path, text) in outputs::all() {
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{} is stale: run `cargo run -p locker-protocol --example generate`",
            path.file_name().unwrap().display()
        );
    }
}
