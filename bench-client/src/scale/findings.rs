//! What a scenario found: figures, each with its bound if it has one. Pure.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Bound {
    /// Whether a figure is within the bound.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, in words that need no other line.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what; empty for a plain number.
    pub unit: &'static str,
    /// What it is held against.
    pub bound: Option<Bound>,
}

/// The figures of one scenario, in the order in which they are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    scenario: &'static str,
    figures: Vec<Figure>,
}

impl Findings {
    /// Of a scenario, none yet.
    #[must_use]
    pub const fn new(scenario: &'static str) -> Self {
        Self {
            scenario,
            figures: Vec::new(),
        }
    }

    /// Adds a figure that is told only.
    pub fn tell(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.add(what.into(), value, unit, None);
    }

    /// Adds a figure that has a bound.
    pub fn judge(&mut self, what: impl Into<String>, value: f64, unit: &'static str, bound: Bound) {
        self.add(what.into(), value, unit, Some(bound));
    }

    fn add(&mut self, what: String, value: f64, unit: &'static str, bound: Option<Bound>) {
        self.figures.push(Figure {
            what,
            value,
            unit,
            bound,
        });
    }

    /// All of them.
    #[must_use]
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// Whether every bound holds.
    #[must_use]
    pub fn all_hold(&self) -> bool {
        self.figures.iter().all(Figure::is_fine)
    }

    /// A table: what, how much, what it should be, and whether it is.
    #[must_use]
    pub fn text(&self) -> String {
        let shown: Vec<[String; 4]> = self.figures.iter().map(Figure::columns).collect();
        let width = |column: usize| {
            let cells = shown.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let (what, value, unit) = (width(0), width(1), width(2));
        let mut text = format!("{}\n", self.scenario);
        for [name, figure, of, verdict] in &shown {
            let line = format!("  {name:what$}  {figure:>value$} {of:unit$}  {verdict}");
            writeln!(text, "{}", line.trim_end()).expect("a string takes all");
        }
        text
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self, command: &[String]) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        json!({
            "schema": 1,
            "scenario": self.scenario,
            "command": command,
            "all_hold": self.all_hold(),
            "figures": figures,
        })
    }
}

impl Figure {
    fn is_fine(&self) -> bool {
        self.bound.is_none_or(|bound| bound.holds(self.value))
    }

    fn columns(&self) -> [String; 4] {
        let told = match self.bound {
            None => String::new(),
            Some(Bound::AtMost(most)) => format!("at most {}", number(most)),
            Some(Bound::AtLeast(least)) => format!("at least {}", number(least)),
        };
        let verdict = match (self.bound, self.is_fine()) {
            (None, _) => told,
            (Some(_), true) => format!("{told}: met"),
            (Some(_), false) => format!("{told}: MISSED"),
        };
        [
            self.what.clone(),
            number(self.value),
            self.unit.to_owned(),
            verdict,
        ]
    }

    fn json(&self) -> Value {
        let (at_most, at_least) = match self.bound {
            None => (None, None),
            Some(Bound::AtMost(most)) => (Some(most), None),
            Some(Bound::AtLeast(least)) => (None, Some(least)),
        };
        json!({
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "at_most": at_most,
            "at_least": at_least,
            "holds": self.is_fine(),
        })
    }
}

/// Three digits that tell something, and groups of three before the point.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if value.fract() == 0.0 || size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match rest {
        "" => grouped,
        rest => format!("{grouped}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_missed_bound_breaks_the_whole() {
        let mut findings = Findings::new("demo");
        findings.tell("time", 1.234, "s");
        findings.judge("lost", 0.0, "", Bound::AtMost(0.0));
        assert!(findings.all_hold());
        findings.judge("rate", 9_999.4, "/s", Bound::AtLeast(10_000.0));
        assert!(!findings.all_hold());
        assert_eq!(
            findings.text(),
            "demo\n  time   1.23 s\n  lost      0     at most 0: met\n  \
             rate  9,999 /s  at least 10,000: MISSED\n"
        );
    }

    #[test]
    fn programs_get_the_figures_unrounded() {
        let mut findings = Findings::new("demo");
        findings.judge("turn", 812.5, "us", Bound::AtMost(1_000.0));
        let value = findings.json(&["locker-bench".to_owned()]);
        assert_eq!(value["figures"][0]["value"], 812.5);
        assert_eq!(value["figures"][0]["at_most"], 1_000.0);
        assert_eq!(value["all_hold"], true);
    }

    #[test]
    fn numbers_show_what_tells_something() {
        let shown = [0.0, 0.123, 12.34, 123.4, 1_234_567.0, -1_234.0].map(number);
        assert_eq!(
            shown,
            ["0", "0.12", "12.3", "123", "1,234,567", "-1,234"].map(str::to_owned)
        );
    }
}
