//! How the values of a run are written: `zipf:0.99`, `rw:90/10`, `20k,poisson`. Pure.
//!
//! Sizes and durations are read by the parsers of the server's settings, so that both programs
//! take the same words.

use std::str::FromStr;

use locker::config::units;

use super::{Arrivals, Checks, Hold, KeyDist, Mode, Refusal};
use crate::nanos::Nanos;

/// Milliseconds on the wire that mean: as long as the session.
pub const SESSION_MS: u32 = u32::MAX;

const MODES: &str = "write uncontended, contended, rw:90/10, permit:3, renew, churn, herd or \
                     hold-many";
const DISTS: &str = "write uniform, zipf:0.99, hot:100 or seq";
const HOLDS: &str = "write 0, a time such as 1ms, or exp:5ms for random times with that mean";
const RATES: &str = "write cycles per second, as 20000, 20k or 20k,poisson";
const COUNTS: &str = "write a number, as 500, 20k, 1M or 2.5M";
const CHECKS: &str = "write on, off or order";

/// A span of time that may also be none, or as long as the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// As long as the session.
    Session,
    /// So long; 0 is no time.
    For(Nanos),
}

/// A rate, with how its arrivals are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Cycles per second.
    pub per_second: f64,
    /// How they are spread.
    pub arrivals: Arrivals,
}

/// Reads a span: `250us`, `1ms`, `10s`, `2m`, `1h30m`.
///
/// # Errors
/// Anything else, a bare number other than 0 among it.
pub fn duration(text: &str) -> Result<Nanos, units::UnitError> {
    let span = units::parse_duration(text)?;
    Ok(Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
}

/// The span as a person writes it, to the microsecond.
#[must_use]
pub fn show(span: Nanos) -> String {
    units::show_duration(std::time::Duration::from_nanos(span.0))
}

/// Reads a count with a decimal suffix: `500`, `20k`, `1M`, `2.5M`, `1G`.
///
/// # Errors
/// Anything else, and a fraction of 1.
pub fn count(text: &str) -> Result<u64, Refusal> {
    let refused = Refusal::Misspelt(COUNTS);
    let digits_end = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, suffix) = text.split_at(digits_end.unwrap_or(text.len()));
    let factor: u64 = match suffix {
        "" => 1,
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        "g" | "G" => 1_000_000_000,
        _ => return Err(refused),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    let all_digits = !whole.is_empty() && (whole.bytes().chain(fraction.bytes())).all(is_digit);
    let scale = 10_u64.checked_pow(places).filter(|_| places <= 9);
    let (true, Some(scale)) = (all_digits, scale) else {
        return Err(refused);
    };
    let parts = format!("{whole}{fraction}").parse::<u64>().ok();
    let scaled = parts.and_then(|parts| parts.checked_mul(factor));
    match scaled {
        Some(scaled) if scaled % scale == 0 => Ok(scaled / scale),
        _ => Err(refused),
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Reads a wait: `try`, `session`, or a span.
///
/// # Errors
/// Anything else.
pub fn wait(text: &str) -> Result<Span, Refusal> {
    match text {
        "try" => Ok(Span::For(Nanos::ZERO)),
        "session" => Ok(Span::Session),
        _ => (duration(text).map(Span::For))
            .map_err(|_| Refusal::Misspelt("write try, session, or a time such as 500ms")),
    }
}

/// Reads a lease: `session` or a span.
///
/// # Errors
/// Anything else.
pub fn lease(text: &str) -> Result<Span, Refusal> {
    match text {
        "session" => Ok(Span::Session),
        _ => (duration(text).map(Span::For))
            .map_err(|_| Refusal::Misspelt("write session, or a time such as 30s")),
    }
}

/// Reads what is checked: `on`, `off` or `order`.
///
/// # Errors
/// Anything else.
pub fn checks(text: &str) -> Result<Checks, Refusal> {
    let (safety, order) = match text {
        "on" => (true, false),
        "off" => (false, false),
        "order" => (true, true),
        _ => return Err(Refusal::Misspelt(CHECKS)),
    };
    Ok(Checks { safety, order })
}

impl Mode {
    /// The first word of how it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uncontended => "uncontended",
            Self::Contended => "contended",
            Self::ReadWrite { .. } => "rw",
            Self::Permit { .. } => "permit",
            Self::Renew => "renew",
            Self::Churn => "churn",
            Self::Herd => "herd",
            Self::HoldMany => "hold-many",
        }
    }
}

impl FromStr for Mode {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let plain = [
            Self::Uncontended,
            Self::Contended,
            Self::Renew,
            Self::Churn,
            Self::Herd,
            Self::HoldMany,
        ];
        if let Some(mode) = plain.into_iter().find(|mode| mode.name() == text) {
            return Ok(mode);
        }
        let misspelt = Refusal::Misspelt(MODES);
        match text.split_once(':') {
            Some(("rw", shares)) => read_write(shares),
            Some(("permit", limit)) => match limit.parse() {
                Ok(0) => Err(Refusal::PermitZero),
                Ok(limit) => Ok(Self::Permit { limit }),
                Err(_) => Err(misspelt),
            },
            _ => Err(misspelt),
        }
    }
}

