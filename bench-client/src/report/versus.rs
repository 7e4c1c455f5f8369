//! Two runs held against each other.
//!
//! A ratio of one figure between two runs says something only if the runs differ in one thing, so
//! every setting that differs is told first.

mod page;
#[cfg(test)]
mod tests;

use super::grid::{Grid, labelled};
use super::model::{Difference, Distribution, Report, Verdict};
use super::text;
use super::units::{digits, span, utc};
use crate::measure::support::Quantile;
pub use page::page;

/// Two runs by their figures.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The runs, with the names they are told under.
    pub runs: [(&'a str, &'a Report); 2],
    /// Settings, machine and program where they differ.
    pub differences: Vec<Difference>,
    /// The figures.
    pub rows: Vec<Row>,
}

/// One figure of both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// The figures, where a run has them.
    pub values: [Option<f64>; 2],
    /// What it is measured in.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Per second.
    PerSecond,
    /// Nanoseconds.
    Nanos,
    /// A plain number.
    Plain,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More of it.
    More,
    /// Less of it.
    Less,
}

impl Unit {
    /// A figure in this unit.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", digits(value)),
            Self::Nanos => span(value),
            Self::Plain => digits(value),
        }
    }
}

impl Row {
    /// The second over the first, if both are there and the first is not 0.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let [Some(first), Some(second)] = self.values else {
            return None;
        };
        (first != 0.0).then(|| second / first)
    }

    /// Its cells: name, both figures, ratio.
    #[must_use]
    pub fn cells(&self) -> [String; 4] {
        let [first, second] = self
            .values
            .map(|value| value.map_or("-".into(), |v| self.unit.text(v)));
        let ratio = self
            .ratio()
            .map_or("-".into(), |ratio| format!("{ratio:.3} x"));
        [self.name.clone(), first, second, ratio]
    }
}

impl<'a> Comparison<'a> {
    /// Of two runs under these names.
    #[must_use]
    pub fn of(runs: [(&'a str, &'a Report); 2]) -> Self {
        let [first, second] = runs.map(|(_, report)| report);
        let mut differences = first.configuration.differences(&second.configuration);
        differences.extend(surroundings(first, second));
        Self {
            runs,
            differences,
            rows: rows(first, second),
        }
    }

    /// Whether one thing alone differs, or none: whether ratios speak for themselves.
    #[must_use]
    pub fn like_with_like(&self) -> bool {
        self.differences.is_empty()
    }

    /// What differs, in a sentence.
    #[must_use]
    pub fn statement(&self) -> String {
        if self.like_with_like() {
            return "the same configuration, program and machine".into();
        }
        let keys: Vec<_> = self
            .differences
            .iter()
            .map(|one| one.key.as_str())
            .collect();
        format!(
            "the runs differ in {}: ratios tell of all of these together",
            keys.join(", ")
        )
    }

    /// The comparison for people at a terminal, each line ended.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (letter, (name, report)) in ["A", "B"].into_iter().zip(self.runs) {
            let began = utc(report.began_unix);
            let line = format!("{name} ({began}): {}", text::verdict(report));
            out.push_str(&labelled(letter, &line));
        }
        out.push_str(&labelled("settings", &self.statement()));
        out.push('\n');
        if !self.differences.is_empty() {
            let mut grid = Grid::new(["differs", "A", "B"]);
            for Difference {
                key,
                values: [first, second],
            } in &self.differences
            {
                grid.row([key, first, second]);
            }
            out.push_str(&grid.text());
            out.push('\n');
        }
        let mut grid = Grid::new(["", "A", "B", "B / A"]);
        for row in &self.rows {
            grid.row(row.cells());
        }
        out.push_str(&grid.text());
        for warning in self.warnings() {
            out.push('\n');
            out.push_str(&labelled("WARNING", &warning));
        }
        out
    }

    /// What forbids to quote the ratios as they stand.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let doubtful = self
            .runs
            .iter()
            .filter(|(_, report)| report.verdict != Verdict::Sound);
        let text = |(name, report): &(&str, &Report)| format!("{name}: {}", text::verdict(report));
        doubtful.map(text).collect()
    }
}

/// What differs beside the configuration.
fn surroundings(first: &Report, second: &Report) -> Vec<Difference> {
    let of = |report: &Report| {
        let cores = report
            .server
            .as_ref()
            .map(|server| format!("{:?}", server.cores));
        let machine = &report.machine;
        [
            ("program", report.program.clone()),
            ("cpu_model", machine.cpu_model.clone()),
            ("cpus", machine.cpus.to_string()),
            ("kernel", machine.kernel.clone()),
            ("governor", machine.governor.clone().unwrap_or("-".into())),
            ("server_cores", cores.unwrap_or("-".into())),
        ]
    };
    let pairs = of(first).into_iter().zip(of(second));
    let differing = pairs.filter(|(one, two)| one.1 != two.1);
    differing
        .map(|((key, one), (_, two))| Difference {
            key: key.into(),
            values: [one, two],
        })
        .collect()
}

fn rows(first: &Report, second: &Report) -> Vec<Row> {
    let row = |name: &str, unit, better, of: &dyn Fn(&Report) -> Option<f64>| Row {
        name: name.into(),
        values: [of(first), of(second)],
        unit,
        better,
    };
    use {Better::*, Unit::*};
    let cpu = |report: &Report| Some(report.server.as_ref()?.cpu_us_per_request? * 1e3);
    let resident =
        |report: &Report| Some(report.server.as_ref()?.resident_bytes as f64 / 1_048_576.0);
    let cores = |report: &Report| Some(report.server.as_ref()?.cores_used);
    let fairness = |report: &Report| report.fairness.as_ref()?.ratio;
    let mut rows = vec![
        row("requests", PerSecond, More, &|report| {
            Some(report.rates.requests_per_s)
        }),
        row("cycles", PerSecond, More, &|report| {
            Some(report.rates.cycles_per_s)
        }),
        row("server CPU per request", Nanos, Less, &cpu),
        row("server cores used", Plain, Less, &cores),
        row("server MiB resident", Plain, Less, &resident),
    ];
    let mut distribution = |name: &str, of: &dyn Fn(&Report) -> Option<Distribution>| {
        let both = [of(first), of(second)];
        if both.iter().all(Option::is_none) {
            return;
        }
        let mut add = |figure: &str, of: &dyn Fn(&Distribution) -> Option<f64>| {
            let values = [0, 1].map(|run| both[run].as_ref().and_then(of));
            rows.push(Row {
                name: format!("{name} {figure}"),
                values,
                unit: Nanos,
                better: Less,
            });
        };
        add("mean", &|told| Some(told.mean_ns));
        for (index, quantile) in Quantile::TOLD.iter().enumerate() {
            add(&quantile.to_string(), &|told| {
                Some(told.told()[index]? as f64)
            });
        }
        add("max", &|told| Some(told.max_ns as f64));
    };
    for kind in crate::measure::Kind::ALL {
        let of = |report: &Report| Some(report.latency(kind.name())?.intended.clone());
        distribution(kind.name(), &of);
    }
    distribution("hand-off", &|report| report.handoff.clone());
    rows.push(row("most/fewest grants", Plain, Less, &fairness));
    rows.push(row("errors, %", Plain, Less, &|report| {
        Some(report.errors.error_share * 100.0)
    }));
    rows.retain(|row| row.values.iter().any(Option::is_some));
    rows
}
