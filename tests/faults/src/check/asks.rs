//! Every ask is answered and every hold has an end, or its worker was killed.

use super::hold::Told;
use super::{Rule, Violation};

pub(super) fn check(told: &Told, violations: &mut Vec<Violation>) {
    let open = told.open.iter();
    violations.extend(open.map(|what| Violation::new(Rule::Unanswered, what.clone())));
}
