//! Latencies by percentile: of each kind of operation, and of the hand-off.

use crate::report::html::chart::{Line, Style};
use crate::report::html::percentiles::{percentile_chart as chart, percentile_line as line};
use crate::report::html::{Section, Table};
use crate::report::model::Report;
use crate::report::text::{HEAD, figures};

/// Latencies of all kinds; none if nothing was measured.
pub(super) fn section(report: &Report) -> Option<Section> {
    let mut lines = Vec::new();
    let mut table = Table::new(HEAD);
    for (colour, latency) in report.latencies.iter().enumerate() {
        let name = &latency.kind;
        let sent = latency
            .sent
            .as_ref()
            .filter(|sent| sent.differs_from(&latency.intended));
        if let Some(sent) = sent {
            lines.push(line(
                &format!("{name}, from intended start"),
                colour,
                &latency.intended,
            ));
            let style = Style::Dashed;
            lines.push(Line {
                style,
                ..line(&format!("{name}, from sending"), colour, sent)
            });
            table.row(figures(&format!("{name} intended"), &latency.intended));
            table.row(figures(&format!("{name} sent"), sent));
        } else {
            lines.push(line(name, colour, &latency.intended));
            table.row(figures(name, &latency.intended));
        }
    }
    if let Some(lag) = &report.lag {
        table.row(figures("schedule lag", lag));
    }
    let intro = "From when an operation should have begun to its answer: what a user feels. \
                 Dotted lines leave out the time that operations waited to be sent.";
    let chart = chart("latency", "Latency by percentile", lines)?;
    Some(
        Section::new("Latency", intro)
            .with(chart.html())
            .with(table.html()),
    )
}

/// The hand-off; none if no grant waited for a release.
pub(super) fn handoff(report: &Report) -> Option<Section> {
    let handoff = report.handoff.as_ref()?;
    let chart = chart(
        "handoff",
        "Hand-off by percentile",
        vec![line("hand-off", 3, handoff)],
    )?;
    let mut table = Table::new(HEAD);
    table.row(figures("hand-off", handoff));
    let intro = "From a release to the next grant of its key, where somebody waited for it.";
    Some(
        Section::new("Hand-off", intro)
            .with(chart.html())
            .with(table.html()),
    )
}
