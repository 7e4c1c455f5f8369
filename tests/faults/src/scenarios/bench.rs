//! The load generator with its own check, over restarts: what a user can do in one command.

use std::process::ExitStatus;
use std::time::Duration;

use crate::clock;
use crate::launch::LaunchOptions;
use crate::need::Need;
use crate::process::{Launch, Process};
use crate::program;
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::Stage;
use crate::trouble::Trouble;

use super::clocks;

/// With `kill -9` of the server.
pub(super) const BENCH_SURVIVES: Scenario = Scenario {
    name: "bench-survives",
    about: "kill -9 of the server and of a second generator under load of locker-bench run \
            --survive: its safety check goes on over restarts",
    needs: &[],
    play: survives,
};

/// With a data dir that is wiped under live holders, which breaks exclusion: is it found?
pub(super) const BENCH_CATCHES: Scenario = Scenario {
    name: "bench-catches",
    about: "the data dir is wiped under live holders, which the docs forbid: locker-bench run \
            --survive must find two holders",
    needs: &[],
    play: catches,
};

/// With a server whose clock runs at twice the rate: leases end while their holders believe.
pub(super) const BENCH_CATCHES_RATE: Scenario = Scenario {
    name: "bench-catches-rate",
    about: "the server's clock runs at twice the rate: locker-bench run --verify must find two \
            holders",
    needs: &[Need::Faketime],
    play: catches_rate,
};

/// How long a generator may take beyond its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a generator with these words.
fn bench(stage: &Stage, words: &str, log: &str) -> Result<Process, Trouble> {
    let mut command = vec![program::bench()?.into_os_string(), "run".into()];
    command.push(stage.server.address().into());
    command.extend(words.split(' ').map(Into::into));
    let launch = Launch {
        options: LaunchOptions {
            command,
            ..LaunchOptions::default()
        },
        log: stage.folder().join(log),
        ..Launch::default()
    };
    launch.start()
}

fn survives(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let modes = [
        "--mode contended --keys 20 --hold 1ms",
        "--mode rw:80/20 --keys 5 --hold exp:1ms",
        "--mode permit:3 --keys 5 --hold exp:2ms",
        "--mode uncontended --keys 1k --hold 1ms",
    ];
    let mode = modes[stage.dice.index(modes.len())];
    let kills = round.pick(1, 4);
    let seconds = 2 + 3 * kills;
    let words = format!(
        "{mode} -c 12 -t 2 --warmup 0s -d {seconds}s --survive 30s --progress off --seed {}",
        round.seed
    );
    let mut checked = bench(&stage, &words, "bench.log")?;
    // Its locks are in the way of the first, until its sessions are over.
    let mut other = bench(&stage, &words, "other.log")?;
    for kill in 0..kills {
        let working = stage.dice.millis(300, 1_500);
        stage.pause(working)?;
        if kill == 0 {
            other.kill();
            stage.count_kill();
        }
        stage.kill_server_and_restart()?;
    }
    let ended = checked.wait(Duration::from_secs(seconds) + PATIENCE);
    let said = checked.said();
    if ended.and_then(|status| status.code()) != Some(0) {
        return Err(Trouble::failed(format!("{ended:?}: {said}")));
    }
    let told = said.lines().skip_while(|line| !line.starts_with("errors"));
    let told: Vec<&str> = told.take(4).map(str::trim).collect();
    stage.note(told.join(" "));
    if !told[0].contains("reconnect") {
        return Err(Trouble::failed(format!("no reconnect: {said}")));
    }
    stage.finish()
}

fn catches(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let words = "--mode contended --keys 3 --hold 700ms -c 12 -t 2 --warmup 0s -d 30s \
                 --survive 30s --progress off";
    let mut checked = bench(&stage, words, "bench.log")?;
    for _ in 0..4 {
        stage.pause(Duration::from_millis(1_000))?;
        stage.fault("a wiped data dir", |stage| {
            stage.server.kill();
            stage.count_kill();
            let wiped = std::fs::remove_dir_all(stage.server.data_dir());
            wiped.map_err(|error| Trouble::failed(error.to_string()))?;
            stage.restart()
        })?;
        let ended = checked.wait(Duration::from_millis(1_500));
        if ended.is_some() {
            has_found_two_holders(ended, &checked)?;
            return stage.finish();
        }
    }
    Err(Trouble::failed("two holders at once were not found"))
}

fn catches_rate(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = clocks::bent_server(round, 2.0)?;
    // Longer than half of the lease, and shorter than a client of a true clock believes in it.
    let words = "--mode contended --keys 4 --lease 1s --hold 700ms -c 12 -t 2 --warmup 0s -d 20s \
                 --verify=on --progress off";
    let mut checked = bench(&stage, words, "bench.log")?;
    let ended = checked.wait(Duration::from_secs(20) + PATIENCE);
    has_found_two_holders(ended, &checked)?;
    stage.note_fault("the server's clock runs at x2", clock::now());
    stage.finish()
}

fn has_found_two_holders(ended: Option<ExitStatus>, checked: &Process) -> Result<(), Trouble> {
    let said = checked.said();
    let is_code = ended.and_then(|status| status.code()) == Some(1);
    match is_code && said.contains("held the key at once") {
        true => Ok(()),
        false => Err(Trouble::failed(format!("{ended:?}: {said}"))),
    }
}
