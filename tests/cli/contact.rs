//! A server that falls silent: the command must not outlive what is certain of its lock.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Running, Server};

/// Says when it is asked to stop, and goes on.
const STUBBORN: &str = "trap 'echo asked' TERM; echo on; while :; do sleep 0.02; done";

/// A command under a lock whose TTL is short, but not so short that a busy machine misses it.
fn start(server: &Server, flags: &[&str], script: &str) -> Running {
    let mut arguments = vec!["lock", "--ttl", "2s"];
    arguments.extend(flags);
    arguments.extend(["k", "--", "bash", "-c", script]);
    let mut running = server.start_locker(&arguments);
    assert_eq!(running.line(), "on");
    running
}

#[test]
fn without_contact_the_command_is_asked_to_stop_and_then_killed() {
    let server = Server::start();
    let mut running = start(&server, &[], STUBBORN);
    server.signal(Signal::STOP);
    let silent_since = Instant::now();
    assert_eq!(running.line(), "asked");
    assert_eq!(running.code(), Some(76));
    assert!(
        silent_since.elapsed() < Duration::from_secs(10),
        "the wait has an end"
    );
    running.wait_for_all();
    server.signal(Signal::CONT);
}

#[test]
fn a_command_that_stops_when_asked_is_not_killed() {
    let server = Server::start();
    let script = "trap 'echo tidied; exit 0' TERM; echo on; while :; do sleep 0.02; done";
    let mut running = start(&server, &[], script);
    server.signal(Signal::STOP);
    assert_eq!(running.line(), "tidied");
    assert_eq!(
        running.code(),
        Some(76),
        "it ended because of the lock, whatever it says"
    );
    server.signal(Signal::CONT);
}

#[test]
fn the_kill_reaches_what_the_command_started() {
    let server = Server::start();
    let script = "trap '' TERM; (trap '' TERM; while :; do sleep 0.02; done) & echo on; wait";
    let mut running = start(&server, &[], script);
    server.signal(Signal::STOP);
    assert_eq!(running.code(), Some(76));
    running.wait_for_all();
    server.signal(Signal::CONT);
}

#[test]
fn on_lost_kill_does_not_ask() {
    let server = Server::start();
    let mut running = start(&server, &["--on-lost", "kill"], STUBBORN);
    server.signal(Signal::STOP);
    assert_eq!(running.code(), Some(76));
    running.wait_for_all();
    server.signal(Signal::CONT);
}

#[test]
fn on_lost_continue_lets_the_command_finish_and_tells_by_the_exit_code() {
    let server = Server::start();
    let mut running = start(
        &server,
        &["--on-lost", "continue"],
        "echo on; read _; echo done",
    );
    let forced = server.run(&["release", "--force", "--now", "k", "--reason", "test"]);
    assert!(forced.status.success());
    assert_eq!(
        server.code(&["lock", "-w", "20s", "k", "--", "true"]),
        Some(0)
    );
    running.write("\n");
    assert_eq!(running.line(), "done");
    assert_eq!(running.code(), Some(76));
}

#[test]
fn a_short_silence_goes_by_unnoticed() {
    let server = Server::start();
    let script = "echo on; read _; exit 5";
    let mut running = server.start_locker(&["lock", "k", "--", "bash", "-c", script]);
    running.line();
    server.signal(Signal::STOP);
    server.signal(Signal::CONT);
    running.write("\n");
    assert_eq!(running.code(), Some(5));
}

#[test]
fn a_lease_is_renewed_while_the_command_runs() {
    let server = Server::start();
    let holder = [
        "lock",
        "--lease",
        "3s",
        "k",
        "--",
        "bash",
        "-c",
        "echo on; read _; exit 5",
    ];
    let mut running = server.start_locker(&holder);
    running.line();
    // Longer than the lease: only renewals keep the others out.
    assert_eq!(
        server.code(&["lock", "-w", "4s", "k", "--", "true"]),
        Some(1)
    );
    running.write("\n");
    assert_eq!(running.code(), Some(5));
}

#[test]
fn a_killed_server_takes_the_command_with_it_at_the_deadline() {
    let server = Server::start();
    let mut running = start(&server, &[], STUBBORN);
    drop(server);
    assert_eq!(running.line(), "asked");
    assert_eq!(running.code(), Some(76));
}
