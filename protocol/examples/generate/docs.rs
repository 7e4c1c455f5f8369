//! The tables of docs/PROTOCOL.md, between markers.

use crate::interpreter::unhex;
use crate::table::{Field, Fields, Message, Numbers, Table};
use serde_json::Value;
use std::fmt::Write;

const OPEN: &str = "<!-- table: ";
const CLOSE: &str = "<!-- end -->";

/// The page with what stands between each pair of markers replaced.
pub(crate) fn page(table: &Table, session: &str, old: &str) -> String {
    let mut out = String::new();
    let mut rest = old;
    while let Some(start) = rest.find(OPEN) {
        let (before, from) = rest.split_at(start);
        let line_end = from.find('\n').expect("a marker has a line of its own");
        let name = from[OPEN.len()..line_end].trim_end_matches("-->").trim();
        let end = from
            .find(CLOSE)
            .unwrap_or_else(|| panic!("{name} has no end"));
        out.push_str(before);
        out.push_str(&from[..=line_end]);
        out.push_str(&section(table, session, name));
        out.push_str(CLOSE);
        rest = &from[end + CLOSE.len()..];
    }
    out.push_str(rest);
    out
}

fn section(table: &Table, session: &str, name: &str) -> String {
    match name {
        "limits" => limits(table),
        "opcodes" => opcodes(table),
        "statuses" => statuses(table),
        "enums" => enums(table),
        "flags" => flags(table),
        "counters" => counters(table),
        "session" => hex_dump(session),
        _ => message(table, name),
    }
}

fn limits(table: &Table) -> String {
    let mut out = String::from("| name | value | what it is |\n|---|---|---|\n");
    for (name, value) in &table.protocol {
        let is_hex = |number: i64| number > 0xFFFF && !name.ends_with("_bytes_max");
        let value = match (value.as_integer(), value.as_array()) {
            (Some(number), _) if is_hex(number) || name.starts_with("tlv") => {
                format!("0x{number:X}")
            }
            (_, Some(bytes)) => {
                let byte = |byte: &toml::Value| byte.as_integer().expect("a byte");
                let bytes: Vec<_> = bytes.iter().map(|b| format!("{:02X}", byte(b))).collect();
                bytes.join(" ")
            }
            _ => value.to_string(),
        };
        let doc = &table.docs[name];
        writeln!(out, "| `{name}` | {value} | {doc} |").expect("a String takes all");
    }
    out
}

fn opcodes(table: &Table) -> String {
    let mut out =
        String::from("| op | message | answer | seat | what it is |\n|---|---|---|---|---|\n");
    for Message {
        op,
        name,
        reply_name,
        seat,
        doc,
        since,
        ..
    } in &table.request
    {
        let since = remark(*since);
        let seat = if *seat { "yes" } else { "no" };
        let reply = op | 0x80;
        writeln!(
            out,
            "| 0x{op:02X} | {name} | 0x{reply:02X} {reply_name} | {seat} | {doc}{since} |"
        )
        .expect("a String takes all");
    }
    for Message {
        op,
        name,
        doc,
        since,
        ..
    } in &table.push
    {
        let since = remark(*since);
        writeln!(out, "| 0x{op:02X} | {name} | (push) | | {doc}{since} |")
            .expect("a String takes all");
    }
    out
}

fn statuses(table: &Table) -> String {
    let head = "| code | name | what it says | `limit` | `value` | what a client does |\n";
    let mut out = String::from(head) + "|---|---|---|---|---|---|\n";
    for status in &table.status {
        let crate::table::Status {
            code,
            name,
            text,
            limit,
            value,
            client,
            since,
        } = status;
        let since = remark(*since);
        writeln!(
            out,
            "| {code} | {name} | {text}{since} | {limit} | {value} | {client} |"
        )
        .expect("a String takes all");
    }
    out
}

/// A remark on entries that version 1 does not have.
fn remark(version: u8) -> String {
    if version > 1 {
        format!(" Since version {version}.")
    } else {
        String::new()
    }
}

fn by_value(numbers: &Numbers) -> Vec<(&String, u64)> {
    let mut list: Vec<_> = numbers.iter().map(|(name, value)| (name, *value)).collect();
    list.sort_by_key(|(_, value)| *value);
    list
}

fn enums(table: &Table) -> String {
    let mut out = String::from("| enumeration | number | name | what it is |\n|---|---|---|---|\n");
    for (name, numbers) in &table.enums {
        for (variant, number) in by_value(numbers) {
            let doc = &table.docs[&format!("{name}.{variant}")];
            writeln!(out, "| {name} | {number} | {variant} | {doc} |").expect("a String takes all");
        }
    }
    out
}

fn flags(table: &Table) -> String {
    let mut out = String::from("| field | bit | name | what it is |\n|---|---|---|---|\n");
    for (name, numbers) in &table.flags {
        for (bit, number) in by_value(numbers) {
            let doc = &table.docs[&format!("{name}.{bit}")];
            writeln!(out, "| {name} | {number:#x} | {bit} | {doc} |").expect("a String takes all");
        }
    }
    out
}

