//! What is written, against files that hold what was written before.
//!
//! `GOLDEN=write cargo test -p locker-bench --test report` writes them anew; read the
//! difference before you commit it.

use std::path::Path;

use locker_bench::report::facts::Ending;
use locker_bench::report::model::Part;
use locker_bench::report::text;

use crate::example::Example;

/// Compares with a file of `golden/`, or writes it.
fn golden(name: &str, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/report/golden")
        .join(name);
    if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(&path, written).unwrap();
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = before.lines().zip(written.lines()).enumerate();
    for (index, (before, now)) in lines {
        assert_eq!(
            before,
            now,
            "{name}:{}; to change it: {}",
            index + 1,
            REWRITE
        );
    }
    assert_eq!(
        before.len(),
        written.len(),
        "length of {name}; to change it: {REWRITE}"
    );
}

const REWRITE: &str = "GOLDEN=write cargo test -p locker-bench --test report";

fn narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_sound_run_reads_as_before() {
    let text = text::write(&Example::sound().report());
    narrow(&text);
    golden("sound.txt", &text);
}

#[test]
fn a_troubled_run_reads_as_before() {
    let text = text::write(&Example::troubled().report());
    narrow(&text);
    golden("troubled.txt", &text);
}

#[test]
fn a_run_with_a_violation_says_so_first_and_last() {
    let mut example = Example::sound();
    example.ending =
        Ending::Violation("key 7: two holds at once\n  1: granted\n  2: granted".into());
    example.server = None;
    let text = text::write(&example.report());
    let first = text.lines().next().unwrap();
    assert!(first.contains("VIOLATION"), "{first}");
    assert!(
        text.ends_with("key 7: two holds at once\n  1: granted\n  2: granted\n"),
        "{text}"
    );
    golden("violation.txt", &text);
}

#[test]
fn answers_after_the_end_stay_in_the_series() {
    let report = Example::troubled().report();
    let parts: Vec<_> = report
        .series
        .seconds
        .iter()
        .map(|second| second.part)
        .collect();
    assert_eq!(parts[0], Part::Warmup);
    assert!(parts[1..11].iter().all(|part| *part == Part::Measured));
    assert_eq!(parts[11..], [Part::After]);
    assert_eq!(report.series.seconds[11].answered, 1);
}
