//! The comparison for programs: every run, medians, targets. Pure.
//!
//! Fields are added, never changed; `schema` says which they are.

use serde_json::{Value, json};

use crate::measure::Counters;
use crate::report::facts::HostFacts;

use super::Facts;
use super::contestant::Manner;
use super::results::{Results, Row};
use super::sample::{Quantiles, Sample, Verdict};
use super::shape::{Shape, Style};
use super::spread::Spread;
use super::targets::{Standing, TARGETS};

/// Name and version of the fields.
pub const SCHEMA: &str = "locker-bench compare 1";

/// The document.
#[must_use]
pub fn json(facts: &Facts, results: &Results) -> String {
    let samples: Vec<Value> = results.samples.iter().map(sample).collect();
    let skipped = results.skipped.iter().map(|skipped| {
        let (peer, why) = (skipped.peer.name(), &skipped.why);
        json!({ "peer": peer, "why": why })
    });
    let document = json!({
        "schema": SCHEMA,
        "command": facts.command,
        "servers": facts.servers,
        "began_unix": facts.began_unix,
        "keys": facts.keys,
        "rounds": facts.rounds,
        "measured_ms": facts.measured_ms,
        "server_core": facts.cores.0,
        "generator_core": facts.cores.1,
        "shards": facts.shards.0,
        "shard_cores": facts.shards.1,
        "host": host(&facts.host),
        "interrupted": facts.interrupted,
        "skipped": skipped.collect::<Vec<Value>>(),
        "rows": rows(results),
        "targets": targets(results, facts.keys),
        "samples": samples,
    });
    let mut text = serde_json::to_string_pretty(&document).expect("it is made of plain values");
    text.push('\n');
    text
}

fn host(host: &HostFacts) -> Value {
    json!({
        "cpu_model": host.cpu_model,
        "cpus": host.cpus,
        "memory_bytes": host.memory_bytes,
        "kernel": host.kernel,
        "governor": host.governor,
        "virtual_machine": host.virtual_machine,
    })
}

fn shape(shape: Shape) -> Value {
    let style = match shape.style {
        Style::TwoTrips => "two-trips",
        Style::OneWrite => "one-write",
        Style::Contended => "contended",
    };
    json!({ "style": style, "connections": shape.connections, "depth": shape.depth })
}

const fn manner(manner: Manner) -> &'static str {
    match manner {
        Manner::Plain => "plain",
        Manner::TightPoll => "tight-poll",
        Manner::PolitePoll => "polite-poll",
    }
}

fn quantiles(quantiles: Option<Quantiles>) -> Value {
    quantiles.map_or(
        Value::Null,
        |span| json!({ "p50": span.p50, "p99": span.p99 }),
    )
}

fn sample(sample: &Sample) -> Value {
    let (counts, why) = match sample.verdict() {
        Verdict::Counts => (true, None),
        Verdict::Unsaturated => (false, Some("unsaturated".to_owned())),
        Verdict::Invalid(why) => (false, Some(why)),
    };
    json!({
        "shape": shape(sample.shape),
        "peer": sample.contestant.peer.name(),
        "manner": manner(sample.contestant.manner),
        "round": sample.round,
        "counts": counts,
        "why_not": why,
        "measured_ns": sample.costs.measured.0,
        "server_cpu_ns": sample.costs.server.0,
        "generator_cpu_ns": sample.costs.generator.0,
        "pairs": sample.pairs,
        "not_got": sample.not_got,
        "refused": sample.refused,
        "lost": sample.lost,
        "server_counted": sample.counted.as_ref().map(counted),
        "latency_ns": quantiles(sample.latency),
        "handoff_ns": quantiles(sample.handoff),
        "grants_fewest": sample.grants.map(|grants| grants.0),
        "grants_most": sample.grants.map(|grants| grants.1),
    })
}

fn counted(counted: &Counters) -> Value {
    json!({
        "requests": counted.requests,
        "turns": counted.turns,
        "lane_messages": counted.lane_messages,
        "lane_wakes": counted.lane_wakes,
        "lane_busy": counted.lane_busy,
    })
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(Value::Null, |spread| {
        let Spread {
            median,
            least,
            most,
            rounds,
        } = spread;
        json!({ "median": median, "least": least, "most": most, "rounds": rounds })
    })
}

