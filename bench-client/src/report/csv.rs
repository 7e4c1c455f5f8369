//! A run second by second, as comma-separated values.
//!
//! One table per file, so that spreadsheets and data frames take it as it is: a line of names, then
//! a line per second, warm-up included. Percentiles of the whole run are in the JSON and in the
//! `.hgrm` file; those of a second are bounds from above, for seconds keep bands, not histograms.

use std::fmt::Write as _;

use super::model::{OneSecond, Part, Report};

/// The columns.
const HEAD: &str = "second,part,length_s,answered,answered_per_s,refused,\
                    p50_at_most_us,p99_at_most_us,max_at_most_us";

/// The table, each line ended; times are from the intended start.
///
/// `part` is `warm-up`, `measured` or `after`; a cell without a value is empty.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut out = format!("{HEAD}\n");
    for (index, second) in report.series.seconds.iter().enumerate() {
        let OneSecond {
            length_s,
            answered,
            refused,
            ..
        } = second;
        let part = match second.part {
            Part::Warmup => "warm-up",
            Part::Measured => "measured",
            Part::After => "after",
        };
        let per_s = *answered as f64 / length_s;
        write!(
            out,
            "{index},{part},{length_s:.3},{answered},{per_s:.1},{refused}"
        )
        .expect("a string takes it");
        for share in [0.5, 0.99, 1.0] {
            let at_most = report.series.at_most_ns(second, share);
            let at_most = at_most.map_or(String::new(), |ns| format!("{:.1}", ns as f64 / 1e3));
            write!(out, ",{at_most}").expect("a string takes it");
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::json;

    #[test]
    fn every_second_has_a_line_of_as_many_cells_as_the_head() {
        let golden = include_str!("../../tests/report/golden/report-1.json");
        let mut report = json::read(golden).unwrap();
        report.series.seconds[3].bands.clear();
        report.series.seconds[3].answered = 0;
        report.series.seconds[10].length_s = 0.5;
        let text = write(&report);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 13);
        assert!(
            lines.iter().all(|line| line.split(',').count() == 9),
            "{text}"
        );
        assert!(
            lines[1].starts_with("0,warm-up,1.000,24000,24000.0,120,"),
            "{}",
            lines[1]
        );
        assert!(
            lines[4].ends_with("3,measured,1.000,0,0.0,120,,,"),
            "{}",
            lines[4]
        );
        assert!(
            lines[12].starts_with("11,after,1.000,1,1.0,0,"),
            "{}",
            lines[12]
        );
        assert!(
            lines[11].starts_with("10,measured,0.500,24000,48000.0,120,"),
            "{}",
            lines[11]
        );
    }

    #[test]
    fn percentiles_of_a_second_are_bounds_from_above() {
        let golden = include_str!("../../tests/report/golden/report-1.json");
        let mut report = json::read(golden).unwrap();
        let from = |report: &Report, band: usize| report.series.bands_from_ns[band];
        report.series.seconds.truncate(1);
        report.series.seconds[0].bands = vec![(9, 98), (11, 1), (20, 1)];
        let ends = [10, 12, 21].map(|band| from(&report, band) as f64 / 1e3);
        let text = write(&report);
        let last = format!(",{:.1},{:.1},{:.1}\n", ends[0], ends[1], ends[2]);
        assert!(text.ends_with(&last), "{text}, not {last}");
    }
}
