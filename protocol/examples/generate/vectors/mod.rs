//! The golden vectors: meanings written here, bytes from the interpreter.

mod answers;
mod malformed;
mod requests;
mod session;
mod slots;

use crate::interpreter;
use crate::table::Table;
use serde_json::{Value, json};

/// One vector of a frame.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) outcome: Outcome,
}

/// What a decoder says of a vector.
pub(crate) enum Outcome {
    /// It means this, and this encodes to it.
    Meaning(Value),
    /// It means this, and encodes to less: optional parts are skipped.
    MeaningOnly(Value),
    /// It is refused so.
    Error {
        status: &'static str,
        offset: usize,
        limit: u64,
        value: u64,
    },
    /// More bytes are needed.
    Incomplete,
}

/// The vector files: name in `vectors/` and text.
pub(crate) fn files(table: &Table) -> Vec<(&'static str, String)> {
    let valid = |meanings: Vec<(String, Value)>| -> Vec<Vector> {
        meanings
            .into_iter()
            .map(|(name, meaning)| Vector::valid(table, &name, meaning))
            .collect()
    };
    let requests = requests::meanings();
    let answers = answers::meanings(table);
    let bad_requests = malformed::requests(table, &requests);
    let bad_answers = malformed::answers(table, &answers);
    vec![
        ("requests.json", file("to_server", valid(requests))),
        ("answers.json", file("to_client", valid(answers))),
        ("malformed_requests.json", file("to_server", bad_requests)),
        ("malformed_answers.json", file("to_client", bad_answers)),
        ("session.json", lines(session::steps(table))),
        ("slots.json", lines(slots::slots())),
    ]
}

impl Vector {
    pub(crate) fn valid(table: &Table, name: &str, meaning: Value) -> Self {
        let bytes = interpreter::frame(table, &meaning);
        Self {
            name: name.to_owned(),
            bytes,
            outcome: Outcome::Meaning(meaning),
        }
    }

    fn json(self, direction: &str) -> Value {
        let mut vector = json!({
            "name": self.name,
            "direction": direction,
            "hex": interpreter::hex(&self.bytes),
        });
        match self.outcome {
            Outcome::Meaning(meaning) => vector["meaning"] = meaning,
            Outcome::MeaningOnly(meaning) => {
                vector["meaning"] = meaning;
                vector["canonical"] = json!(false);
            }
            Outcome::Error {
                status,
                offset,
                limit,
                value,
            } => {
                let (limit, value) = (limit.to_string(), value.to_string());
                vector["error"] =
                    json!({ "status": status, "offset": offset, "limit": limit, "value": value });
            }
            Outcome::Incomplete => vector["incomplete"] = json!(true),
        }
        vector
    }
}

fn file(direction: &str, vectors: Vec<Vector>) -> String {
    lines(vectors.into_iter().map(|vector| vector.json(direction)))
}

/// A JSON list with one element a line, so that a change shows as one line.
fn lines(values: impl IntoIterator<Item = Value>) -> String {
    let lines: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
