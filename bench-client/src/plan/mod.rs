//! A checked description of a run: what the flags say, once it is known to make sense. Pure.

pub mod asked;
pub mod check;
pub mod refusal;
pub mod spelling;
pub mod target;
pub mod workload;

use crate::nanos::Nanos;
pub use asked::Asked;
pub use refusal::Refusal;
pub use workload::{Hold, KeyDist, Mode, PairStyle, Workload};

/// When a measured run ends. The warm-up comes before and is not counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// After so long.
    After(Nanos),
    /// After so many operations, all threads together.
    Operations(u64),
}

/// What sets the pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Closed loop: each client begins its next cycle when its last one is over.
    Closed,
    /// Open loop: cycles begin at instants that the answers have no say in.
    Open {
        /// Cycles per second, all threads together.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
        /// The rate grows from 0 over this long at the start; 0 = at once.
        ramp: Nanos,
    },
}

/// How the arrivals of an open loop are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly.
    Even,
    /// With exponential gaps.
    Poisson,
}

/// What is checked while load runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Exclusion, permits, tokens, answers: the safety check.
    pub safety: bool,
    /// Order of grants across connections too, which costs a read per acquire.
    pub order: bool,
}

/// A run, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Generator threads, 1 at least.
    pub threads: u16,
    /// Connections, all threads together; at least as many as threads.
    pub connections: u32,
    /// Clients per connection, each with one cycle in flight.
    pub inflight: u16,
    /// When it ends.
    pub stop: Stop,
    /// Load before the measured time begins.
    pub warmup: Nanos,
    /// What sets the pace.
    pub pace: Pace,
    /// What the clients do.
    pub workload: Workload,
    /// Locks held in the background all the while.
    pub held: u32,
    /// How long the server may be away before the run ends; not said, it ends at once. While it is
    /// away, connections are opened anew, with new sessions.
    pub survive: Option<Nanos>,
    /// What is checked.
    pub checks: Checks,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Plan {
    /// Clients, all threads together: each connection has `inflight` of them.
    #[must_use]
    pub fn clients(&self) -> u32 {
        self.connections * u32::from(self.inflight)
    }
}
