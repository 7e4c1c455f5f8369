//! The fleet against a double of the server, in virtual time.

#![allow(clippy::unwrap_used)]

mod conduct;
mod cycles;
pub(super) mod double;
mod world;

use crate::nanos::Nanos;
use crate::plan::{Checks, Hold, KeyDist, Mode, Pace, PairStyle, Plan, Stop, Workload};

/// Two connections with two clients each, for 100 ms, closed loop.
pub(super) fn plan() -> Plan {
    Plan {
        threads: 1,
        connections: 2,
        inflight: 2,
        stop: Stop::After(Nanos::from_ms(100)),
        warmup: Nanos::ZERO,
        pace: Pace::Closed,
        workload: Workload {
            mode: Mode::Uncontended,
            keys: 100,
            key_dist: KeyDist::Uniform,
            key_bytes: 24,
            hold: Hold::None,
            lease_ms: 0,
            wait_ms: 0,
            pair: PairStyle::TwoTrips,
            shard_aware: false,
        },
        held: 0,
        survive: None,
        checks: Checks {
            safety: true,
            order: false,
        },
        seed: 1,
    }
}
