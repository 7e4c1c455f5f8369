//! Percentile distributions in the text format of HdrHistogram, which its plotters read.
//!
//! Values are in milliseconds, as those plotters take for granted. Percentiles come in steps that
//! halve the distance to 100 %, five steps to each half, up to the largest value; the last ones
//! are below the support rule of the tables, for a plot shows by itself how few samples they have.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

use super::model::{Distribution, Report};

/// Steps to each half of the distance to 100 %.
const STEPS: u32 = 5;

/// The latency that the run is about, from the intended start; empty if nothing was measured.
#[must_use]
pub fn write(report: &Report) -> String {
    let main = report.latency(&report.main_kind);
    main.map_or(String::new(), |latency| distribution(&latency.intended))
}

/// A distribution in the format.
#[must_use]
pub fn distribution(distribution: &Distribution) -> String {
    let histogram = distribution.histogram();
    let mut out = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut below = 0;
    for step in histogram.iter_quantiles(STEPS) {
        below += step.count_since_last_iteration();
        let (ms, share) = (
            step.value_iterated_to() as f64 / 1e6,
            step.quantile_iterated_to(),
        );
        write!(out, "{ms:12.6} {share:2.12} {below:10}").expect("a string takes it");
        match share < 1.0 {
            true => writeln!(out, " {:14.2}", 1.0 / (1.0 - share)),
            false => writeln!(out),
        }
        .expect("a string takes it");
    }
    out.push_str(&footer(&histogram, distribution.mean_ns));
    out
}

fn footer(histogram: &Histogram<u64>, mean_ns: f64) -> String {
    let (mean, deviation) = (mean_ns / 1e6, histogram.stdev() / 1e6);
    let (max, count) = (histogram.max() as f64 / 1e6, histogram.len());
    let (buckets, inner) = (
        histogram.buckets(),
        2 * 10_u32.pow(histogram.sigfig().into()),
    );
    let inner = inner.next_power_of_two();
    format!(
        "#[Mean    = {mean:12.6}, StdDeviation   = {deviation:12.6}]\n\
         #[Max     = {max:12.6}, Total count    = {count:12}]\n\
         #[Buckets = {buckets:12}, SubBuckets     = {inner:12}]\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::measure::histogram;

    #[test]
    fn lines_are_those_that_plotters_read() {
        let mut made = histogram();
        for us in 1..=1_000 {
            made.record(us * 1_000).unwrap();
        }
        let text = distribution(&Distribution::of(&made).unwrap());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "       Value     Percentile TotalCount 1/(1-Percentile)"
        );
        assert_eq!(lines[1], "");
        let cells = |line: &str| -> Vec<f64> {
            line.split_whitespace()
                .map(|cell| cell.parse().unwrap())
                .collect()
        };
        let figures: Vec<_> = lines[2..]
            .iter()
            .take_while(|line| !line.starts_with('#'))
            .collect();
        let median = figures
            .iter()
            .map(|line| cells(line))
            .find(|cells| cells[1] == 0.5);
        let median = median.expect("the median is a step");
        assert!((median[0] - 0.5).abs() < 0.001 && median[2] == 500.0 && median[3] == 2.0);
        let last = cells(figures[figures.len() - 1]);
        assert_eq!(
            (last[1], last[2], last.len()),
            (1.0, 1_000.0, 3),
            "no inverse of nothing"
        );
        assert!((last[0] - 1.0).abs() < 0.001);
        let counts: Vec<_> = figures.iter().map(|line| cells(line)[2]).collect();
        assert!(counts.is_sorted());
        let footer = &lines[lines.len() - 3..];
        assert!(
            footer[0].starts_with("#[Mean    =     0.500"),
            "{}",
            footer[0]
        );
        assert!(
            footer[1].ends_with("Total count    =         1000]"),
            "{}",
            footer[1]
        );
        assert!(
            footer[2].ends_with("SubBuckets     =         2048]"),
            "{}",
            footer[2]
        );
    }
}
