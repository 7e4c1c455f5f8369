//! Structs of messages and records.

use super::{by_value, decode, doc_of, encode, head, lifetime};
use crate::table::{Field, Message, Table};
use std::fmt::Write;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Reply,
    Push,
    Record,
    Refusal,
}

pub(super) fn messages<'a>(
    table: &Table,
    about: &str,
    messages: impl IntoIterator<Item = &'a Message>,
    side: Side,
) -> String {
    let mut out = head(about);
    line!(out, "#![allow(unused_imports)]\n");
    line!(out, "use crate::bad_frame::BadFrame;");
    line!(out, "use crate::frame::Header;");
    line!(out, "use crate::generated::*;");
    line!(out, "use crate::list::{{Record, RecordList, U16List}};");
    line!(out, "use crate::rules::{{self, zero}};");
    line!(out, "use crate::sink::Sink;");
    line!(out, "use crate::tail::Tail;");
    line!(out, "use crate::wire::{{");
    line!(
        out,
        "    bytes_at, length_u8, length_u16, length_u32, put_at, u8_at, u16_at, u32_at, u64_at,"
    );
    line!(out, "}};");
    for message in messages {
        out.push('\n');
        structure(&mut out, table, message);
        implementation(&mut out, table, message, side);
    }
    out
}

fn structure(out: &mut String, table: &Table, message: &Message) {
    let doc = if message.doc.is_empty() {
        &message.name
    } else {
        &message.doc
    };
    line!(out, "/// {doc}");
    line!(out, "#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
    let lifetime = lifetime(message);
    if message.own_fields().is_empty() {
        line!(out, "pub struct {};\n", message.name);
        return;
    }
    line!(out, "pub struct {}{lifetime} {{", message.name);
    if message.name == "Refusal" {
        line!(
            out,
            "    /// Why: any status but `Ok`; travels in the header."
        );
        line!(out, "    pub status: Status,");
    }
    for field in message.own_fields() {
        if field.is_reserved() || message.measured_by(field).is_some() {
            continue;
        }
        if let Some(flags) = &field.flags {
            for (bit, _) in by_value(&table.flags[flags]) {
                line!(out, "    /// {}", doc_of(table, flags, bit));
                line!(out, "    pub {bit}: bool,");
            }
            continue;
        }
        let doc = if field.doc.is_empty() {
            &field.name
        } else {
            &field.doc
        };
        line!(out, "    /// {doc}");
        line!(out, "    pub {}: {},", field.name, field_type(table, field));
    }
    line!(out, "}}\n");
}

pub(super) fn field_type(table: &Table, field: &Field) -> String {
    if let Some(name) = &field.enumeration {
        return if field.optional {
            format!("Option<{name}>")
        } else {
            name.clone()
        };
    }
    match field.kind.as_str() {
        "bytes" => "&'a [u8]".to_owned(),
        "text" => "&'a str".to_owned(),
        "u16s" => "U16List<'a>".to_owned(),
        "list" => format!("RecordList<'a, {}>", record_type(table, field)),
        number if number.starts_with('u') => number.to_owned(),
        array => format!("[u8; {}]", &array["bytes".len()..]),
    }
}

pub(super) fn record_type(table: &Table, field: &Field) -> String {
    let name = field.of.as_deref().expect("a list says of what");
    let record = table
        .record
        .iter()
        .find(|record| record.name == name)
        .expect("a known record");
    format!("{name}{}", lifetime(record))
}

fn implementation(out: &mut String, table: &Table, message: &Message, side: Side) {
    let (name, generic) = (&message.name, lifetime(message));
    line!(out, "impl{generic} {name}{generic} {{");
    line!(out, "    /// Bytes of the part that is always there.");
    line!(
        out,
        "    pub const FIXED_BYTES: usize = {};\n",
        message.fixed_bytes()
    );
    if !matches!(side, Side::Record | Side::Refusal) {
        line!(out, "    /// What the frame's header says it is.");
        line!(out, "    pub const OP: u8 = {:#04x};\n", message.op);
    }
    if side != Side::Record {
        decode::decode(out, message, side);
        encode::encode(out, message, side);
    }
    decode::read(out, table, message, side);
    encode::fixed(out, table, message);
    if side == Side::Record {
        encode::encode_record(out, message);
    }
    line!(out, "}}");
    if side == Side::Record {
        line!(out, "\nimpl<'a> Record<'a> for {name}{generic} {{");
        line!(
            out,
            "    fn read(tail: &mut Tail<'a>) -> Result<Self, BadFrame> {{"
        );
        line!(out, "        Self::read_fields(tail)\n    }}\n}}");
    }
}
