//! The body of the fuzz target `reports` over its committed corpus, on a stable toolchain.

#[path = "../../tests/fuzz/reports.rs"]
mod reports;

use std::path::Path;

#[test]
fn any_file_or_word_is_read_and_shown_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/reports");
    let mut names: Vec<_> = std::fs::read_dir(corpus)
        .expect("the target has a corpus")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    names.sort();
    assert!(!names.is_empty(), "the target has inputs");
    for name in names {
        println!("{}", name.display());
        reports::run(&std::fs::read(&name).expect("a readable file"));
    }
}

#[test]
fn a_report_with_any_one_value_changed_is_shown_or_refused() {
    // Every value of the example once as a list of nothing, and once as a small number.
    for place in 0..1_500_u16 {
        let [low, high] = place.to_le_bytes();
        for kind in [9, 6] {
            reports::run(&[2, low, high, kind, 200]);
        }
    }
}
