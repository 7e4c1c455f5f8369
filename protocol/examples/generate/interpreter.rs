//! A second, slow encoder that reads the table itself.
//!
//! It shares nothing with the codec of the crate, so where both agree on a vector, both are right
//! or the table is wrong. A message's meaning is a JSON object:
//! `{"message": name, "request_id": "1", "fields": {..}}`; a refusal's says `"op"`, the name of the
//! request, and `"status"`. Integers of 64 bits are decimal strings, bytes are hex strings, text is
//! text, enumerations are names (null = none), each flag is a boolean under its own name.

use crate::table::{Field, Message, Table};
use serde_json::{Map, Value};

/// Where a field lies in a frame, header included.
pub(crate) struct Place {
    pub(crate) field: Field,
    pub(crate) offset: usize,
}

/// The whole frame of a meaning.
pub(crate) fn frame(table: &Table, meaning: &Value) -> Vec<u8> {
    let name = text(meaning, "message");
    let (layout, op) = layout(table, meaning);
    let status = meaning.get("status").map_or(0, |_| {
        let status = text(meaning, "status");
        let of_name = |entry: &&crate::table::Status| entry.name == status;
        table
            .status
            .iter()
            .find(of_name)
            .unwrap_or_else(|| panic!("{status} is no status"))
            .code
    });
    let id = meaning
        .get("request_id")
        .map_or(0, |_| u64_of(meaning, "request_id"));
    let fields = meaning["fields"]
        .as_object()
        .unwrap_or_else(|| panic!("{name} has fields"));
    let body = body(table, layout.own_fields(), fields);
    let mut out = u32::try_from(body.len())
        .expect("small")
        .to_le_bytes()
        .to_vec();
    out.extend([op, 0]);
    out.extend(status.to_le_bytes());
    out.extend(id.to_le_bytes());
    out.extend(body);
    out
}

/// The message's layout, and the op in its header.
pub(crate) fn layout(table: &Table, meaning: &Value) -> (Message, u8) {
    let name = text(meaning, "message");
    let refusal = || table.record_named("Refusal").clone();
    if name == "Refusal" {
        if let Some(op) = meaning["op"].as_u64() {
            return (refusal(), u8::try_from(op).expect("an op is a byte") | 0x80);
        }
        let asked = text(meaning, "op");
        let request = table.request.iter().find(|request| request.name == asked);
        return (
            refusal(),
            request
                .unwrap_or_else(|| panic!("{asked} is no request"))
                .op
                | 0x80,
        );
    }
    if name == "Fault" {
        return (refusal(), table.fault().op);
    }
    let mut all = table.request.clone();
    all.extend(table.replies());
    all.extend(table.pushes());
    let message = all.into_iter().find(|message| message.name == name);
    let message = message.unwrap_or_else(|| panic!("{name} is no message"));
    let op = message.op;
    (message, op)
}

/// Every field of the message and where it begins; those behind a list or text by its length.
pub(crate) fn places(table: &Table, meaning: &Value) -> Vec<Place> {
    let (message, _) = layout(table, meaning);
    let values = meaning["fields"].as_object().expect("a meaning has fields");
    let mut offset = 16;
    let mut places = Vec::new();
    for field in message.own_fields() {
        places.push(Place {
            field: field.clone(),
            offset,
        });
        offset += field
            .fixed_bytes()
            .unwrap_or_else(|| variable(table, field, values).1.len());
    }
    places
}

fn body(table: &Table, fields: &[Field], values: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        match field.fixed_bytes() {
            Some(bytes) => out.extend(fixed(table, fields, field, values, bytes)),
            None => out.extend(variable(table, field, values).1),
        }
    }
    out
}

fn fixed(
    table: &Table,
    fields: &[Field],
    field: &Field,
    values: &Map<String, Value>,
    bytes: usize,
) -> Vec<u8> {
    let measured = fields
        .iter()
        .find(|other| other.len.as_ref() == Some(&field.name));
    let number = if field.is_reserved() {
        0
    } else if let Some(variable_field) = measured {
        variable(table, variable_field, values).0 as u64
    } else if let Some(flags) = &field.flags {
        let set = |bit: &String| values[bit].as_bool().expect("a flag is a boolean");
        table.flags[flags]
            .iter()
            .filter(|(bit, _)| set(bit))
            .map(|(_, value)| value)
            .sum()
    } else if let Some(enumeration) = &field.enumeration {
        match &values[&field.name] {
            Value::Null => 0,
            name => table.enums[enumeration][name.as_str().expect("an enumeration's name")],
        }
    } else if field.kind.starts_with("bytes") {
        let value = unhex(values[&field.name].as_str().expect("bytes are hex"));
        assert_eq!(value.len(), bytes, "{}", field.name);
        return value;
    } else {
        match &values[&field.name] {
            Value::String(digits) => digits.parse().expect("a decimal number"),
            number => number.as_u64().expect("a number"),
        }
    };
    let mut all = number.to_le_bytes().to_vec();
    assert!(
        all.iter().skip(bytes).all(|byte| *byte == 0),
        "{} overflows",
        field.name
    );
    all.resize(bytes, 0);
    all
}

/// What the length field says, and the bytes.
fn variable(table: &Table, field: &Field, values: &Map<String, Value>) -> (usize, Vec<u8>) {
    let value = values
        .get(&field.name)
        .unwrap_or_else(|| panic!("{} is missing", field.name));
    match field.kind.as_str() {
        "bytes" => {
            let bytes = unhex(value.as_str().expect("bytes are hex"));
            (bytes.len(), bytes)
        }
        "text" => {
            let bytes = value.as_str().expect("text").as_bytes().to_vec();
            (bytes.len(), bytes)
        }
        "u16s" => {
            let list = value.as_array().expect("a list of numbers");
            let number =
                |value: &Value| u16::try_from(value.as_u64().expect("a number")).expect("16 bits");
            (
                list.len(),
                list.iter()
                    .flat_map(|value| number(value).to_le_bytes())
                    .collect(),
            )
        }
        _ => {
            let record = table.record_named(field.of.as_deref().expect("a list says of what"));
            let list = value.as_array().expect("a list of records");
            let one = |value: &Value| {
                body(
                    table,
                    record.own_fields(),
                    value.as_object().expect("a record"),
                )
            };
            (list.len(), list.iter().flat_map(one).collect())
        }
    }
}

fn text<'a>(meaning: &'a Value, name: &str) -> &'a str {
    meaning[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is missing in {meaning}"))
}

fn u64_of(meaning: &Value, name: &str) -> u64 {
    text(meaning, name).parse().expect("a decimal number")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "two digits a byte");
    let byte = |index| u8::from_str_radix(&text[index..index + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(byte).collect()
}
