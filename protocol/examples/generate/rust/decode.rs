//! Decoders.

use super::message::Side;
use super::{by_value, snake};
use crate::table::{Field, Message, Table};
use std::fmt::Write;

pub(super) fn decode(out: &mut String, message: &Message, side: Side) {
    let body = if message.borrows() {
        "&'a [u8]"
    } else {
        "&[u8]"
    };
    let status = if side == Side::Refusal {
        "status: Status, "
    } else {
        ""
    };
    line!(out, "    /// Reads a frame's body.");
    line!(out, "    ///\n    /// # Errors");
    line!(
        out,
        "    /// The first thing in it that breaks the protocol."
    );
    line!(out, "    #[inline]");
    line!(
        out,
        "    pub fn decode({status}body: {body}) -> Result<Self, BadFrame> {{"
    );
    line!(out, "        let mut tail = Tail::new(body, HEADER_BYTES);");
    let status = if side == Side::Refusal {
        "status, "
    } else {
        ""
    };
    line!(
        out,
        "        let message = Self::read_fields({status}&mut tail)?;"
    );
    if message.check {
        line!(
            out,
            "        rules::check_{}(&message)?;",
            snake(&message.name)
        );
    }
    line!(out, "        tail.finish()?;");
    line!(out, "        Ok(message)\n    }}\n");
}

pub(super) fn read(out: &mut String, table: &Table, message: &Message, side: Side) {
    let tail = if message.borrows() {
        "Tail<'a>"
    } else {
        "Tail<'_>"
    };
    let status = if side == Side::Refusal {
        "status: Status, "
    } else {
        ""
    };
    line!(out, "    #[inline]");
    if message.own_fields().is_empty() {
        line!(
            out,
            "    fn read_fields(_tail: &mut {tail}) -> Result<Self, BadFrame> {{"
        );
        line!(out, "        Ok(Self)\n    }}\n");
        return;
    }
    line!(
        out,
        "    fn read_fields({status}tail: &mut {tail}) -> Result<Self, BadFrame> {{"
    );
    let start = if side == Side::Record {
        "start + "
    } else {
        "HEADER_BYTES + "
    };
    if side == Side::Record {
        line!(out, "        let start = tail.offset();");
    }
    line!(
        out,
        "        let fixed = tail.fixed::<{}>()?;",
        message.fixed_bytes()
    );
    let mut members = Vec::new();
    if side == Side::Refusal {
        members.push("status".to_owned());
    }
    for (offset, field) in message.fixed() {
        let at = if offset == 0 {
            start.trim_end_matches(" + ").to_owned()
        } else {
            format!("{start}{offset}")
        };
        members.extend(read_fixed(out, table, message, field, offset, &at));
    }
    for field in message.variable() {
        read_variable(out, field, side);
        members.push(field.name.clone());
    }
    line!(out, "        Ok(Self {{");
    for member in members {
        line!(out, "            {member},");
    }
    line!(out, "        }})\n    }}\n");
}

fn read_fixed(
    out: &mut String,
    table: &Table,
    message: &Message,
    field: &Field,
    offset: usize,
    at: &str,
) -> Vec<String> {
    let name = &field.name;
    let get = match field.kind.as_str() {
        kind @ ("u8" | "u16" | "u32" | "u64") => format!("{kind}_at(fixed, {offset})"),
        _ => format!(
            "bytes_at::<_, {}>(fixed, {offset})",
            field.fixed_bytes().expect("fixed")
        ),
    };
    if field.is_reserved() {
        let get = if field.kind.starts_with("bytes") {
            format!("{get} != [0; {}]", &field.kind[5..])
        } else {
            format!("{get} != 0")
        };
        line!(out, "        zero({get}, {at})?;");
        return Vec::new();
    }
    if message.measured_by(field).is_some() {
        line!(out, "        let {name} = {get};");
        return Vec::new();
    }
    if let Some(flags) = &field.flags {
        let bits = &table.flags[flags];
        let known: u64 = bits.values().sum();
        line!(out, "        let {name} = {get};");
        let wide = match field.kind.as_str() {
            "u32" => name.clone(),
            _ => format!("u32::from({name})"),
        };
        line!(out, "        rules::known_bits({wide}, {known:#x}, {at})?;");
        return by_value(bits)
            .iter()
            .map(|(bit, value)| format!("{bit}: {name} & {value} != 0"))
            .collect();
    }
    if let Some(enumeration) = &field.enumeration {
        let known = format!("rules::known({enumeration}::from_code(code), {at})?");
        line!(out, "        let code = {get};");
        if field.optional {
            line!(
                out,
                "        let {name} = if code == 0 {{ None }} else {{ Some({known}) }};"
            );
        } else {
            line!(out, "        let {name} = {known};");
        }
        return vec![name.clone()];
    }
    vec![format!("{name}: {get}")]
}

fn read_variable(out: &mut String, field: &Field, side: Side) {
    let (name, length) = (&field.name, field.len.as_deref().expect("a length field"));
    let get = match field.kind.as_str() {
        "list" => format!("tail.list({length})?"),
        "u16s" => format!("tail.u16s(usize::from({length}))?"),
        kind => {
            let read = if kind == "text" { "text" } else { "bytes" };
            if side == Side::Request {
                let read = if kind == "text" {
                    "bounded_text"
                } else {
                    "bounded"
                };
                format!(
                    "tail.{read}(usize::from({length}), rules::{}_BOUND)?",
                    name.to_uppercase()
                )
            } else {
                format!("tail.{read}(usize::from({length}))?")
            }
        }
    };
    line!(out, "        let {name} = {get};");
}
