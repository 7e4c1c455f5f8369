//! What get, list, sessions, stats, release and ping tell.

use std::process::Output;

use serde_json::Value;

use crate::support::{Server, stderr};

fn table(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn holders_and_waiters_are_shown() {
    let server = Server::start();
    let mut holder = server.start_locker(&["lock", r"a\x00", "--lease", "1h"]);
    let told: Value = serde_json::from_str(&holder.line()).unwrap();
    let _waiter = server.start_locker(&["lock", "-w", "1h", r"a\x00"]);
    server.wait_for_waiters(r"a\x00", 1);
    let view = server.json(&["get", r"a\x00", "-o", "json"]);
    assert_eq!(view["key"], r"a\x00");
    assert_eq!(view["mode"], "exclusive");
    assert_eq!(view["holders_total"], 1);
    let held = &view["holders"][0];
    assert_eq!(held["token"], told["token"]);
    assert_eq!(held["session"], told["session"]);
    assert!(held["lease_left_ms"].as_u64().unwrap() <= 3_600_000);
    assert!(held["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(view["waiters"][0]["wait_left_ms"].as_u64().unwrap() <= 3_600_000);
    let text = table(&server, &["get", r"a\x00"]);
    assert!(
        text.contains(told["token"].as_str().unwrap()) && text.contains("WAITER"),
        "{text}"
    );
}

#[test]
fn commands_reach_a_server_by_its_unix_socket() {
    let folder = tempfile::TempDir::new().unwrap();
    let address = format!("unix:{}/s", folder.path().display());
    let server = Server::start_with(&["--listen", &address]);
    let run = |arguments: &[&str]| {
        let output = server.run(&[arguments, &["--server", &address]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["ping"]);
    let mut holder = server.start_locker(&["lock", "k", "--server", &address]);
    let told: Value = serde_json::from_str(&holder.line()).unwrap();
    let view: Value = serde_json::from_str(&run(&["get", "k", "-o", "json"])).unwrap();
    assert_eq!(view["holders"][0]["token"], told["token"]);
    assert_eq!(view["holders"][0]["peer"], "unix");
    assert!(run(&["list"]).contains('k'), "as from loopback");
    assert!(run(&["sessions"]).contains("unix"));
}

#[test]
fn a_free_lock_is_an_answer_and_no_error() {
    let server = Server::start();
    let view = server.json(&["get", "k", "-o", "json"]);
    assert_eq!(view["mode"], "free");
    assert_eq!(view["holders"], Value::Array(Vec::new()));
    assert_eq!(view["waiters"], Value::Array(Vec::new()));
}

#[test]
fn list_shows_the_locks_with_a_prefix_each_escaped() {
    let server = Server::start();
    let _holders: Vec<_> = ["a/1", r"a/\x1b[31m", "b/1"]
        .iter()
        .map(|name| server.hold(name))
        .collect();
    let locks = server.json(&["list", "a/", "-o", "json"]);
    let mut keys: Vec<&str> = locks
        .as_array()
        .unwrap()
        .iter()
        .map(|lock| lock["key"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys, ["a/1", r"a/\x1b[31m"]);
    let text = table(&server, &["list"]);
    assert!(text.contains("b/1") && !text.contains('\x1b'), "{text}");
    assert_eq!(
        server.json(&["list", "nothing", "-o", "json"]),
        Value::Array(Vec::new())
    );
}

#[test]
fn list_goes_through_every_page() {
    let server = Server::start();
    let mut holder = server.hold("first");
    let names: Vec<String> = (0..40).map(|number| format!("key-{number}")).collect();
    let _holders: Vec<_> = names.iter().map(|name| server.hold(name)).collect();
    let locks = server.json(&["list", "-o", "json"]);
    for name in &names {
        assert!(
            locks
                .as_array()
                .unwrap()
                .iter()
                .any(|lock| lock["key"] == *name),
            "{name}"
        );
    }
    holder.end_stdin();
    holder.wait();
}

#[test]
fn sessions_shows_who_is_connected() {
    let server = Server::start();
    assert_eq!(
        server.json(&["sessions", "-o", "json"]),
        Value::Array(Vec::new())
    );
    let _holder = server.hold("k");
    let sessions = server.json(&["sessions", "-o", "json"]);
    assert_eq!(
        sessions.as_array().unwrap().len(),
        1,
        "looking opens no session: {sessions}"
    );
    assert_eq!(sessions[0]["state"], "attached");
    assert_eq!(sessions[0]["holds"], 1);
    assert!(table(&server, &["sessions"]).contains("attached"));
}

#[test]
fn stats_counts() {
    let server = Server::start();
    let _holder = server.hold("k");
    let stats = server.json(&["stats", "-o", "json"]);
    assert_eq!(stats["total"]["grants"], 1);
    assert_eq!(stats["total"]["locks"], 1);
    assert_eq!(stats["shards"][0]["counters"]["locks"], 1);
    assert!(table(&server, &["stats"]).contains("grants"));
}

#[test]
fn ping_tells_who_answers() {
    let server = Server::start();
    let pong = server.json(&["ping", "-o", "json"]);
    assert_eq!(pong["shards"], 1);
    assert_eq!(pong["ephemeral"], true);
    assert!(pong["round_trip_us"].as_u64().is_some());
    assert!(table(&server, &["ping"]).contains("round trip"));
}

#[test]
fn a_forced_release_closes_the_lock_until_the_holder_must_know() {
    let server = Server::start();
    let _holder = server.hold("k");
    let forced = server.json(&["release", "--force", "k", "--reason", "test", "-o", "json"]);
    assert_eq!(forced["ended"], 1);
    let refused = server.code(&["lock", "-n", "k", "--", "true"]);
    assert_eq!(refused, Some(1), "closed for the holder's TTL");
    let view = server.json(&["get", "k", "-o", "json"]);
    assert!(view["closed_ms"].as_u64().unwrap() > 0, "{view}");
}

#[test]
fn a_forced_release_now_opens_the_lock_at_once_with_a_warning() {
    let server = Server::start();
    let mut holder = server.start_locker(&["lock", "k"]);
    let told: Value = serde_json::from_str(&holder.line()).unwrap();
    let token = told["token"].as_str().unwrap();
    let arguments = [
        "release", "--force", "--now", "--token", token, "k", "--reason", "test",
    ];
    let output = server.run(&arguments);
    assert!(output.status.success(), "{output:?}");
    assert!(stderr(&output).contains("--now"));
    assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(0));
}

#[test]
fn a_server_is_reached_by_its_unix_socket_and_shows_who_came_that_way() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:{}", folder.path().join("locker.sock").display());
    let server = Server::start_with(&[&format!("--listen=127.0.0.1:0,{address}")]);
    let unix = |arguments: &[&str]| -> Output {
        let command = &mut server.locker(arguments);
        command.args(["--server", &address]).output().unwrap()
    };
    assert!(unix(&["ping"]).status.success());
    let show = ["lock", "k", "--", env!("CARGO_BIN_EXE_locker"), "get", "k"];
    let mut command = server.locker(&show);
    let shown = command.env("LOCKER_SERVER", &address).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && text.contains("unix"), "{text}");
}
