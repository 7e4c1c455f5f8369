//! SIGSTOP and SIGCONT: a server or a worker that stands still for longer than leases and TTL.

use std::time::Duration;

use crate::clock;
use crate::history::{Deed, History};
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::Trouble;
use crate::worker::Keys;
use rustix::process::Signal;

/// The server.
pub(super) const SERVER_STOPPED: Scenario = Scenario {
    name: "server-stopped",
    about: "SIGSTOP of the server for longer than lease and TTL",
    needs: &[],
    play: server,
};

/// A worker that holds and does not look at its deadline.
pub(super) const WORKER_STOPPED: Scenario = Scenario {
    name: "worker-stopped",
    about: "SIGSTOP of a careless worker that holds, for longer than lease and TTL: the resource \
            refuses its late access, and it is told of the loss",
    needs: &[],
    play: worker,
};

fn server(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for _ in 0..round.pick(1, 4) {
        stage.await_some_work(200)?;
        let span = stage.dice.millis(1_100, 3_500);
        stage.stop_server_for(span)?;
    }
    stage.finish()
}

fn worker(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup)?;
    let setup = WorkerSetup {
        clients: 1,
        keys: Keys {
            exclusive: 1,
            shared: 0,
            permits: 0,
        },
        work: Duration::from_millis(400),
        wait: Duration::from_secs(10),
        is_careless: true,
        ..WorkerSetup::default()
    };
    stage.hire_many(3, &setup)?;
    let (wanted, mut proved) = (round.pick(2, 5), 0);
    for _ in 0..4 * wanted {
        if proved == wanted {
            break;
        }
        stage.await_some_work(100)?;
        let before = refused(&stage);
        let (holder, ask) = stop_a_holder(&mut stage)?;
        let at = clock::now();
        // Longer than the TTL; then until somebody else has been at the resource.
        stage.pause(Duration::from_millis(1_500))?;
        let others = stage.await_work(1);
        stage.worker(holder).process().signal(Signal::CONT);
        others?;
        stage.note_fault("SIGSTOP of a worker", at);
        await_loss(&mut stage, holder, ask)?;
        // One that was stopped behind its last access makes no late one.
        proved += usize::from(refused(&stage) > before);
    }
    if proved < wanted {
        return Err(Trouble::failed(
            "late accesses were not refused, or never came",
        ));
    }
    stage.finish()
}

fn refused(stage: &Stage) -> usize {
    let accesses = stage.resource.accesses();
    let refused = accesses.iter().filter(|access| !access.was_accepted);
    refused.count()
}

/// Stops a worker between two accesses of one hold: which worker, and its ask.
fn stop_a_holder(stage: &mut Stage) -> Result<(usize, u64), Trouble> {
    for _ in 0..10_000 {
        let number = stage.dice.index(stage.living().len());
        if held(&stage.histories()?[number]).is_none() {
            stage.await_work(1)?;
            continue;
        }
        stage.worker(number).process().signal(Signal::STOP);
        // A signal takes a moment; what is written until then counts.
        stage.pause(Duration::from_millis(20))?;
        if let Some(ask) = held(&stage.histories()?[number]) {
            return Ok((number, ask));
        }
        stage.worker(number).process().signal(Signal::CONT);
    }
    Err(Trouble::failed("no worker could be stopped while it held"))
}

/// The ask whose hold this worker's only client is at.
fn held(history: &History) -> Option<u64> {
    let last = history.entries.last()?;
    matches!(last.deed, Deed::Granted { .. } | Deed::Believe { .. }).then_some(last.ask)
}

/// Waits for the end of the hold, which must be a loss.
fn await_loss(stage: &mut Stage, worker: usize, ask: u64) -> Result<(), Trouble> {
    loop {
        let history = stage.histories()?.swap_remove(worker);
        let mut of_ask = history.entries.iter().filter(|entry| entry.ask == ask);
        match of_ask.next_back().map(|entry| &entry.deed) {
            Some(Deed::Lost { .. }) => return Ok(()),
            Some(end @ (Deed::Released | Deed::Ended { .. })) => {
                let how = format!("a hold that others had meanwhile ended so: {end:?}");
                return Err(Trouble::failed(how));
            }
            _ => stage.await_work(1)?,
        }
    }
}