fn read_write(shares: &str) -> Result<Mode, Refusal> {
    let parts = shares.split_once('/');
    let parsed = parts.and_then(|(s, e)| Some((s.parse::<u16>().ok()?, e.parse::<u16>().ok()?)));
    let Some((shared, exclusive)) = parsed else {
        return Err(Refusal::Misspelt(MODES));
    };
    let (shared, exclusive) = (u32::from(shared), u32::from(exclusive));
    match u8::try_from(shared) {
        Ok(shared_percent) if shared + exclusive == 100 => Ok(Mode::ReadWrite { shared_percent }),
        _ => Err(Refusal::SharesOddSum { shared, exclusive }),
    }
}

impl FromStr for KeyDist {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let misspelt = Refusal::Misspelt(DISTS);
        match text.split_once(':').unwrap_or((text, "")) {
            ("uniform", "") => Ok(Self::Uniform),
            ("seq", "") => Ok(Self::Sequential),
            ("zipf", exponent) => match exponent.parse::<f64>() {
                Ok(exponent) if exponent > 0.0 && exponent <= 10.0 => Ok(Self::Zipf(exponent)),
                Ok(exponent) => Err(Refusal::ZipfExponent { exponent }),
                Err(_) => Err(misspelt),
            },
            ("hot", keys) => match count(keys).map(u32::try_from) {
                Ok(Ok(keys)) => Ok(Self::Hot(keys)),
                _ => Err(misspelt),
            },
            _ => Err(misspelt),
        }
    }
}

impl FromStr for Hold {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (text, exponential) = match text.strip_prefix("exp:") {
            Some(mean) => (mean, true),
            None => (text, false),
        };
        match duration(text) {
            Ok(Nanos::ZERO) => Ok(Self::None),
            Ok(mean) if exponential => Ok(Self::Exponential(mean)),
            Ok(span) => Ok(Self::For(span)),
            Err(_) => Err(Refusal::Misspelt(HOLDS)),
        }
    }
}

impl FromStr for Rate {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (number, arrivals) = match text.split_once(',') {
            None => (text, Arrivals::Even),
            Some((number, "poisson")) => (number, Arrivals::Poisson),
            Some(_) => return Err(Refusal::Misspelt(RATES)),
        };
        let per_second = match number.parse::<f64>() {
            Ok(rate) => rate,
            Err(_) => count(number).map_err(|_| Refusal::Misspelt(RATES))? as f64,
        };
        if !per_second.is_finite() || per_second <= 0.0 {
            return Err(Refusal::RateNotPositive);
        }
        Ok(Self {
            per_second,
            arrivals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_take_decimal_suffixes() {
        let taken = [
            ("0", 0),
            ("500", 500),
            ("20k", 20_000),
            ("1M", 1_000_000),
            ("2.5M", 2_500_000),
            ("1G", 1_000_000_000),
        ];
        for (text, number) in taken {
            assert_eq!(count(text), Ok(number), "{text}");
        }
        for text in ["", "k", "1.5", "-1", "1kk", "1 k", "99999999999G", "0x10"] {
            assert_eq!(count(text), Err(Refusal::Misspelt(COUNTS)), "{text}");
        }
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        let rw = Mode::ReadWrite { shared_percent: 90 };
        assert_eq!("rw:90/10".parse(), Ok(rw));
        assert_eq!("permit:3".parse(), Ok(Mode::Permit { limit: 3 }));
        assert_eq!("hold-many".parse(), Ok(Mode::HoldMany));
        for text in ["", "rw", "rw:90", "permit:", "permit:x", "Herd", "herd:1"] {
            let refused = Err(Refusal::Misspelt(MODES));
            assert_eq!(text.parse::<Mode>(), refused, "{text}");
        }
    }

    #[test]
    fn distributions_are_read_as_they_are_written() {
        assert_eq!("zipf:0.99".parse(), Ok(KeyDist::Zipf(0.99)));
        assert_eq!("hot:1k".parse(), Ok(KeyDist::Hot(1_000)));
        assert_eq!("seq".parse(), Ok(KeyDist::Sequential));
        for text in ["", "zipf", "hot", "uniform:1", "hot:9G"] {
            let refused = Err(Refusal::Misspelt(DISTS));
            assert_eq!(text.parse::<KeyDist>(), refused, "{text}");
        }
    }

    #[test]
    fn holds_are_read_as_they_are_written() {
        assert_eq!("0".parse(), Ok(Hold::None));
        assert_eq!("1ms".parse(), Ok(Hold::For(Nanos::from_ms(1))));
        assert_eq!("exp:5ms".parse(), Ok(Hold::Exponential(Nanos::from_ms(5))));
        assert_eq!("5".parse::<Hold>(), Err(Refusal::Misspelt(HOLDS)));
    }

    #[test]
    fn rates_are_read_with_their_spread() {
        let rate = |per_second, arrivals| {
            Ok(Rate {
                per_second,
                arrivals,
            })
        };
        assert_eq!("0.5".parse(), rate(0.5, Arrivals::Even));
        assert_eq!("20k".parse(), rate(20_000.0, Arrivals::Even));
        assert_eq!("1M,poisson".parse(), rate(1e6, Arrivals::Poisson));
        assert_eq!("1M,even".parse::<Rate>(), Err(Refusal::Misspelt(RATES)));
    }
}
