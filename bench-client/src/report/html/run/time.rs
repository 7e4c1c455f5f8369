//! A run over time: rates, and a heat map of latencies.

use std::collections::BTreeMap;

use crate::report::html::Section;
use crate::report::html::chart::{Axis, Caption, Cell, HeatMap, Line, LineChart, Shade, Style};
use crate::report::model::{OneSecond, Part, Report, Seconds};
use crate::report::units::{percent, round_span, short, whole};

/// Points of a line at most: more than the drawing has pixels for would be a waste.
const POINTS_MAX: usize = 400;
/// Columns of the heat map at most.
const COLUMNS_MAX: usize = 120;
/// A last second shorter than this is left out: its rate would be a figure of chance.
const LENGTH_MIN_S: f64 = 0.5;
/// Where the band of everything below 1 us is drawn from.
const LEAST_NS: f64 = 500.0;

/// Seconds that are drawn as one.
struct Step {
    from_s: f64,
    to_s: f64,
    answered: u64,
    refused: u64,
    bands: BTreeMap<usize, u64>,
}

/// Rates and latencies over time; none of a run of less than two seconds.
pub(super) fn section(report: &Report) -> Option<Section> {
    let all = &report.series.seconds;
    let within = within(all);
    if within.len() < 2 {
        return None;
    }
    let end_s = all.len() as f64 - 1.0 + all.last()?.length_s;
    let intro =
        "Second by second. A server that stalls shows as a dent above and as a plume below.";
    let section = Section::new("Over time", intro).with(rates(report, within, end_s).html());
    Some(match heat(&report.series, end_s) {
        Some(map) => section.with(map.html()),
        None => section,
    })
}

/// The seconds up to the end of the measured time.
fn within(seconds: &[OneSecond]) -> &[OneSecond] {
    let after = seconds.iter().position(|second| second.part == Part::After);
    match seconds[..after.unwrap_or(seconds.len())].split_last() {
        Some((last, before)) if last.length_s < LENGTH_MIN_S => before,
        Some((_, before)) => &seconds[..=before.len()],
        None => &[],
    }
}

/// Seconds taken together so that there are at most `max` steps.
fn steps(seconds: &[OneSecond], max: usize) -> Vec<Step> {
    let together = seconds.len().div_ceil(max).max(1);
    let chunks = seconds.chunks(together).enumerate();
    let steps = chunks.map(|(index, chunk)| {
        let from_s = (index * together) as f64;
        let mut bands = BTreeMap::new();
        for (band, count) in chunk.iter().flat_map(|second| &second.bands) {
            *bands.entry(*band).or_default() += u64::from(*count);
        }
        Step {
            from_s,
            to_s: from_s + chunk.iter().map(|second| second.length_s).sum::<f64>(),
            answered: chunk.iter().map(|second| second.answered).sum(),
            refused: chunk.iter().map(|second| second.refused).sum(),
            bands,
        }
    });
    steps.collect()
}

fn rates(report: &Report, seconds: &[OneSecond], end_s: f64) -> LineChart {
    let steps = steps(seconds, POINTS_MAX);
    let points = |count: fn(&Step) -> u64| -> Vec<(f64, f64)> {
        let point = |step: &Step| {
            let middle = (step.from_s + step.to_s) / 2.0;
            (middle, count(step) as f64 / (step.to_s - step.from_s))
        };
        let mut points: Vec<_> = steps.iter().map(point).collect();
        // The line reaches from the begin to the end, not from middle to middle.
        if let ([(_, first), .., (_, last)], [begin, .., end]) = (&points[..], &steps[..]) {
            let ends = [(begin.from_s, *first), (end.to_s, *last)];
            points.insert(0, ends[0]);
            points.push(ends[1]);
        }
        points
    };
    let answered = points(|step| step.answered);
    let highest = answered.iter().map(|point| point.1).fold(0.0, f64::max);
    let mut lines = vec![Line {
        name: "answered".into(),
        colour: 0,
        style: Style::Area,
        points: answered,
    }];
    if steps.iter().any(|step| step.refused > 0) {
        let (name, points) = ("refused or timed out".into(), points(|step| step.refused));
        lines.push(Line {
            name,
            colour: 1,
            style: Style::Solid,
            points,
        });
    }
    let (warmup, measured) = (report.rates.warmup_s, report.rates.measured_s);
    let parts = [
        (0.0, warmup, "warm-up"),
        (warmup + measured, end_s, "after the end"),
    ];
    let parts = parts
        .into_iter()
        .filter(|(from, to, _)| from + LENGTH_MIN_S / 10.0 < *to);
    let shades = parts.map(|(from, to, name)| Shade {
        from,
        to,
        name: name.into(),
    });
    LineChart {
        name: "rate",
        caption: Caption::new("Requests per second", ""),
        x: Axis::until("seconds since the start", end_s, seconds_text),
        y: Axis::linear("per second", highest, short),
        lines,
        shades: shades.collect(),
    }
}

fn seconds_text(seconds: f64) -> String {
    format!("{} s", short(seconds))
}

fn heat(series: &Seconds, end_s: f64) -> Option<HeatMap> {
    let steps = steps(&series.seconds, COLUMNS_MAX);
    let bands = || steps.iter().flat_map(|step| step.bands.keys().copied());
    let (first, last) = (bands().min()?, bands().max()?);
    let most = steps.iter().flat_map(|step| step.bands.values()).max()?;
    let begin = |band: usize| (series.band_begin_ns(band) as f64).max(LEAST_NS);
    let end = |band: usize| series.band_end_ns(band) as f64;
    let mut cells = Vec::new();
    for step in &steps {
        let total: u64 = step.bands.values().sum();
        for (band, count) in &step.bands {
            let (from, to) = (begin(*band), end(*band));
            let tip = format!(
                "{} to {} s, {} to {}\n{} answers, {} of them all",
                short(step.from_s),
                short(step.to_s),
                round_span(from),
                round_span(to),
                whole(*count),
                percent(*count as f64 / total as f64)
            );
            // By logarithm: the tail, thousandths of the whole, is what one looks for.
            let weight = (1.0 + *count as f64).ln() / (1.0 + *most as f64).ln();
            cells.push(Cell {
                x: (step.from_s, step.to_s),
                y: (from, to),
                weight,
                tip,
            });
        }
    }
    let about =
        "From the intended start. The stronger the colour, the more answers, by their logarithm.";
    Some(HeatMap {
        name: "heat",
        caption: Caption::new("Latency over time", about),
        x: Axis::until("seconds since the start", end_s, seconds_text),
        y: Axis::log("latency", begin(first), end(last), round_span),
        cells,
    })
}
