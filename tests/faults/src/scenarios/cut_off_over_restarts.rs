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

use std::time::Duration;

use crate::clock;
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

/// Of all sessions, so a window is as long, and a little.
const TTL_MS: u64 = 1_500;

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
    for number in 0..round.pick(2, 12) {
        stage.await_some_work(200)?;
        cut_off(&mut stage, &proxy, 1 + number % 2)?;
    }
    stage.finish()
}

const fn only(exclusive: u64) -> Keys {
    Keys {
        exclusive,
        shared: 0,
        permits: 0,
    }
}

/// One cut over so many restarts.
fn cut_off(stage: &mut Stage, proxy: &Proxy, restarts: u64) -> Result<(), Trouble> {
    let at = clock::now();
    Side::BOTH.iter().for_each(|side| proxy.hold(*side));
    for _ in 0..restarts {
        stage.kill_server_and_restart()?;
        // Ends inside the window, or after it, when others have been granted.
        let is_inside = stage.dice.chance(500);
        let (shortest, longest) = if is_inside {
            (0, TTL_MS / 2)
        } else {
            (TTL_MS + 200, TTL_MS * 2)
        };
        let span = stage.dice.millis(shortest, longest);
        stage.pause(span)?;
    }
    proxy.reset();
    Side::BOTH.iter().for_each(|side| proxy.release(*side));
    stage.note_fault("cut off over restarts", at);
    Ok(())
}
