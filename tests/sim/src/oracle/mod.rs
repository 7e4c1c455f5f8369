//! Judges of a run: each watches what is observed for one invariant of docs/GUARANTEES.md.

mod answers;
mod early;
mod exclusion;
mod floor;
mod left;
mod order;
mod rest;

use crate::moment::Moment;
use crate::observed::Observed;
use crate::plan::Plan;
use locker::lock::Counters;

pub use answers::Answers;
pub use early::Early;
pub use exclusion::Exclusion;
pub use floor::Floor;
pub use left::Left;
pub use order::Order;
pub use rest::AtRest;

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant, in a word or two; the same for every seed that breaks it.
    pub invariant: &'static str,
    /// What was seen.
    pub reason: String,
}

/// What one shard still has at rest.
#[derive(Clone, Copy, Debug)]
pub struct ShardAtRest {
    /// Sessions.
    pub sessions: u32,
    /// What its engine counts.
    pub lock: Counters,
}

/// The cluster when nothing more is to come.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// All sessions have been closed: nothing at all may be left.
    pub is_closed: bool,
    /// The shards.
    pub shards: Vec<ShardAtRest>,
}

/// One judge. It is told everything, in the order of true time.
pub trait Oracle {
    /// Something was seen.
    ///
    /// # Errors
    /// The invariant is broken.
    fn saw(&mut self, at: Moment, event: &Observed) -> Result<(), Violation>;

    /// The cluster is at rest; told twice, the second time with all sessions closed.
    ///
    /// # Errors
    /// The invariant is broken.
    fn at_rest(&mut self, at: Moment, rest: &Rest) -> Result<(), Violation> {
        let _ = (at, rest);
        Ok(())
    }
}

/// All judges, for one run.
#[must_use]
pub fn all(plan: &Plan) -> Vec<Box<dyn Oracle>> {
    let _ = plan;
    vec![
        Box::new(Exclusion::default()),
        Box::new(AtRest::default()),
        Box::new(Left),
        Box::new(Answers::default()),
        Box::new(Early::default()),
        Box::new(Order::default()),
        Box::new(Floor::default()),
    ]
}
