//! `kill -9` of the server under load, and a start on the same data dir.

use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;

/// At random moments.
pub(super) const SERVER_KILLED: Scenario = Scenario {
    name: "server-killed",
    about: "kill -9 of the server at random moments under load, started again at once",
    needs: &[],
    play: at_random,
};

/// Before anybody could be granted anything again.
pub(super) const KILLED_IN_WINDOW: Scenario = Scenario {
    name: "killed-in-window",
    about: "kill -9 of the server, and again inside the grace window after it or around its end",
    needs: &[],
    play: in_window,
};

/// Many times in a row.
pub(super) const RESTARTED_IN_A_ROW: Scenario = Scenario {
    name: "restarted-in-a-row",
    about: "20 times kill -9 and start in a row under load, with work in between or without",
    needs: &[],
    play: in_a_row,
};

fn at_random(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for _ in 0..round.pick(2, 5) {
        stage.await_some_work(300)?;
        stage.kill_server_and_restart()?;
    }
    stage.finish()
}

fn in_window(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for _ in 0..round.pick(1, 3) {
        stage.await_some_work(300)?;
        stage.kill_server_and_restart()?;
        // The window is 1.07 s long: some kills fall after its end.
        let inside = stage.dice.millis(0, 1_300);
        stage.pause(inside)?;
        stage.kill_server_and_restart()?;
    }
    stage.finish()
}

fn in_a_row(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    stage.hire_many(2, &WorkerSetup::default())?;
    stage.await_some_work(300)?;
    for _ in 0..round.pick(6, 20) {
        stage.kill_server_and_restart()?;
        if stage.dice.chance(round.pick(200, 500)) {
            stage.await_some_work(100)?;
        } else {
            let inside = stage.dice.millis(0, 400);
            stage.pause(inside)?;
        }
    }
    stage.finish()
}
