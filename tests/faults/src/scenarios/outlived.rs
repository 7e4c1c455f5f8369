//! Holds that outlive their server: the clients take them back in the grace window by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock;
use crate::history::{Deed, Nanos};
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;

/// Over crashes, stops in order, and a crash inside the window.
pub(super) const HOLDS_OUTLIVE: Scenario = Scenario {
    name: "holds-outlive",
    about: "holds longer than the server's absence: kill -9, SIGTERM or a second kill inside the \
            window, after which holders still hold, with the token they had",
    needs: &[],
    play: outlive,
};

fn outlive(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup.with("drain", "500ms"))?;
    let setup = WorkerSetup {
        clients: 2,
        leased: 0,
        work: Duration::from_millis(3_000),
        wait: Duration::from_secs(20),
        ..WorkerSetup::default()
    };
    stage.hire(&setup)?;
    // With leases too, which are renewed by nobody and end where they end.
    stage.hire(&WorkerSetup {
        leased: 700,
        lease: Duration::from_millis(3_000),
        ..setup
    })?;
    let mut outlived = 0;
    for _ in 0..round.pick(2, 6) {
        await_holders(&mut stage)?;
        let at = clock::now();
        match stage.dice.below(3) {
            0 => stage.fault("SIGTERM of the server", |stage| {
                stage.server.stop()?;
                stage.restart()
            })?,
            1 => {
                stage.kill_server_and_restart()?;
                // Some have taken their holds back by then, others have not.
                let inside = stage.dice.millis(0, 300);
                stage.pause(inside)?;
                stage.kill_server_and_restart()?;
            }
            _ => stage.kill_server_and_restart()?,
        }
        let over = clock::now();
        stage.await_everybody()?;
        outlived += released_after(&stage, at, over)?;
    }
    stage.note(format!("{outlived} holds outlived their server"));
    if outlived == 0 {
        return Err(Trouble::failed("no hold outlived its server"));
    }
    stage.finish()
}

/// Waits until some hold for so long already that they will go on for a while, most likely.
fn await_holders(stage: &mut Stage) -> Result<(), Trouble> {
    loop {
        stage.await_work(10)?;
        let mut open = 0;
        for history in stage.histories()? {
            let mut last = BTreeMap::new();
            for entry in &history.entries {
                last.insert(entry.client, &entry.deed);
            }
            let holds = |deed: &&&Deed| matches!(deed, Deed::Granted { .. } | Deed::Believe { .. });
            open += last.values().filter(holds).count();
        }
        if open >= 2 {
            return Ok(());
        }
    }
}

/// Holds granted before one instant that stood until a release begun after another.
fn released_after(stage: &Stage, granted: Nanos, released: Nanos) -> Result<usize, Trouble> {
    let mut count = 0;
    for history in stage.histories()? {
        let mut before = BTreeMap::new();
        for entry in &history.entries {
            let id = (entry.client, entry.ask);
            match entry.deed {
                Deed::Granted { .. } if entry.at < granted => drop(before.insert(id, false)),
                Deed::Releasing if entry.at > released => {
                    before.entry(id).and_modify(|is_late| *is_late = true);
                }
                Deed::Released => count += usize::from(before.get(&id) == Some(&true)),
                _ => {}
            }
        }
    }
    Ok(count)
}
