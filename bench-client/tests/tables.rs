//! `locker-bench engine` and `locker-bench memory` as a user runs them, on small tables.

#![allow(clippy::unwrap_used)]

mod program;

use std::process::{Command, Output};

use program::{BENCH, locker};

fn bench(arguments: &[&str]) -> Output {
    Command::new(BENCH).args(arguments).output().unwrap()
}

/// What it printed; it succeeded.
fn printed(arguments: &[&str]) -> String {
    let output = bench(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it complained of; it failed, and printed nothing else.
fn complaint(arguments: &[&str]) -> String {
    let output = bench(arguments);
    assert!(!output.status.success(), "{arguments:?} did well");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn engine_tells_a_cost_for_each_batch() {
    let text = printed(&[
        "engine", "--locks", "500", "--rounds", "3", "--batch", "1,16",
    ]);
    let figures: Vec<Vec<f64>> = text
        .lines()
        .skip(4)
        .map(|line| {
            let words = line.split_whitespace();
            words.map(|word| word.parse().unwrap()).collect()
        })
        .collect();
    assert_eq!(figures.len(), 2, "{text}");
    for (row, batch) in figures.iter().zip([1.0, 16.0]) {
        assert_eq!(row[0], batch);
        let costs = &row[1..];
        assert!(costs.len() == 2 && costs.iter().all(|cost| *cost > 0.0 && cost.is_finite()));
    }
}

#[test]
fn the_least_table_is_measured_too() {
    let text = printed(&["engine", "--locks", "2", "--rounds", "1", "--batch", "1"]);
    assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
}

/// The number that a line with these words begins with.
fn figure(text: &str, what: &str) -> f64 {
    let line = text.lines().find(|line| line.contains(what));
    let number = line.and_then(|line| line.split(' ').next());
    number.unwrap().parse().unwrap()
}

#[test]
fn memory_tells_bytes_per_lock_and_per_waiter() {
    let text = printed(&[
        "memory",
        "--locks",
        "200000",
        "--waiters",
        "50",
        "--idle-connections",
        "0",
    ]);
    let figure = |what| figure(&text, what);
    // A block of 128 bytes each, and its share of the index; huge pages of 2 MiB round.
    assert!((128.0..200.0).contains(&figure("per lock")), "{text}");
    assert!((90.0..200.0).contains(&figure("per waiter")), "{text}");
    assert!(!text.contains("per idle connection"), "{text}");
}

#[test]
fn memory_tells_bytes_per_idle_connection_of_a_real_server() {
    let text = printed(&[
        "memory",
        "--locks",
        "1000",
        "--idle-connections",
        "300",
        "--server-bin",
        locker().to_str().unwrap(),
    ]);
    let bytes = figure(&text, "per idle connection");
    // Few connections bear the rounding to huge pages alone.
    assert!((1.0..30_000.0).contains(&bytes), "{text}");
    assert!(text.contains("300 of them"), "{text}");
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_words() {
    let output = bench(&["memory", "--locks", "1000", "--server-bin", "/bin/false"]);
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("`/bin/false serve"), "{text}");
    assert!(text.contains("exit status: 1"), "{text}");
}

#[test]
fn impossible_sizes_are_refused_with_the_reason() {
    let refusals: [(&[&str], &str); 9] = [
        (&["engine", "--locks", "0"], "0 is not in 2.."),
        (&["engine", "--block-size", "100"], "one of [96, 128"),
        (&["engine", "--batch", "129"], "129 is not in 1..=128"),
        (&["engine", "--rounds", "0"], "0 is not in 1.."),
        (&["engine", "--key-bytes", "7"], "7 is not in 8..=1024"),
        (
            &["engine", "--locks", "1000000000", "--block-size", "1024"],
            "use fewer --locks",
        ),
        (&["memory", "--locks", "0"], "0 is not in 2.."),
        (&["memory", "--waiters", "51"], "51 is not in 0..=50"),
        (&["memory", "--block-size", "0"], "one of [96, 128"),
    ];
    for (arguments, why) in refusals {
        let text = complaint(arguments);
        assert!(text.contains(why), "{arguments:?}: {text}");
    }
}

#[test]
fn idle_connections_that_cannot_be_are_refused_before_anything_is_measured() {
    let text = complaint(&["memory", "--idle-connections", "4000000000"]);
    assert!(text.contains("ulimit -Hn"), "{text}");
    let text = complaint(&["memory", "--server-bin", "/nonexistent/locker"]);
    assert!(text.contains("/nonexistent/locker"), "{text}");
}
