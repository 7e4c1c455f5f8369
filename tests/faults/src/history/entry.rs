//! One entry of a history, and its line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// An instant of the host's raw monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// This instant, so much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// The span from `earlier` to this instant; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// How a key is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Alone.
    Exclusive,
    /// With others that share.
    Shared,
    /// So many permits of the key's limit.
    Permits {
        /// How many.
        permits: u32,
        /// Of how many.
        of: u32,
    },
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exclusive => f.write_str("x"),
            Self::Shared => f.write_str("s"),
            Self::Permits { permits, of } => write!(f, "p{permits}/{of}"),
        }
    }
}

impl FromStr for Mode {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        let permits = |text: &str| {
            let (permits, of) = text.strip_prefix('p')?.split_once('/')?;
            let (permits, of) = (permits.parse().ok()?, of.parse().ok()?);
            Some(Self::Permits { permits, of })
        };
        match text {
            "x" => Ok(Self::Exclusive),
            "s" => Ok(Self::Shared),
            other => permits(other).ok_or_else(|| BadEntry(other.to_owned())),
        }
    }
}

/// What a client of a worker did, was told or believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Is about to ask for a key.
    Ask {
        /// The key, without spaces.
        key: String,
        /// How.
        mode: Mode,
    },
    /// Was told that it holds.
    Granted {
        /// The fencing token.
        token: u64,
        /// Believes in it until then unless it hears more.
        until: Nanos,
    },
    /// Heard more: believes until then.
    Believe {
        /// The new end.
        until: Nanos,
    },
    /// Is about to release, and believes no more.
    Releasing,
    /// Was told that it had held until the release.
    Released,
    /// Was told, or found out by its own clock, that the hold is lost.
    Lost {
        /// Why, one word.
        reason: String,
    },
    /// The ask, or the release of its hold, ended otherwise.
    Ended {
        /// Why, in words.
        why: String,
    },
}

/// A deed of one client, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When: for `Granted`, `Believe`, `Lost`, `Ended` after it was told, for others before acting.
    pub at: Nanos,
    /// The client, a number within its worker.
    pub client: u32,
    /// The ask that it is about, a number within its client.
    pub ask: u64,
    /// What.
    pub deed: Deed,
}

/// A line that is no entry.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no entry of a history: {0:?}")]
pub struct BadEntry(pub String);

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.at.0, self.client, self.ask)?;
        match &self.deed {
            Deed::Ask { key, mode } => write!(f, "ask {mode} {key}"),
            Deed::Granted { token, until } => write!(f, "granted {token} {}", until.0),
            Deed::Believe { until } => write!(f, "believe {}", until.0),
            Deed::Releasing => f.write_str("releasing"),
            Deed::Released => f.write_str("released"),
            Deed::Lost { reason } => write!(f, "lost {reason}"),
            Deed::Ended { why } => write!(f, "ended {}", why.replace('\n', " ")),
        }
    }
}

impl FromStr for Entry {
    type Err = BadEntry;

    fn from_str(line: &str) -> Result<Self, BadEntry> {
        parse(line).ok_or_else(|| BadEntry(line.to_owned()))
    }
}

fn parse(line: &str) -> Option<Entry> {
    let mut words = line.splitn(5, ' ');
    let mut number = || words.next()?.parse().ok();
    let (at, client, ask) = (Nanos(number()?), u32::try_from(number()?).ok()?, number()?);
    let (verb, rest) = (words.next()?, words.next().unwrap_or(""));
    let instant = |text: &str| Some(Nanos(text.parse().ok()?));
    let deed = match verb {
        "ask" => {
            let (mode, key) = rest.split_once(' ')?;
            Deed::Ask {
                key: key.to_owned(),
                mode: mode.parse().ok()?,
            }
        }
        "granted" => {
            let (token, until) = rest.split_once(' ')?;
            Deed::Granted {
                token: token.parse().ok()?,
                until: instant(until)?,
            }
        }
        "believe" => Deed::Believe {
            until: instant(rest)?,
        },
        "releasing" => Deed::Releasing,
        "released" => Deed::Released,
        "lost" => Deed::Lost {
            reason: rest.to_owned(),
        },
        "ended" => Deed::Ended {
            why: rest.to_owned(),
        },
        _ => return None,
    };
    Some(Entry {
        at,
        client,
        ask,
        deed,
    })
}
