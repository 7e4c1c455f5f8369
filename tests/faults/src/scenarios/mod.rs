//! The scenarios: one kind of fault per file.

mod bench;
mod clocks;
mod cut_off_over_restarts;
mod disk;
mod drained;
mod net_broken;
mod net_cut;
mod outlived;
mod server_killed;
mod starved;
mod stopped;
mod worker_killed;

use crate::scenario::Scenario;

/// All scenarios.
pub const ALL: &[Scenario] = &[
    server_killed::SERVER_KILLED,
    server_killed::KILLED_IN_WINDOW,
    server_killed::RESTARTED_IN_A_ROW,
    worker_killed::WORKER_KILLED,
    worker_killed::BOTH_KILLED,
    stopped::SERVER_STOPPED,
    stopped::WORKER_STOPPED,
    outlived::HOLDS_OUTLIVE,
    drained::DRAINED,
    drained::KILLED_AFTER_CLEAN_MARK,
    drained::KILLED_AT_EACH_WRITE,
    disk::DISK_FULL,
    disk::DISK_READ_ONLY,
    starved::DESCRIPTORS,
    starved::TABLE_FULL,
    starved::ADDRESS_SPACE,
    starved::MEMORY_GROUP,
    starved::CPU_QUOTA,
    bench::BENCH_SURVIVES,
    bench::BENCH_CATCHES,
    bench::BENCH_CATCHES_RATE,
    net_cut::NET_CUT,
    net_broken::NET_BROKEN,
    cut_off_over_restarts::CUT_OFF_OVER_RESTARTS,
    clocks::WALL_JUMPS,
    clocks::CLIENT_RATE,
    clocks::CLIENT_RATE_HALF,
    clocks::SERVER_RATE,
    clocks::SERVER_RATE_DOUBLE,
];
