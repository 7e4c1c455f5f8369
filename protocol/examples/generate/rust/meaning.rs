//! The bridge of the tests between JSON meanings and the codec's structs.

use super::{by_value, snake};
use crate::table::{Field, Message, Table};
use std::fmt::Write;

/// The text of `tests/support/generated/meaning.rs`.
pub(crate) fn meaning(table: &Table) -> String {
    let mut out = String::from(
        "//! JSON meanings to messages and back.
//!
//! Generated from `table.toml`; do not edit.
#![allow(clippy::unwrap_used)]

use super::json::*;
use locker_protocol::*;
use serde_json::{Value, json};

",
    );
    let mut messages = table.request.clone();
    messages.extend(table.replies());
    messages.extend(table.pushes());
    to_json(&mut out, "Request", &table.request, None);
    to_json(&mut out, "Reply", &table.replies(), Some("Refused"));
    to_json(&mut out, "Push", &table.pushes(), Some("Fault"));
    line!(out, "/// Encodes a meaning with the crate's own encoders.");
    line!(out, "pub fn encode(meaning: &Value) -> Vec<u8> {{");
    line!(out, "    let mut out = Vec::new();");
    line!(out, "    let id = request_id(meaning);");
    line!(out, "    let fields = &meaning[\"fields\"];");
    line!(out, "    match meaning[\"message\"].as_str().unwrap() {{");
    for message in &messages {
        let name = &message.name;
        let id = if message.op >= 0xC0 { "" } else { "id, " };
        line!(
            out,
            "        \"{name}\" => encode_{}(fields, {id}&mut out),",
            snake(name)
        );
    }
    line!(
        out,
        "        \"Refusal\" | \"Fault\" => encode_refusal(meaning, id, &mut out),"
    );
    line!(
        out,
        "        other => panic!(\"{{other}} is no message\"),\n    }}\n    out\n}}\n"
    );
    for message in &messages {
        fields_of(&mut out, table, message);
        let parameters = if message.op >= 0xC0 { "" } else { "id: u64, " };
        let arguments = if message.op >= 0xC0 { "" } else { "id, " };
        encoder(&mut out, table, message, parameters, arguments);
    }
    for record in &table.record {
        fields_of(&mut out, table, record);
        if record.name != "Refusal" {
            encoder(&mut out, table, record, "", "");
        }
    }
    out
}

fn to_json(out: &mut String, name: &str, messages: &[Message], refusal: Option<&str>) {
    let function = snake(name);
    line!(out, "/// Name and fields of a {function}.");
    line!(
        out,
        "pub fn {function}_fields(message: &{name}<'_>) -> (&'static str, Value) {{"
    );
    line!(out, "    match message {{");
    for Message { name: variant, .. } in messages {
        let function = snake(variant);
        line!(
            out,
            "        {name}::{variant}(m) => (\"{variant}\", fields_of_{function}(m)),"
        );
    }
    if let Some(variant) = refusal {
        let says = if variant == "Fault" {
            "Fault"
        } else {
            "Refusal"
        };
        line!(
            out,
            "        {name}::{variant}(m) => (\"{says}\", fields_of_refusal(m)),"
        );
    }
    line!(out, "    }}\n}}\n");
}

fn fields_of(out: &mut String, table: &Table, message: &Message) {
    let (name, function) = (&message.name, snake(&message.name));
    let generic = if message.borrows() { "<'_>" } else { "" };
    let shown = shown(message);
    let unused = if shown.is_empty() { "_" } else { "" };
    line!(
        out,
        "fn fields_of_{function}({unused}m: &{name}{generic}) -> Value {{"
    );
    line!(out, "    json!({{");
    for field in shown {
        if let Some(flags) = &field.flags {
            for (bit, _) in by_value(&table.flags[flags]) {
                line!(out, "        \"{bit}\": m.{bit},");
            }
            continue;
        }
        let name = &field.name;
        line!(out, "        \"{name}\": {},", value_of(field));
    }
    line!(out, "    }})\n}}\n");
}

/// Fields that a meaning shows: neither reserved nor lengths.
fn shown(message: &Message) -> Vec<&Field> {
    let is_shown = |field: &&Field| !field.is_reserved() && message.measured_by(field).is_none();
    message.own_fields().iter().filter(is_shown).collect()
}

fn value_of(field: &Field) -> String {
    let name = &field.name;
    if field.enumeration.is_some() {
        let get = if field.optional {
            format!("m.{name}.map(|v| v.name())")
        } else {
            format!("m.{name}.name()")
        };
        return get;
    }
    match field.kind.as_str() {
        "u64" => format!("m.{name}.to_string()"),
        "u8" | "u16" | "u32" | "text" => format!("m.{name}"),
        "bytes" => format!("hex(m.{name})"),
        "u16s" => format!("m.{name}.iter().collect::<Vec<_>>()"),
        "list" => {
            let record = snake(field.of.as_deref().expect("a list says of what"));
            format!("m.{name}.iter().map(|r| fields_of_{record}(&r)).collect::<Vec<_>>()")
        }
        _ => format!("hex(&m.{name})"),
    }
}

fn encoder(out: &mut String, table: &Table, message: &Message, parameters: &str, arguments: &str) {
    let (name, function) = (&message.name, snake(&message.name));
    let fields = shown(message);
    if fields.is_empty() {
        line!(
            out,
            "fn encode_{function}(_fields: &Value, {parameters}out: &mut Vec<u8>) {{"
        );
        line!(out, "    {name}.encode({arguments}out);\n}}\n");
        return;
    }
    line!(
        out,
        "fn encode_{function}(fields: &Value, {parameters}out: &mut Vec<u8>) {{"
    );
    for field in message.variable() {
        let name = &field.name;
        match field.kind.as_str() {
            "bytes" => line!(out, "    let {name} = unhex_of(fields, \"{name}\");"),
            "u16s" => line!(out, "    let {name} = u16s_of(fields, \"{name}\");"),
            "list" => {
                let record = snake(field.of.as_deref().expect("a list says of what"));
                line!(
                    out,
                    "    let {name} = records_of(fields, \"{name}\", encode_{record});"
                );
            }
            _ => {}
        }
    }
    line!(out, "    let message = {name} {{");
    for field in fields {
        if let Some(flags) = &field.flags {
            for (bit, _) in by_value(&table.flags[flags]) {
                line!(out, "        {bit}: bool_of(fields, \"{bit}\"),");
            }
            continue;
        }
        line!(out, "        {}: {},", field.name, parsed(field));
    }
    line!(out, "    }};\n    message.encode({arguments}out);\n}}\n");
}

fn parsed(field: &Field) -> String {
    let name = &field.name;
    if let Some(enumeration) = &field.enumeration {
        let get = format!("named(fields, \"{name}\", &{enumeration}::ALL, {enumeration}::name)");
        return if field.optional {
            get
        } else {
            format!("{get}.unwrap()")
        };
    }
    match field.kind.as_str() {
        kind @ ("u8" | "u16" | "u32") => {
            format!("{kind}::try_from(number_of(fields, \"{name}\")).unwrap()")
        }
        "u64" => format!("u64_of(fields, \"{name}\")"),
        "text" => format!("text_of(fields, \"{name}\")"),
        "bytes" => format!("&{name}"),
        "u16s" => format!("U16List::from_bytes(&{name})"),
        "list" => format!("RecordList::from_records(&{name}.0, {name}.1)"),
        _ => format!("unhex_of(fields, \"{name}\").try_into().unwrap()"),
    }
}
