//! One refusal each, and the defaults of each mode.

use super::*;
use crate::plan::spelling::Rate;

type Change = fn(&mut Asked);

fn asked(change: Change) -> Asked {
    let mut asked = Asked {
        cores: 1,
        ..Asked::default()
    };
    change(&mut asked);
    asked
}

fn even(per_second: f64) -> Option<Rate> {
    Some(Rate {
        per_second,
        arrivals: Arrivals::Even,
    })
}

const MS: u64 = 1_000_000;

#[test]
fn only_clients_that_acquire_and_release_survive_a_server() {
    let survives = |change: Change| {
        let mut asked = asked(change);
        asked.survive = Some(Nanos::SECOND);
        asked.check().map(|plan| plan.survive)
    };
    assert_eq!(survives(|_| ()), Ok(Some(Nanos::SECOND)));
    let mode = Mode::Herd;
    let refused = survives(|a| a.mode = Mode::Herd);
    assert_eq!(refused, Err(Refusal::SurviveInMode { mode }));
    let with: [(Change, &str); 3] = [
        (|a| a.one_write = true, "--one-write"),
        (|a| a.held = Some(1), "--held"),
        (
            |a| {
                a.checks = Some(Checks {
                    safety: false,
                    order: false,
                });
            },
            "--verify=off",
        ),
    ];
    for (change, flag) in with {
        assert_eq!(survives(change), Err(Refusal::SurviveWith { flag }));
    }
}

/// Each change to a run that is fine on its own, and what is said about it.
fn sizes() -> Vec<(Change, Refusal)> {
    vec![
        (|a| a.threads = Some(0), Refusal::Zero { flag: "-t" }),
        (|a| a.connections = Some(0), Refusal::Zero { flag: "-c" }),
        (|a| a.inflight = Some(0), Refusal::Zero { flag: "-P" }),
        (|a| a.operations = Some(0), Refusal::Zero { flag: "-n" }),
        (|a| a.keys = Some(0), Refusal::Zero { flag: "--keys" }),
        (
            |a| (a.threads, a.connections) = (Some(4), Some(3)),
            Refusal::FewerConnectionsThanThreads {
                threads: 4,
                connections: 3,
            },
        ),
        (
            |a| a.inflight = Some(4_097),
            Refusal::InflightAboveSeats {
                inflight: 4_097,
                seats: 4_097,
                one_write: false,
            },
        ),
        (
            |a| (a.inflight, a.one_write) = (Some(2_049), true),
            Refusal::InflightAboveSeats {
                inflight: 2_049,
                seats: 4_098,
                one_write: true,
            },
        ),
        (
            |a| (a.connections, a.inflight) = (Some(u32::MAX), Some(4_096)),
            Refusal::TooManyClients {
                connections: u32::MAX,
                inflight: 4_096,
            },
        ),
    ]
}

fn times() -> Vec<(Change, Refusal)> {
    vec![
        (
            |a| (a.duration, a.operations) = (Some(Nanos::SECOND), Some(1)),
            Refusal::TwoEnds,
        ),
        (
            |a| a.duration = Some(Nanos::ZERO),
            Refusal::NoTime { flag: "-d" },
        ),
        (
            |a| a.duration = Some(Nanos::FOREVER),
            Refusal::TooLong { flag: "-d" },
        ),
        (
            |a| a.warmup = Some(Nanos::FOREVER),
            Refusal::TooLong { flag: "--warmup" },
        ),
        (|a| a.ramp = Some(Nanos::SECOND), Refusal::RampWithoutRate),
        (
            |a| (a.ramp, a.rate) = (Some(Nanos(11 * Nanos::SECOND.0)), even(10.0)),
            Refusal::RampTooLong,
        ),
        (|a| a.rate = even(0.0), Refusal::RateNotPositive),
        (|a| a.rate = even(f64::NAN), Refusal::RateNotPositive),
        (
            |a| (a.mode, a.rate) = (Mode::Herd, even(1.0)),
            Refusal::PaceOfMode {
                mode: Mode::Herd,
                flag: "--rate",
            },
        ),
        (
            |a| (a.mode, a.find_max) = (Mode::HoldMany, true),
            Refusal::PaceOfMode {
                mode: Mode::HoldMany,
                flag: "--find-max",
            },
        ),
        (
            |a| (a.find_max, a.operations) = (true, Some(5)),
            Refusal::FindMaxWithOperations,
        ),
        (
            |a| (a.find_max, a.ramp) = (true, Some(Nanos::SECOND)),
            Refusal::FindMaxWithRamp,
        ),
        (
            |a| (a.find_max, a.slo) = (true, true),
            Refusal::FindMaxWithSlo,
        ),
    ]
}

