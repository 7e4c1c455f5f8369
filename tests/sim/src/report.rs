//! What a person reads: the table of a campaign, a failure with its trace.

use crate::cluster::Outcome;
use crate::moment::Moment;
use crate::observed::{Observed, Said, Told};
use crate::plan::Without;
use crate::tally::Tally;
use std::fmt::Write as _;

/// Lines of a failure's trace.
const LINES_MAX: usize = 80;

/// The figures of many seeds.
#[must_use]
pub fn table(seeds: u64, tally: &Tally) -> String {
    let mut text = String::new();
    let seconds = tally.virtual_us / 1_000_000;
    let rows = [
        ("seeds", seeds),
        ("virtual seconds", seconds),
        ("steps of the simulator", tally.events),
        ("connections", u64::try_from(tally.links).expect("64-bit")),
        ("restarts of the server", tally.restarts),
        ("grace windows", tally.windows),
        ("sessions resumed", tally.resumed),
        ("holds reclaimed", tally.reclaimed),
        (
            "longest wait after a fault, ms",
            tally.longest_wait_us / 1_000,
        ),
    ];
    for (name, count) in rows {
        row(&mut text, name, count);
    }
    section(&mut text, "asked", tally.asked.iter());
    section(&mut text, "answered", tally.answered.iter());
    section(&mut text, "after restarts", tally.grace.iter());
    section(&mut text, "faults", tally.faults.iter());
    text
}

fn section<'a, K: AsRef<str> + 'a>(
    text: &mut String,
    title: &str,
    rows: impl Iterator<Item = (&'a K, &'a u64)>,
) {
    writeln!(text, "{title}").expect("memory takes text");
    for (name, count) in rows {
        row(text, &format!("  {}", name.as_ref()), *count);
    }
}

fn row(text: &mut String, name: &str, count: u64) {
    writeln!(text, "{name:<42}{count:>14}").expect("memory takes text");
}

/// A failed seed: what was broken, how to repeat it, and what led there.
#[must_use]
pub fn failure(seed: u64, outcome: &Outcome, without: &Without) -> String {
    let mut text = String::new();
    let Some((at, violation)) = &outcome.violation else {
        return text;
    };
    for line in relevant(outcome, &violation.reason) {
        writeln!(text, "{line}").expect("memory takes text");
    }
    let repeat = format!("cargo run --profile sim -p sim -- --seed {seed} --trace");
    let lines = [
        format!("seed {seed} breaks {} at {} us:", violation.invariant, at.0),
        format!("  {}", violation.reason),
        format!("repeat: {repeat}{}", without.flags()),
    ];
    for line in lines {
        writeln!(text, "{line}").expect("memory takes text");
    }
    text
}

/// The last of what concerns the key in question, or of everything.
fn relevant(outcome: &Outcome, reason: &str) -> Vec<String> {
    let key = reason
        .find("Key(")
        .map(|at| &reason[at..])
        .and_then(|rest| rest.find(')').map(|end| &rest[..=end]));
    let lines = outcome
        .trace
        .last()
        .rev()
        .filter(|(_, event)| !is_dull(event));
    let lines = lines.map(|(at, event)| line(*at, event));
    let wanted = lines.filter(|line| {
        let other_key = line.contains("Key(") && key.is_some_and(|key| !line.contains(key));
        !other_key
    });
    let mut lines: Vec<String> = wanted.take(LINES_MAX).collect();
    lines.reverse();
    lines
}

/// One line of a trace.
#[must_use]
pub fn line(at: Moment, event: &Observed) -> String {
    format!("{:>12} {event:?}", at.0)
}

const fn is_dull(event: &Observed) -> bool {
    matches!(
        event,
        Observed::Said {
            said: Said::Read,
            ..
        } | Observed::Told {
            told: Told::Answer,
            ..
        }
    )
}
