//! `kill -9` of workers: others get their locks once the sessions have ended, and not before.

use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;

/// At random moments.
pub(super) const WORKER_KILLED: Scenario = Scenario {
    name: "worker-killed",
    about: "kill -9 of workers that hold and wait, new ones in their places",
    needs: &[],
    play: workers,
};

/// Together with the server.
pub(super) const BOTH_KILLED: Scenario = Scenario {
    name: "both-killed",
    about: "kill -9 of workers and of the server at random moments",
    needs: &[],
    play: both,
};

fn workers(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let setup = WorkerSetup::default();
    stage.hire_many(3, &setup)?;
    for _ in 0..round.pick(3, 12) {
        stage.await_some_work(150)?;
        kill_one(&mut stage);
        stage.hire(&setup)?;
    }
    stage.finish()
}

fn both(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let setup = WorkerSetup::default();
    stage.hire_many(3, &setup)?;
    for _ in 0..round.pick(2, 8) {
        stage.await_some_work(150)?;
        kill_one(&mut stage);
        if stage.dice.chance(500) {
            stage.await_some_work(20)?;
        }
        stage.kill_server_and_restart()?;
        stage.hire(&setup)?;
    }
    stage.finish()
}

/// Kills one of those that are alive.
fn kill_one(stage: &mut Stage) {
    let living = stage.living();
    let one = living[stage.dice.index(living.len())];
    stage.kill_worker(one);
}
