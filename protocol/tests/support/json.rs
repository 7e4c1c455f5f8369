//! Values of JSON meanings. See `protocol/vectors/README.md`.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let byte = |index| u8::from_str_radix(&text[index..index + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

pub fn request_id(meaning: &Value) -> u64 {
    meaning
        .get("request_id")
        .map_or(0, |id| id.as_str().unwrap().parse().unwrap())
}

pub fn text_of<'a>(fields: &'a Value, name: &str) -> &'a str {
    fields[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is missing in {fields}"))
}

pub fn unhex_of(fields: &Value, name: &str) -> Vec<u8> {
    unhex(text_of(fields, name))
}

pub fn u64_of(fields: &Value, name: &str) -> u64 {
    text_of(fields, name).parse().unwrap()
}

pub fn number_of(fields: &Value, name: &str) -> u64 {
    fields[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} is missing in {fields}"))
}

pub fn bool_of(fields: &Value, name: &str) -> bool {
    fields[name]
        .as_bool()
        .unwrap_or_else(|| panic!("{name} is missing in {fields}"))
}

/// The one of that name; `None` for null.
pub fn named<T: Copy>(
    fields: &Value,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Option<T> {
    let wanted = fields[name].as_str()?;
    Some(*all.iter().find(|one| name_of(**one) == wanted).unwrap())
}

pub fn u16s_of(fields: &Value, name: &str) -> Vec<u8> {
    let number = |value: &Value| u16::try_from(value.as_u64().unwrap()).unwrap();
    let list = fields[name].as_array().unwrap();
    list.iter()
        .flat_map(|value| number(value).to_le_bytes())
        .collect()
}

/// The bytes of a list's records, and how many.
pub fn records_of(fields: &Value, name: &str, encode: fn(&Value, &mut Vec<u8>)) -> (Vec<u8>, u16) {
    let list = fields[name].as_array().unwrap();
    let mut bytes = Vec::new();
    for record in list {
        encode(record, &mut bytes);
    }
    (bytes, u16::try_from(list.len()).unwrap())
}

/// Encodes a refusal or a fault.
pub fn encode_refusal(meaning: &Value, id: u64, out: &mut Vec<u8>) {
    use locker_protocol::{FAULT_OP, Opcode, Refusal, Status};
    let fields = &meaning["fields"];
    let refusal = Refusal {
        status: named(meaning, "status", &Status::ALL, Status::name).unwrap(),
        limit: u64_of(fields, "limit"),
        value: u64_of(fields, "value"),
        detail: text_of(fields, "detail"),
    };
    if let Some(op) = meaning["op"].as_u64() {
        return refusal.encode(u8::try_from(op).unwrap() | 0x80, id, out);
    }
    match named(meaning, "op", &Opcode::ALL, Opcode::name) {
        Some(op) => refusal.encode(op.reply(), id, out),
        None => {
            assert_eq!(meaning["message"], "Fault");
            refusal.encode_fault(out);
            assert_eq!(out[4], FAULT_OP);
        }
    }
}
