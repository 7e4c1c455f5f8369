#![allow(clippy::unwrap_used)]

use super::*;
use crate::compare::sample::{Costs, Quantiles};
use crate::nanos::Nanos;

/// A run of a second with these pairs, this processor time of the server in milliseconds.
pub(in crate::compare) fn run(
    shape: &str,
    peer: Peer,
    round: u32,
    pairs: u64,
    server_ms: u64,
) -> Sample {
    let shape = Shape::parse(shape).unwrap()[0];
    Sample {
        shape,
        contestant: Contestant::plain(peer),
        round,
        costs: Costs {
            measured: Nanos::SECOND,
            server: Nanos::from_ms(server_ms),
            generator: Nanos::from_ms(500),
        },
        pairs,
        not_got: 0,
        refused: 0,
        counted: None,
        lost: 0,
        trouble: None,
        latency: Some(Quantiles {
            p50: 1_000.0,
            p99: 2_000.0,
        }),
        handoff: None,
        grants: None,
    }
}

fn results(samples: impl IntoIterator<Item = Sample>) -> Results {
    let mut results = Results::default();
    samples.into_iter().for_each(|sample| results.add(sample));
    results
}

#[test]
fn ratios_are_taken_within_rounds_and_then_their_median() {
    let results = results([
        run("8x32", Peer::Locker, 0, 1_000, 1_000),
        run("8x32", Peer::Redis, 0, 500, 1_000),
        run("8x32", Peer::Locker, 1, 500, 1_000),
        run("8x32", Peer::Redis, 1, 125, 1_000),
        run("8x32", Peer::Locker, 2, 2_000, 1_000),
        run("8x32", Peer::Redis, 2, 667, 1_000),
    ]);
    let ratio = results
        .cpu_ratio(results.shapes()[0], Contestant::plain(Peer::Redis))
        .unwrap();
    assert_eq!((ratio.least, ratio.most, ratio.rounds), (2.0, 4.0, 3));
    assert!((ratio.median - 2.9985).abs() < 0.001, "{ratio:?}");
}

#[test]
fn a_pipelined_run_counts_only_with_nine_tenths_of_its_core() {
    let shape = "8x32";
    let results = results([
        run(shape, Peer::Locker, 0, 1_000, 899),
        run(shape, Peer::Locker, 0, 1_000, 950),
        run(shape, Peer::Locker, 1, 1_000, 400),
        run(shape, Peer::Redis, 0, 500, 900),
        run(shape, Peer::Redis, 1, 500, 900),
        run(shape, Peer::Postgres, 0, 10, 100),
    ]);
    let shape = results.shapes()[0];
    let locker = results.row(shape, Contestant::plain(Peer::Locker)).unwrap();
    assert_eq!((locker.counted().count(), locker.dropped), (1, 2));
    assert!(!locker.is_bracketed());
    let ratio = results
        .cpu_ratio(shape, Contestant::plain(Peer::Redis))
        .unwrap();
    assert_eq!(ratio.rounds, 1, "the round that counts for both");
    let postgres = results
        .row(shape, Contestant::plain(Peer::Postgres))
        .unwrap();
    assert_eq!(
        postgres.counted().count(),
        1,
        "many processes: shown with its share"
    );
    assert_eq!(results.not_counted(), (2, 0));
}

#[test]
fn a_repeated_run_takes_the_place_of_one_that_did_not_count_only() {
    let shape = "8x32";
    let results = results([
        run(shape, Peer::Locker, 0, 1_000, 950),
        run(shape, Peer::Locker, 0, 7_777, 950),
        run(shape, Peer::Locker, 1, 1_000, 100),
        run(shape, Peer::Locker, 1, 2_000, 950),
    ]);
    let row = results
        .row(results.shapes()[0], Contestant::plain(Peer::Locker))
        .unwrap();
    let pairs: Vec<u64> = row.counted().map(|run| run.pairs).collect();
    assert_eq!(pairs, [1_000, 2_000]);
}

#[test]
fn what_never_saturates_is_shown_in_brackets_and_compared_with_nothing() {
    let results = results([
        run("8x32", Peer::Locker, 0, 1_000, 500),
        run("8x32", Peer::Redis, 0, 1_000, 950),
    ]);
    let shape = results.shapes()[0];
    let row = results.row(shape, Contestant::plain(Peer::Locker)).unwrap();
    assert!(row.is_bracketed());
    let cost = row.spread(|run| Some(run.cpu_per_pair())).unwrap();
    assert_eq!(cost.median, 500_000.0);
    assert_eq!(
        results.cpu_ratio(shape, Contestant::plain(Peer::Redis)),
        None
    );
}

#[test]
fn a_run_that_lost_something_counts_nowhere() {
    let mut lost = run("50x1", Peer::Redis, 0, 1_000, 500);
    lost.lost = 3;
    let mut odd = run("50x1", Peer::Redis, 1, 1_000, 500);
    odd.trouble = Some("-OOM".to_owned());
    let results = results([lost, odd, run("50x1", Peer::Redis, 2, 0, 500)]);
    let row = results
        .row(results.shapes()[0], Contestant::plain(Peer::Redis))
        .unwrap();
    assert_eq!(
        (row.counted().count(), row.shown().count(), row.invalid),
        (0, 0, 3)
    );
    assert_eq!(row.trouble.as_deref(), Some("3 requests without an answer"));
}
