//! What the threads of one run share: atomics, nothing else.
//!
//! ```text
//!   fleets --ready--> orchestrator --begin, stop--> fleets (polled in every tick)
//!   fleets <--operations left, turns of the herd--> fleets
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::nanos::Nanos;
use crate::plan::{Plan, Stop};
use crate::verify::SessionDeadlines;

/// Operations that a thread claims at once, so that the count is rarely touched.
pub(super) const CLAIM_MAX: u64 = 64;

/// What the threads of one run share.
#[derive(Debug)]
pub struct Shared {
    ready: AtomicU32,
    begin: AtomicU64,
    stopped: AtomicBool,
    operations_left: AtomicU64,
    herd_turns: AtomicU64,
    /// Until when the session of each connection surely lives; read by the safety check.
    pub sessions: Arc<SessionDeadlines>,
}

impl Shared {
    /// For a run that has not begun.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let operations = match plan.stop {
            Stop::After(_) => u64::MAX,
            Stop::Operations(count) => count,
        };
        Self {
            ready: AtomicU32::new(0),
            begin: AtomicU64::new(Nanos::FOREVER.0),
            stopped: AtomicBool::new(false),
            operations_left: AtomicU64::new(operations),
            herd_turns: AtomicU64::new(0),
            sessions: Arc::new(SessionDeadlines::new(plan.connections)),
        }
    }

    /// Connections, all threads together, that are ready for the run or were given up.
    #[must_use]
    pub fn ready(&self) -> u32 {
        self.ready.load(Ordering::Acquire)
    }

    /// Adds connections that are ready or given up.
    pub(super) fn add_ready(&self, connections: u32) {
        self.ready.fetch_add(connections, Ordering::AcqRel);
    }

    /// Sets the instant at which all threads begin; for the orchestrator, once all are ready.
    pub fn begin(&self, at: Nanos) {
        self.begin.store(at.0, Ordering::Release);
    }

    /// The common start: [`Nanos::FOREVER`] until it is set.
    #[must_use]
    pub fn begins(&self) -> Nanos {
        Nanos(self.begin.load(Ordering::Acquire))
    }

    /// Ends the run early: the fleets finish what is in flight.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether the run was ended early.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether operations are left to be claimed.
    pub(super) fn has_operations(&self) -> bool {
        self.operations_left.load(Ordering::Acquire) > 0
    }

    /// Takes some of the operations that are left, `most` at most; 0 if none is.
    pub(super) fn claim(&self, most: u64) -> u64 {
        let left = &self.operations_left;
        let take = |left: u64| left.min(most);
        let before = left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
            Some(left - take(left))
        });
        take(before.expect("the update never declines"))
    }

    /// Adds turns of clients that had the key of the herd, or will not have it in this round.
    pub(super) fn add_herd_turns(&self, turns: u64) {
        self.herd_turns.fetch_add(turns, Ordering::AcqRel);
    }

    /// Turns so far: each client has one per round.
    pub(super) fn herd_turns(&self) -> u64 {
        self.herd_turns.load(Ordering::Acquire)
    }
}
