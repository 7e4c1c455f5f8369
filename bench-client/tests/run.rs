//! `locker-bench run` as a user meets it: exit codes, refusals, reports, interruptions.
//!
//! No figure decides here: a busy machine may be slow.

#![allow(clippy::unwrap_used)]

mod support;

use std::net::TcpListener;

use rustix::process::Signal;
use support::{BENCH, Running, Server, bench, bench_spawn, locker, report, told};

/// A run of a moment.
const SHORT: &str = "-d 300ms --warmup 50ms -c 4 --progress off";

#[test]
fn every_mode_runs_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let modes = [
        "",
        "-P 4 --one-write",
        "-P 4 --shard-aware --server-shards 2",
        "-P 4 --socket unix",
        "--rate 500,poisson --ramp 100ms",
        "--mode contended --hold exp:1ms --verify=order",
        "--mode rw:90/10 --keys 10 --key-dist zipf:0.99",
        "--mode permit:2 --lease 1s --verify=off",
        "--mode renew --keys 100 --lease 10s",
        "--mode churn --key-dist seq",
        "--mode herd",
        "--mode hold-many --keys 20k",
    ];
    for mode in modes {
        let json = folder.path().join("report.json");
        let mut command = bench_spawn(&format!("{SHORT} {mode}"));
        let output = command.arg("--json").arg(&json).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{mode}: {}", told(&output));
        let answered = report(&json)["rates"]["answered"].as_u64();
        assert!(
            answered > Some(0),
            "{mode}: {answered:?}\n{}",
            told(&output)
        );
    }
}

#[test]
fn connections_of_a_shard_aware_run_lie_evenly_on_the_shards() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let mut command = bench_spawn(&format!("{SHORT} --shard-aware --server-shards 3"));
    let output = command.arg("--json").arg(&json).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report = report(&json);
    let shards = report["shards"].as_array().unwrap();
    let connections: Vec<_> = shards.iter().map(|shard| &shard["connections"]).collect();
    assert_eq!(connections, [2, 1, 1], "{}", told(&output));
}

