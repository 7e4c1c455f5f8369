//! The page of a comparison of two runs.

use super::{Better, Comparison, Row, Unit};
use crate::report::html::chart::{Bar, BarChart, Caption, Group};
use crate::report::html::{Html, Page, Section, Table, Tone};
use crate::report::html::{percentile_chart, percentile_line};
use crate::report::text;

/// A figure this much worse or better is set apart in the table; noise alone reaches less.
const MARKED: f64 = 0.10;

/// The page as the text of a file.
#[must_use]
pub fn page(comparison: &Comparison<'_>) -> String {
    let [first, second] = comparison.runs.map(|(name, _)| name);
    let mut page = Page::new(format!("{second} against {first}"));
    page.subtitle = comparison.statement();
    page.verdict = Some(match comparison.like_with_like() {
        true => (Tone::Good, "Like with like".into()),
        false => (Tone::Careful, "Settings differ".into()),
    });
    let main = &comparison.runs[0].1.main_kind;
    let p99 = format!("{main} p99");
    for name in ["requests", "cycles", "server CPU per request", &p99] {
        if let Some(row) = comparison.rows.iter().find(|row| row.name == *name) {
            let [name, first, second, ratio] = row.cells();
            page.figure(&name, ratio, format!("{second} against {first}"));
        }
    }
    let warnings = comparison.warnings();
    if !warnings.is_empty() {
        let notes = warnings.iter().map(|text| Html::note(Tone::Careful, text));
        let mut section = Section::new("Before you quote it", "");
        section.body.extend(notes);
        page.sections.push(section);
    }
    if !comparison.differences.is_empty() {
        page.sections.push(differences(comparison));
    }
    page.sections.push(figures(comparison));
    for (name, report) in comparison.runs {
        let lines = [
            ("Load", text::load(&report.configuration)),
            ("Pace", text::clients(&report.configuration)),
            ("Server", text::server_name(report)),
            (
                "Machine",
                format!("{}, {}", report.machine.cpu_model, report.machine.kernel),
            ),
        ];
        let section = Section::new(name, "").with(Html::definitions(&lines));
        page.sections
            .push(section.with(Html::lines(&text::command(&report.command))));
    }
    page.render()
}

fn differences(comparison: &Comparison<'_>) -> Section {
    let mut table = Table::new(["setting", "A", "B"]);
    for difference in &comparison.differences {
        let [first, second] = &difference.values;
        table.row([&difference.key, first, second]);
    }
    Section::new("What differs", "Ratios tell of all of these together.").with(table.html())
}

fn figures(comparison: &Comparison<'_>) -> Section {
    let mut table = Table::new(["", "A", "B", "B / A"]);
    for row in &comparison.rows {
        match tone(row) {
            Some(tone) => table.toned(tone, row.cells()),
            None => table.row(row.cells()),
        }
    }
    let intro = "A is the first run, B the second. Set apart is what differs by over 10 %.";
    let mut section = Section::new("Figures", intro).with(ratios(comparison).html());
    section.body.extend(latency(comparison));
    section.with(table.html())
}

fn tone(row: &Row) -> Option<Tone> {
    let ratio = row.ratio()?;
    let better = match row.better {
        Better::More => ratio > 1.0,
        Better::Less => ratio < 1.0,
    };
    let noise = 1.0 / (1.0 + MARKED)..=1.0 + MARKED;
    (!noise.contains(&ratio)).then_some(if better { Tone::Good } else { Tone::Bad })
}

/// The latency that the first run is about, of both.
fn latency(comparison: &Comparison<'_>) -> Option<Html> {
    let kind = &comparison.runs[0].1.main_kind;
    let runs = comparison.runs.iter().enumerate();
    let lines = runs.filter_map(|(colour, (name, report))| {
        let distribution = &report.latency(kind)?.intended;
        Some(percentile_line(name, colour, distribution))
    });
    let title = format!("{kind}: latency by percentile, from the intended start");
    Some(percentile_chart("latency", &title, lines.collect())?.html())
}

/// Ratios of rates, costs, medians and 99th percentiles; what should grow and shrink apart.
fn ratios(comparison: &Comparison<'_>) -> BarChart {
    let drawn = |row: &&Row| match row.unit {
        Unit::PerSecond => true,
        Unit::Nanos => [" p50", " p99", " request"]
            .iter()
            .any(|end| row.name.ends_with(end)),
        Unit::Plain => false,
    };
    let group = |better: Better, name: &str| {
        let rows = comparison.rows.iter().filter(|row| row.better == better);
        let bars = rows.filter(drawn).filter_map(|row| {
            let [name, first, second, _] = row.cells();
            let note = format!("({second} against {first})");
            let colour = usize::from(better == Better::Less);
            Some(Bar {
                name,
                value: row.ratio()?,
                spread: None,
                colour,
                note,
            })
        });
        Group {
            name: name.into(),
            bars: bars.collect(),
        }
    };
    BarChart {
        name: "ratios",
        caption: Caption::new("B over A", ""),
        format: |ratio| format!("{ratio:.2} x"),
        groups: vec![
            group(Better::More, "More is better"),
            group(Better::Less, "Less is better"),
        ],
        legend: Vec::new(),
    }
}
