//! A server that is killed and started again while a command runs under its lock.

use tempfile::TempDir;

use crate::support::{Server, stderr};

#[test]
fn the_command_goes_on_over_a_kill_of_the_server_with_the_same_lock() {
    let folder = TempDir::new().unwrap();
    let server = Server::start_in(folder.path());
    let script = "echo $LOCKER_TOKEN; read _; echo done";
    let flags = ["lock", "k", "--", "bash", "-c", script];
    let mut running = server.start_locker(&flags);
    let token = running.line();
    let mut waiting = server.start_locker(&["lock", "k", "--", "sh", "-c", "echo $LOCKER_TOKEN"]);
    server.wait_for_waiters("k", 1);
    let server = server.kill_and_start_in(folder.path());
    while server.json(&["get", "k", "-o", "json"])["holders_total"] == 0 {}
    let view = server.json(&["get", "k", "-o", "json"]);
    assert_eq!(view["holders"][0]["token"], *token, "{view}");
    running.write("go on\n");
    assert_eq!(running.line(), "done");
    assert_eq!(running.code(), Some(0));
    let next: u64 = waiting.line().parse().unwrap();
    assert!(next > token.parse().unwrap());
    assert_eq!(waiting.code(), Some(0));
}

#[test]
fn a_hold_without_a_command_goes_on_too() {
    let folder = TempDir::new().unwrap();
    let server = Server::start_in(folder.path());
    let mut holder = server.hold("k");
    let server = server.kill_and_start_in(folder.path());
    while server.json(&["get", "k", "-o", "json"])["holders_total"] == 0 {}
    holder.end_stdin();
    assert_eq!(holder.code(), Some(0));
}

#[test]
fn who_comes_into_the_window_is_told_how_long_it_is() {
    let folder = TempDir::new().unwrap();
    let server = Server::start_in(folder.path());
    let _holder = server.hold("k");
    let server = server.kill_and_start_in(folder.path());
    let output = server.run(&["lock", "-w", "100ms", "other", "--", "true"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("grants no lock for "), "{said}");
    let shown = server.run(&["get", "other"]);
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("after a restart"), "{shown}");
}
