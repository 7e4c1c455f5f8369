//! All that follows from `table.toml`, by file.

use crate::table::Table;
use crate::{docs, rust, vectors};
use std::fs;
use std::path::{Path, PathBuf};

/// Each generated file and its text. The protocol's page is read and its tables replaced.
pub(crate) fn all() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let table = Table::parse(&read(&root.join("table.toml")));
    let mut outputs = Vec::new();
    for (name, text) in rust::files(&table) {
        outputs.push((root.join("src/generated").join(name), text));
    }
    outputs.push((
        root.join("tests/support/generated/meaning.rs"),
        rust::meaning(&table),
    ));
    let vectors = vectors::files(&table);
    let page = root.join("../docs/PROTOCOL.md");
    let session = vectors.iter().find(|(name, _)| *name == "session.json");
    let (_, session) = session.expect("the worked example is among the vectors");
    outputs.push((page.clone(), docs::page(&table, session, &read(&page))));
    for (name, text) in vectors {
        outputs.push((root.join("vectors").join(name), text));
    }
    outputs
}
