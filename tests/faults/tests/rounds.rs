//! A short round of each scenario.

use std::io::Write as _;

use faults::program;
use faults::scenario::Round;
use faults::scenarios;
use faults::trouble::Trouble;

/// Says it past the capture of the test's output.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn play(name: &str) {
    program::is_at(env!("CARGO_BIN_EXE_faults"));
    let scenario = scenarios::ALL.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.expect("the list of this file follows that of the crate");
    let round = Round {
        seed: 1,
        is_short: true,
    };
    match scenario.run(&round) {
        Ok(tally) => {
            say(&format!("{name}: {tally}"));
            assert_eq!(tally.violations, [""; 0]);
        }
        Err(Trouble::Skipped(why)) => say(&format!("SKIPPED: {why}")),
        Err(trouble) => panic!("{trouble}"),
    }
}

macro_rules! rounds {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            play($name);
        })*

        #[test]
        fn every_scenario_has_a_round_here() {
            let names = scenarios::ALL.iter().map(|scenario| scenario.name);
            assert_eq!(names.collect::<Vec<_>>(), [$($name),*]);
        }
    };
}

rounds! {
    server_killed: "server-killed",
    killed_in_window: "killed-in-window",
    restarted_in_a_row: "restarted-in-a-row",
    worker_killed: "worker-killed",
    both_killed: "both-killed",
    server_stopped: "server-stopped",
    worker_stopped: "worker-stopped",
    holds_outlive: "holds-outlive",
    drained: "drained",
    killed_after_clean_mark: "killed-after-clean-mark",
    killed_at_each_write: "killed-at-each-write",
    disk_full: "disk-full",
    disk_read_only: "disk-read-only",
    descriptors: "descriptors",
    table_full: "table-full",
    address_space: "address-space",
    memory_group: "memory-group",
    cpu_quota: "cpu-quota",
    bench_survives: "bench-survives",
    bench_catches: "bench-catches",
    bench_catches_rate: "bench-catches-rate",
    net_cut: "net-cut",
    net_broken: "net-broken",
    cut_off_over_restarts: "cut-off-over-restarts",
    wall_jumps: "wall-jumps",
    client_rate: "client-rate",
    client_rate_half: "client-rate-half",
    server_rate: "server-rate",
    server_rate_double: "server-rate-double",
}
