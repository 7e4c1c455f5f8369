//! The data dir's record: any bytes as a copy of it, and any life of a server as a sequence of
//! starts, promises, crashes and damage. The fuzz target `record`.
//!
//! The store stands in memory and keeps what `control::file_store` promises: a replacement goes
//! over the older copy and is there as a whole, or not at all. One copy may be damaged or lost at a
//! time. Then, whatever happens:
//!
//! - a run's epoch is greater than every epoch that was promised before;
//! - while a holder may live, a start opens a window that outlasts the longest TTL among them;
//! - the floor never passes the run, and the record never stands still behind what was told.

use super::feed::Feed;
use locker::control::copies::{Broken, Copy, copy_of, judge};
use locker::control::ledger::{Ledger, Start, window_ms};
use locker::control::record::{BadRecord, RECORD_BYTES, Record, Version};
use locker::control::store::{Loaded, Store, StoreError};
use locker::lock::op::ShardId;
use locker::shard::io::FromControl;
use std::path::PathBuf;

/// The first byte says whether the rest is a copy or a life.
///
/// # Panics
/// If a promise is broken.
pub(crate) fn run(bytes: &[u8]) {
    match bytes.split_first() {
        None => {}
        Some((0, copy)) => decode(copy),
        Some((1, copy)) => decode(&with_checksum(copy)),
        Some((_, life)) => Life::default().live(&mut Feed(life)),
    }
}

/// A record has one form: what decodes is written as it was.
fn decode(bytes: &[u8]) {
    match Record::decode(bytes) {
        Ok((version, record)) => assert_eq!(record.encode(version), bytes),
        Err(BadRecord::Corrupt | BadRecord::Foreign) => {}
    }
}

fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    copy.resize(RECORD_BYTES, 0);
    let checksum = crc32fast::hash(&copy[..RECORD_BYTES - 4]);
    copy[RECORD_BYTES - 4..].copy_from_slice(&checksum.to_le_bytes());
    copy
}

/// The two copies, in memory.
#[derive(Debug, Default)]
struct Copies([Option<Vec<u8>>; 2]);

impl Copies {
    fn read(&self, index: usize) -> Copy {
        let Some(bytes) = &self.0[index] else {
            return Copy::Missing;
        };
        match Record::decode(bytes) {
            Ok((version, record)) if copy_of(version) == index => Copy::Whole(version, record),
            Ok(_) | Err(BadRecord::Corrupt) => Copy::Corrupt,
            Err(BadRecord::Foreign) => Copy::Foreign,
        }
    }

    fn is_whole(&self, index: usize) -> bool {
        matches!(self.read(index), Copy::Whole(..))
    }
}

impl Store for Copies {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let directory = PathBuf::from("/data");
        judge(self.read(0), self.read(1)).map_err(|broken| match broken {
            Broken::Unreadable => StoreError::Unreadable { directory },
            Broken::Foreign(what) => StoreError::Foreign {
                directory,
                what: what.to_owned(),
            },
        })
    }

    fn compare_and_set(
        &mut self,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Version, StoreError> {
        let found = match self.load()? {
            Loaded::Empty => None,
            Loaded::Whole { version, .. } | Loaded::Older { version, .. } => Some(version),
        };
        if found != expected {
            let directory = PathBuf::from("/data");
            return Err(StoreError::Conflict { directory });
        }
        let version = Version(expected.map_or(0, |version| version.0) + 1);
        self.0[copy_of(version)] = Some(record.encode(version).to_vec());
        Ok(version)
    }
}

/// A server run: what it decided, and the version of what it wrote last.
#[derive(Debug)]
struct Run {
    ledger: Ledger,
    version: Version,
    ttl_ms_max: u32,
}

/// What the world saw of a data dir.
#[derive(Debug, Default)]
struct Life {
    copies: Copies,
    run: Option<Run>,
    /// The greatest epoch that was promised: tokens of it may be in use.
    epoch_used: u32,
    /// The longest TTL of sessions of earlier runs whose holders may live.
    believers_before: Option<u32>,
    /// The longest TTL that this run promised.
    believers_now: Option<u32>,
}

impl Life {
    fn live(mut self, feed: &mut Feed<'_>) {
        while !feed.is_empty() {
            match feed.below(16) {
                0..=3 => self.start(feed),
                4..=6 => self.wish(feed),
                7 => self.promise(feed, |ledger| ledger.wish_epoch(ShardId(0))),
                8 => {
                    if self.run.is_some() {
                        // Nobody believes any more, whatever becomes durable of it.
                        self.believers_before = None;
                    }
                    self.promise(feed, Ledger::window_passed);
                }
                9 => self.stop(),
                10 | 11 => self.run = None,
                _ => self.damage(feed),
            }
        }
    }

