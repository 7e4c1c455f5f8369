//! What the command finds: key, token, stdin, and nothing of ours left open.

use std::process::Stdio;

use crate::support::{LOCKER, Server, clean};

#[test]
fn the_command_finds_key_and_token_in_its_environment() {
    let server = Server::start();
    let print = r#"printf '%s %s' "$LOCKER_KEY" "$LOCKER_TOKEN""#;
    let mut last = 0;
    for _ in 0..3 {
        let output = server.run(&["lock", r"a b\x00\\", "--", "sh", "-c", print]);
        let text = String::from_utf8(output.stdout).unwrap();
        let (key, token) = text.rsplit_once(' ').unwrap();
        assert_eq!(key, r"a b\x00\\", "as it is written on the command line");
        let token: u64 = token.parse().unwrap();
        assert!(token > last, "tokens grow");
        last = token;
    }
}

#[test]
fn no_shell_looks_at_the_arguments() {
    let server = Server::start();
    let output = server.run(&["lock", "k", "--", "printf", "%s|", "$HOME", "a  b", "*"]);
    assert_eq!(output.stdout, b"$HOME|a  b|*|");
}

#[test]
fn stdin_is_the_commands() {
    let server = Server::start();
    let mut running = server.start_locker(&["lock", "k", "--", "cat"]);
    running.write("through\n");
    assert_eq!(running.line(), "through");
    running.end_stdin();
    assert_eq!(running.code(), Some(0));
}

#[test]
fn the_command_inherits_no_descriptor_of_ours() {
    let server = Server::start();
    let without = clean("ls")
        .arg("/proc/self/fd")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let within = server.run(&["lock", "k", "--", "ls", "/proc/self/fd"]);
    assert!(within.status.success());
    assert_eq!(
        String::from_utf8(within.stdout),
        String::from_utf8(without.stdout)
    );
}

#[test]
fn the_server_is_found_by_flag_before_environment() {
    let server = Server::start();
    let mut command = server.locker(&["ping"]);
    assert!(command.output().unwrap().status.success());
    command.args(["--server", "127.0.0.1:1"]);
    assert_eq!(command.output().unwrap().status.code(), Some(69));
}

#[test]
fn an_inherited_deafness_to_sigchld_does_not_hide_the_commands_end() {
    let server = Server::start();
    let script = r#"trap '' CHLD; exec "$0" lock k -- sh -c 'exit 7'"#;
    let mut shell = server.command("bash", &["-c", script, LOCKER]);
    assert_eq!(shell.status().unwrap().code(), Some(7));
    assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(0));
}

#[test]
fn a_stderr_that_takes_nothing_changes_no_exit_code() {
    let server = Server::start();
    let script = r#"exec "$0" lock --server 127.0.0.1:1 k -- true 2>/dev/full"#;
    let mut shell = server.command("bash", &["-c", script, LOCKER]);
    assert_eq!(shell.status().unwrap().code(), Some(69));
}