fn rows(results: &Results) -> Vec<Value> {
    let mut rows = Vec::new();
    for &of in results.shapes() {
        for (contestant, row) in results.rows(of) {
            let mut value = figures(row);
            value["shape"] = shape(of);
            value["peer"] = contestant.peer.name().into();
            value["manner"] = manner(contestant.manner).into();
            value["cpu_times_locker"] = spread(results.cpu_ratio(of, contestant));
            value["rate_locker_times"] = spread(results.rate_ratio(of, contestant));
            rows.push(value);
        }
    }
    rows
}

fn figures(row: &Row) -> Value {
    json!({
        "may_be_quoted": !row.is_bracketed(),
        "dropped": row.dropped,
        "invalid": row.invalid,
        "generator_bound_rounds": row.generator_bound(),
        "refused_share": row.refused_share().unwrap_or(0.0),
        "lane_messages_per_request": of(row, Counters::messages_per_request),
        "lane_wakes_per_request": of(row, Counters::wakes_per_request),
        "requests_per_turn": of(row, Counters::requests_per_turn),
        "pairs_per_second": spread(row.spread(|run| Some(run.rate()))),
        "server_cpu_ns_per_pair": spread(row.spread(|run| Some(run.cpu_per_pair()))),
        "core_share": spread(row.spread(|run| Some(run.core_share()))),
        "generator_share": spread(row.spread(|run| Some(run.generator_share()))),
    })
}

fn of(row: &Row, figure: fn(&Counters) -> f64) -> Value {
    spread(row.spread(|run| run.counted.as_ref().map(figure)))
}

fn targets(results: &Results, keys: u32) -> Vec<Value> {
    let targets = TARGETS.iter().map(|target| {
        let (standing, figure, why) = match target.standing(results, keys) {
            Standing::Met(figure) => ("met", Some(figure), None),
            Standing::Missed(figure) => ("missed", Some(figure), None),
            Standing::Open(why) => ("open", None, Some(why)),
        };
        json!({
            "target": target.sentence(keys),
            "standing": standing,
            "figure": spread(figure),
            "why_open": why,
        })
    });
    targets.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compare::contestant::Peer;
    use crate::compare::results::Skipped;
    use crate::compare::results::tests::run;

    #[test]
    fn every_run_its_row_and_the_targets_are_told() {
        let mut results = Results::default();
        results.add(run("8x32", Peer::Locker, 0, 4_000, 1_000));
        results.add(run("8x32", Peer::Redis, 0, 1_000, 1_000));
        results.add(run("8x32", Peer::Redis, 1, 1_000, 100));
        let why = "not installed".to_owned();
        let peer = Peer::Etcd;
        results.skipped.push(Skipped { peer, why });
        let facts = Facts {
            command: vec!["locker-bench".to_owned(), "compare".to_owned()],
            servers: Vec::new(),
            began_unix: 1,
            keys: 1_000_000,
            rounds: 2,
            measured_ms: 1_000,
            cores: (0, 1),
            shards: (2, vec![0]),
            host: HostFacts {
                cpu_model: "a model".to_owned(),
                cpus: 2,
                memory_bytes: 1,
                kernel: "6.1".to_owned(),
                governor: None,
                virtual_machine: true,
            },
            interrupted: false,
        };
        let value: Value = serde_json::from_str(&json(&facts, &results)).unwrap();
        assert_eq!(value["schema"], "locker-bench compare 1");
        assert_eq!(value["samples"].as_array().unwrap().len(), 3);
        assert_eq!(value["samples"][2]["why_not"], "unsaturated");
        assert_eq!(value["rows"][1]["peer"], "redis");
        assert_eq!(value["rows"][1]["cpu_times_locker"]["median"], 4.0);
        assert_eq!(value["rows"][1]["dropped"], 1);
        assert_eq!(value["skipped"][0]["peer"], "etcd");
        assert_eq!(value["targets"].as_array().unwrap().len(), TARGETS.len());
        assert_eq!(value["targets"][7]["standing"], "met");
    }
}
