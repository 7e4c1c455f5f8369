//! Clocks that jump, and clocks that run too fast or too slow.

use std::time::Duration;

use crate::bend;
use crate::check::Rule;
use crate::clock;
use crate::need::Need;
use crate::net::{Proxy, Side};
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::{Trouble, Trying as _};
use crate::worker::Keys;

/// The wall clock is set, of server and workers, also while the server is down.
pub(super) const WALL_JUMPS: Scenario = Scenario {
    name: "wall-jumps",
    about: "the wall clock jumps by seconds and by decades, also over a kill -9 of the server",
    needs: &[Need::Faketime],
    play: wall_jumps,
};

/// The client's clock is slow or fast by as much as its margin of 10 % bears.
pub(super) const CLIENT_RATE: Scenario = Scenario {
    name: "client-rate",
    about: "clients of one clock, which runs at x0.92 and at x1.08, are cut off while they hold",
    needs: &[Need::Faketime],
    play: client_rate,
};

/// More than any margin bears: it has to be seen, and the tokens have to keep the resource whole.
pub(super) const CLIENT_RATE_HALF: Scenario = Scenario {
    name: "client-rate-half",
    about: "clients whose clock runs at half the rate believe too long: the checker sees it, the \
            resource is safe",
    needs: &[Need::Faketime],
    play: client_rate_half,
};

/// The server's clock is off, by as much as a client's margin of 10 % bears.
pub(super) const SERVER_RATE: Scenario = Scenario {
    name: "server-rate",
    about: "the server's clock runs at x0.92 and at x1.08, clients of one clock are cut off",
    needs: &[Need::Faketime],
    play: server_rate,
};

/// More than any margin bears.
pub(super) const SERVER_RATE_DOUBLE: Scenario = Scenario {
    name: "server-rate-double",
    about: "the server's clock runs at twice the rate: the checker sees that clients of the usual \
            margin believe too long, the resource is safe",
    needs: &[Need::Faketime],
    play: server_rate_double,
};

/// The first has to be seen broken; that the resource refuses one who believes follows from it.
const TOO_LONG: &[Rule] = &[Rule::Exclusion, Rule::RefusedHolder];

/// Seconds by which the wall clock is off, one after the other: to before the year 2000 too.
const JUMPS: &[i64] = &[3_600, -3_600, 1, -1_000_000_000, 0, 900_000_000, -86_400, 5];

fn wall_jumps(round: &Round) -> Result<Tally, Trouble> {
    let folder = crate::folder::fresh()?;
    let file = folder.path().join("offset");
    let set =
        |seconds: i64| std::fs::write(&file, format!("{seconds:+}s\n")).trying("cannot write");
    set(0)?;
    let environment = bend::wall_by(&file)?;
    let mut stage = Stage::open(round, |mut setup| {
        setup.environment.clone_from(&environment);
        setup
    })?;
    let setup = WorkerSetup {
        environment,
        ..WorkerSetup::default()
    };
    stage.hire_many(2, &setup)?;
    for seconds in JUMPS.iter().take(round.pick(4, JUMPS.len())) {
        stage.await_some_work(200)?;
        let at = clock::now();
        set(*seconds)?;
        stage.note_fault("the wall clock jumps", at);
        stage.await_some_work(200)?;
        if stage.dice.chance(600) {
            stage.kill_server_and_restart()?;
        }
    }
    stage.finish()
}

fn client_rate(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let _proxy = cut_off(&mut stage, &[Some(0.92), Some(1.08)], round.pick(2, 20))?;
    stage.finish()
}

fn client_rate_half(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    stage.expect(TOO_LONG);
    let _proxy = cut_off(&mut stage, &[Some(0.5)], 20)?;
    stage.finish()
}

fn server_rate(round: &Round) -> Result<Tally, Trouble> {
    let rate = if round.seed.is_multiple_of(2) {
        0.92
    } else {
        1.08
    };
    let mut stage = bent_server(round, rate)?;
    stage.note(format!("the server's clock runs at x{rate}"));
    let _proxy = cut_off(&mut stage, &[Some(1.0), Some(1.0)], round.pick(2, 20))?;
    stage.finish()
}

fn server_rate_double(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = bent_server(round, 2.0)?;
    stage.expect(TOO_LONG);
    let _proxy = cut_off(&mut stage, &[None], 20)?;
    stage.finish()
}

/// A server whose clock runs at that rate.
pub(super) fn bent_server(round: &Round, rate: f64) -> Result<Stage, Trouble> {
    if round.is_short {
        let why = "a server whose clock is bent is a build of its own: in a campaign only";
        return Err(Trouble::Skipped(why.to_owned()));
    }
    let environment = bend::at_rate(rate)?;
    Stage::open(round, |mut setup| {
        setup.is_bent = true;
        setup.environment = environment;
        setup
    })
}

/// Workers of these rates, which hold long, are cut off again and again for twice the TTL, while
/// one with true clocks wants the same key. They go on through the proxy for as long as it lives.
fn cut_off(stage: &mut Stage, rates: &[Option<f64>], times: usize) -> Result<Proxy, Trouble> {
    let keys = Keys {
        exclusive: 1,
        shared: 0,
        permits: 0,
    };
    let proxy = Proxy::start(stage.server.address())?;
    for rate in rates {
        let setup = WorkerSetup {
            clients: 2,
            keys,
            leased: 300,
            lease: Duration::from_millis(1_500),
            work: Duration::from_secs(2),
            wait: Duration::from_secs(30),
            clock_rate: *rate,
            server: Some(proxy.address()),
            ..WorkerSetup::default()
        };
        stage.hire(&setup)?;
    }
    let wanting = WorkerSetup {
        clients: 1,
        keys,
        work: Duration::from_millis(5),
        wait: Duration::from_secs(30),
        ..WorkerSetup::default()
    };
    stage.hire(&wanting)?;
    for _ in 0..times {
        // A hold that ended of itself in the wrong moment shows nothing: once more.
        if stage.has_seen_expected()? {
            break;
        }
        stage.await_some_work(300)?;
        stage.fault("cut off for twice the TTL", |stage| {
            Side::BOTH.iter().for_each(|side| proxy.hold(*side));
            let paused = stage.pause(Duration::from_secs(2));
            proxy.reset();
            Side::BOTH.iter().for_each(|side| proxy.release(*side));
            paused
        })?;
    }
    Ok(proxy)
}
