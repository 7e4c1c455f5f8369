//! Bounds that a run is judged by: `p99<1ms,err<0.01%`.
//!
//! A bound is `[KIND.]WHAT<LIMIT` or `rate>LIMIT`; several are parted by commas, and all must hold:
//!
//! | what | limit | judges |
//! |---|---|---|
//! | `p50` `p99.9` ... | `<` a time | that percentile of the latency, from the intended start |
//! | `mean` `max` | `<` a time | the mean or the largest latency, from the intended start |
//! | `err` | `<` a percentage | the share of requests that failed; a timeout is no failure |
//! | `rate` | `>` a number | cycles per second |
//!
//! Without a kind, latency is that of the operation that the mode is about: `renew` for renewing,
//! `open` for churn, else `acquire`. The kinds are those of reports, and `handoff`.
//!
//! A percentile that the sample does not support is missed: nothing shows that it held.

mod judged;

use std::fmt;
use std::str::FromStr;

use crate::measure::Kind;
use crate::measure::support::Quantile;
use crate::plan::spelling;
pub use judged::{Judged, Judgement, Outcome};

/// Bounds, one at least.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    bounds: Vec<Bound>,
}

/// One bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// As it was written, without spaces around it.
    text: String,
    what: What,
}

/// What is bounded, and by what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    /// A latency in nanoseconds stays below.
    Latency {
        of: Of,
        figure: Figure,
        below_ns: f64,
    },
    /// The share of errors stays below.
    Errors { below: f64 },
    /// Cycles per second stay above.
    Rate { above: f64 },
}

/// Which latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// That of the operation that the mode is about.
    Main,
    /// That of a kind.
    Kind(Kind),
    /// The time from a release to the next grant.
    Handoff,
}

/// Which figure of a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Quantile(Quantile),
    Mean,
    Max,
}

/// How bounds are written, for errors.
const HOW: &str = "write for example 'p99<1ms', 'release.p99.9<5ms', 'mean<200us', 'max<1s', \
                   'err<0.01%' or 'rate>10k', several parted by commas";

/// Why a text is no list of bounds. Each text says how it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SloError {
    /// A part of the list, or all of it, is empty.
    #[error("a bound is missing: {HOW}")]
    Empty,
    /// It has no `<` or `>`.
    #[error("'{bound}' has no limit: {HOW}")]
    NoLimit {
        /// The bound.
        bound: String,
    },
    /// It says `<=`, or stands the other way round.
    #[error("'{bound}' has the wrong sign: write {what}{sign}LIMIT")]
    WrongSign {
        /// The bound.
        bound: String,
        /// What it bounds.
        what: String,
        /// The sign that belongs there.
        sign: char,
    },
    /// It bounds something that reports do not have.
    #[error("'{what}' in '{bound}' is nothing that can be bounded: {HOW}")]
    NoSuchFigure {
        /// The bound.
        bound: String,
        /// What it bounds.
        what: String,
    },
    /// There is no such kind of operation.
    #[error(
        "'{kind}' in '{bound}' is no kind of operation: use one of {}",
        kinds()
    )]
    NoSuchKind {
        /// The bound.
        bound: String,
        /// The kind.
        kind: String,
    },
    /// Errors and rates are those of all operations.
    #[error("'{bound}': {what} is that of all operations; leave out '{kind}.'")]
    KindOfAll {
        /// The bound.
        bound: String,
        /// What it bounds.
        what: String,
        /// The kind.
        kind: String,
    },
    /// The limit cannot be read.
    #[error("'{limit}' in '{bound}' is no limit: write {how}")]
    BadLimit {
        /// The bound.
        bound: String,
        /// The limit.
        limit: String,
        /// How it is written.
        how: &'static str,
    },
}

fn kinds() -> String {
    let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    format!("{}, handoff", names.join(", "))
}

