//! Any message at all: the crate and the interpreter of the table agree both ways.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../examples/generate/interpreter.rs"]
mod interpreter;
mod support;
#[path = "../examples/generate/table.rs"]
mod table;

use locker_protocol::{check, split_frame};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use support::json::hex;
use table::{Field, Message, Table};

/// Draws values from bytes that proptest chose, so that failures shrink.
struct Entropy<'a>(&'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number of that many bytes; often small, often all ones.
    fn number(&mut self, bytes: usize) -> u64 {
        let mut value = [0; 8];
        match self.byte() % 4 {
            0 => value[0] = self.byte(),
            1 => value[..bytes].fill(0xFF),
            _ => value[..bytes].fill_with(|| self.byte()),
        }
        u64::from_le_bytes(value)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number(2)).unwrap() % end
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }
}

fn fields(table: &Table, message: &Message, entropy: &mut Entropy<'_>) -> Map<String, Value> {
    let mut values = Map::new();
    for field in message.own_fields() {
        if field.is_reserved() || message.measured_by(field).is_some() {
            continue;
        }
        if let Some(flags) = &field.flags {
            for bit in table.flags[flags].keys() {
                values.insert(bit.clone(), json!(entropy.byte() % 2 == 1));
            }
        } else {
            values.insert(field.name.clone(), value(table, field, entropy));
        }
    }
    mend(&message.name, &mut values);
    values
}

fn value(table: &Table, field: &Field, entropy: &mut Entropy<'_>) -> Value {
    if let Some(enumeration) = &field.enumeration {
        let names: Vec<_> = table.enums[enumeration].keys().collect();
        let index = entropy.below(names.len() + usize::from(field.optional));
        return names.get(index).map_or(Value::Null, |name| json!(name));
    }
    let length_max = match (field.kind.as_str(), field.name.as_str()) {
        ("text", "library") => 65,
        ("text", _) => 33,
        (_, "key" | "prefix") => 1_024,
        _ => 257,
    };
    match field.kind.as_str() {
        "u64" => json!(entropy.number(8).to_string()),
        "text" => json!("x".repeat(entropy.below(length_max))),
        "bytes" => {
            let least = usize::from(field.name == "key");
            let length = least + entropy.below(length_max);
            json!(hex(&entropy.bytes(length.min(1_024))))
        }
        "u16s" => (0..entropy.below(9))
            .map(|_| json!(entropy.number(2)))
            .collect(),
        "list" => {
            let record = table.record_named(field.of.as_deref().unwrap());
            (0..entropy.below(9))
                .map(|_| Value::Object(fields(table, record, entropy)))
                .collect()
        }
        kind if kind.starts_with("bytes") => {
            json!(hex(&entropy.bytes(field.fixed_bytes().unwrap())))
        }
        _ => json!(entropy.number(field.fixed_bytes().unwrap())),
    }
}

/// Keeps to the rules between fields.
fn mend(message: &str, values: &mut Map<String, Value>) {
    if message == "Hello" {
        values["version_max"] = json!(255);
        if values["action"] != "Resume" {
            values["session_id"] = json!("0");
            values["secret"] = json!("00".repeat(16));
            values["attach"] = json!(0);
        }
    }
    if message == "Reclaim" && values["token"] == "0" {
        values["token"] = json!("1");
    }
    if matches!(message, "Acquire" | "Reclaim") {
        let is_permit = values["mode"] == "Permit";
        values["permits"] = json!(u8::from(is_permit) * 3);
        values["limit"] = json!(if is_permit { 0x8000_0000_u32 } else { 0 });
        if let Some(resize) = values.get_mut("resize") {
            *resize = json!(is_permit && *resize == true);
        }
    }
}

/// A meaning of each message of the table in turn.
fn meaning(table: &Table, entropy: &mut Entropy<'_>) -> Value {
    let mut all = table.request.clone();
    all.extend(table.replies());
    all.extend(table.pushes());
    let index = entropy.below(all.len() + 2);
    let id = (1 + entropy.number(6)).to_string();
    let Some(message) = all.get(index) else {
        let fields = fields(table, table.record_named("Refusal"), entropy);
        let status = table.status[1 + entropy.below(table.status.len() - 1)]
            .name
            .clone();
        if index == all.len() {
            return json!({ "message": "Fault", "status": status, "fields": fields });
        }
        let op = &table.request[entropy.below(table.request.len())].name;
        return json!({
            "message": "Refusal", "op": op, "status": status, "request_id": id, "fields": fields,
        });
    };
    let fields = fields(table, message, entropy);
    if message.op >= 0xC0 {
        json!({ "message": message.name, "fields": fields })
    } else {
        json!({ "message": message.name, "request_id": id, "fields": fields })
    }
}

fn table() -> &'static Table {
    static TABLE: std::sync::OnceLock<Table> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| Table::parse(include_str!("../table.toml")))
}

fn agrees(entropy: &[u8]) {
    let meaning = meaning(table(), &mut Entropy(entropy));
    let bytes = interpreter::frame(table(), &meaning);
    assert_eq!(
        hex(&support::meaning::encode(&meaning)),
        hex(&bytes),
        "{meaning}"
    );
    let (frame, used) = split_frame(&bytes, check::FRAME_MAX).unwrap().unwrap();
    assert_eq!(used, bytes.len());
    let is_request = table()
        .request
        .iter()
        .any(|request| meaning["message"] == request.name);
    let decoded = if is_request {
        support::request_meaning(&frame)
    } else {
        support::answer_meaning(&frame)
    };
    assert_eq!(decoded, Ok(meaning));
}

#[test]
fn every_message_of_the_table_is_drawn_at_its_emptiest() {
    for index in 0..=u8::try_from(table().request.len() * 2 + table().pushes().len() + 1).unwrap() {
        agrees(&[0, index]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5_625),
        ..ProptestConfig::default()
    })]

    #[test]
    fn crate_and_table_agree(entropy in prop::collection::vec(any::<u8>(), 0..4_000)) {
        agrees(&entropy);
    }
}
