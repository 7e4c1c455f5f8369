//! Encoders.

use super::by_value;
use super::message::Side;
use crate::table::{Field, Message, Table};
use std::fmt::Write;

pub(super) fn encode(out: &mut String, message: &Message, side: Side) {
    let fixed = message.fixed_bytes();
    let (parameters, op, status) = match side {
        Side::Push => ("", "op: Self::OP", "0"),
        Side::Refusal => ("op: u8, request_id: u64, ", "op", "self.status.code()"),
        _ => ("request_id: u64, ", "op: Self::OP", "0"),
    };
    let id = if side == Side::Push {
        "request_id: 0"
    } else {
        "request_id"
    };
    line!(out, "    /// Writes the whole frame.");
    if side == Side::Refusal {
        line!(
            out,
            "    ///\n    /// `op` is that of the answer: the request's with bit 0x80."
        );
    }
    if message.borrows() {
        line!(out, "    ///\n    /// # Panics");
        line!(
            out,
            "    /// If a variable part is longer than its length field can say."
        );
    }
    line!(out, "    #[inline]");
    line!(
        out,
        "    pub fn encode(&self, {parameters}out: &mut impl Sink) {{"
    );
    line!(
        out,
        "        let len = length_u32({});",
        body_length(message)
    );
    line!(
        out,
        "        let header = Header {{ len, {op}, flags: 0, status: {status}, {id} }};"
    );
    line!(out, "        let mut frame = [0; {}];", 16 + fixed);
    line!(out, "        header.write(&mut frame);");
    if fixed > 0 {
        line!(
            out,
            "        put_at(&mut frame, HEADER_BYTES, self.fixed());"
        );
    }
    line!(out, "        out.put(&frame);");
    put_variable(out, message);
    line!(out, "    }}\n");
    if !message.borrows() || side == Side::Refusal {
        return;
    }
    line!(
        out,
        "    /// Writes the body alone.\n    ///\n    /// # Panics"
    );
    line!(
        out,
        "    /// If a variable part is longer than its length field can say."
    );
    line!(out, "    pub fn encode_body(&self, out: &mut impl Sink) {{");
    line!(out, "        out.put(&self.fixed());");
    put_variable(out, message);
    line!(out, "    }}\n");
}

pub(super) fn body_length(message: &Message) -> String {
    let mut sum = "Self::FIXED_BYTES".to_owned();
    for field in message.variable() {
        sum += &format!(" + self.{}.{}", field.name, bytes_length(field));
    }
    sum
}

fn bytes_length(field: &Field) -> &'static str {
    match field.kind.as_str() {
        "list" | "u16s" => "as_bytes().len()",
        _ => "len()",
    }
}

pub(super) fn encode_record(out: &mut String, message: &Message) {
    line!(out, "\n    /// Writes the record.");
    if message.borrows() {
        line!(out, "    ///\n    /// # Panics");
        line!(
            out,
            "    /// If a variable part is longer than its length field can say."
        );
    }
    line!(out, "    pub fn encode(&self, out: &mut impl Sink) {{");
    line!(out, "        out.put(&self.fixed());");
    put_variable(out, message);
    line!(out, "    }}");
}

fn put_variable(out: &mut String, message: &Message) {
    for field in message.variable() {
        let bytes = match field.kind.as_str() {
            "bytes" => "",
            _ => ".as_bytes()",
        };
        line!(
            out,
            "        if !self.{0}.is_empty() {{\n            out.put(self.{0}{bytes});\n        }}",
            field.name
        );
    }
}

pub(super) fn fixed(out: &mut String, table: &Table, message: &Message) {
    if message.fixed_bytes() == 0 {
        return;
    }
    line!(out, "    /// The bytes of the part that is always there.");
    if message.borrows() {
        line!(out, "    ///\n    /// # Panics");
        line!(
            out,
            "    /// If a variable part is longer than its length field can say."
        );
    }
    line!(out, "    #[inline]");
    line!(out, "    #[must_use]");
    line!(
        out,
        "    pub fn fixed(&self) -> [u8; {}] {{",
        message.fixed_bytes()
    );
    line!(out, "        let mut bytes = [0; Self::FIXED_BYTES];");
    for (offset, field) in message.fixed() {
        if field.is_reserved() {
            continue;
        }
        let value = fixed_value(table, message, field);
        line!(out, "        put_at(&mut bytes, {offset}, {value});");
    }
    line!(out, "        bytes\n    }}");
}

fn fixed_value(table: &Table, message: &Message, field: &Field) -> String {
    let (name, kind) = (&field.name, &field.kind);
    if let Some(variable) = message.measured_by(field) {
        return format!("length_{kind}(self.{}.len()).to_le_bytes()", variable.name);
    }
    if let Some(flags) = &field.flags {
        let bits: Vec<_> = by_value(&table.flags[flags])
            .iter()
            .map(|(bit, value)| {
                let shift = value.trailing_zeros();
                if shift == 0 {
                    format!("{kind}::from(self.{bit})")
                } else {
                    format!("{kind}::from(self.{bit}) << {shift}")
                }
            })
            .collect();
        let bits = bits.join(" | ");
        return if kind == "u8" {
            format!("[{bits}]")
        } else {
            format!("({bits}).to_le_bytes()")
        };
    }
    if field.enumeration.is_some() {
        return if field.optional {
            format!("[self.{name}.map_or(0, |code| code.code())]")
        } else {
            format!("[self.{name}.code()]")
        };
    }
    if kind.starts_with('u') {
        format!("self.{name}.to_le_bytes()")
    } else {
        format!("self.{name}")
    }
}
