//! Invariants 1 and 9: nobody believes in a hold while another believes in one that excludes it.
//!
//! A client believes from the moment it hears of the grant until it gives the hold back, hears of
//! its loss, or its own deadline passes on its own clock.

use super::{Oracle, Violation};
use crate::moment::Moment;
use crate::observed::{Ask, Key, Observed, Share, Who};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
struct Belief {
    key: Key,
    share: Share,
    token: u64,
    until: Moment,
}

/// Who believes in what.
#[derive(Debug, Default)]
pub struct Exclusion {
    beliefs: BTreeMap<(Who, u64), Belief>,
    /// The greatest limit that any request gave a key.
    limits: BTreeMap<Key, u32>,
}

impl Oracle for Exclusion {
    fn saw(&mut self, at: Moment, event: &Observed) -> Result<(), Violation> {
        match *event {
            Observed::Asked {
                ask:
                    Ask::Acquire {
                        key,
                        share: Share::Permits { limit, .. },
                        ..
                    },
                ..
            } => {
                let greatest = self.limits.entry(key).or_default();
                *greatest = limit.max(*greatest);
            }
            Observed::Granted {
                who,
                hold,
                key,
                share,
                token,
                until,
            } => {
                let belief = Belief {
                    key,
                    share,
                    token,
                    until,
                };
                self.beliefs.insert((who, hold), belief);
                return self.judge(at, (who, hold));
            }
            Observed::Believes { who, hold, until } => {
                if let Some(belief) = self.beliefs.get_mut(&(who, hold)) {
                    let grows = until > belief.until;
                    belief.until = until;
                    if grows {
                        return self.judge(at, (who, hold));
                    }
                }
            }
            Observed::Ended { who, hold, .. } => {
                self.beliefs.remove(&(who, hold));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Exclusion {
    fn judge(&self, at: Moment, which: (Who, u64)) -> Result<(), Violation> {
        let new = self.beliefs[&which];
        let told = |belief: &Belief| format!("{:?} with token {}", belief.share, belief.token);
        let others = self.beliefs.iter().filter(|(other, belief)| {
            **other != which && belief.key == new.key && belief.until > at && new.until > at
        });
        let mut permits = permits_of(new.share);
        for (other, belief) in others {
            permits += permits_of(belief.share);
            let limit = u64::from(self.limits.get(&new.key).copied().unwrap_or(0));
            let compatible = match (new.share, belief.share) {
                (Share::Shared, Share::Shared) => true,
                (Share::Permits { .. }, Share::Permits { .. }) => permits <= limit,
                _ => false,
            };
            if !compatible {
                return Err(Violation {
                    invariant: "exclusion",
                    reason: format!(
                        "{:?}: {which:?} believes in {} until {}, and {other:?} in {} until {}",
                        new.key,
                        told(&new),
                        new.until.0,
                        told(belief),
                        belief.until.0
                    ),
                });
            }
        }
        Ok(())
    }
}

fn permits_of(share: Share) -> u64 {
    match share {
        Share::Permits { held, .. } => u64::from(held),
        Share::Exclusive | Share::Shared => 0,
    }
}
