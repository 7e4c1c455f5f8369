//! The page of a run: what is on it, and what never is.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::model::{Ending, OneSecond};

fn report() -> Report {
    json::read(include_str!(
        "../../../../tests/report/golden/report-1.json"
    ))
    .unwrap()
}

#[test]
fn a_page_loads_nothing_and_ends_no_script_early() {
    let mut report = report();
    let evil = "</script><script src=x></pre><img src=y onerror=alert(1)>";
    report.target = evil.into();
    report.machine.cpu_model = evil.into();
    report.configuration.mode = evil.into();
    report.warnings[0].text = evil.into();
    report.ending = Ending {
        how: How::ServerGone,
        what: evil.into(),
    };
    let html = write(&report);
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(!html.contains("url(") && !html.contains("@import") && !html.contains("<link"));
    assert!(!html.contains("<img"));
    assert_eq!(
        html.matches("</script>").count(),
        2,
        "the data's and the page's own"
    );
    assert_eq!(html.matches("<script").count(), 2);
}

#[test]
fn the_data_on_a_page_is_the_report() {
    let report = report();
    let html = write(&report);
    let begin = "<script type=\"application/json\" id=\"report\">";
    let data = html
        .split(begin)
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    assert_eq!(json::read(data).unwrap(), report);
}

#[test]
fn every_part_has_its_chart() {
    let html = write(&report());
    for name in ["latency", "rate", "heat", "handoff", "fairness"] {
        let figure = format!("<figure class=\"{name}\">");
        assert_eq!(html.matches(&figure).count(), 1, "{name}");
    }
    assert!(!html.contains("NaN") && !html.contains("inf\""));
    // p99 of the acquire from its intended start, in the table and above.
    assert!(html.matches("36.1 ms").count() >= 2);
    assert!(html.contains("warm-up") && html.contains("refused or timed out"));
}

#[test]
fn a_run_in_which_nothing_happened_has_a_page_too() {
    let mut report = report();
    report.latencies.clear();
    report.series.seconds.clear();
    (report.handoff, report.fairness, report.server, report.lag) = (None, None, None, None);
    let html = write(&report);
    assert!(!html.contains("<figure") && !html.contains("NaN"));
}

#[test]
fn a_day_is_drawn_with_as_many_marks_as_two_minutes() {
    let mut report = report();
    let second = report.series.seconds[5].clone();
    let day = std::iter::repeat_n(second, 86_400);
    report.series.seconds = day.collect::<Vec<OneSecond>>();
    report.rates.measured_s = 86_399.0;
    let html = page(&report)
        .render()
        .split("<script")
        .next()
        .unwrap()
        .to_owned();
    assert!(html.len() < 2_000_000, "{}", html.len());
    assert!(!html.contains("NaN"));
}
