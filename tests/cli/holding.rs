//! Without a command: one line of JSON, and the lock until stdin ends or a signal comes.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{LOCKER, Server};

#[test]
fn one_line_of_json_tells_what_is_held() {
    let server = Server::start();
    let mut holder = server.start_locker(&["lock", r"k\x07"]);
    let line: Value = serde_json::from_str(&holder.line()).unwrap();
    assert_eq!(line["key"], r"k\x07");
    assert!(line["token"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(line["until"].is_null(), "as long as the session");
    let sessions = server.json(&["sessions", "-o", "json"]);
    let found = sessions
        .as_array()
        .unwrap()
        .iter()
        .any(|it| it["session"] == line["session"]);
    assert!(found, "{line} in {sessions}");
}

#[test]
fn a_lease_has_an_end() {
    let server = Server::start();
    let mut holder = server.start_locker(&["lock", "--lease", "1h", "k"]);
    let line: Value = serde_json::from_str(&holder.line()).unwrap();
    assert!(line["until"].as_u64().unwrap() > 0);
}

#[test]
fn the_end_of_stdin_releases() {
    let server = Server::start();
    let mut holder = server.hold("k");
    holder.write("whatever\n");
    assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(1));
    holder.end_stdin();
    assert_eq!(holder.code(), Some(0));
    assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(0));
}

#[test]
fn the_help_s_example_holds_until_its_bash_ends() {
    let server = Server::start();
    let help = server.run(&["lock", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let line = help
        .lines()
        .find(|line| line.contains("coproc"))
        .expect("the help has an example without a command");
    let (example, _) = line.trim().split_once("  ").unwrap();
    // With `exit` this is no last command, for which bash would make way, and its pipes close.
    let script = example.replace("locker", "\"$0\"") + "; \"$0\" lock -n demo -- true; exit $?";
    let mut bash = server.command("bash", &["-c", &script, LOCKER]);
    assert_eq!(bash.status().unwrap().code(), Some(1), "{script}");
    assert_eq!(server.code(&["lock", "demo", "--", "true"]), Some(0));
}

#[test]
fn a_signal_releases() {
    let server = Server::start();
    let mut holder = server.hold("k");
    holder.signal(Signal::TERM);
    assert_eq!(holder.code(), Some(143));
    assert_eq!(server.code(&["lock", "-n", "k", "--", "true"]), Some(0));
}

#[test]
fn a_loss_ends_the_holding() {
    let server = Server::start();
    let mut holder = server.hold("k");
    assert!(
        server
            .run(&["release", "--force", "k", "--reason", "test"])
            .status
            .success()
    );
    assert_eq!(holder.code(), Some(76));
}
