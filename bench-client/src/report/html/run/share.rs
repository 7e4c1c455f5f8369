//! Whether clients got the same share.

use crate::report::html::chart::{Axis, Caption, Column, ColumnChart};
use crate::report::html::{Html, Section};
use crate::report::model::Report;
use crate::report::text;
use crate::report::units::{percent, short};

/// Grants per client; none if there was no grant.
pub(super) fn section(report: &Report) -> Option<Section> {
    let fairness = report.fairness.as_ref()?;
    let groups = fairness.profile.len();
    let edge = |index: usize| index as f64 / groups as f64;
    let columns = fairness
        .profile
        .iter()
        .enumerate()
        .map(|(index, grants)| Column {
            name: format!(
                "clients at {} to {}",
                percent(edge(index)),
                percent(edge(index + 1))
            ),
            value: *grants,
        });
    let mean = fairness.profile.iter().sum::<f64>() / groups as f64;
    let chart = ColumnChart {
        name: "fairness",
        caption: Caption::new("Grants per client", "Level columns: all got the same."),
        x: Axis::until("clients, from the fewest grants to the most", 100.0, |p| {
            format!("{p} %")
        }),
        y: Axis::linear("grants", fairness.grants_max as f64, short),
        colour: 2,
        columns: columns.collect(),
        mark: Some((mean, format!("mean {}", short(mean)))),
    };
    let summary = Html::paragraph(&(text::fairness(fairness) + "."));
    Some(
        Section::new("Fairness", "")
            .with(chart.html())
            .with(summary),
    )
}
