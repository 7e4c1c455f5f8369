//! Writes what follows from `table.toml`: `cargo run -p locker-protocol --example generate`.

mod rust;
mod table;

use std::{fs, path::Path};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("table.toml")).expect("table.toml is there");
    let table = table::Table::parse(&text);
    for (name, text) in rust::files(&table) {
        let path = root.join("src/generated").join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
