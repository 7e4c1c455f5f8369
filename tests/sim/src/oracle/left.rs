//! Invariant 6: once all is given back no key has a block and none has leaked. What one moment can
//! show of 6 to 8 besides, each shard asserts after every turn.

use super::{Oracle, Rest, Violation};
use crate::moment::Moment;
use crate::observed::Observed;

/// Looks at the tables, at rest.
#[derive(Debug, Default)]
pub struct Left;

impl Oracle for Left {
    fn saw(&mut self, _: Moment, _: &Observed) -> Result<(), Violation> {
        Ok(())
    }

    fn at_rest(&mut self, _: Moment, rest: &Rest) -> Result<(), Violation> {
        for (shard, left) in rest.shards.iter().enumerate() {
            let lock = left.lock;
            let sessions = if rest.is_closed { left.sessions } else { 0 };
            let counts = [
                ("holds", lock.holds),
                ("waiters", lock.waiters),
                ("closed keys", lock.closures),
                ("locks", lock.locks),
                ("blocks", lock.blocks_used),
                ("sessions", sessions),
            ];
            if let Some((what, count)) = counts.into_iter().find(|(_, count)| *count > 0) {
                let reason = format!("shard {shard} has {count} {what}: {left:?}");
                return Err(Violation {
                    invariant: "something is left",
                    reason,
                });
            }
        }
        Ok(())
    }
}
