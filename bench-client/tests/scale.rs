//! `locker-bench scale` as its users run it, on few sessions. No figure decides here that a busy
//! machine may move.

#![allow(clippy::unwrap_used)]

mod program;

use std::process::Command;

use serde_json::Value;

use program::{BENCH, locker};

/// Runs a scenario; its figures by name. It must have run to its end.
fn figures(arguments: &str) -> impl Fn(&str) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("figures.json");
    let mut command = Command::new(BENCH);
    command.arg("scale").args(arguments.split_whitespace());
    command.arg("--server-bin").arg(locker());
    let output = command.arg("--json").arg(&json).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{complaint}");
    let document: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    move |what| {
        let mut all = document["figures"].as_array().unwrap().iter();
        let figure = all.find(|figure| figure["what"] == what);
        figure.unwrap_or_else(|| panic!("{what} in {document}"))["value"]
            .as_f64()
            .unwrap()
    }
}

#[test]
fn sessions_that_lose_their_connections_at_once_all_come_back() {
    let figure = figures("resume -c 60 --seconds 0.2");
    assert_eq!(figure("connected sessions"), 60.0);
    assert_eq!(figure("resumes that the server counted"), 60.0);
    assert_eq!(figure("sessions lost"), 0.0);
    assert_eq!(figure("locks lost, or with another token"), 0.0);
    assert!(figure("CPU per request, 60 connections") > 0.0);
}

#[test]
fn a_table_is_filled_used_and_empty_again() {
    let figure = figures("held --locks 20000 --few 10000 --seconds 0.1");
    // The probe may hold its own lock at that moment.
    assert!((20_000.0..=20_001.0).contains(&figure("locks held")));
    assert_eq!(figure("locks left"), 0.0);
    assert!(figure("exchange beside all: requests") > 0.0);
}

#[test]
fn everyone_in_a_long_queue_is_served_or_told_that_its_time_is_over() {
    let figure = figures("waiters --waiters 5000 --seconds 0.1");
    assert_eq!(figure("5000 waiters: seen by the server"), 4_999.0);
    assert_eq!(figure("timed out"), 4_999.0);
    assert_eq!(figure("told before their time"), 0.0);
    assert!(figure("1000 waiters: hand-offs") > 0.0);
}

#[test]
fn leases_end_all_and_none_before_its_time() {
    let figure = figures("leases --leases 3000 --seconds 0.1 --after 5");
    assert_eq!(figure("leases that ended"), 3_000.0);
    assert_eq!(figure("told before their time"), 0.0);
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let figure = figures("churn -c 4 --seconds 0.5");
    assert!(figure("connect, session, lock, close") > 0.0);
    assert_eq!(figure("sessions left behind"), 0.0);
    assert_eq!(figure("locks left behind"), 0.0);
}

#[test]
fn a_session_with_many_locks_ends_in_each_way() {
    let figure = figures("ending --locks 3000 -c 4 --rate 500 --seconds 0.3");
    for way in ["Close", "disconnect", "TTL"] {
        assert!(figure(&format!("{way}: others' p99 before")) > 0.0, "{way}");
        assert!(
            figure(&format!("{way}: longest turn, CPU, bucket's end")) > 0.0,
            "{way}"
        );
    }
}

#[test]
fn an_overload_takes_no_lock_from_clients_that_behave() {
    let figure = figures("overload --kind rate,hot-session,garbage,table -c 4 --seconds 0.4");
    for kind in ["rate", "hot-session", "garbage", "table"] {
        let figure = |what: &str| figure(&format!("{kind}: {what}"));
        assert!(figure("peak") > 0.0, "{kind}");
        assert!(figure("goodput in the storm") >= 0.0, "{kind}");
        assert_eq!(figure("renewals refused"), 0.0, "{kind}");
        assert_eq!(figure("refusals of other kinds"), 0.0, "{kind}");
    }
    assert!(figure("garbage: connections begun against it") > 0.0);
}

#[test]
fn locks_outlive_a_killed_server_whose_sessions_all_come_back_at_once() {
    let figure = figures("storm -c 20 --locks 3");
    assert_eq!(figure("locks held when the server was killed"), 60.0);
    assert_eq!(figure("locks reclaimed"), 60.0);
    assert_eq!(figure("reclaims that the server counted"), 60.0);
    assert_eq!(figure("reclaims refused"), 0.0);
    assert_eq!(figure("locks lost later"), 0.0);
    assert_eq!(figure("free keys granted inside the window"), 0.0);
    assert_eq!(figure("free keys granted after the window"), 1.0);
    assert_eq!(figure("held keys that refused another session"), 60.0);
    assert_eq!(figure("locks released by their old token"), 60.0);
}

#[test]
fn a_soak_does_all_it_should_and_nothing_goes_wrong() {
    let figure = figures("soak -d 3 -c 20 --rate 1000");
    for what in ["sessions opened", "grants", "cancels", "reads", "resumes"] {
        assert!(figure(what) > 0.0, "{what}");
    }
    assert!(figure("leases that ran out") > 0.0);
    assert_eq!(figure("answers that made no sense"), 0.0);
    assert_eq!(figure("frames that broke the protocol"), 0.0);
}

#[test]
fn what_cannot_be_run_is_refused_with_the_reason() {
    let output = Command::new(BENCH)
        .args(["scale", "resume", "--server-bin", "/nonexistent/locker"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("/nonexistent/locker"), "{text}");
}
