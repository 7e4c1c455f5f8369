//! The data dir: two copies that survive the process, writes that may be lost or torn.

use locker::control::copies::{Copy, copy_of, judge};
use locker::control::record::{BadRecord, Record, Version};
use locker::control::store::{Loaded, Store, StoreError};
use std::cell::RefCell;
use std::rc::Rc;

/// What lies on the disk, and the write under way.
#[derive(Debug, Default)]
pub struct Disk {
    copies: [Option<Vec<u8>>; 2],
    /// The copy that is being replaced, and what it was.
    replaced: Option<(usize, Option<Vec<u8>>)>,
    writes: u64,
}

/// What becomes of a write under way when the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It never happened.
    Lost,
    /// The copy is damaged.
    Torn,
    /// It is durable.
    Kept,
}

impl Disk {
    /// Writes so far.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// The write under way is durable.
    pub fn commit(&mut self) {
        self.replaced = None;
    }

    /// The process dies. Returns whether a write was under way.
    pub fn crash(&mut self, fate: Fate) -> bool {
        let Some((copy, before)) = self.replaced.take() else {
            return false;
        };
        match fate {
            Fate::Kept => {}
            Fate::Lost => self.copies[copy] = before,
            Fate::Torn => self.damage(copy),
        }
        true
    }

    /// The newer copy is damaged while nobody looks.
    pub fn lose_newer(&mut self) {
        let version = |copy: &Option<Vec<u8>>| match copy.as_deref().map(Record::decode) {
            Some(Ok((version, _))) => version.0,
            _ => 0,
        };
        let newer = usize::from(version(&self.copies[1]) > version(&self.copies[0]));
        let both = self.copies.iter().all(|copy| version(copy) > 0);
        if both {
            self.damage(newer);
        }
    }

    fn damage(&mut self, copy: usize) {
        if let Some(byte) = self.copies[copy].as_mut().and_then(|copy| copy.first_mut()) {
            *byte ^= 0x40;
        }
    }

    fn look(&self, copy: usize) -> Copy {
        match self.copies[copy].as_deref().map(Record::decode) {
            None => Copy::Missing,
            Some(Ok((version, record))) => Copy::Whole(version, record),
            Some(Err(BadRecord::Corrupt)) => Copy::Corrupt,
            Some(Err(BadRecord::Foreign)) => Copy::Foreign,
        }
    }
}

/// The store of one server run, on the disk that outlives it.
#[derive(Clone, Debug)]
pub struct DiskStore(pub Rc<RefCell<Disk>>);

impl Store for DiskStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let disk = self.0.borrow();
        judge(disk.look(0), disk.look(1)).map_err(|_| StoreError::Unreadable {
            directory: "sim".into(),
        })
    }

    fn compare_and_set(
        &mut self,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Version, StoreError> {
        let version = Version(expected.map_or(1, |version| version.0 + 1));
        let copy = copy_of(version);
        let mut disk = self.0.borrow_mut();
        disk.writes += 1;
        // The process goes on only once a write is durable: an earlier one is.
        let bytes = record.encode(version).to_vec();
        let before = disk.copies[copy].replace(bytes);
        disk.replaced = Some((copy, before));
        Ok(version)
    }
}
