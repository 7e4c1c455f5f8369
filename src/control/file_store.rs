//! The record in a directory: two copies, each replaced by writing beside it and renaming.
//!
//! ```text
//! DIR/lock     held for the life of the process (flock), holds our process id
//! DIR/state.0  the copy with an even version
//! DIR/state.1  the copy with an odd version
//! DIR/state.tmp  being written
//! ```
//! A replacement goes over the older copy, so that the newer one stands untouched until the next is
//! durable: write and fsync `state.tmp`, rename it, fsync the directory. A crash at any point
//! leaves either the old pair or the new pair. What a crash cannot leave (a damaged copy, a copy
//! missing, versions that do not follow each other) comes from the disk or from a person, and is
//! told as [`Loaded::Older`]: the lost copy may have been the newer one.

use crate::control::copies::{Broken, Copy, copy_of, judge};
use crate::control::record::{BadRecord, RECORD_BYTES, Record, Version};
use crate::control::store::{Loaded, Store, StoreError};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const COPIES: [&str; 2] = ["state.0", "state.1"];
const TEMPORARY: &str = "state.tmp";
const LOCK: &str = "lock";
/// Names that may stand in a directory that counts as empty: our own without a record, and what
/// `mkfs` puts at the root of a volume.
const EMPTY_NAMES: [&str; 3] = [LOCK, TEMPORARY, "lost+found"];

/// A data directory, locked.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// Open for fsync after a rename.
    directory: File,
    /// Never read: the lock ends with it.
    _lock: File,
}

/// Why the directory cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process holds it; its id, if it could be read.
    InUse(Option<u32>),
    /// The system refused.
    Io(StoreError),
}

impl FileStore {
    /// Opens and locks the directory, making it if it is not there.
    ///
    /// # Errors
    /// Another process holds it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        create(path).map_err(|e| OpenError::Io(failed("create", path, e)))?;
        let directory = File::open(path).map_err(|e| OpenError::Io(failed("open", path, e)))?;
        let lock = take_lock(&path.join(LOCK))?;
        Ok(Self {
            path: path.to_owned(),
            directory,
            _lock: lock,
        })
    }

    fn read_copy(&self, index: usize) -> Result<Copy, StoreError> {
        let path = self.path.join(COPIES[index]);
        let mut bytes = Vec::with_capacity(RECORD_BYTES + 1);
        // One byte more than a record tells a longer file without reading it.
        let limit = u64::try_from(RECORD_BYTES + 1).expect("a small constant");
        match File::open(&path).map(|file| file.take(limit).read_to_end(&mut bytes)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Copy::Missing),
            Err(error) | Ok(Err(error)) => return Err(failed("read", &path, error)),
            Ok(Ok(_)) => {}
        }
        Ok(match Record::decode(&bytes) {
            Ok((version, record)) if copy_of(version) == index => Copy::Whole(version, record),
            // A copy under the other's name is not what we wrote.
            Ok(_) | Err(BadRecord::Corrupt) => Copy::Corrupt,
            Err(BadRecord::Foreign) => Copy::Foreign,
        })
    }

    /// Something in the directory that is none of our files.
    fn stranger(&self) -> Result<Option<String>, StoreError> {
        let error = |e| failed("list", &self.path, e);
        for entry in fs::read_dir(&self.path).map_err(error)? {
            let name = entry.map_err(error)?.file_name();
            let ours = EMPTY_NAMES.iter().chain(&COPIES);
            if !ours.into_iter().any(|known| name == *known) {
                return Ok(Some(name.to_string_lossy().into_owned()));
            }
        }
        Ok(None)
    }

    fn foreign(&self, what: impl Into<String>) -> StoreError {
        StoreError::Foreign {
            directory: self.path.clone(),
            what: what.into(),
        }
    }

    fn conflict(&self) -> StoreError {
        StoreError::Conflict {
            directory: self.path.clone(),
        }
    }
}

impl Store for FileStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        match judge(self.read_copy(0)?, self.read_copy(1)?) {
            Ok(Loaded::Empty) => match self.stranger()? {
                None => Ok(Loaded::Empty),
                Some(name) => Err(self.foreign(format!("it has no record, but `{name}`"))),
            },
            Ok(loaded) => Ok(loaded),
            Err(Broken::Foreign(what)) => Err(self.foreign(what)),
            Err(Broken::Unreadable) => Err(StoreError::Unreadable {
                directory: self.path.clone(),
            }),
        }
    }

    fn compare_and_set(
        &mut self,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Version, StoreError> {
        let found = match self.load() {
            Ok(Loaded::Empty) => None,
            Ok(Loaded::Whole { version, .. } | Loaded::Older { version, .. }) => Some(version),
            Err(error @ StoreError::Io { .. }) => return Err(error),
            Err(_) => return Err(self.conflict()),
        };
        if found != expected {
            return Err(self.conflict());
        }
        let version = Version(expected.map_or(0, |version| version.0) + 1);
        let temporary = self.path.join(TEMPORARY);
        write_through(&temporary, &record.encode(version))
            .map_err(|e| failed("write", &temporary, e))?;
        let copy = self.path.join(COPIES[copy_of(version)]);
        fs::rename(&temporary, &copy).map_err(|e| failed("replace", &copy, e))?;
        let synced = self.directory.sync_all();
        synced.map_err(|e| failed("fsync", &self.path, e))?;
        Ok(version)
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Makes the directory for its owner alone, its parents as usual, all of it durable.
fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        // A start that ended before it could do so made it, or somebody by hand. Who may not look
        // at the parent did not make it there.
        let _ = sync_parent(path);
        return Ok(());
    }
    create_parents(path)?;
    DirBuilder::new().mode(0o700).create(path)?;
    sync_parent(path)
}

fn create_parents(path: &Path) -> io::Result<()> {
    let parent = parent_of(path);
    if parent.is_dir() {
        return Ok(());
    }
    create_parents(parent)?;
    match DirBuilder::new().create(parent) {
        Err(_) if parent.is_dir() => {}
        made => made?,
    }
    sync_parent(parent)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent_of(path))?.sync_all()
}

fn parent_of(path: &Path) -> &Path {
    let parent = path.parent();
    let named = parent.filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Takes the lock and writes our process id into it, for the message of who comes second.
fn take_lock(path: &Path) -> Result<File, OpenError> {
    let refused = |error| OpenError::Io(failed("open", path, error));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    let mut lock = options.open(path).map_err(refused)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            let read = lock.take(32).read_to_string(&mut holder);
            let process = read.ok().and_then(|_| holder.trim().parse().ok());
            return Err(OpenError::InUse(process));
        }
        Err(error) => return Err(OpenError::Io(failed("lock", path, error.into()))),
    }
    let process = format!("{}\n", std::process::id());
    let written = lock
        .set_len(0)
        .and_then(|()| lock.write_all(process.as_bytes()));
    written.map_err(refused)?;
    Ok(lock)
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
