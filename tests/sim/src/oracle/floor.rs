//! Invariant 9 over restarts: once a run has granted a key to somebody anew, no hold of an earlier
//! run is taken back, however late, and whatever its client believes.

use super::{Oracle, Violation};
use crate::agenda::LinkId;
use crate::moment::Moment;
use crate::observed::{Observed, Said, Told, Who};
use std::collections::BTreeMap;

/// The latest run that granted, and who asks for holds of which run.
#[derive(Debug, Default)]
pub struct Floor {
    runs: BTreeMap<Who, u64>,
    asked: BTreeMap<(LinkId, u64), u64>,
    granted: u64,
}

impl Oracle for Floor {
    fn saw(&mut self, _: Moment, event: &Observed) -> Result<(), Violation> {
        match *event {
            Observed::Said {
                link,
                request,
                said: Said::Reclaim { run, .. },
                ..
            } => drop(self.asked.insert((link, request), run)),
            Observed::Told {
                who,
                link,
                request,
                told,
            } => match told {
                Told::HelloOk { run, .. } => drop(self.runs.insert(who, run)),
                Told::Granted { .. } => {
                    let run = self.runs.get(&who).copied().unwrap_or(0);
                    self.granted = self.granted.max(run);
                }
                Told::Reclaimed => return self.reclaimed(who, (link, request)),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }
}

impl Floor {
    fn reclaimed(&self, who: Who, which: (LinkId, u64)) -> Result<(), Violation> {
        let Some(&run) = self.asked.get(&which) else {
            return Ok(());
        };
        let now = self.runs.get(&who).copied().unwrap_or(0);
        if run < self.granted && self.granted < now {
            return Err(Violation {
                invariant: "floor",
                reason: format!(
                    "{who:?} has a hold of run {run} back in run {now}, and run {} granted anew",
                    self.granted
                ),
            });
        }
        Ok(())
    }
}
