//! `locker-bench report` as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

use locker_bench::report::json;

use crate::example::Example;

fn report(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_locker-bench"));
    command
        .arg("report")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// A folder with the reports `a.json` and `b.json`, of which the second has half the keys.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut second = Example::sound();
    second.plan.workload.keys = 500;
    for (name, example) in [("a.json", Example::sound()), ("b.json", second)] {
        std::fs::write(folder.path().join(name), json::write(&example.report())).unwrap();
    }
    folder
}

#[test]
fn a_run_is_told_again_and_written_in_every_format() {
    let folder = folder();
    let flags = [
        "a.json", "--html", "a.html", "--csv", "a.csv", "--hgrm", "a.hgrm",
    ];
    let output = report(folder.path(), &flags);
    assert!(output.status.success(), "{output:?}");
    let golden = include_str!("golden/sound.txt");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), golden);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("a.html").starts_with("<!doctype html>"));
    assert!(read("a.csv").starts_with("second,"));
    assert!(read("a.hgrm").contains("#[Mean"));
}

#[test]
fn two_runs_are_compared_and_what_differs_is_named() {
    let folder = folder();
    let output = report(folder.path(), &["a.json", "b.json", "--html", "both.html"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the runs differ in keys"), "{text}");
    assert!(text.contains("1.000 x"), "{text}");
    let page = std::fs::read_to_string(folder.path().join("both.html")).unwrap();
    assert!(page.contains("b.json against a.json"));
}

#[test]
fn what_is_no_report_is_refused_with_the_reason() {
    let folder = folder();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("later.json", "{\"schema\": 2}");
    write("other.json", "{\"rate\": 2}");
    let cases = [
        (&["none.json"][..], "cannot read none.json"),
        (
            &["a.json", "later.json"],
            "later.json: its schema is number 2, this locker-bench reads",
        ),
        (
            &["other.json"],
            "other.json: it is no report of `locker-bench run --json`",
        ),
        (
            &["a.json", "--html", "none/a.html"],
            "cannot write none/a.html",
        ),
        (
            &["a.json", "b.json", "--csv", "a.csv"],
            "cannot be used with",
        ),
    ];
    for (arguments, reason) in cases {
        let output = report(folder.path(), arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(reason),
            "{arguments:?}: {said}"
        );
    }
}
