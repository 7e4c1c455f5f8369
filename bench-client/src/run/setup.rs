//! From flags to a run that may begin: everything that can be refused is refused here, before any
//! connection is made.

use super::error::RunError;
use super::options::Options;
use super::outputs;
use crate::plan::target::{Placement, Target};
use crate::plan::{Plan, Refusal};
use crate::report::slo::Slo;

/// A run, checked.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) plan: Plan,
    pub(super) placement: Placement,
    /// Bounds that decide on the exit code.
    pub(super) slo: Option<Slo>,
    /// Bounds for which the highest rate is searched.
    pub(super) find_max: Option<Slo>,
    /// What the user should know before the run.
    pub(super) warnings: Vec<String>,
}

impl Setup {
    /// Of the flags, on a machine where these cores may be used.
    ///
    /// # Errors
    /// The first contradiction, or a file that cannot be written.
    pub(super) fn of(options: &Options, allowed: &[usize]) -> Result<Self, RunError> {
        let placement = options.target(allowed).check()?;
        let plan = options.asked(placement.cores).check()?;
        let (slo, find_max) = options.bounds();
        let slo = slo.map(|text| bounds("--slo", text)).transpose()?;
        let find_max = find_max
            .map(|text| bounds("--find-max", text))
            .transpose()?;
        outputs::try_all(&options.files())?;
        let warnings = warnings(&plan, &placement, allowed);
        Ok(Self {
            plan,
            placement,
            slo,
            find_max,
            warnings,
        })
    }
}

fn bounds(flag: &'static str, text: &str) -> Result<Slo, Refusal> {
    text.parse().map_err(|error| Refusal::Slo {
        flag,
        why: format!("{error}"),
    })
}

fn warnings(plan: &Plan, placement: &Placement, allowed: &[usize]) -> Vec<String> {
    let mut warnings = Vec::new();
    let threads = usize::from(plan.threads);
    let cores = match placement.pinned.len() {
        0 => allowed.len(),
        pinned => pinned,
    };
    if threads > cores {
        warnings.push(format!(
            "{threads} threads on {cores} cores take each other's time, and latencies show it"
        ));
    }
    if let Target::Spawned { cores, .. } = &placement.target {
        let shares = |core: &usize| placement.pinned.is_empty() || placement.pinned.contains(core);
        if cores.iter().any(shares) {
            warnings.push(
                "the server and the generator share a core: latencies say little, processor time \
                 per request still does"
                    .to_owned(),
            );
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn setup(line: &str, cores: &[usize]) -> Result<Setup, RunError> {
        let words = std::iter::once("run").chain(line.split_whitespace());
        Setup::of(&Line::parse_from(words).options, cores)
    }

    fn refusal(line: &str) -> Refusal {
        match setup(line, &[0, 1]).unwrap_err() {
            RunError::Refused(refusal) => refusal,
            error => panic!("{error}"),
        }
    }

    #[test]
    fn no_flags_at_all_are_a_run_against_the_default_address() {
        let setup = setup("", &[0, 1]).unwrap();
        assert!(matches!(setup.placement.target, Target::Running { .. }));
        assert!(setup.warnings.is_empty());
    }

    #[test]
    fn every_flag_reaches_the_plan() {
        let line = "--spawn --server-cores 0 --server-shards 2 --cores 1 -t 1 -c 8 -P 2 -d 250ms \
                    --rate 5k,poisson --ramp 100ms --warmup 0 --seed 7 --mode rw:80/20 --keys 1k \
                    --key-dist zipf:1.1 --key-bytes 16 --hold exp:1ms --lease 10s --wait 500ms \
                    --shard-aware --verify=order --slo p99<1ms";
        let setup = setup(line, &[0, 1]).unwrap();
        let plan = format!("{:?}", setup.plan);
        let expected = [
            "threads: 1, connections: 8, inflight: 2, stop: After(Nanos(250000000))",
            "warmup: Nanos(0), pace: Open { rate: 5000.0, arrivals: Poisson",
            "ramp: Nanos(100000000)",
            "mode: ReadWrite { shared_percent: 80 }, keys: 1000, key_dist: Zipf(1.1)",
            "key_bytes: 16, hold: Exponential(Nanos(1000000)), lease_ms: 10000, wait_ms: 500",
            "pair: TwoTrips, shard_aware: true",
            "checks: Checks { safety: true, order: true }, seed: 7",
        ];
        for part in expected {
            assert!(plan.contains(part), "{part}\nin {plan}");
        }
        assert!(setup.slo.is_some());
    }

    #[test]
    fn bounds_that_cannot_be_read_are_refused_by_their_flag() {
        let slo = refusal("--slo p99");
        assert!(matches!(slo, Refusal::Slo { flag: "--slo", .. }), "{slo}");
        let find_max = refusal("--find-max fast");
        assert!(
            matches!(
                find_max,
                Refusal::Slo {
                    flag: "--find-max",
                    ..
                }
            ),
            "{find_max}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_before_the_run() {
        let error = setup("--json /proc/none/out.json", &[0]).unwrap_err();
        assert!(matches!(error, RunError::Output(_)), "{error}");
    }

    #[test]
    fn more_threads_than_cores_and_a_shared_core_are_warned_about() {
        let threads = setup("-t 3", &[0, 1]).unwrap().warnings;
        assert!(threads[0].contains("3 threads on 2 cores"), "{threads:?}");
        let shared = setup("--spawn", &[0]).unwrap().warnings;
        assert!(shared[0].contains("share a core"), "{shared:?}");
        assert!(setup("--spawn", &[0, 1]).unwrap().warnings.is_empty());
    }
}
