//! Holds believed in at one instant are compatible, and tokens of a key grow.

use std::collections::BTreeMap;

use super::hold::Hold;
use super::{Rule, Violation};
use crate::history::Mode;

/// The holds of each key, in the order of `by`.
fn by_key<K: Ord>(holds: &[Hold], by: impl Fn(&Hold) -> K) -> BTreeMap<&str, Vec<&Hold>> {
    let mut keys: BTreeMap<&str, Vec<&Hold>> = BTreeMap::new();
    for hold in holds {
        keys.entry(&hold.key).or_default().push(hold);
    }
    for holds in keys.values_mut() {
        holds.sort_by_key(|hold| by(hold));
    }
    keys
}

/// Whether two may hold a key at once; permits are counted by [`check_beliefs`].
const fn fit(one: Mode, other: Mode) -> bool {
    matches!(
        (one, other),
        (Mode::Shared, Mode::Shared) | (Mode::Permits { .. }, Mode::Permits { .. })
    )
}

/// At the instant when a belief begins, it fits all others that are there.
pub(super) fn check_beliefs(holds: &[Hold], violations: &mut Vec<Violation>) {
    for holds in by_key(holds, |hold| hold.from).values() {
        let mut there: Vec<&Hold> = Vec::new();
        // Who heard of the grant after its deadline never believed in it.
        for hold in holds.iter().filter(|hold| hold.to > hold.from) {
            there.retain(|other| other.to > hold.from);
            for other in there.iter().filter(|other| !fit(hold.mode, other.mode)) {
                let how = format!("{other} and {hold}");
                violations.push(Violation::new(Rule::Exclusion, how));
            }
            there.push(hold);
            if let Mode::Permits { of, .. } = hold.mode {
                let taken: u32 = there.iter().map(|hold| permits(hold)).sum();
                if taken > of {
                    let how = format!("{taken} permits of {of}, the last with {hold}");
                    violations.push(Violation::new(Rule::Exclusion, how));
                }
            }
        }
    }
}

const fn permits(hold: &Hold) -> u32 {
    match hold.mode {
        Mode::Permits { permits, .. } => permits,
        _ => 0,
    }
}

/// A token is granted once, and exceeds those of all grants heard before it was asked for.
pub(super) fn check_tokens(holds: &[Hold], violations: &mut Vec<Violation>) {
    for holds in by_key(holds, |hold| hold.token).values() {
        for pair in holds.windows(2).filter(|two| two[0].token == two[1].token) {
            let how = format!("one token twice: {} and {}", pair[0], pair[1]);
            violations.push(Violation::new(Rule::TokensGrow, how));
        }
    }
    let heard = by_key(holds, |hold| hold.from);
    for (key, asked) in by_key(holds, |hold| hold.asked) {
        let mut heard = heard[key].iter().peekable();
        let mut greatest: Option<&Hold> = None;
        for hold in asked {
            while let Some(earlier) = heard.next_if(|earlier| earlier.from < hold.asked) {
                if greatest.is_none_or(|greatest| greatest.token < earlier.token) {
                    greatest = Some(earlier);
                }
            }
            if let Some(greatest) = greatest.filter(|greatest| greatest.token >= hold.token) {
                let how = format!("{greatest} was heard before {hold} was asked for");
                violations.push(Violation::new(Rule::TokensGrow, how));
            }
        }
    }
}