fn keys() -> Vec<(Change, Refusal)> {
    vec![
        (
            |a| a.keys = Some(1 << 32),
            Refusal::TooManyKeys { keys: 1 << 32 },
        ),
        (
            |a| a.keys = Some(49),
            Refusal::FewerKeysThanClients {
                mode: Mode::Uncontended,
                keys: 49,
                clients: 50,
            },
        ),
        (
            |a| (a.mode, a.keys, a.inflight) = (Mode::Renew, Some(99), Some(2)),
            Refusal::FewerKeysThanClients {
                mode: Mode::Renew,
                keys: 99,
                clients: 100,
            },
        ),
        (
            |a| (a.mode, a.keys) = (Mode::Churn, Some(1)),
            Refusal::FewerKeysThanClients {
                mode: Mode::Churn,
                keys: 1,
                clients: 50,
            },
        ),
        (
            |a| (a.mode, a.keys) = (Mode::Herd, Some(2)),
            Refusal::HerdOfKeys { keys: 2 },
        ),
        (|a| a.key_bytes = Some(7), Refusal::KeyBytes { bytes: 7 }),
        (
            |a| a.key_bytes = Some(1_025),
            Refusal::KeyBytes { bytes: 1_025 },
        ),
        (
            |a| (a.mode, a.key_dist) = (Mode::HoldMany, Some(KeyDist::Uniform)),
            Refusal::KeyDistInMode {
                mode: Mode::HoldMany,
            },
        ),
        (
            |a| a.key_dist = Some(KeyDist::Zipf(0.0)),
            Refusal::ZipfExponent { exponent: 0.0 },
        ),
        (
            |a| (a.keys, a.key_dist) = (Some(100), Some(KeyDist::Hot(101))),
            Refusal::HotKeys {
                hot: 101,
                keys: 100,
            },
        ),
        (
            |a| a.key_dist = Some(KeyDist::Hot(0)),
            Refusal::HotKeys {
                hot: 0,
                keys: 1_000_000,
            },
        ),
    ]
}

fn holds() -> Vec<(Change, Refusal)> {
    vec![
        (
            |a| (a.mode, a.hold) = (Mode::Renew, Some(Hold::For(Nanos(MS)))),
            Refusal::HoldInMode { mode: Mode::Renew },
        ),
        (
            |a| {
                a.hold = Some(Hold::Exponential(Nanos(20 * MS)));
                a.lease = Some(Span::For(Nanos(20 * MS)));
            },
            Refusal::LeaseBelowHold {
                lease: "20ms".to_owned(),
                hold: "20ms".to_owned(),
            },
        ),
        (
            |a| a.lease = Some(Span::For(Nanos(9 * MS))),
            Refusal::LeaseOutOfBounds {
                lease: "9ms".to_owned(),
            },
        ),
        (
            |a| a.lease = Some(Span::For(Nanos(10 * MS + 1_000))),
            Refusal::FinerThanMilliseconds {
                flag: "--lease",
                span: "10001us".to_owned(),
            },
        ),
        (
            |a| a.wait = Some(Span::For(Nanos(250_000))),
            Refusal::FinerThanMilliseconds {
                flag: "--wait",
                span: "250us".to_owned(),
            },
        ),
        (
            |a| a.wait = Some(Span::For(Nanos(u64::from(u32::MAX) * MS))),
            Refusal::WaitTooLong {
                wait: "4294967295ms".to_owned(),
            },
        ),
        (
            |a| (a.mode, a.wait) = (Mode::HoldMany, Some(Span::Session)),
            Refusal::WaitInMode {
                mode: Mode::HoldMany,
            },
        ),
        (
            |a| (a.mode, a.wait) = (Mode::Herd, Some(Span::For(Nanos::ZERO))),
            Refusal::HerdWithoutWait,
        ),
        (
            |a| (a.one_write, a.hold) = (true, Some(Hold::For(Nanos(1)))),
            Refusal::OneWriteWithHold,
        ),
        (
            |a| (a.one_write, a.wait) = (true, Some(Span::Session)),
            Refusal::OneWriteWithWait,
        ),
        (
            |a| (a.one_write, a.mode) = (true, Mode::Churn),
            Refusal::OneWriteInMode { mode: Mode::Churn },
        ),
    ]
}

fn limits() -> Vec<(Change, Refusal)> {
    vec![
        (
            |a| (a.one_write, a.mode) = (true, Mode::Permit { limit: 3 }),
            Refusal::OneWriteOfPermits,
        ),
        (
            |a| (a.key_bytes, a.keys) = (Some(8), Some(100_000_001)),
            Refusal::KeysInBytes {
                keys: 100_000_001,
                bytes: 8,
            },
        ),
        (
            |a| (a.inflight, a.mode) = (Some(2), Mode::Churn),
            Refusal::ChurnInflight { inflight: 2 },
        ),
    ]
}

