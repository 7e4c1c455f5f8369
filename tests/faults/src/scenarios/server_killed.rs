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

fn at_random(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for _ in 0..round.pick(2, 5) {
        stage.await_some_work(300)?;
        stage.kill_server_and_restart()?;
    }
    stage.finish()
}