#[test]
fn without_ports_of_shards_connections_stay_where_they_land_and_that_is_told() {
    let mut command = bench(&format!("{SHORT} --spawn --shard-aware --server-shards 2"));
    command.arg("--server-bin").arg(locker());
    command.args(["--server-args", "--memory 64MiB --shard-port-base none"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(
        told(&output).contains("connections on shard"),
        "{}",
        told(&output)
    );
}

#[test]
fn other_locks_are_held_while_a_run_lasts() {
    for flags in ["--held 20k", "--held 5k --server-shards 2 --shard-aware"] {
        let output = bench_spawn(&format!("{SHORT} {flags}")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(
            told(&output).contains("other locks held"),
            "{}",
            told(&output)
        );
    }
    let output = bench_spawn(&format!("{SHORT} --held 5M")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(
        told(&output).contains("table was full"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_run_writes_every_file_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bench_spawn(SHORT);
    let names = ["json", "csv", "hgrm", "html"];
    for name in names {
        command
            .arg(format!("--{name}"))
            .arg(folder.path().join(name));
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout.contains("p99") && stdout.contains("acquire"),
        "{stdout}"
    );
    for name in names {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        assert!(!bytes.is_empty(), "{name} is empty");
    }
    assert_eq!(report(&folder.path().join("json"))["schema"], 1);
}

#[test]
fn a_run_can_end_by_its_count() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let mut command = bench_spawn("-n 1000 -c 4 --warmup 0 --progress off");
    let output = command.arg("--json").arg(&json).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(report(&json)["rates"]["cycles"], 1_000);
}

#[test]
fn ctrl_c_gives_the_report_so_far() {
    let mut run = Running::start(bench_spawn("-d 10m -c 4 --warmup 100ms"));
    run.await_progress();
    run.signal(Signal::INT);
    let (code, stdout) = run.end();
    assert_eq!(code, Some(130), "{stdout}");
    assert!(
        stdout.contains("interrupted") && stdout.contains("p99"),
        "{stdout}"
    );
}

#[test]
fn a_server_that_dies_gives_a_partial_report_that_says_so() {
    let mut server = Server::start();
    let arguments = format!("{} -d 10m -c 4 --warmup 100ms", server.address);
    let mut run = Running::start(bench(&arguments));
    run.await_progress();
    server.kill();
    let (code, stdout) = run.end();
    assert_eq!(code, Some(3), "{stdout}");
    assert!(stdout.contains("the server went away"), "{stdout}");
}

#[test]
fn impossible_flags_are_refused_before_any_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let refused = [
        ("-d 1s -n 5", "-d and -n"),
        ("-t 4 -c 2", "4 threads cannot share 2 connections"),
        ("--ramp 1s", "add --rate"),
        ("--keys 3", "need at least as many"),
        ("--mode permit:0", "permit:1"),
        ("--slo p99", "--slo"),
        ("--json /proc/none/x", "cannot write"),
        ("--server-shards 2", "add --spawn"),
        ("--mode nothing", "write uncontended"),
        ("-d 10", "with its unit"),
        ("--mode churn --shard-aware", "drop --shard-aware"),
        ("--socket unix", "add --spawn"),
    ];
    for (flags, text) in refused {
        let output = bench(&format!("{address} {flags}")).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags}: {stderr}");
        assert!(stderr.contains(text), "{flags}: {stderr}");
        assert!(listener.accept().is_err(), "{flags}: it connected");
    }
}

#[test]
fn nobody_listening_is_told_with_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let output = bench(&address.to_string()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains(&address.to_string()) && stderr.contains("--spawn"),
        "{stderr}"
    );
}

#[test]
fn more_in_flight_than_the_server_has_seats_is_told() {
    let server = Server::start();
    let output = bench(&format!("{} -P 65 {SHORT}", server.address))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("64"), "{stderr}");
}

#[test]
fn a_spawned_server_gets_the_seats_that_the_run_needs() {
    let output = bench_spawn(&format!("-P 200 {SHORT}")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}

#[test]
fn a_bound_that_is_missed_gives_exit_code_99_and_one_that_is_met_0() {
    let missed = bench_spawn(SHORT)
        .args(["--slo", "p50<1us"])
        .output()
        .unwrap();
    assert_eq!(missed.status.code(), Some(99), "{}", told(&missed));
    let met = bench_spawn(SHORT)
        .args(["--slo", "err<1%"])
        .output()
        .unwrap();
    assert_eq!(met.status.code(), Some(0), "{}", told(&met));
}

#[test]
fn the_processor_time_of_a_server_that_runs_is_told_by_its_pid() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let arguments = format!("{} --pid {} {SHORT}", server.address, server.pid());
    let output = bench(&arguments).arg("--json").arg(&json).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(report(&json)["server"]["pid"], server.pid());
}

#[test]
fn the_highest_rate_is_searched_and_is_below_what_the_locks_allow() {
    // One key held for 20 ms at a time cannot be had more than 50 times a second.
    let arguments = "--mode contended --hold 20ms -c 3 --rate 10 -d 600ms --warmup 0 \
                     --progress off";
    let mut command = bench_spawn(arguments);
    let output = command.args(["--find-max", "max<500ms"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let best = stdout
        .lines()
        .find_map(|line| line.strip_prefix("highest rate: "));
    let best = best
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap();
    let best: f64 = best.parse().unwrap();
    assert!((5.0..60.0).contains(&best), "{stdout}");
}

#[test]
fn help_teaches_by_examples_and_exit_codes() {
    let output = std::process::Command::new(BENCH)
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "Load:",
        "Shape:",
        "Safety:",
        "Server:",
        "Output:",
        "Examples:",
        "Exit codes:",
    ] {
        assert!(help.contains(part), "{part}");
    }
}
