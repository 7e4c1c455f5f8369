//! Invariant 5: no hold ends before its lease.
//!
//! A client's own deadline is never later than the server's. So whoever is told by the server that
//! its lease is over while its own deadline lies ahead was robbed.

use super::{Oracle, Violation};
use crate::moment::Moment;
use crate::observed::{LostCause, Observed, Told, Who, Why};
use std::collections::BTreeMap;

/// Until when each hold was promised.
#[derive(Debug, Default)]
pub struct Early {
    promised: BTreeMap<(Who, u64), Moment>,
    /// The hold that the server said to be lost last, and when.
    told: Option<(Moment, Who, u64)>,
}

impl Oracle for Early {
    fn saw(&mut self, at: Moment, event: &Observed) -> Result<(), Violation> {
        match *event {
            Observed::Granted {
                who, hold, until, ..
            }
            | Observed::Believes { who, hold, until } => {
                self.promised.insert((who, hold), until);
            }
            Observed::Told {
                who,
                told: Told::Lost { owner, .. },
                ..
            } => self.told = Some((at, who, owner)),
            Observed::Ended { who, hold, why } => {
                let until = self.promised.remove(&(who, hold));
                if let (Why::Lost(LostCause::Lease), Some(until)) = (why, until)
                    && at < until
                    && self.told == Some((at, who, hold))
                {
                    return Err(Violation {
                        invariant: "no early end",
                        reason: format!(
                            "{who:?} is told that the lease of {hold} is over, promised until {}",
                            until.0
                        ),
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }
}
