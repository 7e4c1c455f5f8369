//! Comparisons of two runs.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::json;

fn report() -> Report {
    json::read(include_str!("../../../tests/report/golden/report-1.json")).unwrap()
}

#[test]
fn a_run_against_itself_is_one_to_one() {
    let report = report();
    let comparison = Comparison::of([("a", &report), ("b", &report)]);
    assert!(comparison.like_with_like());
    let ratios: Vec<_> = comparison.rows.iter().filter_map(Row::ratio).collect();
    assert!(ratios.len() > 20 && ratios.iter().all(|ratio| *ratio == 1.0));
    assert!(comparison.text().contains("the same configuration"));
}

#[test]
fn settings_that_differ_are_told_first() {
    let (first, mut second) = (report(), report());
    second.configuration.keys = 7;
    second.configuration.wait_ms = Some(5);
    second.machine.kernel = "6.13".into();
    let comparison = Comparison::of([("a", &first), ("b", &second)]);
    let keys: Vec<_> = comparison
        .differences
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert_eq!(keys, ["keys", "wait_ms", "kernel"]);
    let text = comparison.text();
    assert!(text.contains("differ in keys, wait_ms, kernel"), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with("wait_ms"))
        .unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["wait_ms", "-", "5"]
    );
}

#[test]
fn ratios_are_of_the_second_over_the_first() {
    let (first, mut second) = (report(), report());
    second.rates.requests_per_s *= 2.0;
    second.server = None;
    second.handoff = None;
    let comparison = Comparison::of([("a", &first), ("b", &second)]);
    let row = |name: &str| comparison.rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!(row("requests").ratio(), Some(2.0));
    let cpu = row("server CPU per request");
    assert_eq!(
        cpu.cells()[1..],
        ["40.9 us".to_owned(), "-".into(), "-".into()]
    );
    assert_eq!(row("hand-off p50").ratio(), None);
    let told = |name: &str| comparison.rows.iter().any(|row| row.name == name);
    assert!(
        told("denied p99") && !told("denied p99.9"),
        "too few samples in both"
    );
}

#[test]
fn the_page_escapes_names_and_loads_nothing() {
    let (mut first, second) = (report(), report());
    first.configuration.mode = "<b>".into();
    let html = page(&Comparison::of([("<script>", &first), ("b", &second)]));
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert!(!html.contains("<b>contended") && !html.contains("NaN"));
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(html.contains("<figure class=\"ratios\">"));
}