#[test]
fn every_contradiction_is_refused_by_its_name() {
    assert!(asked(|_| {}).check().is_ok(), "the run changed is fine");
    for (change, refusal) in [sizes(), times(), keys(), holds(), limits()].concat() {
        assert_eq!(asked(change).check(), Err(refusal));
    }
}

#[test]
fn values_of_no_sense_are_refused_where_they_are_read() {
    let odd_sum = |shared, exclusive| Err(Refusal::SharesOddSum { shared, exclusive });
    assert_eq!("permit:0".parse::<Mode>(), Err(Refusal::PermitZero));
    assert_eq!("rw:90/20".parse::<Mode>(), odd_sum(90, 20));
    assert_eq!("rw:300/1".parse::<Mode>(), odd_sum(300, 1));
    let zipf = |exponent| Err(Refusal::ZipfExponent { exponent });
    assert_eq!("zipf:0".parse::<KeyDist>(), zipf(0.0));
    assert_eq!("zipf:-1".parse::<KeyDist>(), zipf(-1.0));
    for rate in ["0", "-5", "nan", "inf"] {
        assert_eq!(rate.parse::<Rate>(), Err(Refusal::RateNotPositive));
    }
}

#[test]
fn every_text_says_what_to_do() {
    let read = [
        Refusal::PermitZero,
        Refusal::SharesOddSum {
            shared: 1,
            exclusive: 2,
        },
        Refusal::ZipfExponent { exponent: 0.0 },
    ];
    let checked = [sizes(), times(), keys(), holds(), limits()].concat();
    let all = checked.into_iter().map(|(_, refusal)| refusal).chain(read);
    let remedies = [
        "use ",
        "give ",
        "drop ",
        "add ",
        "write ",
        "put ",
        "measure in ",
    ];
    for refusal in all {
        let text = refusal.to_string();
        assert!(remedies.iter().any(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn filling_the_table_has_no_warm_up_that_would_use_up_its_keys() {
    let plan = asked(|a| a.mode = Mode::HoldMany).check();
    assert_eq!(plan.expect("it is fine").warmup, Nanos::ZERO);
}

#[test]
fn a_run_without_flags_measures_pairs_for_ten_seconds() {
    let plan = asked(|_| {}).check().expect("it is fine");
    assert_eq!((plan.threads, plan.connections, plan.inflight), (1, 50, 1));
    assert_eq!(plan.stop, Stop::After(Nanos(10 * Nanos::SECOND.0)));
    assert_eq!(plan.warmup, Nanos::SECOND);
    assert_eq!(plan.pace, Pace::Closed);
    assert_eq!((plan.workload.keys, plan.workload.wait_ms), (1_000_000, 0));
    assert!(plan.checks.safety && !plan.checks.order);
}

#[test]
fn defaults_follow_the_mode() {
    let of = |mode| {
        let asked = Asked {
            mode,
            ..asked(|_| {})
        };
        let workload = asked.check().expect("it is fine").workload;
        (workload.keys, workload.key_dist, workload.wait_ms)
    };
    let (uniform, in_turn) = (KeyDist::Uniform, KeyDist::Sequential);
    assert_eq!(of(Mode::Contended), (1, uniform, SESSION_MS));
    assert_eq!(of(Mode::Permit { limit: 3 }), (1, uniform, SESSION_MS));
    assert_eq!(of(Mode::Herd), (1, in_turn, SESSION_MS));
    assert_eq!(of(Mode::Renew), (10_000, uniform, 0));
    assert_eq!(of(Mode::HoldMany), (1_000_000, in_turn, 0));
}

#[test]
fn threads_by_default_are_as_many_as_cores_but_never_more_than_connections() {
    let threads = |cores, connections| {
        let asked = Asked {
            cores,
            connections: Some(connections),
            ..Asked::default()
        };
        asked.check().expect("it is fine").threads
    };
    assert_eq!(threads(8, 50), 8);
    assert_eq!(threads(8, 3), 3);
    assert_eq!(threads(0, 3), 1);
    assert_eq!(threads(8, 100_000), 8);
}

#[test]
fn a_search_measures_short_trials_from_the_rate_given() {
    let plan = asked(|a| a.find_max = true).check().expect("it is fine");
    assert_eq!(plan.stop, Stop::After(TRIAL));
    let from = asked(|a| (a.find_max, a.rate) = (true, even(5.0)));
    let Pace::Open { rate, .. } = from.check().expect("it is fine").pace else {
        panic!("a search is an open loop");
    };
    assert_eq!(rate.to_bits(), 5.0_f64.to_bits());
}

#[test]
fn contended_pairs_in_one_write_try() {
    let run = asked(|a| (a.mode, a.one_write) = (Mode::Contended, true));
    let workload = run.check().expect("it is fine").workload;
    assert_eq!(workload.wait_ms, 0);
    assert_eq!(workload.pair, PairStyle::OneWrite);
}