fn counters(table: &Table) -> String {
    let mut out = String::from("| id | name | kind | what it counts |\n|---|---|---|---|\n");
    for counter in &table.counter {
        let kind = if counter.gauge { "gauge" } else { "counter" };
        let crate::table::Counter {
            id,
            name,
            doc,
            since,
            ..
        } = counter;
        let since = remark(*since);
        writeln!(out, "| {id} | `{name}` | {kind} | {doc}{since} |").expect("a String takes all");
    }
    out
}

/// Layout of a message and of its reply, or of a push or record.
fn message(table: &Table, name: &str) -> String {
    let mut out = String::new();
    if let Some(request) = table.request.iter().find(|request| request.name == name) {
        layout(
            &mut out,
            table,
            &format!("Request, op 0x{:02X}", request.op),
            request.own_fields(),
        );
        out.push('\n');
        let about = format!(
            "Answer **{}**, op 0x{:02X}: {}",
            request.reply_name,
            request.op | 0x80,
            request.reply_doc
        );
        layout(&mut out, table, &about, &request.reply);
        return out;
    }
    if let Some(push) = table.push.iter().find(|push| push.name == name) {
        match &push.fields {
            Fields::Own(fields) => layout(
                &mut out,
                table,
                &format!("Push, op 0x{:02X}", push.op),
                fields,
            ),
            Fields::SameAs(record) => {
                writeln!(out, "Push, op 0x{:02X}; body as {record}.", push.op).expect("room");
            }
        }
        return out;
    }
    layout(
        &mut out,
        table,
        "Layout",
        table.record_named(name).own_fields(),
    );
    out
}

fn layout(out: &mut String, table: &Table, about: &str, fields: &[Field]) {
    let about = about.trim_end_matches('.');
    if fields.is_empty() {
        writeln!(out, "{about}; no body.").expect("room");
        return;
    }
    writeln!(
        out,
        "{about}:\n\n| offset | field | type | what it is |\n|---|---|---|---|"
    )
    .expect("room");
    let mut offset = Some(0);
    for field in fields {
        let at = match (offset, field.fixed_bytes()) {
            (Some(at), Some(bytes)) => {
                offset = Some(at + bytes);
                at.to_string()
            }
            (Some(at), None) => {
                offset = None;
                at.to_string()
            }
            (None, _) => "then".to_owned(),
        };
        writeln!(
            out,
            "| {at} | {} | {} | {} |",
            field.name,
            kind(field),
            explained(table, fields, field)
        )
        .expect("room");
    }
}

fn kind(field: &Field) -> String {
    match (&field.enumeration, &field.flags, &field.of) {
        (Some(name), _, _) | (_, Some(name), _) => format!("{} {name}", field.kind),
        (_, _, Some(record)) => format!("list of {record}"),
        _ if field.is_reserved() || field.len.is_none() => field.kind.clone(),
        _ => format!(
            "{}, `{}`",
            field.kind,
            field.len.as_deref().unwrap_or_default()
        ),
    }
}

fn explained(table: &Table, fields: &[Field], field: &Field) -> String {
    if field.is_reserved() {
        return "0".to_owned();
    }
    let measured = fields
        .iter()
        .find(|other| other.len.as_ref() == Some(&field.name));
    if let Some(variable) = measured {
        let unit = if matches!(variable.kind.as_str(), "list" | "u16s") {
            "Elements"
        } else {
            "Bytes"
        };
        return format!("{unit} of `{}`.", variable.name);
    }
    let mut numbers = Vec::new();
    if field.optional {
        numbers.push("0 none".to_owned());
    }
    if let Some(name) = &field.enumeration {
        let all = by_value(&table.enums[name]);
        numbers.extend(
            all.iter()
                .map(|(variant, number)| format!("{number} {variant}")),
        );
    }
    if let Some(name) = &field.flags {
        let all = by_value(&table.flags[name]);
        numbers.extend(
            all.iter()
                .map(|(bit, number)| format!("bit {number:#x} {bit}")),
        );
    }
    match (field.doc.as_str(), numbers.join(", ")) {
        (doc, numbers) if numbers.is_empty() => doc.to_owned(),
        ("", numbers) => format!("{numbers}."),
        (doc, numbers) => format!("{doc} {numbers}."),
    }
}

/// The worked example as offsets, hex and text.
fn hex_dump(session: &str) -> String {
    let steps: Vec<Value> = serde_json::from_str(session).expect("the vectors are JSON");
    let mut out = String::from("```text\n");
    for step in steps {
        let text = |name: &str| step[name].as_str().expect("a step has texts").to_owned();
        let arrow = if text("direction") == "to_server" {
            "C -> S"
        } else {
            "S -> C"
        };
        let message = step["meaning"]["message"].as_str().unwrap_or("Preface");
        writeln!(out, "{arrow}  {message}: {}", text("note")).expect("room");
        for (index, row) in unhex(&text("hex")).chunks(16).enumerate() {
            let hex: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            let shown = |byte: &u8| {
                if (0x20..0x7F).contains(byte) {
                    char::from(*byte)
                } else {
                    '.'
                }
            };
            let ascii: String = row.iter().map(shown).collect();
            writeln!(out, "  {:04x}  {:<47}  {ascii}", index * 16, hex.join(" ")).expect("room");
        }
    }
    out.push_str("```\n");
    out
}
