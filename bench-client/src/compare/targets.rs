//! The targets of the project that a comparison speaks to: one table, judged. Pure.
//!
//! They are goals, not promises: a target that is missed is a fact about today.

use super::contestant::{Contestant, Peer};
use super::results::Results;
use super::sample::{Quantiles, Sample};
use super::shape::{Shape, Style};
use super::spread::Spread;

/// Most keys that count as hot: few enough to stay in the processor's caches.
pub const HOT_KEYS_MAX: u32 = 10_000;
/// Grants that each client must have had before fairness is judged.
pub const FAIR_GRANTS_MIN: u64 = 10_000;

/// What is compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// locker's processor time per request as a multiple of the driver echo's per frame.
    TimesDriverEcho,
    /// locker's processor time per request less that per frame of the better echo, in ns.
    OverEcho,
    /// Redis' processor time per pair as a multiple of locker's.
    TimesRedis,
    /// The processor time per request of locker with several shards, any connection asking for any
    /// key, as a multiple of that with one.
    TimesOneShardRouted,
    /// The same where each connection goes to a shard and asks for its keys.
    TimesOneShardAware,
    /// The median hand-off as a multiple of the better echo's median round trip.
    HandoffMedian,
    /// The 99th percentile of both.
    HandoffTail,
    /// Grants of the client with the most as a multiple of those of the client with the fewest.
    Fairness,
}

/// Which side of its bound a figure should be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most.
    AtMost,
    /// At least.
    AtLeast,
}

/// One target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// In which shape.
    pub shape: Shape,
    /// What is judged.
    pub measure: Measure,
    /// On which side it should be.
    pub bound: Bound,
    /// Of what, with keys over a large range.
    pub value: f64,
    /// Of what, with hot keys.
    pub value_hot: f64,
}

/// How a target stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It is met by this figure.
    Met(Spread),
    /// It is missed by this figure.
    Missed(Spread),
    /// It cannot be judged, for this reason.
    Open(String),
}

const fn shape(style: Style, connections: u32, depth: u16) -> Shape {
    Shape {
        style,
        connections,
        depth,
    }
}

const fn at_most(shape: Shape, measure: Measure, value: f64, value_hot: f64) -> Target {
    Target {
        shape,
        measure,
        bound: Bound::AtMost,
        value,
        value_hot,
    }
}

const fn at_least(shape: Shape, measure: Measure, value: f64, value_hot: f64) -> Target {
    Target {
        shape,
        measure,
        bound: Bound::AtLeast,
        value,
        value_hot,
    }
}

const TWO_50: Shape = shape(Style::TwoTrips, 50, 1);
const TWO_200: Shape = shape(Style::TwoTrips, 200, 1);
const ONE_8X32: Shape = shape(Style::OneWrite, 8, 32);
const ONE_50X16: Shape = shape(Style::OneWrite, 50, 16);
const ONE_50X64: Shape = shape(Style::OneWrite, 50, 64);
const CONTENDED: Shape = shape(Style::Contended, 64, 1);

/// The project's targets.
pub const TARGETS: [Target; 19] = [
    at_most(TWO_50, Measure::TimesDriverEcho, 1.2, 1.2),
    at_most(TWO_200, Measure::TimesDriverEcho, 1.2, 1.2),
    at_least(TWO_50, Measure::TimesRedis, 1.0, 1.0),
    at_least(TWO_200, Measure::TimesRedis, 1.2, 1.2),
    at_most(ONE_8X32, Measure::OverEcho, 180.0, 100.0),
    at_most(ONE_50X16, Measure::OverEcho, 180.0, 100.0),
    at_most(ONE_50X64, Measure::OverEcho, 180.0, 100.0),
    at_least(ONE_8X32, Measure::TimesRedis, 4.0, 5.0),
    at_least(ONE_50X16, Measure::TimesRedis, 2.5, 2.5),
    at_least(ONE_50X64, Measure::TimesRedis, 4.0, 5.0),
    at_most(TWO_50, Measure::TimesOneShardAware, 1.15, 1.15),
    at_most(ONE_50X16, Measure::TimesOneShardAware, 1.15, 1.15),
    at_most(ONE_50X64, Measure::TimesOneShardAware, 1.15, 1.15),
    at_most(TWO_50, Measure::TimesOneShardRouted, 1.6, 1.6),
    at_most(ONE_50X16, Measure::TimesOneShardRouted, 1.6, 1.6),
    at_most(ONE_50X64, Measure::TimesOneShardRouted, 1.6, 1.6),
    at_most(CONTENDED, Measure::HandoffMedian, 1.3, 1.3),
    at_most(CONTENDED, Measure::HandoffTail, 2.0, 2.0),
    at_most(CONTENDED, Measure::Fairness, 1.01, 1.01),
];

impl Target {
    /// The bound for so many keys.
    #[must_use]
    pub fn value_for(&self, keys: u32) -> f64 {
        match keys {
            0..=HOT_KEYS_MAX => self.value_hot,
            _ => self.value,
        }
    }

    /// The target as a sentence.
    #[must_use]
    pub fn sentence(&self, keys: u32) -> String {
        let what = match self.measure {
            Measure::TimesDriverEcho => "CPU per request / driver echo's per frame",
            Measure::OverEcho => "CPU per request over the better echo's per frame, ns",
            Measure::TimesRedis => "Redis' CPU per pair / locker's",
            Measure::TimesOneShardRouted => "CPU per request, shards routed / one shard",
            Measure::TimesOneShardAware => "CPU per request, shard-aware / one shard",
            Measure::HandoffMedian => "hand-off / echo's round trip, p50",
            Measure::HandoffTail => "hand-off / echo's round trip, p99",
            Measure::Fairness => "grants per client, most / fewest",
        };
        let side = match self.bound {
            Bound::AtMost => "at most",
            Bound::AtLeast => "at least",
        };
        let (shape, value) = (self.shape, self.value_for(keys));
        format!("{shape}: {what}: {side} {value}")
    }

