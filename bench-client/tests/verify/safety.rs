//! `locker-bench run` against servers that break one promise each: it is told, and how.

use std::process::{Command, Output, Stdio};

use crate::double::{Double, Fault};

/// A run of a moment against a server with this fault.
fn run(fault: Fault, arguments: &str) -> Output {
    let double = Double::start(fault);
    let mut command = Command::new(env!("CARGO_BIN_EXE_locker-bench"));
    command.arg("run").arg(double.address());
    command.args(["--warmup", "0s", "--progress", "off"]);
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::null()).output().unwrap()
}

/// Clients that share one key and hold it long enough for others to come in between.
const CONTENDED: &str = "-c 6 -d 2s --mode contended --hold 300us";
const READERS: &str = "-c 6 -d 2s --mode rw:60/40 --hold 300us";
const PERMITS: &str = "-c 8 -d 2s --mode permit:2 --hold 300us";

/// The fault is told with its rule and the story of the key.
fn is_caught(fault: Fault, arguments: &str, rule: &str) {
    let output = run(fault, arguments);
    let told = String::from_utf8_lossy(&output.stdout);
    let code = output.status.code();
    let all = format!("{fault:?}: {output:#?}");
    assert_eq!(code, Some(1), "{all}");
    assert!(told.contains(rule), "{rule}: {all}");
    assert!(told.contains("history of key"), "{all}");
    assert!(told.contains("locker get 'bench/"), "{all}");
    assert!(told.contains("is granted"), "{all}");
}

#[test]
fn a_server_that_keeps_its_promises_passes() {
    for arguments in [
        CONTENDED,
        READERS,
        PERMITS,
        "-c 4 -P 4 -d 500ms --verify=order --mode contended --hold 100us",
        "-c 4 -P 2 -d 500ms --keys 1000",
        "-c 4 -P 8 -d 500ms --one-write",
        "-c 6 -d 500ms --mode contended --hold exp:5ms --lease 10ms --wait 30ms",
    ] {
        let output = run(Fault::None, &arguments.replace("2s", "500ms"));
        assert_eq!(output.status.code(), Some(0), "{arguments}: {output:#?}");
    }
}

#[test]
fn two_holders_at_once_are_caught() {
    is_caught(Fault::GrantsTwice, CONTENDED, "rule 1 (exclusion)");
    is_caught(Fault::MixesModes, READERS, "rule 1 (exclusion)");
}

#[test]
fn a_hold_that_ends_before_its_lease_is_caught() {
    let arguments = "-c 6 -d 2s --mode contended --hold 20ms --lease 100ms";
    is_caught(Fault::ShortensLease, arguments, "rule 1 (exclusion)");
}

#[test]
fn permits_beyond_the_limit_are_caught() {
    is_caught(Fault::OverPermits, PERMITS, "rule 2 (permits)");
}

#[test]
fn tokens_that_do_not_grow_are_caught() {
    for load in [CONTENDED, READERS, PERMITS, "-c 4 -d 2s --keys 10"] {
        is_caught(Fault::ReusesToken, load, "rule 3 (tokens)");
    }
    for load in [CONTENDED, "-c 4 -d 2s --keys 10"] {
        is_caught(Fault::TokenGoesBack, load, "rule 3 (tokens)");
    }
}

#[test]
fn waiters_served_out_of_order_are_caught() {
    let proven = format!("{CONTENDED} --verify=order");
    is_caught(Fault::LastFirst, &proven, "rule 4 (order)");
    let with_time_outs = "-c 6 -d 2s --mode contended --hold 5ms --wait 50ms --verify=order";
    is_caught(Fault::LastFirst, with_time_outs, "rule 4 (order)");
    // On one connection the order is known without a read.
    let crowded = "-c 2 -P 6 -d 2s --mode contended --hold 300us";
    is_caught(Fault::SwapsOnConnection, crowded, "rule 4 (order)");
}

#[test]
fn answers_that_nobody_waits_for_are_caught() {
    for fault in [Fault::AnswersTwice, Fault::AnswersWrongId] {
        is_caught(fault, CONTENDED, "rule 5 (answered once)");
    }
    let impatient = "-c 6 -d 2s --mode contended --hold 5ms --wait 10ms";
    is_caught(
        Fault::GrantsAfterTimeout,
        impatient,
        "rule 5 (answered once)",
    );
}

#[test]
fn a_frame_that_cannot_be_read_is_told() {
    let output = run(Fault::SendsGarbage, CONTENDED);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    assert!(told.contains("broke the protocol"), "{output:#?}");
}

#[test]
fn an_answer_that_never_comes_makes_the_run_invalid() {
    let output = run(Fault::DropsAnswer, "-c 4 -d 500ms --keys 100");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{output:#?}");
    assert!(told.contains("unanswered"), "{output:#?}");
}
