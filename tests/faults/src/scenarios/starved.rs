//! A server that has too little: descriptors, memory, processor time.

use std::fs;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use locker_client::{Client, Error, Lock};

use crate::group::{self, Group};
use crate::history::Deed;
use crate::need::Need;
use crate::program;
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::{Trouble, Trying as _};

/// Descriptors.
pub(super) const DESCRIPTORS: Scenario = Scenario {
    name: "descriptors",
    about: "a small descriptor limit and more connections than it allows: who is in works on",
    needs: &[],
    play: descriptors,
};

/// The server's own bound of memory.
pub(super) const TABLE_FULL: Scenario = Scenario {
    name: "table-full",
    about: "all of a small --memory taken by locks, and a kill -9 then: typed refusals, holders \
            untouched",
    needs: &[],
    play: table_full,
};

/// A limit of address space below what the server asks for.
pub(super) const ADDRESS_SPACE: Scenario = Scenario {
    name: "address-space",
    about: "less address space than --memory: a clear refusal to start; with enough it serves",
    needs: &[],
    play: address_space,
};

/// A control group that kills.
pub(super) const MEMORY_GROUP: Scenario = Scenario {
    name: "memory-group",
    about: "a control group with less memory than --memory: killed by the kernel under load",
    needs: &[Need::Root, Need::Folder(group::MEMORY)],
    play: memory_group,
};

/// The file of a group's limit of memory.
const MEMORY_LIMIT: &str = "memory.limit_in_bytes";

/// A quota of processor time.
pub(super) const CPU_QUOTA: Scenario = Scenario {
    name: "cpu-quota",
    about: "two shards on 15 % of one cpu, and kill -9",
    needs: &[Need::Root, Need::Folder(group::CPU)],
    play: cpu_quota,
};

fn descriptors(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |mut setup| {
        setup.limits.descriptors = Some(144);
        setup
    })?;
    if !stage.server.said().contains("descriptor") {
        let said = stage.server.said();
        return Err(Trouble::failed(format!(
            "no warning of descriptors: {said}"
        )));
    }
    stage.hire_many(2, &WorkerSetup::default())?;
    for time in 0..round.pick(1, 5) {
        stage.await_some_work(200)?;
        stage.fault("more connections than descriptors", |stage| {
            let address = stage.server.address().to_owned();
            // Some are only queued by the kernel: what matters is that they ask for descriptors.
            let connect = |_| TcpStream::connect(&address).trying("cannot connect");
            let flood: Vec<TcpStream> = (0..200).map(connect).collect::<Result<_, _>>()?;
            stage.await_work(200)?;
            if time % 2 == 1 {
                stage.server.kill();
                stage.count_kill();
                stage.restart()?;
            }
            drop(flood);
            Ok(())
        })?;
    }
    stage.finish()
}

/// Takes keys until the server has no room for one more.
fn fill(address: &str) -> Result<(Client, Vec<Lock>), Trouble> {
    fill_until(address, &AtomicBool::new(false))
}

