//! The seam to durable storage: one record, replaced by compare-and-set.
//!
//! Today a directory ([`super::file_store`]); a coordination service can take its place, because
//! nothing above asks for more than these two calls.

use crate::control::record::{Record, Version};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// What the storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Nothing yet.
    Empty,
    /// The last record written.
    Whole {
        /// Its version.
        version: Version,
        /// The record.
        record: Record,
    },
    /// A record behind which one more may have been written and lost.
    Older {
        /// Its version.
        version: Version,
        /// The record.
        record: Record,
    },
}

/// Durable storage of one record. A call returns when its effect survives a power failure.
pub trait Store {
    /// What is there.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Replaces the record whose version is `expected` (`None` = there is none yet).
    ///
    /// After an error the caller must stop: it cannot know which record is durable.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn compare_and_set(
        &mut self,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Version, StoreError>;
}

/// Why the record cannot be read or replaced; each text names the remedy.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Both copies are damaged.
    #[error(
        "both copies of the record in {} are damaged. If you can tell that no client holds a lock \
         (all stopped for longer than their TTL), remove `state.0` and `state.1` there and start \
         again; tokens go on from the clock",
        directory.display()
    )]
    Unreadable {
        /// The data dir.
        directory: PathBuf,
    },
    /// The directory holds something that is not ours.
    #[error(
        "{} is not a data dir of this locker ({what}): give --data-dir an empty or new directory",
        directory.display()
    )]
    Foreign {
        /// The data dir.
        directory: PathBuf,
        /// What was found.
        what: String,
    },
    /// Somebody else replaced the record.
    #[error(
        "the record in {} was changed or removed by somebody else while this server ran: make \
         sure that nothing but one server writes there",
        directory.display()
    )]
    Conflict {
        /// The data dir.
        directory: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
