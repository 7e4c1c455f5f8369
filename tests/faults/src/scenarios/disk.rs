//! A disk that takes no more: the server stops where it cannot keep a promise, and says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::need::Need;
use crate::process;
use crate::scenario::{Round, Scenario, Tally};
use crate::stage::{Stage, WorkerSetup};
use crate::trouble::{Trouble, Trying as _};

/// Full.
pub(super) const DISK_FULL: Scenario = Scenario {
    name: "disk-full",
    about: "no space left where the data dir lies: no promise that is not durable, a clear end",
    needs: &[Need::Root],
    play: |round| play(round, &FULL),
};

/// Read-only.
pub(super) const DISK_READ_ONLY: Scenario = Scenario {
    name: "disk-read-only",
    about: "the data dir becomes read-only: no promise that is not durable, a clear end",
    needs: &[Need::Root],
    play: |round| play(round, &READ_ONLY),
};

/// A way to break a disk, and to mend it.
struct Damage {
    name: &'static str,
    /// What the server has to say.
    words: &'static str,
    begin: fn(&Path) -> Result<(), Trouble>,
    end: fn(&Path) -> Result<(), Trouble>,
}

const FULL: Damage = Damage {
    name: "full disk",
    words: "No space left on device",
    begin: |disk| {
        // Blocks of a page: until not one is left.
        let mut page = fs::File::create(disk.join("filler")).trying("cannot fill the disk")?;
        let zeros = [0; 4096];
        while std::io::Write::write_all(&mut page, &zeros).is_ok() {}
        Ok(())
    },
    end: |disk| fs::remove_file(disk.join("filler")).trying("cannot empty the disk"),
};

/// The kernel refuses to take writing away from a mount with files open for it; a second mount over
/// the folder, which the server's paths lead to from then on, has none.
const READ_ONLY: Damage = Damage {
    name: "read-only disk",
    words: "Read-only file system",
    begin: |disk| {
        let folder = disk.join("data").display().to_string();
        process::run("mount", &["--bind", &folder, &folder])?;
        process::run("mount", &["-o", "remount,bind,ro", &folder]).map(drop)
    },
    end: |disk| {
        let folder = disk.join("data").display().to_string();
        process::run("umount", &[&folder]).map(drop)
    },
};

/// A small disk in memory, taken away when dropped.
#[derive(Debug)]
struct Disk(PathBuf);

impl Disk {
    fn new(folder: &Path) -> Result<Self, Trouble> {
        let path = folder.join("disk");
        fs::create_dir(&path).trying("cannot make a folder")?;
        let text = path.display().to_string();
        process::run("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs", &text])?;
        Ok(Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The server may still be there, and a second mount: lazily, with all below.
        let _ = process::run("umount", &["-l", "-R", &self.0.display().to_string()]);
    }
}

fn play(round: &Round, damage: &Damage) -> Result<Tally, Trouble> {
    let outside = crate::folder::fresh()?;
    let disk = Disk::new(outside.path())?;
    let data_dir = disk.0.join("data").display().to_string();
    let mut stage = Stage::open(round, |setup| setup.with("data-dir", &*data_dir))?;
    stage.hire_many(2, &WorkerSetup::default())?;
    // Bounds are of 1, 2, 5 ... seconds: each of these needs a greater one.
    let ttls = [1_500, 2_500].map(Duration::from_millis);
    for ttl in &ttls[..round.pick(1, 2)] {
        stage.await_some_work(200)?;
        stage.fault(damage.name, |stage| {
            (damage.begin)(&disk.0)?;
            // Nothing has to be written for locks of sessions that are there.
            stage.await_work(20)?;
            // A longer TTL than any before makes the bound grow, which has to be durable first.
            let newcomer = WorkerSetup {
                clients: 1,
                ttl: *ttl,
                ..WorkerSetup::default()
            };
            let number = stage.hire(&newcomer)?;
            refuses(stage, damage)?;
            if !stage.histories()?[number].entries.iter().all(is_no_grant) {
                return Err(Trouble::failed("granted on a promise that is not durable"));
            }
            // Nor does it start.
            stage.server.start_without_waiting()?;
            refuses(stage, damage)?;
            (damage.end)(&disk.0)?;
            stage.restart()
        })?;
    }
    stage.finish()
}

/// The server ends by itself, not with success, and says why.
fn refuses(stage: &mut Stage, damage: &Damage) -> Result<(), Trouble> {
    let status = stage.server.wait_for_end()?;
    let said = stage.server.said();
    let is_clear = said.contains(damage.words) && said.contains("data");
    match status.code() {
        Some(code) if code != 0 && is_clear => {
            let last = said.lines().last().unwrap_or_default();
            stage.note(format!("exit {code}: {last}"));
            Ok(())
        }
        _ => Err(Trouble::failed(format!("{status}, not clear: {said}"))),
    }
}

fn is_no_grant(entry: &crate::history::Entry) -> bool {
    !matches!(entry.deed, crate::history::Deed::Granted { .. })
}
