//! Every exit code that the help promises.

use std::net::TcpListener;
use std::process::Output;

use rustix::process::Signal;

use crate::support::{Server, clean, stderr};

#[test]
fn the_commands_exit_code_is_ours() {
    let server = Server::start();
    assert_eq!(server.code(&["lock", "k", "--", "true"]), Some(0));
    assert_eq!(
        server.code(&["lock", "k", "--", "sh", "-c", "exit 37"]),
        Some(37)
    );
}

#[test]
fn a_command_ended_by_a_signal_gives_128_and_its_number() {
    let server = Server::start();
    assert_eq!(
        server.code(&["lock", "k", "--", "sh", "-c", "kill -USR1 $$"]),
        Some(138)
    );
    assert_eq!(
        server.code(&["lock", "k", "--", "sh", "-c", "kill -KILL $$"]),
        Some(137)
    );
}

#[test]
fn a_command_that_cannot_be_run_gives_126_and_one_not_found_127() {
    let server = Server::start();
    let found = server.run(&["lock", "k", "--", "/etc/passwd"]);
    assert_eq!(found.status.code(), Some(126));
    assert!(stderr(&found).contains("/etc/passwd"));
    assert_eq!(
        server.code(&["lock", "k", "--", "no-such-command-here"]),
        Some(127)
    );
    assert_eq!(
        server.code(&["lock", "-n", "k", "--", "true"]),
        Some(0),
        "and the lock is free"
    );
}

#[test]
fn a_lock_that_is_taken_gives_1_or_what_is_asked_for() {
    let server = Server::start();
    let _holder = server.hold("k");
    assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(1));
    assert_eq!(
        server.code(&["lock", "--try", "-E", "9", "k", "--", "true"]),
        Some(9)
    );
    assert_eq!(
        server.code(&["lock", "-w", "10ms", "k", "--", "true"]),
        Some(1)
    );
    assert_eq!(
        server.code(&["lock", "-n", "-E0", "k", "--", "true"]),
        Some(0)
    );
    assert_eq!(
        server.code(&["lock", "-n", "-s", "k", "--", "true"]),
        Some(1)
    );
    assert_eq!(server.code(&["lock", "-n", "other", "--", "true"]), Some(0));
}

#[test]
fn shared_locks_and_permits_are_taken_together_up_to_their_limit() {
    let server = Server::start();
    let mut shared = server.start_locker(&["lock", "-s", "s"]);
    shared.line();
    assert_eq!(
        server.code(&["lock", "-n", "-s", "s", "--", "true"]),
        Some(0)
    );
    assert_eq!(server.code(&["lock", "-n", "s", "--", "true"]), Some(1));
    let mut first = server.start_locker(&["lock", "--limit", "2", "p"]);
    first.line();
    assert_eq!(
        server.code(&["lock", "-n", "--limit", "2", "p", "--", "true"]),
        Some(0)
    );
    let mut second = server.start_locker(&["lock", "--limit", "2", "p"]);
    second.line();
    assert_eq!(
        server.code(&["lock", "-n", "--limit", "2", "p", "--", "true"]),
        Some(1)
    );
    let mismatch = server.run(&["lock", "-n", "--limit", "3", "p", "--", "true"]);
    assert_eq!(mismatch.status.code(), Some(64));
    assert!(
        stderr(&mismatch).contains("LimitMismatch"),
        "{}",
        stderr(&mismatch)
    );
}

#[test]
fn wrong_usage_gives_64_and_says_what_is_right() {
    let server = Server::start();
    for (arguments, hint) in [
        (&["lock"][..], "NAME"),
        (&["lock", "-w", "10", "k"], "10s"),
        (&["lock", "-n", "-w", "1s", "k"], "cannot be used with"),
        (&["lock", "-s", "--limit", "2", "k"], "cannot be used with"),
        (&["lock", "--limit", "0", "k"], "0"),
        (&["lock", "", "--", "true"], "at least one byte"),
        (&["lock", r"a\b", "--", "true"], r"\\"),
        (&["lock", "--kill-after", "8s", "k", "--", "true"], "--ttl"),
        (&["lock", "--no-such-flag", "k"], "--help"),
        (&["get", ""], "at least one byte"),
        (&["get", "k", "-o", "xml"], "table"),
        (&["release", "k", "--reason", "x"], "--force"),
        (&["release", "--force", "k"], "--reason"),
        (&["no-such-command"], "Usage"),
    ] {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {output:?}");
        assert!(
            stderr(&output).contains(hint),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn an_unreachable_server_gives_69_and_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    assert_unreachable(&address);
}

#[test]
fn a_unix_socket_that_is_not_there_gives_69_and_is_named() {
    assert_unreachable("unix:/nowhere/locker.sock");
}

fn assert_unreachable(address: &str) {
    let run = |arguments: &[&str]| -> Output {
        let mut command = clean(env!("CARGO_BIN_EXE_locker"));
        command
            .args(arguments)
            .args(["--server", address])
            .output()
            .unwrap()
    };
    for arguments in [
        &["lock", "k"][..],
        &["get", "k"],
        &["list"],
        &["stats"],
        &["ping"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(69), "{output:?}");
        assert!(stderr(&output).contains(address), "{}", stderr(&output));
    }
}

#[test]
fn a_server_that_is_full_gives_75() {
    let server = Server::start_with(&["--sessions=1"]);
    let _holder = server.hold("k");
    let refused = server.run(&["lock", "other", "--", "true"]);
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    assert!(
        stderr(&refused).contains("SessionsFull"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn a_lock_that_is_lost_gives_76() {
    let server = Server::start();
    let mut victim =
        server.start_locker(&["lock", "k", "--", "sh", "-c", "echo on; exec sleep 60"]);
    victim.line();
    let forced = server.run(&["release", "--force", "k", "--reason", "test"]);
    assert!(forced.status.success(), "{forced:?}");
    assert_eq!(victim.code(), Some(76));
}

#[test]
fn what_is_not_for_everybody_gives_77() {
    let server = Server::start_with(&["--admin=none"]);
    for arguments in [
        &["list"][..],
        &["sessions"],
        &["release", "--force", "k", "--reason", "x"],
    ] {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(77), "{arguments:?}: {output:?}");
    }
    assert_eq!(server.code(&["get", "k"]), Some(0));
}

#[test]
fn help_and_version_are_no_errors() {
    let server = Server::start();
    for command in [
        "lock", "get", "list", "sessions", "stats", "release", "ping",
    ] {
        let output = server.run(&[command, "--help"]);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("Examples:"),
            "{command} teaches by example: {text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
    assert!(server.run(&["--version"]).status.success());
}

#[test]
fn a_release_of_nothing_gives_1() {
    let server = Server::start();
    assert_eq!(
        server.code(&["release", "--force", "k", "--reason", "x"]),
        Some(1)
    );
    let _holder = server.hold("k");
    let wrong = ["release", "--force", "k", "--token", "1", "--reason", "x"];
    assert_eq!(server.code(&wrong), Some(1));
}

#[test]
fn a_second_signal_while_a_wait_is_cancelled_ends_at_once() {
    let server = Server::start();
    let _holder = server.hold("k");
    let mut waiting = server.start_locker(&["lock", "k", "--", "true"]);
    server.wait_for_waiters("k", 1);
    server.signal(Signal::STOP);
    waiting.signal(Signal::TERM);
    waiting.signal(Signal::INT);
    let code = waiting.code();
    server.signal(Signal::CONT);
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
}
