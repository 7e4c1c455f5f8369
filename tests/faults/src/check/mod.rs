//! The checker: from histories, accesses and faults to what was done and what must not have been.
//! Pure.
//!
//! It never raises a false alarm: an interval of belief begins after the grant was heard, and ends
//! at the deadline computed from before it was asked for, or where the release began.

mod asks;
mod exclusion;
mod fence;
mod hold;
mod waits;

#[cfg(test)]
mod tests;

pub use hold::Hold;

use crate::history::{History, Mode, Nanos};
use std::fmt;
use std::time::Duration;

/// One access to the fenced resource, as the resource saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// When the resource decided.
    pub at: Nanos,
    /// The key.
    pub key: String,
    /// The token that came with it.
    pub token: u64,
    /// How the hold had been asked for.
    pub mode: Mode,
    /// Whether it was let in.
    pub was_accepted: bool,
}

/// Something that the harness did to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub what: &'static str,
    /// When it began.
    pub at: Nanos,
    /// When the harness had undone it: the server is ready again, the process goes on.
    pub over: Nanos,
}

/// Something that must not be; the text says who, when and with which tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule is broken.
    pub rule: Rule,
    /// How, for people.
    pub how: String,
}

/// The rules of the checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Holds that two believe in at one instant are compatible.
    Exclusion,
    /// A token of a key is granted once, and is greater than that of every grant that had been
    /// heard before its hold was asked for.
    TokensGrow,
    /// The resource lets no token in after a greater one.
    StaleAccess,
    /// The resource refuses nobody who believes in his hold.
    RefusedHolder,
    /// An access carries the token of a hold.
    AccessOfNobody,
    /// Each ask and each hold has one end, unless its worker was killed.
    Unanswered,
}

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Asks.
    pub asks: usize,
    /// Grants.
    pub grants: usize,
    /// Holds that were lost, and told to be.
    pub lost: usize,
    /// Accesses let in by the resource.
    pub accesses: usize,
    /// Accesses that the resource refused for their tokens.
    pub refused_accesses: usize,
    /// The longest time that a client wanted a lock while a fault was there or since it was.
    pub longest_wait: Duration,
    /// The longest time from a fault to the next grant to anybody.
    pub longest_silence: Duration,
    /// What must not have been.
    pub violations: Vec<Violation>,
}

/// Judges a round.
#[must_use]
pub fn judge(histories: &[History], accesses: &[Access], faults: &[Fault]) -> Verdict {
    let mut violations = Vec::new();
    let told = hold::gather(histories, &mut violations);
    let holds = &told.holds;
    asks::check(&told, &mut violations);
    exclusion::check_beliefs(holds, &mut violations);
    exclusion::check_tokens(holds, &mut violations);
    fence::check(holds, accesses, &mut violations);
    let accepted = accesses.iter().filter(|access| access.was_accepted).count();
    Verdict {
        asks: told.asks,
        grants: holds.len(),
        lost: holds.iter().filter(|hold| hold.was_lost).count(),
        accesses: accepted,
        refused_accesses: accesses.len() - accepted,
        longest_wait: waits::longest_wait(histories, faults),
        longest_silence: waits::longest_silence(holds, faults),
        violations,
    }
}

impl Violation {
    fn new(rule: Rule, how: String) -> Self {
        Self { rule, how }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.how)
    }
}
