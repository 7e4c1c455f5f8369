//! What the resource let in and refused.

use std::collections::BTreeMap;

use super::hold::Hold;
use super::{Access, Rule, Violation};
use crate::history::Mode;

/// The greatest tokens that the resource let in for one key.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    alone: u64,
    shared: u64,
}

/// Checks the accesses in the order in which the resource decided them.
pub(super) fn check(holds: &[Hold], accesses: &[Access], violations: &mut Vec<Violation>) {
    let holds: BTreeMap<(&str, u64), &Hold> = holds
        .iter()
        .map(|hold| ((hold.key.as_str(), hold.token), hold))
        .collect();
    let mut keys: BTreeMap<&str, Seen> = BTreeMap::new();
    for access in accesses {
        let seen = keys.entry(&access.key).or_default();
        if access.was_accepted {
            let_in(seen, access, violations);
        }
        let Some(hold) = holds.get(&(access.key.as_str(), access.token)) else {
            let how = format!("{access:?}");
            violations.push(Violation::new(Rule::AccessOfNobody, how));
            continue;
        };
        if !access.was_accepted && (hold.from..hold.to).contains(&access.at) {
            let how = format!("at {}, seen {seen:?}: {hold}", access.at.0);
            violations.push(Violation::new(Rule::RefusedHolder, how));
        }
    }
}

/// Whoever is alone comes after all with smaller tokens; who shares comes after who was alone.
fn let_in(seen: &mut Seen, access: &Access, violations: &mut Vec<Violation>) {
    let least = match access.mode {
        Mode::Exclusive => seen.alone.max(seen.shared),
        Mode::Shared => seen.alone,
        Mode::Permits { .. } => return,
    };
    if access.token < least {
        let how = format!("let in after {least}: {access:?}");
        violations.push(Violation::new(Rule::StaleAccess, how));
    }
    match access.mode {
        Mode::Shared => seen.shared = seen.shared.max(access.token),
        _ => seen.alone = seen.alone.max(access.token),
    }
}