    /// Hurts one copy; never both at a time.
    fn damage(&mut self, feed: &mut Feed<'_>) {
        let index = feed.below(2);
        if !self.copies.is_whole(1 - index) {
            return;
        }
        let bit = feed.below(RECORD_BYTES) * 8 + feed.below(8);
        match &mut self.copies.0[index] {
            Some(copy) if copy.len() > bit / 8 && feed.flag() => copy[bit / 8] ^= 1 << (bit % 8),
            Some(copy) => copy.truncate(bit / 8),
            None => {}
        }
    }

    fn start(&mut self, feed: &mut Feed<'_>) {
        self.run = None;
        self.believers_before = self.believers_before.max(self.believers_now.take());
        let ttl_ms_max = feed.pick(&[3_600_000, 60_000, 10_000]);
        let start = Start {
            epoch_of_clock: feed.pick(&[0, 1, 1, 5, 100]),
            ttl_ms_default: feed.pick(&[10_000, 1_000]),
            ttl_ms_max,
            server_id: [feed.byte(); 16],
        };
        let loaded = match self.copies.load() {
            Ok(loaded) => loaded,
            Err(error) => panic!("one whole copy is enough: {error}"),
        };
        let version = match loaded {
            Loaded::Empty => None,
            Loaded::Whole { version, .. } | Loaded::Older { version, .. } => Some(version),
        };
        let ledger = Ledger::start(&loaded, &start).expect("epochs are used slowly");
        // A crash before the first write, between the two, or after them: nobody listens yet.
        let writes = feed.pick(&[2, 2, 2, 2, 2, 2, 1, 0]);
        let mut version = version;
        for _ in 0..writes {
            let written = self.copies.compare_and_set(version, ledger.opening());
            version = Some(written.expect("nobody else writes"));
        }
        if let (2, Some(version)) = (writes, version) {
            self.listen(Run {
                ledger,
                version,
                ttl_ms_max,
            });
        }
    }

    /// Clients may come now.
    fn listen(&mut self, run: Run) {
        let epoch = run.ledger.run();
        assert!(epoch > self.epoch_used, "epochs grow: {self:?}, {run:?}");
        assert!(run.ledger.opening().floor <= epoch);
        self.epoch_used = epoch;
        if let Some(ttl) = self.believers_before {
            let window = run.ledger.window_ms();
            assert!(
                window.is_some_and(|ms| ms >= window_ms(ttl)),
                "a window of {window:?} with a TTL of {ttl} about: {self:?}"
            );
        }
        self.run = Some(run);
    }

    fn wish(&mut self, feed: &mut Feed<'_>) {
        let ttl_ms = feed.pick(&[1_000, 9_999, 10_000, 30_000, 3_600_000]);
        let shard = ShardId(feed.byte() % 3);
        // Shards clamp what they grant.
        let most = self.run.as_ref().map_or(0, |run| run.ttl_ms_max);
        let ttl_ms = ttl_ms.min(most);
        self.promise(feed, |ledger| ledger.wish_bound(shard, ttl_ms));
    }

    /// A wish, what it makes durable, and its answer; a crash may come between any two.
    fn promise(&mut self, feed: &mut Feed<'_>, wish: impl FnOnce(&mut Ledger)) {
        let Some(run) = &mut self.run else {
            return;
        };
        wish(&mut run.ledger);
        let record = run.ledger.next().expect("epochs are used slowly");
        let crash = feed.pick(&[0, 0, 0, 0, 0, 0, 1, 2]);
        if crash == 1 {
            self.run = None;
            return;
        }
        if let Some(record) = record {
            match self.copies.compare_and_set(Some(run.version), &record) {
                Ok(version) => run.version = version,
                // A copy was hurt under the server: it must stop, with nothing promised.
                Err(_) => {
                    self.run = None;
                    return;
                }
            }
            run.ledger.durable(&record);
        }
        if crash == 2 {
            self.run = None;
            return;
        }
        let (answers, ttl_ms_max) = (run.ledger.answers(), run.ttl_ms_max);
        let words: Vec<FromControl> = answers.into_iter().map(|answer| answer.1).collect();
        self.heard(&words, ttl_ms_max);
    }

    fn heard(&mut self, words: &[FromControl], ttl_ms_max: u32) {
        for word in words.iter().copied() {
            match word {
                FromControl::BoundRaised { ttl_ms } => {
                    let granted = ttl_ms.min(ttl_ms_max);
                    self.believers_now = self.believers_now.max(Some(granted));
                }
                FromControl::Epoch { epoch } => {
                    assert!(epoch > self.epoch_used, "epochs grow: {self:?}");
                    self.epoch_used = epoch;
                }
                FromControl::WindowOver => {}
                FromControl::Drain { .. } | FromControl::DrainOver => {
                    unreachable!("no word of a ledger")
                }
            }
        }
    }

    /// The server stops with no hold left.
    fn stop(&mut self) {
        let Some(run) = self.run.take() else {
            return;
        };
        let Some(record) = run.ledger.stopped_without_holds() else {
            return;
        };
        assert_eq!(self.believers_before, None, "no window is open");
        let written = self.copies.compare_and_set(Some(run.version), &record);
        if written.is_ok() {
            self.believers_now = None;
        }
    }
}
