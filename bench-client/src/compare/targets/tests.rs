#![allow(clippy::unwrap_used)]

use super::*;
use crate::compare::results::tests::run;

const MANY_KEYS: u32 = 1_000_000;

fn standing(samples: Vec<Sample>, shape: Shape, measure: Measure, keys: u32) -> Standing {
    let mut results = Results::default();
    samples.into_iter().for_each(|sample| results.add(sample));
    let target = TARGETS
        .iter()
        .find(|target| target.shape == shape && target.measure == measure);
    target.unwrap().standing(&results, keys)
}

#[test]
fn redis_must_cost_a_multiple_of_locker_and_more_with_hot_keys() {
    let samples = || {
        vec![
            run("8x32", Peer::Locker, 0, 4_500, 1_000),
            run("8x32", Peer::Redis, 0, 1_000, 1_000),
        ]
    };
    let many = standing(samples(), ONE_8X32, Measure::TimesRedis, MANY_KEYS);
    assert!(
        matches!(many, Standing::Met(spread) if spread.median == 4.5),
        "{many:?}"
    );
    let hot = standing(samples(), ONE_8X32, Measure::TimesRedis, 1_000);
    assert!(matches!(hot, Standing::Missed(_)), "{hot:?}");
}

#[test]
fn the_better_echo_is_the_yardstick_per_request() {
    // 2,000 requests in 1 s: 500 us each; frames of the echos 400 us and 475 us.
    let samples = vec![
        run("8x32", Peer::Locker, 0, 1_000, 1_000),
        run("8x32", Peer::EchoDriver, 0, 1_250, 1_000),
        run("8x32", Peer::EchoEpoll, 0, 1_000, 950),
    ];
    let over = standing(samples, ONE_8X32, Measure::OverEcho, MANY_KEYS);
    let Standing::Missed(spread) = over else {
        panic!("{over:?}");
    };
    assert_eq!(
        spread.median.round(),
        100_000.0,
        "over the echo that costs less"
    );
}

#[test]
fn a_target_without_its_yardstick_is_not_judged() {
    let alone = || vec![run("50x1", Peer::Locker, 0, 1_000, 500)];
    let open = standing(alone(), TWO_50, Measure::TimesDriverEcho, MANY_KEYS);
    assert_eq!(
        open,
        Standing::Open("no run of echo-driver counts".to_owned())
    );
    let open = standing(alone(), TWO_200, Measure::TimesRedis, MANY_KEYS);
    assert!(
        matches!(open, Standing::Open(_)),
        "another shape was measured"
    );
}

fn contended(round: u32, handoff: f64, grants: (u64, u64)) -> Vec<Sample> {
    let mut mine = run("contended", Peer::Locker, round, 1_000, 500);
    mine.handoff = Some(Quantiles {
        p50: handoff,
        p99: 2.0 * handoff,
    });
    mine.grants = Some(grants);
    // Its round trips are 1 us at the median.
    vec![mine, run("contended", Peer::EchoEpoll, round, 1_000, 500)]
}

#[test]
fn a_handoff_is_held_against_the_echos_round_trip() {
    let samples = || [contended(0, 1_200.0, (9, 9)), contended(1, 1_300.0, (9, 9))].concat();
    let median = standing(samples(), CONTENDED, Measure::HandoffMedian, MANY_KEYS);
    assert!(
        matches!(median, Standing::Met(spread) if spread.median == 1.25),
        "{median:?}"
    );
    let tail = standing(samples(), CONTENDED, Measure::HandoffTail, MANY_KEYS);
    assert!(
        matches!(tail, Standing::Met(spread) if spread.median == 1.25),
        "{tail:?}"
    );
}

#[test]
fn fairness_needs_many_grants() {
    let few = standing(
        contended(0, 1.0, (9_999, 10_000)),
        CONTENDED,
        Measure::Fairness,
        1,
    );
    assert!(matches!(few, Standing::Open(_)), "{few:?}");
    let many = standing(
        contended(0, 1.0, (10_000, 10_000)),
        CONTENDED,
        Measure::Fairness,
        1,
    );
    assert!(matches!(many, Standing::Met(_)), "{many:?}");
    let unfair = standing(
        contended(0, 1.0, (10_000, 10_200)),
        CONTENDED,
        Measure::Fairness,
        1,
    );
    assert!(matches!(unfair, Standing::Missed(_)), "{unfair:?}");
}

#[test]
fn a_target_reads_as_a_sentence() {
    assert_eq!(
        TARGETS[7].sentence(MANY_KEYS),
        "8x32, one write: Redis' CPU per pair / locker's: at least 4"
    );
    assert!(TARGETS[4].sentence(1_000).ends_with("at most 100"));
}

#[test]
fn shards_are_held_against_one() {
    let samples = || {
        vec![
            run("50x16", Peer::Locker, 0, 1_500, 1_000),
            run("50x16", Peer::LockerShards, 0, 1_000, 1_000),
            run("50x16", Peer::LockerAware, 0, 1_250, 1_000),
        ]
    };
    let routed = Measure::TimesOneShardRouted;
    let routed = standing(samples(), ONE_50X16, routed, MANY_KEYS);
    assert!(
        matches!(routed, Standing::Met(spread) if spread.median == 1.5),
        "{routed:?}"
    );
    let aware = Measure::TimesOneShardAware;
    let aware = standing(samples(), ONE_50X16, aware, MANY_KEYS);
    assert!(
        matches!(aware, Standing::Missed(spread) if (spread.median - 1.2).abs() < 1e-9),
        "{aware:?}"
    );
}

#[test]
fn targets_of_several_shards_are_asked_only_where_there_are_some() {
    let mut results = Results::default();
    results.add(run("50x16", Peer::Locker, 0, 1_500, 1_000));
    let asked = |results: &Results| {
        let asked = TARGETS.iter().filter(|target| target.is_asked(results));
        asked.map(|target| target.measure).collect::<Vec<_>>()
    };
    assert_eq!(asked(&results), [Measure::OverEcho, Measure::TimesRedis]);
    results.add(run("50x16", Peer::LockerAware, 0, 1_500, 1_000));
    let aware = Measure::TimesOneShardAware;
    assert_eq!(
        asked(&results),
        [Measure::OverEcho, Measure::TimesRedis, aware]
    );
}
