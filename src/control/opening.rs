//! The start's record: loaded, decided, durable in both copies.

use crate::config::Config;
use crate::control::failure::Failure;
use crate::control::ledger::{Ledger, Start};
use crate::control::plane::Books;
use crate::control::record::Version;
use crate::control::store::{Loaded, Store};
use crate::control::system;

/// Takes up what the store holds and makes this start durable, twice: then neither copy is more
/// than one epoch behind the other, whatever the wall clock did between two runs.
///
/// # Errors
/// The record cannot be read or written, or epochs have run out.
pub fn open<S: Store>(mut store: S, config: &Config) -> Result<Books<S>, Failure> {
    let start = Start {
        epoch_of_clock: system::epoch_of_clock(),
        ttl_ms_default: config.ttl_ms_default,
        ttl_ms_max: config.ttl_ms_max,
        server_id: system::random()?,
    };
    let loaded = store.load()?;
    let version = match loaded {
        Loaded::Empty => {
            log::warn!(
                "no record in the data dir: a first start. If it was wiped while clients held \
                 locks, nothing keeps others from taking them"
            );
            None
        }
        Loaded::Whole { version, .. } => Some(version),
        Loaded::Older { version, .. } => {
            log::warn!(
                "one copy of the record is damaged or missing: all keys stay closed for the \
                 longest TTL"
            );
            Some(version)
        }
    };
    let ledger = Ledger::start(&loaded, &start)?;
    let first = store.compare_and_set(version, ledger.opening())?;
    let version: Version = store.compare_and_set(Some(first), ledger.opening())?;
    Ok(Books {
        ledger,
        store,
        version,
    })
}
