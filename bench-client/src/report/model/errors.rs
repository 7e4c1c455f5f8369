//! What did not go well, by its kind.

use locker_protocol::{Status, StatusClass};
use serde::{Deserialize, Serialize};

use super::per;
use crate::measure::Measures;

/// Refusals, and what went wrong beside them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Answers other than success, by rising status.
    pub refused: Vec<Refused>,
    /// Requests that never got an answer though their connection lived.
    pub unanswered: u64,
    /// Open loop: cycles given up because too many were behind.
    pub dropped: u64,
    /// Connections that ended though nobody wanted it.
    pub broken: u64,
    /// Connections that ended and were opened anew, of a run that survives that.
    #[serde(default)]
    pub reconnects: u64,
    /// Holds that the server said were lost.
    pub lost: u64,
    /// Share of answers whose class is `outcome`, such as an acquire that timed out: locks at
    /// work, no errors.
    pub outcome_share: f64,
    /// Share of requests, those unanswered and dropped included, that failed: refused with another
    /// class than `outcome`, unanswered, dropped, or a hold lost. An SLO's `err`.
    pub error_share: f64,
}

/// Answers of one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its number on the wire.
    pub code: u16,
    /// Its name, or `Unknown`.
    pub name: String,
    /// What it asks of the client: `outcome`, `try-again`, `caller-error` or `fatal`.
    pub class: String,
    /// Answers.
    pub count: u64,
}

impl Errors {
    pub(super) fn of(measures: &Measures) -> Self {
        let refused = measures.refused.iter();
        let refused: Vec<_> = refused
            .map(|(code, count)| Refused::of(*code, *count))
            .collect();
        let sum = |wanted: bool| -> u64 {
            let of_class = refused
                .iter()
                .filter(|one| (one.class == OUTCOME) == wanted);
            of_class.map(|one| one.count).sum()
        };
        let failed = sum(false) + measures.unanswered + measures.dropped + measures.lost;
        let asked = measures.answered + measures.unanswered + measures.dropped;
        let share = |count: u64, of: u64| per(count as f64, of as f64).unwrap_or(0.0);
        Self {
            outcome_share: share(sum(true), measures.answered),
            error_share: share(failed, asked),
            refused,
            unanswered: measures.unanswered,
            dropped: measures.dropped,
            broken: measures.broken,
            reconnects: measures.reconnects,
            lost: measures.lost,
        }
    }
}

/// The class of outcomes of locking.
const OUTCOME: &str = "outcome";

impl Refused {
    fn of(code: u16, count: u64) -> Self {
        let class = match StatusClass::of(code) {
            StatusClass::Done => "done",
            StatusClass::Outcome => OUTCOME,
            StatusClass::TryAgain => "try-again",
            StatusClass::CallerError => "caller-error",
            StatusClass::Fatal => "fatal",
        };
        let name = Status::from_code(code).map_or("Unknown", Status::name);
        Self {
            code,
            name: name.into(),
            class: class.into(),
            count,
        }
    }
}
