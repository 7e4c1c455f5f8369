//! Charts: what is drawn is what was given.

use super::*;
use crate::report::units;

fn caption() -> Caption {
    Caption::new("Rate & time", "a <b> caption")
}

fn line_chart(lines: Vec<Line>) -> LineChart {
    LineChart {
        name: "rate",
        caption: caption(),
        x: Axis::until("s", 10.0, units::short),
        y: Axis::linear("per s", 100.0, units::short),
        lines,
        shades: vec![Shade {
            from: 0.0,
            to: 1.0,
            name: "warm-up".into(),
        }],
    }
}

fn line(style: Style, points: &[(f64, f64)]) -> Line {
    Line {
        name: "answers <1>".into(),
        colour: 7,
        style,
        points: points.to_vec(),
    }
}

#[test]
fn a_line_goes_through_its_points() {
    let chart = line_chart(vec![line(
        Style::Area,
        &[(0.0, 0.0), (5.0, 50.0), (10.0, 100.0)],
    )]);
    let html = format!("{:?}", chart.html());
    // The plane's corners and its middle.
    assert!(
        html.contains("M76.0 294.0L524.0 153.0L972.0 12.0"),
        "{html}"
    );
    assert!(
        html.contains("line s1"),
        "the eighth colour is the second again"
    );
    assert_eq!(
        html.matches("class=\\\"strip\\\"").count(),
        3,
        "one tip per x"
    );
    assert!(html.contains("answers &lt;1&gt;: 50"), "{html}");
    assert!(
        html.contains("Rate &amp; time") && !html.contains("<b>"),
        "{html}"
    );
}

#[test]
fn a_line_without_points_or_with_one_is_no_trouble() {
    let chart = line_chart(vec![
        line(Style::Area, &[]),
        line(Style::Solid, &[(5.0, 50.0)]),
    ]);
    let html = format!("{:?}", chart.html());
    assert!(html.contains("M524.0 153.0h0.1"), "{html}");
    assert!(!html.contains("NaN"), "{html}");
}

#[test]
fn bars_show_value_spread_and_note() {
    let bar = |name: &str, value, spread| Bar {
        name: name.into(),
        value,
        spread,
        colour: 0,
        note: "2.00 x".into(),
    };
    let bars = vec![
        bar("locker", 40.0, Some((30.0, 50.0))),
        bar("none", 0.0, None),
    ];
    let chart = BarChart {
        name: "cpu",
        caption: caption(),
        format: units::short,
        groups: vec![Group {
            name: "50 x 16".into(),
            bars,
        }],
        legend: vec![(0, "locker".into())],
    };
    let html = format!("{:?}", chart.html());
    // The spread's upper end is the longest reach: at the right edge of the bars' room.
    assert!(html.contains("H920.0"), "{html}");
    assert!(
        html.contains("from 30 to 50") && html.contains("2.00 x"),
        "{html}"
    );
    assert!(!html.contains("NaN"), "{html}");
}

#[test]
fn columns_and_cells_fill_their_plane() {
    let columns = [10.0, 20.0].map(|value| Column {
        name: format!("client {value}"),
        value,
    });
    let chart = ColumnChart {
        name: "fairness",
        caption: caption(),
        x: Axis::until("clients", 2.0, units::short),
        y: Axis::linear("grants", 20.0, units::short),
        colour: 2,
        columns: columns.to_vec(),
        mark: Some((15.0, "mean".into())),
    };
    let html = format!("{:?}", chart.html());
    assert_eq!(html.matches("class=\\\"bar f2\\\"").count(), 2);
    assert!(
        html.contains("height=\\\"182.0\\\""),
        "the higher one reaches the top: {html}"
    );
    let map = HeatMap {
        name: "heat",
        caption: caption(),
        x: Axis::until("s", 10.0, units::short),
        y: Axis::log("latency", 1_000.0, 100_000.0, units::span),
        cells: vec![Cell {
            x: (0.0, 10.0),
            y: (1_000.0, 100_000.0),
            weight: 1.0,
            tip: "all".into(),
        }],
    };
    let html = format!("{:?}", map.html());
    assert!(html.contains("width=\\\"896.0\\\" height=\\\"282.0\\\" fill-opacity=\\\"1.00\\\""));
}
