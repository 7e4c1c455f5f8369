//! What was asked for, key by key, in the words of the flags.

use serde::{Deserialize, Serialize};

use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::plan::spelling::show;
use crate::plan::{Arrivals, Hold, KeyDist, Mode, Pace, PairStyle, Plan, Stop};

/// A plan as a report holds it. Two runs compare only where these are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Cycle of the clients: `uncontended`, `contended`, `rw:90/10`, `permit:8`, `renew`, `churn`,
    /// `herd` or `hold-many`.
    pub mode: String,
    /// Keys in all.
    pub keys: u32,
    /// How they are drawn: `uniform`, `zipf:0.99`, `hot:64` or `seq`.
    pub key_dist: String,
    /// Bytes of a key.
    pub key_bytes: u16,
    /// Time between grant and release: `0`, `1ms` or `exp:5ms`.
    pub hold: String,
    /// Lease of a hold in milliseconds; 0 = as long as its session.
    pub lease_ms: u32,
    /// Wait of an acquire in milliseconds; 0 = a try; null = as long as its session.
    pub wait_ms: Option<u32>,
    /// How acquire and release are sent: `two-trips` or `one-write`.
    pub pair: String,
    /// Whether connections ask only for keys of their own shard.
    pub shard_aware: bool,
    /// Locks held in the background all the while.
    #[serde(default)]
    pub held: u32,
    /// Generator threads.
    pub threads: u16,
    /// Connections in all.
    pub connections: u32,
    /// Clients per connection, each with one cycle in flight.
    pub inflight: u16,
    /// Clients in all.
    pub clients: u32,
    /// `closed` or `open`.
    pub pace: String,
    /// Open loop: cycles per second asked for.
    pub rate: Option<f64>,
    /// Open loop: `even` or `poisson`.
    pub arrivals: Option<String>,
    /// Open loop: seconds over which the rate grows from 0.
    pub ramp_s: Option<f64>,
    /// Measured time asked for in seconds, if that ends the run.
    pub duration_s: Option<f64>,
    /// Operations asked for, if that ends the run.
    pub operations: Option<u64>,
    /// Load before the measured time, in seconds.
    pub warmup_s: f64,
    /// Whether the safety check was on.
    pub verify: bool,
    /// Whether the order of grants was checked across connections.
    pub verify_order: bool,
    /// Seed of every random choice; text, for it may not fit a number of JSON.
    pub seed: String,
}

impl Configuration {
    /// Of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let workload = &plan.workload;
        let (rate, arrivals, ramp) = match plan.pace {
            Pace::Closed => (None, None, None),
            Pace::Open {
                rate,
                arrivals,
                ramp,
            } => (Some(rate), Some(arrivals), Some(ramp)),
        };
        let (duration, operations) = match plan.stop {
            Stop::After(time) => (Some(time.seconds()), None),
            Stop::Operations(count) => (None, Some(count)),
        };
        Self {
            mode: mode(workload.mode),
            keys: workload.keys,
            key_dist: key_dist(workload.key_dist),
            key_bytes: workload.key_bytes,
            hold: hold(workload.hold),
            lease_ms: workload.lease_ms,
            wait_ms: (workload.wait_ms != u32::MAX).then_some(workload.wait_ms),
            pair: pair(workload.pair).into(),
            shard_aware: workload.shard_aware,
            held: plan.held,
            threads: plan.threads,
            connections: plan.connections,
            inflight: plan.inflight,
            clients: plan.clients(),
            pace: if rate.is_some() { "open" } else { "closed" }.into(),
            rate,
            arrivals: arrivals.map(|arrivals| spread(arrivals).into()),
            ramp_s: ramp.map(Nanos::seconds),
            duration_s: duration,
            operations,
            warmup_s: plan.warmup.seconds(),
            verify: plan.checks.safety,
            verify_order: plan.checks.order,
            seed: plan.seed.to_string(),
        }
    }

    /// Its keys by name, with their values; `-` = not set.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, String)> {
        let fields = match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("a struct of plain fields is an object"),
        };
        fields
            .into_iter()
            .map(|(key, value)| (key, text(&value)))
            .collect()
    }

    /// The keys whose values differ between two, with both values.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let pairs = self.entries().into_iter().zip(other.entries());
        let differing = pairs.filter(|(one, two)| one.1 != two.1);
        differing
            .map(|((key, one), (_, two))| Difference {
                key,
                values: [one, two],
            })
            .collect()
    }
}

/// A key of the configuration that differs between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// Its value in the one and in the other; `-` = not set.
    pub values: [String; 2],
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".into(),
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The kind of operation that a mode is about: the one whose latency is told first.
#[must_use]
pub const fn main_kind(mode: Mode) -> Kind {
    match mode {
        Mode::Renew => Kind::Renew,
        Mode::Churn => Kind::Open,
        _ => Kind::Acquire,
    }
}

fn mode(mode: Mode) -> String {
    let name = mode.name();
    match mode {
        Mode::ReadWrite { shared_percent } => {
            format!("{name}:{shared_percent}/{}", 100 - shared_percent)
        }
        Mode::Permit { limit } => format!("{name}:{limit}"),
        _ => name.into(),
    }
}

fn key_dist(dist: KeyDist) -> String {
    match dist {
        KeyDist::Uniform => "uniform".into(),
        KeyDist::Zipf(exponent) => format!("zipf:{exponent}"),
        KeyDist::Hot(keys) => format!("hot:{keys}"),
        KeyDist::Sequential => "seq".into(),
    }
}

fn hold(hold: Hold) -> String {
    match hold {
        Hold::None => "0".into(),
        Hold::For(time) => show(time),
        Hold::Exponential(mean) => format!("exp:{}", show(mean)),
    }
}

const fn pair(pair: PairStyle) -> &'static str {
    match pair {
        PairStyle::TwoTrips => "two-trips",
        PairStyle::OneWrite => "one-write",
    }
}

const fn spread(arrivals: Arrivals) -> &'static str {
    match arrivals {
        Arrivals::Even => "even",
        Arrivals::Poisson => "poisson",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_the_words_of_the_flags() {
        assert_eq!(mode(Mode::ReadWrite { shared_percent: 90 }), "rw:90/10");
        assert_eq!(mode(Mode::Permit { limit: 8 }), "permit:8");
        assert_eq!(key_dist(KeyDist::Zipf(0.99)), "zipf:0.99");
        assert_eq!(hold(Hold::Exponential(Nanos::from_ms(5))), "exp:5ms");
        assert_eq!(hold(Hold::None), "0");
    }
}
