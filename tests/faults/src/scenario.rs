//! A scenario: what goes wrong, and what a round of it came to.

use std::fmt;
use std::time::Duration;

use crate::check::Verdict;
use crate::need::Need;
use crate::trouble::Trouble;

/// One kind of fault, played round by round.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, words with hyphens.
    pub name: &'static str,
    /// What goes wrong and what must hold, a sentence.
    pub about: &'static str,
    /// What it needs; without it a round is skipped visibly.
    pub needs: &'static [Need],
    /// Plays one round.
    pub play: fn(&Round) -> Result<Tally, Trouble>,
}

impl Scenario {
    /// Plays a round, if all is here that it needs.
    ///
    /// # Errors
    /// [`Trouble::Skipped`], and those of the scenario.
    pub fn run(&self, round: &Round) -> Result<Tally, Trouble> {
        match self.needs.iter().find(|need| !need.is_met()) {
            Some(need) => Err(Trouble::Skipped(format!("{} needs {need}", self.name))),
            None => (self.play)(round),
        }
    }
}

/// How a round is played.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Where its dice begin.
    pub seed: u64,
    /// Whether it is a short one, for every day's tests: a few seconds.
    pub is_short: bool,
}

impl Round {
    /// One number for a short round, another for a campaign's.
    pub const fn pick<T: Copy>(&self, short: T, long: T) -> T {
        match self.is_short {
            true => short,
            false => long,
        }
    }
}

/// What rounds came to; they add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rounds.
    pub rounds: usize,
    /// Faults injected.
    pub faults: usize,
    /// Times that a server was started again.
    pub restarts: usize,
    /// Processes killed by SIGKILL.
    pub kills: usize,
    /// Asks, grants and accesses.
    pub operations: usize,
    /// Holds that were granted.
    pub grants: usize,
    /// Holds that were lost, and told to be.
    pub lost: usize,
    /// Accesses that the resource refused for their tokens.
    pub refused: usize,
    /// The longest time that somebody wanted a lock because of a fault.
    pub longest_wait: Duration,
    /// The longest time from a fault to the next grant to anybody.
    pub longest_silence: Duration,
    /// What must not have been.
    pub violations: Vec<String>,
    /// What else is worth telling.
    pub notes: Vec<String>,
}

impl Tally {
    /// Adds what the checker found.
    pub fn add_verdict(&mut self, verdict: &Verdict) {
        self.operations += verdict.asks + verdict.grants + verdict.accesses;
        self.grants += verdict.grants;
        self.lost += verdict.lost;
        self.refused += verdict.refused_accesses;
        self.longest_wait = self.longest_wait.max(verdict.longest_wait);
        self.longest_silence = self.longest_silence.max(verdict.longest_silence);
        let violations = verdict.violations.iter().map(ToString::to_string);
        self.violations.extend(violations);
    }

    /// Adds what other rounds came to.
    pub fn add(&mut self, round: Self) {
        self.rounds += round.rounds;
        self.faults += round.faults;
        self.restarts += round.restarts;
        self.kills += round.kills;
        self.operations += round.operations;
        self.grants += round.grants;
        self.lost += round.lost;
        self.refused += round.refused;
        self.longest_wait = self.longest_wait.max(round.longest_wait);
        self.longest_silence = self.longest_silence.max(round.longest_silence);
        self.violations.extend(round.violations);
        self.notes.extend(round.notes);
    }

    /// The figures in one line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "faults={} restarts={} kills={} operations={} grants={} lost={} refused={} \
             longest-wait={:.2}s longest-silence={:.2}s violations={}",
            self.faults,
            self.restarts,
            self.kills,
            self.operations,
            self.grants,
            self.lost,
            self.refused,
            self.longest_wait.as_secs_f64(),
            self.longest_silence.as_secs_f64(),
            self.violations.len()
        )
    }
}

impl fmt::Display for Tally {
    /// The figures, then notes and violations, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())?;
        for line in self.notes.iter().take(NOTES_MAX) {
            write!(f, "\n    {line}")?;
        }
        for violation in self.violations.iter().take(NOTES_MAX) {
            write!(f, "\n    VIOLATION {violation}")?;
        }
        Ok(())
    }
}

/// Lines of a report that are shown at most, of each kind.
const NOTES_MAX: usize = 20;
