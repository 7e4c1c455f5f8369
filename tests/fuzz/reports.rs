//! Files and words that people give to the load generator: reports, and settings of a run. The
//! fuzz target `reports`.
//!
//! - Nothing panics: neither reading, nor showing what was read in any form.
//! - What was read is written and read back the same.

use locker_bench::plan::spelling::Rate;
use locker_bench::plan::workload::{Hold, KeyDist, Mode};
use locker_bench::report::slo::Slo;
use locker_bench::report::versus::{self, Comparison};
use locker_bench::report::{csv, hgrm, html, json, text};
use serde_json::Value;
use std::sync::OnceLock;

/// Elements of a list that are kept of the example.
const LIST_MAX: usize = 6;

/// The first byte says whether the rest is a file's text, words, or changes to a sound report.
///
/// # Panics
/// If a promise is broken.
pub(crate) fn run(bytes: &[u8]) {
    match bytes.split_first() {
        None => {}
        Some((0, text)) => file(&String::from_utf8_lossy(text)),
        Some((1, words)) => spelt(&String::from_utf8_lossy(words)),
        Some((_, changes)) => file(&changed(changes).to_string()),
    }
}

fn file(report: &str) {
    let Ok(report) = json::read(report) else {
        return;
    };
    let written = json::write(&report);
    let again = json::read(&written).expect("what is written is read");
    // Floating point has values that are not themselves; their text is.
    assert_eq!(json::write(&again), written);
    let _ = (text::write(&report), html::write(&report));
    let _ = (csv::write(&report), hgrm::write(&report));
    let sound = json::read(&sound().to_string()).expect("the example is a report");
    for pair in [[&report, &sound], [&sound, &report]] {
        let comparison = Comparison::of([("a", pair[0]), ("b", pair[1])]);
        let _ = (comparison.text(), versus::page(&comparison));
    }
}

fn spelt(words: &str) {
    let _ = words.parse::<Mode>();
    let _ = words.parse::<KeyDist>();
    let _ = words.parse::<Hold>();
    let _ = words.parse::<Rate>();
    if let Ok(slo) = words.parse::<Slo>() {
        let again: Slo = slo.to_string().parse().expect("what is shown is read");
        assert_eq!(again.to_string(), slo.to_string());
    }
}

/// A sound report with short lists.
fn sound() -> &'static Value {
    static SOUND: OnceLock<Value> = OnceLock::new();
    SOUND.get_or_init(|| {
        let golden = include_str!("../../bench-client/tests/report/golden/report-1.json");
        let mut value = serde_json::from_str(golden).expect("the example is JSON");
        shorten(&mut value);
        value
    })
}

fn shorten(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.truncate(LIST_MAX);
            list.iter_mut().for_each(shorten);
        }
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// The sound report with some places changed: four bytes each say where and into what.
fn changed(changes: &[u8]) -> Value {
    let mut value = sound().clone();
    for change in changes.chunks_exact(4) {
        let mut place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        replace(&mut value, &mut place, (change[2], change[3]));
    }
    value
}

/// Changes the value at that place, counted in order.
fn replace(value: &mut Value, place: &mut usize, (kind, detail): (u8, u8)) {
    if *place == 0 {
        *value = other(value, kind, detail);
    }
    // Past the end it counts on below zero, and matches nothing more.
    *place = place.wrapping_sub(1);
    let mut children: Vec<&mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => return,
    };
    for child in &mut children {
        replace(child, place, (kind, detail));
    }
}

fn other(value: &Value, kind: u8, detail: u8) -> Value {
    match kind % 12 {
        0 => Value::Null,
        1 => Value::from(0),
        // Sums of counts do not come near 2^64 in anybody's lifetime.
        2 => Value::from(1_u64 << 40),
        3 => Value::from(-1),
        4 => Value::from(f64::MAX),
        5 => Value::from(f64::MIN_POSITIVE),
        6 => Value::from(u64::from(detail)),
        7 => Value::from(1_u64 << (detail % 40)),
        8 => Value::from("<&\"\u{0}\u{202e}"),
        9 => Value::Array(Vec::new()),
        10 => match value {
            Value::Array(list) => list.iter().cycle().take(list.len() * 3).cloned().collect(),
            _ => Value::from(-0.5),
        },
        _ => match value {
            Value::Array(list) => list.iter().rev().cloned().collect(),
            _ => Value::from(vec![1.0, -1.0]),
        },
    }
}
