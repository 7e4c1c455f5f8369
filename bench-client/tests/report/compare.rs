//! The JSON of a comparison is a promise too: fields are added, none goes away or changes.
//!
//! `GOLDEN=write cargo test -p locker-bench --test report` writes the golden document anew.

use std::path::Path;

use locker_bench::compare::Facts;
use locker_bench::compare::contestant::{Contestant, Peer};
use locker_bench::compare::json::json;
use locker_bench::compare::results::{Results, Skipped};
use locker_bench::compare::sample::{Costs, Quantiles, Sample};
use locker_bench::compare::shape::Shape;
use locker_bench::measure::Counters;
use locker_bench::nanos::Nanos;
use locker_bench::report::facts::HostFacts;

use crate::schema::fields;

const GOLDEN: &str = include_str!("golden/compare-1.json");

fn sample(shape: &str, peer: Peer, pairs: u64) -> Sample {
    let span = Some(Quantiles {
        p50: 52_000.0,
        p99: 83_000.0,
    });
    let counted = Counters {
        requests: 2_400,
        turns: 300,
        lane_messages: 1_200,
        lane_wakes: 60,
        lane_busy: 3,
    };
    Sample {
        shape: Shape::parse(shape).unwrap()[0],
        contestant: Contestant::plain(peer),
        round: 0,
        costs: Costs {
            measured: Nanos::SECOND,
            server: Nanos::from_ms(950),
            generator: Nanos::from_ms(700),
        },
        pairs,
        not_got: 0,
        refused: 3,
        counted: peer.is_locker().then_some(counted),
        lost: 0,
        trouble: (peer == Peer::Memcached).then(|| "SERVER_ERROR".to_owned()),
        latency: span,
        handoff: shape.contains("contended").then_some(span).flatten(),
        grants: shape.contains("contended").then_some((11_000, 11_050)),
    }
}

fn now() -> String {
    let mut results = Results::default();
    results.add(sample("50x16", Peer::Locker, 4_000));
    results.add(sample("50x16", Peer::LockerShards, 2_000));
    results.add(sample("50x16", Peer::LockerAware, 3_900));
    results.add(sample("50x16", Peer::Redis, 1_000));
    results.add(sample("50x16", Peer::Memcached, 1_000));
    results.add(sample("contended", Peer::Locker, 700_000));
    results.skipped.push(Skipped {
        peer: Peer::Etcd,
        why: "not installed".to_owned(),
    });
    let words = "locker-bench compare --server-shards 2";
    let facts = Facts {
        command: words.split(' ').map(str::to_owned).collect(),
        servers: vec!["locker serve".to_owned()],
        began_unix: 1_767_225_599,
        keys: 1_000_000,
        rounds: 1,
        measured_ms: 1_000,
        cores: (0, 1),
        shards: (2, vec![0]),
        host: HostFacts {
            cpu_model: "a model".to_owned(),
            cpus: 2,
            memory_bytes: 1 << 34,
            kernel: "6.1".to_owned(),
            governor: None,
            virtual_machine: true,
        },
        interrupted: false,
    };
    json(&facts, &results)
}

#[test]
fn a_comparison_is_written_as_before() {
    let now = now();
    if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        let path = "tests/report/golden/compare-1.json";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::write(path, &now).unwrap();
        return;
    }
    let changed = GOLDEN
        .lines()
        .zip(now.lines())
        .find(|(before, now)| before != now);
    assert_eq!(changed, None, "(before, now)");
    assert_eq!(GOLDEN.len(), now.len());
}

/// The run of earlier days that the documentation shows.
#[test]
fn no_field_of_the_committed_comparison_is_gone() {
    let committed = include_str!("../../../docs/figures/compare.json");
    let before = fields(&serde_json::from_str(committed).unwrap());
    let now = fields(&serde_json::from_str(&now()).unwrap());
    let gone: Vec<_> = before
        .keys()
        .filter(|path| !now.contains_key(*path))
        .collect();
    assert_eq!(gone, Vec::<&String>::new());
}
