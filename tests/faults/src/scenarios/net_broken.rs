//! Connections reset, cut in half, stalled, by a proxy.

use crate::clock;
use crate::net::{Proxy, Side};
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;

/// Half of the workers go through the proxy, the others are those who would be granted.
pub(super) const NET_BROKEN: Scenario = Scenario {
    name: "net-broken",
    about: "connections reset, in the middle of frames too, cut on one side only, or stalled and \
            delivered late, by a proxy",
    needs: &[],
    play,
};

fn play(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let proxy = Proxy::start(stage.server.address())?;
    let through = WorkerSetup {
        server: Some(proxy.address()),
        ..WorkerSetup::default()
    };
    stage.hire(&through)?;
    stage.hire(&WorkerSetup::default())?;
    for _ in 0..round.pick(6, 30) {
        stage.await_some_work(100)?;
        break_once(&mut stage, &proxy)?;
    }
    stage.finish()
}

fn break_once(stage: &mut Stage, proxy: &Proxy) -> Result<(), Trouble> {
    let side = Side::BOTH[stage.dice.index(2)];
    let (kind, bytes) = (stage.dice.below(5), stage.dice.index(400));
    let at = clock::now();
    let what = match kind {
        0 => {
            proxy.reset();
            "connections reset"
        }
        1 => {
            proxy.half_cut(side);
            "connections reset on one side"
        }
        2 => {
            proxy.reset_after(bytes);
            "connections reset within a frame"
        }
        3 => return stall(stage, proxy, &[side]),
        _ => return stall(stage, proxy, &Side::BOTH),
    };
    stage.note_fault(what, at);
    Ok(())
}

/// For less than the TTL, or for more.
fn stall(stage: &mut Stage, proxy: &Proxy, sides: &[Side]) -> Result<(), Trouble> {
    let (shortest, longest) = if stage.dice.chance(500) {
        (50, 700)
    } else {
        (1_100, 2_000)
    };
    let span = stage.dice.millis(shortest, longest);
    stage.fault("connections stalled", |stage| {
        sides.iter().for_each(|side| proxy.hold(*side));
        let paused = stage.pause(span);
        sides.iter().for_each(|side| proxy.release(*side));
        paused
    })
}
