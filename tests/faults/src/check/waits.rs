//! How long somebody waited because of a fault.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Fault;
use super::hold::Hold;
use crate::history::{Deed, History, Nanos};

/// The longest time from a fault on that a client wanted a lock, over all its asks up to a grant.
/// Only wants that the fault met count: those that began before it was over.
pub(super) fn longest_wait(histories: &[History], faults: &[Fault]) -> Duration {
    let mut longest = Duration::ZERO;
    for history in histories {
        let mut wanted: BTreeMap<u32, Nanos> = BTreeMap::new();
        for entry in &history.entries {
            match entry.deed {
                Deed::Ask { .. } => {
                    wanted.entry(entry.client).or_insert(entry.at);
                }
                Deed::Granted { .. } => {
                    if let Some(since) = wanted.remove(&entry.client) {
                        longest = longest.max(caused(since, entry.at, faults));
                    }
                }
                _ => {}
            }
        }
    }
    longest
}

/// How much of a wait lies after a fault that it met.
fn caused(since: Nanos, granted: Nanos, faults: &[Fault]) -> Duration {
    let met = faults
        .iter()
        .filter(|fault| since < fault.over && fault.at < granted);
    let waits = met.map(|fault| granted.since(fault.at.max(since)));
    waits.max().unwrap_or_default()
}

/// The longest time from the beginning of a fault to the first grant after it was over.
pub(super) fn longest_silence(holds: &[Hold], faults: &[Fault]) -> Duration {
    let mut grants: Vec<Nanos> = holds.iter().map(|hold| hold.from).collect();
    grants.sort_unstable();
    let silence = |fault: &Fault| {
        let next = grants.partition_point(|grant| *grant < fault.over);
        // Somebody may have been granted while the fault was there.
        let last = grants[..next].last().copied().unwrap_or_default();
        let next = *grants.get(next)?;
        Some(next.since(last.max(fault.at)))
    };
    faults.iter().filter_map(silence).max().unwrap_or_default()
}
