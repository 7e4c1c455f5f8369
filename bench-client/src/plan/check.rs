//! From what was asked for to a plan, or the reason why there is none. Pure.
//!
//! Everything that can be known without a server is decided here, before any connection is made.

use super::asked::Asked;
use super::refusal::{CLIENTS_MAX, DURATION_MAX_DAYS, SEATS_MAX};
use super::spelling::{self, SESSION_MS, Span};
use super::workload::KEY_BYTES;
use super::{
    Arrivals, Checks, Hold, KeyDist, Mode, Pace, PairStyle, Plan, Refusal, Stop, Workload,
};
use crate::load::keys_max;
use crate::nanos::Nanos;

/// Connections, if none are asked for.
const CONNECTIONS: u32 = 50;
/// Measured time, if no end is asked for.
const DURATION: Nanos = Nanos(10 * Nanos::SECOND.0);
/// Measured time of one trial of a search.
const TRIAL: Nanos = Nanos(4 * Nanos::SECOND.0);
/// Cycles per second of a search's first trial.
const FIRST_RATE: f64 = 1_000.0;
const KEY_BYTES_DEFAULT: u16 = 32;
const LEASE_MS_MIN: u64 = 10;
const LEASE_MS_MAX: u64 = 24 * 24 * 3_600 * 1_000;
const DAY: Nanos = Nanos(24 * 3_600 * Nanos::SECOND.0);