    /// Whether the comparison speaks to it: its shape was measured, and with several shards if it
    /// is about these.
    #[must_use]
    pub fn is_asked(&self, results: &Results) -> bool {
        let peer = match self.measure {
            Measure::TimesOneShardRouted => Some(Peer::LockerShards),
            Measure::TimesOneShardAware => Some(Peer::LockerAware),
            _ => None,
        };
        let is_there = |peer| results.row(self.shape, Contestant::plain(peer)).is_some();
        results.shapes().contains(&self.shape) && peer.is_none_or(is_there)
    }

    /// Whether it is met, by the median over rounds.
    #[must_use]
    pub fn standing(&self, results: &Results, keys: u32) -> Standing {
        let spread = match self.figure(results) {
            Ok(spread) => spread,
            Err(why) => return Standing::Open(why),
        };
        let value = self.value_for(keys);
        let is_met = match self.bound {
            Bound::AtMost => spread.median <= value,
            Bound::AtLeast => spread.median >= value,
        };
        match is_met {
            true => Standing::Met(spread),
            false => Standing::Missed(spread),
        }
    }

    fn figure(&self, results: &Results) -> Result<Spread, String> {
        let locker = results.row(self.shape, Contestant::plain(Peer::Locker));
        let locker = locker.ok_or("locker was not measured in this shape")?;
        if locker.is_bracketed() {
            return Err("no run of locker counts".to_owned());
        }
        let shards =
            |one: &Sample, shards: &Sample| Some(shards.cpu_per_request() / one.cpu_per_request());
        match self.measure {
            Measure::TimesDriverEcho => self.against(results, &[Peer::EchoDriver], |mine, echo| {
                Some(mine.cpu_per_request() / echo.cpu_per_request())
            }),
            Measure::OverEcho => self.against(results, &ECHOS, |mine, echo| {
                Some(mine.cpu_per_request() - echo.cpu_per_request())
            }),
            Measure::TimesRedis => self.against(results, &[Peer::Redis], |mine, redis| {
                Some(redis.cpu_per_pair() / mine.cpu_per_pair())
            }),
            Measure::TimesOneShardRouted => self.against(results, &[Peer::LockerShards], shards),
            Measure::TimesOneShardAware => self.against(results, &[Peer::LockerAware], shards),
            Measure::HandoffMedian => self.handoff(results, |quantiles| quantiles.p50),
            Measure::HandoffTail => self.handoff(results, |quantiles| quantiles.p99),
            Measure::Fairness => {
                let fewest = locker.counted().filter_map(|run| run.grants);
                let fewest = fewest.map(|(fewest, _)| fewest).min().unwrap_or(0);
                if fewest < FAIR_GRANTS_MIN {
                    return Err(format!(
                        "some client had {fewest} grants in a round, {FAIR_GRANTS_MIN} are \
                         needed: give more --seconds"
                    ));
                }
                let spread = locker.spread(fairness);
                spread.ok_or_else(|| "no grants were counted".to_owned())
            }
        }
    }

    /// locker against the best of some peers: the one for which the figure is the most demanding
    /// has the least processor time, in each round.
    fn against(
        &self,
        results: &Results,
        peers: &[Peer],
        figure: impl Fn(&Sample, &Sample) -> Option<f64>,
    ) -> Result<Spread, String> {
        let median = |peer: &Peer| {
            let row = results.row(self.shape, Contestant::plain(*peer))?;
            let spread = Spread::of(row.counted().map(Sample::cpu_per_pair))?;
            Some((*peer, spread.median))
        };
        let best = peers.iter().filter_map(median);
        let best = best.min_by(|one, other| one.1.total_cmp(&other.1));
        let names: Vec<&str> = peers.iter().map(|peer| peer.name()).collect();
        let absent = || format!("no run of {} counts", names.join(" or "));
        let (best, _) = best.ok_or_else(absent)?;
        let pair = (Contestant::plain(Peer::Locker), Contestant::plain(best));
        let spread = results.paired(self.shape, pair, figure);
        spread.ok_or_else(|| format!("no round counts for both locker and {}", best.name()))
    }

    fn handoff(
        &self,
        results: &Results,
        quantile: impl Fn(Quantiles) -> f64 + Copy,
    ) -> Result<Spread, String> {
        let ratios = ECHOS.iter().filter_map(|echo| {
            let pair = (Contestant::plain(Peer::Locker), Contestant::plain(*echo));
            results.paired(self.shape, pair, |mine, echo| {
                Some(quantile(mine.handoff?) / quantile(echo.latency?))
            })
        });
        // The quicker echo is the one against which locker looks worse.
        let worst = ratios.max_by(|one, other| one.median.total_cmp(&other.median));
        worst.ok_or_else(|| "no echo was measured".to_owned())
    }
}

const ECHOS: [Peer; 2] = [Peer::EchoDriver, Peer::EchoEpoll];

/// Grants of the client with the most over those of the one with the fewest.
#[must_use]
pub fn fairness(sample: &Sample) -> Option<f64> {
    let (fewest, most) = sample.grants?;
    Some(most as f64 / fewest as f64)
}

#[cfg(test)]
mod tests;
