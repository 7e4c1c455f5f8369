//! SIGTERM with locks held, and starts after it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;

use crate::need::Need;
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;

/// With holders that stay.
pub(super) const DRAINED: Scenario = Scenario {
    name: "drained",
    about: "SIGTERM with locks held and waiters queued, then a start on the same data dir",
    needs: &[],
    play: drained,
};

/// With a kill as soon as the record changes.
pub(super) const KILLED_AFTER_CLEAN_MARK: Scenario = Scenario {
    name: "killed-after-clean-mark",
    about: "SIGTERM, and kill -9 as soon as the record on disk changes: between the clean mark and \
            the exit",
    needs: &[],
    play: killed_after_mark,
};

/// With a kill at each system call that makes the record durable.
pub(super) const KILLED_AT_EACH_WRITE: Scenario = Scenario {
    name: "killed-at-each-write",
    about: "SIGKILL at the n-th fsync or rename of the server, whatever it is writing then",
    needs: &[Need::Tool("strace")],
    play: killed_at_each_write,
};

fn drained(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup.with("drain", "1s"))?;
    let setup = WorkerSetup {
        work: Duration::from_millis(1_500),
        ..WorkerSetup::default()
    };
    stage.hire(&setup)?;
    stage.hire(&WorkerSetup::default())?;
    for _ in 0..round.pick(1, 4) {
        stage.await_some_work(200)?;
        stage.fault("SIGTERM of the server", |stage| {
            stage.server.stop()?;
            stage.restart()
        })?;
    }
    stage.finish()
}

fn killed_after_mark(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup.with("drain", "1s"))?;
    // Short work: now and then no hold is left at the end of the drain.
    stage.hire_many(2, &WorkerSetup::default())?;
    let wanted = round.pick(1, 8);
    let (mut hits, mut tries) = (0, 0);
    while hits < wanted && tries < 8 * wanted {
        tries += 1;
        stage.await_some_work(200)?;
        stage.fault("kill -9 after the clean mark", |stage| {
            let end = kill_once_marked(stage)?;
            hits += u64::from(end == End::Killed);
            stage.restart()?;
            let has_window = stage.server.said().contains("grace window of");
            match has_window == (end == End::Unmarked) {
                true => Ok(()),
                false => Err(Trouble::failed(format!("{end:?}, window: {has_window}"))),
            }
        })?;
    }
    stage.note(format!(
        "{hits} of {tries} stops were cut short after the mark"
    ));
    match hits {
        0 => Err(Trouble::failed(
            "no kill came between the mark and the exit",
        )),
        _ => stage.finish(),
    }
}

/// How a server ended that was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By itself, without the clean mark.
    Unmarked,
    /// By itself, marked clean.
    Marked,
    /// By SIGKILL, marked clean.
    Killed,
}

/// SIGTERM, and SIGKILL once the record has changed: in a drain only the clean mark changes it.
fn kill_once_marked(stage: &mut Stage) -> Result<End, Trouble> {
    let before = changed(stage);
    stage.server.running().signal(Signal::TERM);
    let began = Instant::now();
    while changed(stage) == before && stage.server.running().ended().is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            return Err(Trouble::failed("the drain does not end"));
        }
    }
    stage.server.running().signal(Signal::KILL);
    let status = stage.server.wait_for_end()?;
    if changed(stage) == before {
        return Ok(End::Unmarked);
    }
    if status.signal() != Some(9) {
        return Ok(End::Marked);
    }
    stage.count_kill();
    Ok(End::Killed)
}

/// When each copy of the record was changed.
fn changed(stage: &Stage) -> Vec<Option<SystemTime>> {
    let copies = ["state.0", "state.1"].map(|copy| stage.server.data_dir().join(copy));
    let modified = copies.iter().map(|copy| fs::metadata(copy)?.modified());
    modified.map(Result::ok).collect()
}

/// The steps of a durable write, by their system calls.
const STEPS: [&str; 2] = ["fsync", "rename"];

fn killed_at_each_write(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup.with("drain", "1s"))?;
    stage.hire_many(2, &WorkerSetup::default())?;
    let times = round.pick(4, 16);
    for time in 0..times {
        stage.await_some_work(100)?;
        stage.server.kill();
        let step = STEPS[time % STEPS.len()];
        let count = stage.dice.between(1, 7);
        let inject = format!("inject={step}:signal=KILL:when={count}");
        let trace = format!("trace={step}");
        // -D: the server stays our child, and the tracer is nobody's.
        let words = [
            "strace",
            "-D",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &trace,
            "-e",
            &inject,
        ];
        stage.fault("SIGKILL at a durable write", |stage| {
            stage.server.setup().prefix = words.iter().map(Into::into).collect();
            stage.server.start_without_waiting()?;
            // It dies at its start, at the first session, at the window's end, in the drain; or it
            // makes fewer steps than that.
            let ready = stage.server.wait_until_ready();
            if ready.is_ok() {
                stage.pause(Duration::from_millis(1_500))?;
                stage.server.running().signal(Signal::TERM);
            }
            let status = stage.server.wait_for_end()?;
            match (status.signal(), ready) {
                (Some(9), _) => stage.count_kill(),
                (_, Err(trouble)) => return Err(trouble),
                (_, Ok(())) => stage.note(format!("fewer than {count} {step}")),
            }
            stage.server.setup().prefix.clear();
            stage.restart()
        })?;
    }
    stage.finish()
}
