//! The JSON schema is a promise: fields are added, none goes away or changes under a number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use locker_bench::report::json;
use serde_json::Value;

use crate::example::Example;

const GOLDEN: &str = include_str!("golden/report-1.json");

/// The types that each field of a document has been seen with, by its path.
pub(crate) fn fields(document: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut fields = BTreeMap::<String, BTreeSet<&str>>::new();
    let mut open = vec![(String::new(), document)];
    while let Some((path, value)) = open.pop() {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(values) => {
                let inner = values.iter().map(|value| (format!("{path}[]"), value));
                open.extend(inner);
                "list"
            }
            Value::Object(values) => {
                open.extend(
                    values
                        .iter()
                        .map(|(key, value)| (format!("{path}.{key}"), value)),
                );
                "object"
            }
        };
        fields.entry(path).or_default().insert(name);
    }
    fields
}

fn now() -> Value {
    serde_json::from_str(&json::write(&Example::troubled().report())).unwrap()
}

#[test]
fn no_field_of_schema_1_goes_away_or_changes_its_type() {
    let (before, now) = (
        fields(&serde_json::from_str(GOLDEN).unwrap()),
        fields(&now()),
    );
    for (path, types) in before {
        let now = now.get(&path).unwrap_or_else(|| {
            panic!("{path} is gone: keep it, or raise model::SCHEMA and keep a golden per number")
        });
        let change = format!("{path} was {types:?} and is {now:?}: add a field instead");
        assert!(
            now.is_subset(&types) || types.iter().eq(["null"].iter()),
            "{change}"
        );
    }
}

/// A new field is added to the golden report, so that from then on it is promised too. Old reports
/// lack it: give it `#[serde(default)]`.
#[test]
fn every_field_is_promised() {
    let (before, now) = (
        fields(&serde_json::from_str(GOLDEN).unwrap()),
        fields(&now()),
    );
    let new: Vec<_> = now
        .keys()
        .filter(|path| !before.contains_key(*path))
        .collect();
    if !new.is_empty() && std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        let path = "tests/report/golden/report-1.json";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::write(path, json::write(&Example::troubled().report())).unwrap();
        return;
    }
    assert!(
        new.is_empty(),
        "new fields {new:?}: GOLDEN=write cargo test -p locker-bench --test report"
    );
}

#[test]
fn what_was_written_before_is_still_read() {
    let report = json::read(GOLDEN).unwrap();
    assert_eq!(
        report.configuration.seed,
        u64::MAX.to_string(),
        "too large for JSON's numbers"
    );
    assert_eq!(report.errors.refused[2].name, "Unknown");
    assert_eq!(json::read(&json::write(&report)).unwrap(), report);
}
