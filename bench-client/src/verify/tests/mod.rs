//! The safety check against small histories, and against a simulated server.

#![allow(clippy::unwrap_used)]

mod rules;
mod sim;
mod sim_runs;

use std::sync::Arc;

use super::{AcquireId, Event, Ledger, SessionDeadlines, Want, What};
use crate::nanos::Nanos;
use crate::plan::{Checks, Hold, KeyDist, Mode, Pace, PairStyle, Plan, Stop, Workload};

/// A plan of so many connections with so many clients each, on so many threads.
fn plan(threads: u16, connections: u32, inflight: u16) -> Plan {
    Plan {
        threads,
        connections,
        inflight,
        stop: Stop::Operations(1),
        warmup: Nanos::ZERO,
        pace: Pace::Closed,
        workload: Workload {
            mode: Mode::Contended,
            keys: 8,
            key_dist: KeyDist::Uniform,
            key_bytes: 8,
            hold: Hold::None,
            lease_ms: 0,
            wait_ms: 100,
            pair: PairStyle::TwoTrips,
            shard_aware: false,
        },
        held: 0,
        survive: None,
        checks: Checks {
            safety: true,
            order: true,
        },
        seed: 0,
    }
}

/// Sessions, one per connection, that live for ever.
fn sessions(plan: &Plan) -> Arc<SessionDeadlines> {
    let sessions = SessionDeadlines::new(plan.connections);
    for session in 0..plan.connections {
        sessions.extend(session, Nanos::FOREVER);
    }
    Arc::new(sessions)
}
