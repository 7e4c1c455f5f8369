//! Children that are shells.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::host::cpu::allowed_cores;

const PATIENCE: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Launch {
    Launch::new("/bin/sh", ["-c", script])
}

#[test]
fn a_child_runs_on_its_cores_from_the_start() {
    let last = *allowed_cores().last().unwrap();
    let mut launch = shell("grep Cpus_allowed_list /proc/self/status");
    launch.cores = vec![last];
    let said = launch.start().unwrap().finish(PATIENCE).unwrap();
    assert_eq!(said.trim(), format!("Cpus_allowed_list:\t{last}"));
}

#[test]
fn a_core_that_is_not_there_is_an_error_of_the_start() {
    let mut launch = shell("exit 0");
    for core in [1_023, 1_000_000] {
        launch.cores = vec![core];
        let error = launch.start().unwrap_err();
        assert!(matches!(error, ChildError::NotStarted { .. }), "{error}");
    }
}

#[test]
fn a_child_that_fails_tells_its_last_words_only() {
    let mut child = shell("seq 1 2000; echo goodbye >&2; exit 5")
        .start()
        .unwrap();
    let text = child.finish(PATIENCE).unwrap_err().to_string();
    assert!(text.contains("exit status: 5"), "{text}");
    assert!(text.ends_with("2000\ngoodbye"), "{text}");
    assert!(text.len() < 2_500, "{}", text.len());
}

#[test]
fn a_child_is_asked_to_end_and_may_say_farewell() {
    let mut child =
        shell("trap 'echo farewell; exit 0' TERM; echo up; while :; do sleep 0.01; done")
            .start()
            .unwrap();
    let up = |child: &Child| child.said().ok()?.contains("up").then_some(());
    child.wait_until(PATIENCE, up).unwrap();
    assert!(child.ended().is_none());
    child.stop();
    assert_eq!(child.said().unwrap(), "up\nfarewell\n");
    assert!(child.ended().is_some());
}

#[test]
fn a_child_outlives_the_thread_that_started_it() {
    let mut child = thread::spawn(|| shell("exec sleep 100").start().unwrap())
        .join()
        .unwrap();
    // The kernel would have sent the signal at the thread's end, before the join returned.
    assert!(child.ended().is_none());
}

#[test]
fn waiting_ends_with_the_child() {
    let mut child = shell("echo it is over; exit 1").start().unwrap();
    let never = child.wait_until(PATIENCE, |_| None::<()>);
    assert!(never.unwrap_err().to_string().contains("it is over"));
}

#[test]
fn waiting_is_bounded() {
    let mut child = shell("exec sleep 100").start().unwrap();
    let late = child.wait_until(Duration::ZERO, |_| None::<()>);
    let text = late.unwrap_err().to_string();
    assert!(text.contains("not ready within 0 s"), "{text}");
    assert!(text.contains("(nothing)"), "{text}");
}
