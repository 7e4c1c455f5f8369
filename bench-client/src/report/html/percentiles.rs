//! Distributions drawn by percentile.

use crate::measure::support;
use crate::report::html::chart::{Axis, Caption, Line, LineChart, Style};
use crate::report::model::Distribution;
use crate::report::units::round_span;

/// Points for each doubling of `1 / (1 - p)`.
const STEPS: f64 = 6.0;
/// A percentile is drawn while so many samples lie above it: the rule of the tables.
const ABOVE_MIN: f64 = support::ABOVE_MIN as f64;

/// Lines of [`percentile_line`] over percentiles; none if they hold nothing.
#[must_use]
pub fn percentile_chart(name: &'static str, title: &str, lines: Vec<Line>) -> Option<LineChart> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let longest = points().map(|point| point.1).fold(0.0, f64::max);
    let shortest = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let furthest = points().map(|point| point.0).fold(1.0, f64::max);
    if longest <= 0.0 {
        return None;
    }
    let about = "Each nine takes as much room. A line ends where fewer than 10 samples lie above.";
    Some(LineChart {
        name,
        caption: Caption::new(title, about),
        x: Axis::percentiles("percentile", furthest),
        y: Axis::log("latency", shortest, longest, round_span),
        lines,
        shades: Vec::new(),
    })
}

/// A distribution as a line of [`percentile_chart`], as far as the sample supports it.
#[must_use]
pub fn percentile_line(name: &str, colour: usize, distribution: &Distribution) -> Line {
    let (name, style, points) = (name.into(), Style::Solid, points(distribution));
    Line {
        name,
        colour,
        style,
        points,
    }
}

/// The distribution by `1 / (1 - p)`.
fn points(distribution: &Distribution) -> Vec<(f64, f64)> {
    let histogram = distribution.histogram();
    let end = distribution.count as f64 / ABOVE_MIN;
    let mut points = vec![(1.0, distribution.min_ns as f64)];
    let mut step = 1.0;
    loop {
        let x = 2_f64.powf(step / STEPS);
        if x > end {
            return points;
        }
        points.push((x, histogram.value_at_quantile(1.0 - 1.0 / x) as f64));
        step += 1.0;
    }
}
