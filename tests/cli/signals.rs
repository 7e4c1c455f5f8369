//! Signals: sent on to the command, or an end to waiting; and what dies with what.

use rustix::process::Signal;

use crate::support::{Server, is_alive};

#[test]
fn signals_reach_the_command() {
    let server = Server::start();
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
    ] {
        // Not `read`: a signal just before it blocks would wait for the next line.
        let script = format!("trap 'exit 42' {name}; echo on; while :; do :; done");
        let mut running = server.start_locker(&["lock", "k", "--", "bash", "-c", &script]);
        running.line();
        running.signal(signal);
        assert_eq!(running.code(), Some(42), "{name}");
    }
}

#[test]
fn signals_reach_what_the_command_started() {
    let server = Server::start();
    let script = "sleep 60 & echo on; wait; echo never";
    let mut running = server.start_locker(&["lock", "k", "--", "sh", "-c", script]);
    running.line();
    running.signal(Signal::TERM);
    assert_eq!(running.code(), Some(143));
    running.wait_for_all();
}

#[test]
fn a_signal_ends_a_wait_and_leaves_no_waiter() {
    let server = Server::start();
    let mut holder = server.hold("k");
    let mut waiting = server.start_locker(&["lock", "k", "--", "echo", "never"]);
    server.wait_for_waiters("k", 1);
    waiting.signal(Signal::TERM);
    assert_eq!(waiting.code(), Some(143));
    server.wait_for_waiters("k", 0);
    holder.end_stdin();
    assert_eq!(holder.code(), Some(0));
    assert_eq!(
        server.code(&["lock", "-w", "20s", "k", "--", "true"]),
        Some(0)
    );
}

#[test]
fn the_command_dies_with_a_killed_locker() {
    let server = Server::start();
    let script = "echo $$; exec sleep 60";
    let mut running = server.start_locker(&["lock", "k", "--", "sh", "-c", script]);
    let pid = running.line();
    assert!(is_alive(&pid));
    running.signal(Signal::KILL);
    running.wait();
    running.wait_for_all();
}

#[test]
fn the_lock_of_a_killed_locker_ends_with_its_ttl() {
    let server = Server::start();
    let mut running =
        server.start_locker(&["lock", "--ttl", "4s", "k", "--", "sh", "-c", "echo on; cat"]);
    running.line();
    running.signal(Signal::KILL);
    running.wait();
    assert_eq!(
        server.code(&["lock", "-n", "k", "--", "true"]),
        Some(1),
        "nobody knows it is dead"
    );
    assert_eq!(
        server.code(&["lock", "-w", "20s", "k", "--", "true"]),
        Some(0)
    );
}

#[test]
fn a_finished_command_frees_the_lock_at_once() {
    let server = Server::start();
    for _ in 0..20 {
        assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(0));
    }
}

#[test]
fn two_commands_on_one_name_run_one_after_the_other() {
    let server = Server::start();
    let mut first = server.start_locker(&["lock", "k", "--", "sh", "-c", "echo on; read _"]);
    first.line();
    let mut second = server.start_locker(&["lock", "k", "--", "echo", "second"]);
    server.wait_for_waiters("k", 1);
    first.write("\n");
    assert_eq!(first.code(), Some(0));
    assert_eq!(second.line(), "second");
    assert_eq!(second.code(), Some(0));
}