/// The same, until told to stop at the latest.
fn fill_until(address: &str, stop: &AtomicBool) -> Result<(Client, Vec<Lock>), Trouble> {
    let failed = |error: Error| Trouble::failed(format!("while filling: {error}"));
    let client = Client::builder()
        .address(address)
        .ttl(Duration::from_secs(1));
    let client = client.connect().map_err(failed)?;
    let mut locks = Vec::new();
    loop {
        // Many at once: one after the other takes a round trip each.
        let asked: Vec<_> = (0..64)
            .map(|one| {
                client
                    .acquire(format!("fill-{}-{one}", locks.len()))
                    .try_now()
                    .start()
            })
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let before = locks.len();
        for pending in asked {
            match pending.wait() {
                Ok(lock) => locks.push(lock),
                Err(Error::Refused(_)) => {}
                // Asked of a server that was killed.
                Err(Error::NoAnswer) if stop.load(Ordering::Relaxed) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        // Keys of either shard were among them.
        if locks.len() == before || stop.load(Ordering::Relaxed) {
            return Ok((client, locks));
        }
    }
}

fn table_full(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| {
        setup.with("memory", "16MiB").with("connections", "50")
    })?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for _ in 0..round.pick(1, 3) {
        stage.await_some_work(200)?;
        let address = stage.server.address().to_owned();
        stage.fault("full table", |stage| {
            let (client, locks) = fill(&address)?;
            await_refusal(stage)?;
            // Refused are those that ask; who holds, holds.
            let lost = locks.iter().filter(|lock| !lock.is_valid()).count();
            stage.note(format!("{} locks fill it, {lost} lost", locks.len()));
            if lost > 0 {
                return Err(Trouble::failed("a full table cost holders their locks"));
            }
            stage.server.kill();
            stage.count_kill();
            stage.restart()?;
            drop(locks);
            let _ = client.close();
            Ok(())
        })?;
    }
    stage.finish()
}

/// Waits until a worker was refused for want of room.
fn await_refusal(stage: &Stage) -> Result<(), Trouble> {
    let began = Instant::now();
    let is_full = |deed: &Deed| matches!(deed, Deed::Ended { why } if why.contains("TableFull"));
    while began.elapsed() < Duration::from_secs(30) {
        let histories = stage.histories()?;
        let mut entries = histories.iter().flat_map(|history| &history.entries);
        if entries.any(|entry| is_full(&entry.deed)) {
            return Ok(());
        }
        stage.pause(Duration::from_millis(20))?;
    }
    Err(Trouble::failed(
        "nobody was refused though the table is full",
    ))
}

fn address_space(round: &Round) -> Result<Tally, Trouble> {
    let mut stage = Stage::open(round, |setup| setup.with("memory", "256MiB"))?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for _ in 0..round.pick(1, 3) {
        stage.await_some_work(200)?;
        stage.fault("too little address space", |stage| {
            stage.server.kill();
            stage.count_kill();
            stage.server.setup().limits.address_space_mib = Some(200);
            stage.server.start_without_waiting()?;
            let status = stage.server.wait_for_end()?;
            let said = stage.server.said();
            if status.code().is_none_or(|code| code == 0) || !said.contains("memory") {
                return Err(Trouble::failed(format!("{status}, not clear: {said}")));
            }
            let last = said.lines().last().unwrap_or_default();
            stage.note(format!("{status}: {last}"));
            stage.server.setup().limits.address_space_mib = Some(2_048);
            stage.restart()
        })?;
    }
    stage.finish()
}

/// What the first server may use, in bytes.
const SOME_MEMORY: u64 = 28 << 20;

/// What each server may use more than the one before: its clients take back what brought that one
/// down.
const MORE_MEMORY: u64 = 12 << 20;

fn memory_group(round: &Round) -> Result<Tally, Trouble> {
    let limit = |kills: u64| (SOME_MEMORY + kills * MORE_MEMORY).to_string();
    // The pages of its program are to be this process's, not the group's: at its limit the kernel
    // drops and reads those again and again, and nobody is killed.
    drop(fs::read(program::locker()?).trying("cannot read the server's program")?);
    let group = Group::new(group::MEMORY, &[(MEMORY_LIMIT, limit(0))])?;
    let mut stage = Stage::open(round, |mut setup| {
        setup.limits.group = vec![group.folder()];
        setup.with("memory", "256MiB")
    })?;
    stage.hire_many(2, &WorkerSetup::default())?;
    for time in 0..round.pick(1, 3) {
        stage.await_some_work(200)?;
        stage.fault("killed for want of memory", |stage| {
            let address = stage.server.address().to_owned();
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                let filling = scope.spawn(|| fill_until(&address, &stop));
                let status = stage.server.wait_for_end();
                stop.store(true, Ordering::Relaxed);
                let status = status?;
                if status.signal() != Some(9) {
                    return Err(Trouble::failed(format!(
                        "not killed by the kernel: {status}"
                    )));
                }
                stage.count_kill();
                group.set(MEMORY_LIMIT, &limit(time + 1))?;
                stage.restart()?;
                let (_, locks) = filling.join().expect("it does not panic")?;
                let back = locks.iter().filter(|lock| lock.is_valid()).count();
                stage.note(format!("{back} of {} locks outlived it", locks.len()));
                Ok(())
            })
        })?;
    }
    stage.finish()
}

fn cpu_quota(round: &Round) -> Result<Tally, Trouble> {
    let settings = [
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "15000"),
    ];
    let group = Group::new(
        group::CPU,
        &settings.map(|(file, value)| (file, value.to_owned())),
    )?;
    let mut stage = Stage::open(round, |mut setup| {
        setup.limits.group = vec![group.folder()];
        setup
    })?;
    // Enough clients to use the quota up.
    let setup = WorkerSetup {
        clients: 8,
        work: Duration::from_millis(3),
        ..WorkerSetup::default()
    };
    stage.hire_many(2, &setup)?;
    for _ in 0..round.pick(1, 5) {
        stage.await_some_work(600)?;
        stage.kill_server_and_restart()?;
    }
    stage.await_work(300)?;
    let told = group.read("cpu.stat");
    stage.note(told.trim().replace('\n', " "));
    if told.lines().any(|line| line == "nr_throttled 0") {
        return Err(Trouble::failed("the quota was never used up"));
    }
    stage.finish()
}