impl Asked {
    /// The plan, with defaults that suit the mode.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn check(&self) -> Result<Plan, Refusal> {
        let connections = self.connections.unwrap_or(CONNECTIONS);
        let inflight = self.inflight.unwrap_or(1);
        // Only threads that were asked for can be too many.
        let cores = u16::try_from(connections)
            .unwrap_or(u16::MAX)
            .min(self.cores);
        let threads = self.threads.unwrap_or(cores.max(1));
        self.check_sizes(threads, connections, inflight)?;
        let stop = self.stop()?;
        let warmup = self.warmup.unwrap_or(match self.mode {
            // It would use up keys that are then never measured.
            Mode::HoldMany => Nanos::ZERO,
            _ => Nanos::SECOND,
        });
        let pace = self.pace(stop, warmup)?;
        let workload = self.workload(connections * u32::from(inflight))?;
        Ok(Plan {
            threads,
            connections,
            inflight,
            stop,
            warmup,
            pace,
            held: self.held(&workload)?,
            survive: self.survive()?,
            workload,
            checks: self.checks(),
            seed: self.seed,
        })
    }

    fn checks(&self) -> Checks {
        self.checks.unwrap_or(Checks {
            safety: true,
            order: false,
        })
    }

    fn survive(&self) -> Result<Option<Nanos>, Refusal> {
        if self.survive.is_none() {
            return Ok(None);
        }
        let mode = self.mode;
        if !matches!(
            mode,
            Mode::Uncontended | Mode::Contended | Mode::ReadWrite { .. } | Mode::Permit { .. }
        ) {
            return Err(Refusal::SurviveInMode { mode });
        }
        let held = self.held.is_some_and(|held| held > 0);
        let others = [
            ("--one-write", self.one_write),
            ("--held", held),
            ("--verify=off", !self.checks().safety),
        ];
        match others.into_iter().find(|(_, is_asked)| *is_asked) {
            Some((flag, _)) => Err(Refusal::SurviveWith { flag }),
            None => Ok(self.survive),
        }
    }

    fn check_sizes(&self, threads: u16, connections: u32, inflight: u16) -> Result<(), Refusal> {
        let counts = [
            ("-t", u64::from(threads)),
            ("-c", u64::from(connections)),
            ("-P", u64::from(inflight)),
            ("-n", self.operations.unwrap_or(1)),
            ("--keys", self.keys.unwrap_or(1)),
        ];
        if let Some((flag, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(Refusal::Zero { flag });
        }
        if u32::from(threads) > connections {
            return Err(Refusal::FewerConnectionsThanThreads {
                threads,
                connections,
            });
        }
        let seats = u32::from(inflight) * if self.one_write { 2 } else { 1 };
        if seats > u32::from(SEATS_MAX) {
            return Err(Refusal::InflightAboveSeats {
                inflight,
                seats,
                one_write: self.one_write,
            });
        }
        if u64::from(connections) * u64::from(inflight) > u64::from(CLIENTS_MAX) {
            return Err(Refusal::TooManyClients {
                connections,
                inflight,
            });
        }
        Ok(())
    }

    fn stop(&self) -> Result<Stop, Refusal> {
        if self.find_max && self.operations.is_some() {
            return Err(Refusal::FindMaxWithOperations);
        }
        let longest = Nanos(DURATION_MAX_DAYS * DAY.0);
        let spans = [("-d", self.duration), ("--warmup", self.warmup)];
        for (flag, span) in spans {
            if span.is_some_and(|span| span > longest) {
                return Err(Refusal::TooLong { flag });
            }
        }
        match (self.duration, self.operations) {
            (Some(_), Some(_)) => Err(Refusal::TwoEnds),
            (Some(Nanos::ZERO), None) => Err(Refusal::NoTime { flag: "-d" }),
            (Some(duration), None) => Ok(Stop::After(duration)),
            (None, Some(operations)) => Ok(Stop::Operations(operations)),
            (None, None) if self.find_max => Ok(Stop::After(TRIAL)),
            (None, None) => Ok(Stop::After(DURATION)),
        }
    }

    fn pace(&self, stop: Stop, warmup: Nanos) -> Result<Pace, Refusal> {
        if self.find_max && self.ramp.is_some() {
            return Err(Refusal::FindMaxWithRamp);
        }
        if self.find_max && self.slo {
            return Err(Refusal::FindMaxWithSlo);
        }
        let flag = if self.find_max {
            "--find-max"
        } else {
            "--rate"
        };
        let sets_pace = matches!(self.mode, Mode::Herd | Mode::HoldMany);
        if sets_pace && (self.find_max || self.rate.is_some()) {
            let mode = self.mode;
            return Err(Refusal::PaceOfMode { mode, flag });
        }
        let (rate, arrivals) = match self.rate {
            Some(rate) if rate.per_second > 0.0 => (rate.per_second, rate.arrivals),
            Some(_) => return Err(Refusal::RateNotPositive),
            None if self.find_max => (FIRST_RATE, Arrivals::Even),
            None if self.ramp.is_some() => return Err(Refusal::RampWithoutRate),
            None => return Ok(Pace::Closed),
        };
        let ramp = self.ramp.unwrap_or(Nanos::ZERO);
        if matches!(stop, Stop::After(duration) if ramp > Nanos::ZERO && ramp >= warmup + duration)
        {
            return Err(Refusal::RampTooLong);
        }
        Ok(Pace::Open {
            rate,
            arrivals,
            ramp,
        })
    }

    fn workload(&self, clients: u32) -> Result<Workload, Refusal> {
        let mode = self.mode;
        let keys = self.keys(clients)?;
        let key_dist = self.key_dist(keys)?;
        let key_bytes = self.key_bytes.unwrap_or(KEY_BYTES_DEFAULT);
        if !KEY_BYTES.contains(&key_bytes) {
            return Err(Refusal::KeyBytes { bytes: key_bytes });
        }
        if u64::from(keys) > keys_max(key_bytes) {
            return Err(Refusal::KeysInBytes {
                keys,
                bytes: key_bytes,
            });
        }
        if let (Mode::Churn, Some(inflight @ 2..)) = (mode, self.inflight) {
            return Err(Refusal::ChurnInflight { inflight });
        }
        if mode == Mode::Churn && self.shard_aware {
            return Err(Refusal::ChurnShardAware);
        }
        let hold = self.hold.unwrap_or(Hold::None);
        if hold != Hold::None && matches!(mode, Mode::Renew | Mode::HoldMany) {
            return Err(Refusal::HoldInMode { mode });
        }
        Ok(Workload {
            mode,
            keys,
            key_dist,
            key_bytes,
            hold,
            lease_ms: self.lease_ms(hold)?,
            wait_ms: self.wait_ms()?,
            pair: self.pair(hold)?,
            shard_aware: self.shard_aware,
        })
    }

    fn keys(&self, clients: u32) -> Result<u32, Refusal> {
        let mode = self.mode;
        if let (Mode::Herd, Some(keys @ 2..)) = (mode, self.keys) {
            return Err(Refusal::HerdOfKeys { keys });
        }
        let shares_keys = matches!(
            mode,
            Mode::Contended | Mode::ReadWrite { .. } | Mode::Permit { .. } | Mode::Herd
        );
        let keys = match self.keys {
            Some(keys) => u32::try_from(keys).map_err(|_| Refusal::TooManyKeys { keys })?,
            None => match mode {
                _ if shares_keys => 1,
                Mode::Renew => clients.max(10_000),
                // As many as are held, so that all of a full table is asked for.
                _ => clients.max(1_000_000).max(self.held_count()?),
            },
        };
        match !shares_keys && keys < clients {
            true => Err(Refusal::FewerKeysThanClients {
                mode,
                keys,
                clients,
            }),
            false => Ok(keys),
        }
    }

    fn held_count(&self) -> Result<u32, Refusal> {
        let held = self.held.unwrap_or(0);
        u32::try_from(held).map_err(|_| Refusal::TooManyKeys { keys: held })
    }

    /// Locks held in the background; their numbers follow those of the keys.
    fn held(&self, workload: &Workload) -> Result<u32, Refusal> {
        let held = self.held_count()?;
        let all = u64::from(held) + u64::from(workload.keys);
        if all > keys_max(workload.key_bytes) {
            let (keys, bytes) = (all, workload.key_bytes);
            return Err(Refusal::HeldInBytes { keys, bytes });
        }
        Ok(held)
    }

    fn key_dist(&self, keys: u32) -> Result<KeyDist, Refusal> {
        let mode = self.mode;
        let draws = !matches!(mode, Mode::Herd | Mode::HoldMany);
        match self.key_dist {
            Some(_) if !draws => Err(Refusal::KeyDistInMode { mode }),
            Some(KeyDist::Hot(hot)) if hot == 0 || hot > keys => {
                Err(Refusal::HotKeys { hot, keys })
            }
            Some(KeyDist::Zipf(exponent)) if exponent.is_nan() || exponent <= 0.0 => {
                Err(Refusal::ZipfExponent { exponent })
            }
            Some(dist) => Ok(dist),
            None if draws => Ok(KeyDist::Uniform),
            None => Ok(KeyDist::Sequential),
        }
    }

    fn lease_ms(&self, hold: Hold) -> Result<u32, Refusal> {
        let Some(Span::For(lease)) = self.lease else {
            return Ok(0);
        };
        let shown = || spelling::show(lease);
        let ms = whole_ms("--lease", lease)?;
        if !(LEASE_MS_MIN..=LEASE_MS_MAX).contains(&ms) {
            return Err(Refusal::LeaseOutOfBounds { lease: shown() });
        }
        match hold {
            Hold::For(span) | Hold::Exponential(span) if span >= lease => {
                Err(Refusal::LeaseBelowHold {
                    lease: shown(),
                    hold: spelling::show(span),
                })
            }
            _ => Ok(u32::try_from(ms).expect("24 days are less than 2^32 ms")),
        }
    }

    fn wait_ms(&self) -> Result<u32, Refusal> {
        let mode = self.mode;
        let waits = !matches!(mode, Mode::Renew | Mode::HoldMany);
        let waits_by_default = waits && !matches!(mode, Mode::Uncontended | Mode::Churn);
        let ms = match self.wait {
            None if waits_by_default && !self.one_write => SESSION_MS,
            None => 0,
            Some(Span::Session) => SESSION_MS,
            Some(Span::For(wait)) => {
                let ms = u32::try_from(whole_ms("--wait", wait)?).unwrap_or(SESSION_MS);
                if ms == SESSION_MS {
                    let wait = spelling::show(wait);
                    return Err(Refusal::WaitTooLong { wait });
                }
                ms
            }
        };
        match (ms, mode) {
            (0, Mode::Herd) if !self.one_write => Err(Refusal::HerdWithoutWait),
            (1.., _) if !waits => Err(Refusal::WaitInMode { mode }),
            _ => Ok(ms),
        }
    }

    fn pair(&self, hold: Hold) -> Result<PairStyle, Refusal> {
        if !self.one_write {
            return Ok(PairStyle::TwoTrips);
        }
        let mode = self.mode;
        if matches!(
            mode,
            Mode::Renew | Mode::Churn | Mode::Herd | Mode::HoldMany
        ) {
            return Err(Refusal::OneWriteInMode { mode });
        }
        if let Mode::Permit { .. } = mode {
            return Err(Refusal::OneWriteOfPermits);
        }
        if hold != Hold::None {
            return Err(Refusal::OneWriteWithHold);
        }
        match self.wait {
            None | Some(Span::For(Nanos::ZERO)) => Ok(PairStyle::OneWrite),
            Some(_) => Err(Refusal::OneWriteWithWait),
        }
    }
}

/// Milliseconds of a span that the wire carries in whole ones.
fn whole_ms(flag: &'static str, span: Nanos) -> Result<u64, Refusal> {
    match span.0 % 1_000_000 {
        0 => Ok(span.0 / 1_000_000),
        _ => Err(Refusal::FinerThanMilliseconds {
            flag,
            span: spelling::show(span),
        }),
    }
}

#[cfg(test)]
mod tests;