impl FromStr for Slo {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, SloError> {
        let bounds = text.split(',').map(|bound| bound.trim().parse());
        Ok(Self {
            bounds: bounds.collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self
            .bounds
            .iter()
            .map(|bound| bound.text.as_str())
            .collect();
        formatter.write_str(&texts.join(","))
    }
}

impl FromStr for Bound {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, SloError> {
        let written = Written::split(text)?;
        let what = match (written.what, written.kind) {
            ("err" | "rate", Some(kind)) => {
                let (bound, what) = (text.into(), written.what.into());
                return Err(SloError::KindOfAll {
                    bound,
                    what,
                    kind: kind.into(),
                });
            }
            ("err", None) => written.errors()?,
            ("rate", None) => written.rate()?,
            _ => written.latency()?,
        };
        Ok(Self {
            text: text.into(),
            what,
        })
    }
}

/// A bound taken apart: `[KIND.]WHAT`, a sign, `LIMIT`.
struct Written<'a> {
    bound: &'a str,
    kind: Option<&'a str>,
    what: &'a str,
    limit: &'a str,
}

impl<'a> Written<'a> {
    fn split(bound: &'a str) -> Result<Self, SloError> {
        if bound.is_empty() {
            return Err(SloError::Empty);
        }
        let Some(at) = bound.find(['<', '>', '=']) else {
            return Err(SloError::NoLimit {
                bound: bound.into(),
            });
        };
        let (subject, rest) = (bound[..at].trim(), &bound[at..]);
        // `p99.9` has a point too, but a kind is of letters alone.
        let is_kind =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic());
        let parts = subject.split_once('.').filter(|(kind, _)| is_kind(kind));
        let (kind, what) = parts.map_or((None, subject), |(kind, what)| (Some(kind), what));
        if figure(what).is_none() && !["err", "rate"].contains(&what) {
            return Err(SloError::NoSuchFigure {
                bound: bound.into(),
                what: what.into(),
            });
        }
        let sign = if what == "rate" { '>' } else { '<' };
        match rest
            .strip_prefix(sign)
            .filter(|limit| !limit.starts_with('='))
        {
            Some(limit) => Ok(Self {
                bound,
                kind,
                what,
                limit: limit.trim(),
            }),
            None => {
                let (bound, what) = (bound.into(), subject.into());
                Err(SloError::WrongSign { bound, what, sign })
            }
        }
    }

    fn latency(&self) -> Result<What, SloError> {
        let figure = figure(self.what).ok_or_else(|| SloError::NoSuchFigure {
            bound: self.bound.into(),
            what: self.what.into(),
        })?;
        let of = self
            .kind
            .map_or(Ok(Of::Main), |kind| of(kind, self.bound))?;
        let below = spelling::duration(self.limit)
            .ok()
            .filter(|span| span.0 > 0);
        let below = below.ok_or_else(|| self.bad("a time above 0, as 250us, 1ms or 2s"))?;
        Ok(What::Latency {
            of,
            figure,
            below_ns: below.0 as f64,
        })
    }

    fn errors(&self) -> Result<What, SloError> {
        let below = share(self.limit).ok_or_else(|| self.bad("a percentage, as 0.01%"))?;
        Ok(What::Errors { below })
    }

    fn rate(&self) -> Result<What, SloError> {
        let above = rate(self.limit).ok_or_else(|| self.bad("cycles per second, as 500 or 10k"))?;
        Ok(What::Rate { above })
    }

    fn bad(&self, how: &'static str) -> SloError {
        SloError::BadLimit {
            bound: self.bound.into(),
            limit: self.limit.into(),
            how,
        }
    }
}

fn figure(what: &str) -> Option<Figure> {
    match what {
        "mean" => Some(Figure::Mean),
        "max" => Some(Figure::Max),
        quantile => quantile.parse().ok().map(Figure::Quantile),
    }
}

fn of(kind: &str, bound: &str) -> Result<Of, SloError> {
    if kind == "handoff" {
        return Ok(Of::Handoff);
    }
    let known = Kind::ALL.into_iter().find(|known| known.name() == kind);
    let (bound, kind) = (bound.into(), kind.into());
    known
        .map(Of::Kind)
        .ok_or(SloError::NoSuchKind { bound, kind })
}

/// `0.01%` as a share, above 0 and up to 1.
fn share(text: &str) -> Option<f64> {
    let percent: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (percent > 0.0 && percent <= 100.0).then_some(percent / 100.0)
}

fn rate(text: &str) -> Option<f64> {
    let plain = text
        .parse::<f64>()
        .ok()
        .filter(|rate| rate.is_finite() && *rate >= 0.0);
    plain.or_else(|| Some(spelling::count(text).ok()? as f64))
}

#[cfg(test)]
mod tests;
