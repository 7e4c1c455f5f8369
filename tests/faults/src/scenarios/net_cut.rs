//! Packet filters between workers and the server, on networks of our own.

use std::time::Duration;

use crate::need::Need;
use crate::net::{Cut, Islands};
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;

/// One of two islands is cut off, in every way, for less than the TTL and for more.
pub(super) const NET_CUT: Scenario = Scenario {
    name: "net-cut",
    about: "workers on a network of their own lose packets, hear resets, or have their link down",
    needs: &[Need::Root, Need::Tool("ip"), Need::Tool("nft")],
    play,
};

fn play(round: &Round) -> Result<Tally, Trouble> {
    // Made first and dropped last: it outlives those who live on it.
    let islands = Islands::make(2)?;
    let mut stage = Stage::open(round, |mut setup| {
        setup.prefix = islands.server_prefix();
        setup.with("listen", islands.listen())
    })?;
    for island in 0..2 {
        let setup = WorkerSetup {
            prefix: islands.client_prefix(island),
            ..WorkerSetup::default()
        };
        stage.hire(&setup)?;
    }
    let mut cuts = Cut::ALL;
    for _ in 0..round.pick(1, 3) {
        shuffle(&mut stage, &mut cuts);
        for cut in cuts.into_iter().take(round.pick(3, Cut::ALL.len())) {
            stage.await_some_work(100)?;
            // The TTL is a second.
            let (shortest, longest) = if stage.dice.chance(500) {
                (100, 700)
            } else {
                (1_200, 2_500)
            };
            let span = stage.dice.millis(shortest, longest);
            cut_for(&mut stage, &islands, cut, span)?;
        }
    }
    stage.finish()
}

fn cut_for(stage: &mut Stage, islands: &Islands, cut: Cut, span: Duration) -> Result<(), Trouble> {
    let island = stage.dice.index(2);
    stage.fault(cut.name(), |stage| {
        islands.cut(island, cut)?;
        let paused = stage.pause(span);
        islands.heal(island, cut)?;
        paused
    })
}

fn shuffle(stage: &mut Stage, cuts: &mut [Cut]) {
    for end in (1..cuts.len()).rev() {
        cuts.swap(end, stage.dice.index(end + 1));
    }
}
