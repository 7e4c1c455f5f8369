//! The edge cases known from NFSv4: a holder that is cut off while the server restarts, once and
//! twice, and comes back late.
//!
//! ```text
//!   holder   ==cut=======================================heal==>  inside or after a window
//!   server   --kill--[window]--(another is granted?)--kill--[window]--
//! ```
//!
//! Somebody else wants the holder's key all the time, or nobody does. Whatever the holder gets
//! back, it must not be what another was granted in between.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::clock;
use crate::history::{Deed, Nanos};
use crate::net::{Proxy, Side};
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;
use crate::worker::Keys;

/// Cut off over one restart, and over two.
pub(super) const CUT_OFF_OVER_RESTARTS: Scenario = Scenario {
    name: "cut-off-over-restarts",
    about: "holders cut off over one kill -9 of the server and over two come back inside and \
            after the windows, their key taken by others or not",
    needs: &[],
    play,
};

/// Of all sessions.
const TTL_MS: u64 = 1_500;
/// The bound is rounded up to 2 s, and a window is 2 % longer, and 50 ms.
const WINDOW_MS: u64 = 2_090;
/// How many workers are cut off: the first ones.
const CUT_OFF: usize = 2;
/// A client that was cut off is back by then, and is granted what nobody else wants.
const PATIENCE: Duration = Duration::from_secs(60);

fn play(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let proxy = Proxy::start(stage.server.address())?;
    let holder = WorkerSetup {
        clients: 2,
        ttl: Duration::from_millis(TTL_MS),
        keys: only(1),
        leased: 300,
        lease: Duration::from_millis(2 * TTL_MS),
        work: Duration::from_secs(2),
        wait: Duration::from_secs(30),
        server: Some(proxy.address()),
        ..WorkerSetup::default()
    };
    let lonely = WorkerSetup {
        clients: 1,
        keys: Keys {
            exclusive: 0,
            shared: 0,
            permits: 1,
        },
        ..holder.clone()
    };
    let wanting = WorkerSetup {
        clients: 1,
        ttl: Duration::from_millis(TTL_MS),
        keys: only(1),
        work: Duration::from_millis(5),
        wait: Duration::from_secs(30),
        ..WorkerSetup::default()
    };
    stage.hire(&holder)?;
    stage.hire(&lonely)?;
    stage.hire(&wanting)?;
    let mut cuts = Vec::new();
    for number in 0..round.pick(2, 12) {
        stage.await_some_work(200)?;
        await_holder(&mut stage)?;
        cuts.push(cut_off(&mut stage, &proxy, number)?);
    }
    stage.await_everybody()?;
    let (given_up, granted) = befell(&stage, &cuts)?;
    stage.note(format!(
        "{given_up} holds given up by their own deadline; {granted} grants to others meanwhile"
    ));
    if given_up == 0 || granted == 0 {
        return Err(Trouble::failed("nobody came back too late"));
    }
    stage.finish()
}

/// Waits until the lonely one has just been granted its key: it holds when the cut comes.
fn await_holder(stage: &mut Stage) -> Result<(), Trouble> {
    let (began, since) = (Instant::now(), clock::now());
    while began.elapsed() < PATIENCE {
        stage.pause(Duration::from_millis(20))?;
        let lonely = &stage.histories()?[CUT_OFF - 1];
        let last = lonely.entries.last();
        if last.is_some_and(|last| last.at > since && matches!(last.deed, Deed::Granted { .. })) {
            return Ok(());
        }
    }
    Err(Trouble::failed("nobody holds what nobody else wants"))
}

/// How many holds of those cut off were lost, and how many others were granted during cuts. An
/// honest client asks for nothing after its deadline, so that the server has none of these to
/// refuse: whether it would is for its own tests.
fn befell(stage: &Stage, cuts: &[Range<Nanos>]) -> Result<(usize, usize), Trouble> {
    let (mut given_up, mut granted) = (0, 0);
    for (number, history) in stage.histories()?.iter().enumerate() {
        for entry in &history.entries {
            let is_cut = cuts.iter().any(|cut| cut.contains(&entry.at));
            match entry.deed {
                // Found out once its work is over, maybe after the cut.
                Deed::Lost { .. } if number < CUT_OFF => given_up += 1,
                Deed::Granted { .. } if number >= CUT_OFF && is_cut => granted += 1,
                _ => {}
            }
        }
    }
    Ok((given_up, granted))
}

const fn only(exclusive: u64) -> Keys {
    Keys {
        exclusive,
        shared: 0,
        permits: 0,
    }
}

/// One cut, over one restart or two; from when to when. The first ends after the window.
fn cut_off(stage: &mut Stage, proxy: &Proxy, number: u64) -> Result<Range<Nanos>, Trouble> {
    let at = clock::now();
    Side::BOTH.iter().for_each(|side| proxy.hold(*side));
    for _ in 0..1 + number % 2 {
        stage.kill_server_and_restart()?;
        // Ends inside the window, or after it, when others have been granted.
        let is_inside = number > 0 && stage.dice.chance(500);
        let (shortest, longest) = if is_inside {
            (0, TTL_MS / 2)
        } else {
            (WINDOW_MS + 200, WINDOW_MS * 2)
        };
        let span = stage.dice.millis(shortest, longest);
        stage.pause(span)?;
    }
    let healed = clock::now();
    proxy.reset();
    Side::BOTH.iter().for_each(|side| proxy.release(*side));
    stage.note_fault("cut off over restarts", at);
    Ok(at..healed)
}
