//! `locker-bench compare` as its users run it: real servers, short runs.

#![allow(clippy::unwrap_used)]

mod program;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use program::{BENCH, locker};

/// What a run says that got no processor in its measured time, as on a machine that builds.
const STARVED: &str = "nothing was measured";
/// The exit code of a comparison with such a run in it.
const NOT_ALL_COUNTED: i32 = 3;

fn command(arguments: &str) -> Command {
    let mut command = Command::new(BENCH);
    command.arg("compare").args(arguments.split_whitespace());
    command.arg("--server-bin").arg(locker());
    command.stdin(Stdio::null());
    command
}

fn compare(arguments: &str) -> Output {
    command(arguments).output().unwrap()
}

/// Nothing went wrong but, maybe, that some run got no processor; the exit code tells which.
#[track_caller]
fn assert_no_fault(output: &Output) {
    let log = text(&output.stderr);
    let mut invalid = log.lines().filter(|line| line.contains("INVALID"));
    let code = match log.contains(STARVED) {
        true => NOT_ALL_COUNTED,
        false => 0,
    };
    assert_eq!(invalid.find(|line| !line.contains(STARVED)), None, "{log}");
    assert_eq!(output.status.code(), Some(code), "{log}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_short_comparison_prints_the_table_and_the_targets() {
    let output = compare("--quick --peers locker,echo-epoll --seconds 0.2 --shapes 8x32");
    let (table, log) = (text(&output.stdout), text(&output.stderr));
    assert_no_fault(&output);
    assert!(table.contains("8x32, one write"), "{table}");
    for word in [
        "locker",
        "echo-epoll",
        "CPU: x locker",
        "not counted:",
        "target 8x32",
    ] {
        assert!(table.contains(word), "{word} in {table}");
    }
    assert!(log.contains("3/3 8x32, one write, echo-epoll"), "{log}");
}

#[test]
fn every_peer_that_is_installed_is_measured_in_every_style() {
    let folder = tempfile::tempdir().unwrap();
    let (json, html) = (folder.path().join("f.json"), folder.path().join("f.html"));
    let output = compare(&format!(
        "--rounds 1 --seconds 0.1 --shapes 2x1,2x4,contended:3 --server-shards 2 --json {} \
         --html {}",
        json.display(),
        html.display()
    ));
    let table = text(&output.stdout);
    assert_no_fault(&output);
    let document: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let skipped = document["skipped"].as_array().unwrap();
    for skipped in skipped {
        // Absent is the one reason that does not speak of a fault.
        let why = skipped["why"].as_str().unwrap();
        assert!(why.contains("not installed"), "{skipped}");
        println!("SKIPPED {}: {why}", skipped["peer"]);
        assert!(table.contains(why), "{table}");
    }
    for sample in document["samples"].as_array().unwrap() {
        assert_eq!(sample["lost"], 0, "{sample}");
        let why = sample["why_not"].as_str().unwrap_or("unsaturated");
        if why != STARVED {
            assert_eq!(why, "unsaturated", "{sample}");
            assert!(sample["pairs"].as_u64().unwrap() > 0, "{sample}");
            assert!(sample["server_cpu_ns"].as_u64().unwrap() > 0, "{sample}");
        }
    }
    let peers = 11 - skipped.len();
    let rows = document["rows"].as_array().unwrap();
    assert!(rows.len() >= 4 * (peers - 2), "{} rows", rows.len());
    let crossing = |peer: &str| {
        let mut rows = rows.iter().filter(|row| row["peer"] == peer);
        let row = rows.find(|row| row["shape"]["depth"] == 4).unwrap();
        row["lane_messages_per_request"]["median"].as_f64().unwrap()
    };
    // Half of the requests go there, and their answers back; of the others only greetings.
    let (routed, aware) = (crossing("locker-shards"), crossing("locker-aware"));
    assert!(aware < routed / 2.0, "{aware} {routed}");
    let page = std::fs::read_to_string(html).unwrap();
    assert!(
        page.contains("2x1, two trips") && page.contains("<svg"),
        "{page}"
    );
}

#[test]
fn a_unix_socket_is_compared_where_it_is_asked_for() {
    let output = compare("--rounds 1 --peers locker,locker-unix --seconds 0.1 --shapes 2x1");
    let (table, log) = (text(&output.stdout), text(&output.stderr));
    assert_no_fault(&output);
    assert!(log.contains("locker-unix is up"), "{log}");
    assert!(table.contains("locker-unix "), "{table}");
}

#[test]
fn what_cannot_be_is_refused_before_any_server_starts() {
    let cases = [
        ("--peers zookeeper", "is no peer"),
        ("--shapes 3", "is no shape"),
        ("--server-core 0 --generator-core 0", "needs two cores"),
        ("--server-core 4095", "not ours"),
    ];
    for (arguments, reason) in cases {
        let output = compare(arguments);
        let log = text(&output.stderr);
        assert!(!output.status.success(), "{arguments}");
        assert!(log.contains(reason), "{arguments}: {log}");
        assert!(!log.contains("is up"), "{arguments}: {log}");
    }
}

#[test]
fn ctrl_c_prints_the_rounds_so_far() {
    let mut command = command("--peers locker --shapes 2x1 --seconds 0.05 --rounds 1000");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("3/1000 2x1") {
        line.clear();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "it goes on for minutes"
        );
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{rest}");
    let is_told = table.contains("2x1, two trips") && table.contains("INTERRUPTED");
    assert!(is_told, "{table}");
}
