//! A server that stalls for 200 ms: an open loop shows what its users felt, by the time at which
//! each cycle should have begun. A closed loop asks little while it stalls, and shows nothing.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::double::{Double, Fault};
use crate::proxy::Proxy;

const STALL: Duration = Duration::from_millis(200);
/// Half of the stall: above it a percentile shows the stall, below it does not.
const SHOWS_NS: u64 = 100_000_000;
/// Between two stalls: some hundred cycles.
const BYTES_BETWEEN: u64 = 100_000;

/// The latencies of cycles in a run against a server that stalls so often: of a closed loop's four
/// acquires, all may have been answered when it stalls.
fn latencies(stalls: u64, arguments: &str) -> Value {
    let double = Double::start(Fault::None);
    let proxy = Proxy::start(&double.address(), BYTES_BETWEEN, STALL, stalls);
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_locker-bench"));
    command.arg("run").arg(proxy.address());
    command.args([
        "--warmup",
        "0s",
        "--progress",
        "off",
        "--keys",
        "1000",
        "-c",
        "4",
    ]);
    command.args(arguments.split_whitespace());
    command.arg("--json").arg(&json);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:#?}");
    assert_eq!(proxy.freezes(), stalls, "{output:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let kinds = report["latencies"].as_array().unwrap();
    let cycles = kinds.iter().find(|kind| kind["kind"] == "cycle");
    cycles.unwrap().clone()
}

/// A figure from the intended or the actual start; if the two do not differ there is but one.
fn figure(latencies: &Value, start: &str, name: &str) -> u64 {
    let start = match &latencies[start] {
        Value::Null => &latencies["intended"],
        start => start,
    };
    let figure = start[name].as_u64();
    figure.unwrap_or_else(|| panic!("no {name} in {latencies}"))
}

#[test]
fn an_open_loop_shows_a_stall_that_a_closed_loop_hides() {
    let open = latencies(1, "--rate 1000 -d 2s");
    assert!(figure(&open, "intended", "p99_ns") > SHOWS_NS, "{open}");
    // By the time of sending, no more than one cycle per connection met the stall.
    assert!(figure(&open, "sent", "p99_ns") < SHOWS_NS, "{open}");
    assert!(figure(&open, "sent", "max_ns") > SHOWS_NS, "{open}");

    let closed = latencies(1, "-n 5000");
    assert!(figure(&closed, "intended", "p99_ns") < SHOWS_NS, "{closed}");
    assert!(figure(&closed, "sent", "max_ns") > SHOWS_NS, "{closed}");
}

#[test]
fn stalls_that_come_again_and_again_reach_the_open_loops_p90() {
    let open = latencies(3, "--rate 1000 -d 3s");
    assert!(
        figure(&open, "intended", "p90_ns") > SHOWS_NS / 10,
        "{open}"
    );
    assert!(figure(&open, "intended", "p99_ns") > SHOWS_NS, "{open}");
    let closed = latencies(3, "-n 5000");
    assert!(figure(&closed, "intended", "p99_ns") < SHOWS_NS, "{closed}");
}
