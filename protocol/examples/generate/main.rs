//! Writes what follows from `table.toml`: `cargo run -p locker-protocol --example generate`.

mod docs;
mod interpreter;
mod outputs;
mod rust;
mod table;
mod vectors;

use std::fs;

fn main() {
    for (path, text) in outputs::all() {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
