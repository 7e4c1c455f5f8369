//! Enums over all requests, replies and pushes.

use super::numbers::from_code;
use super::{head, lifetime};
use crate::table::{Message, Table};
use std::fmt::Write;

pub(super) fn dispatch(table: &Table) -> String {
    let mut out = head("Which message a frame is.");
    out.push_str("use crate::bad_frame::BadFrame;\nuse crate::generated::*;\n");
    out.push_str("use crate::sink::Sink;\n\n");
    opcodes(&mut out, table);
    requests(&mut out, table);
    replies(&mut out, table);
    pushes(&mut out, table);
    out
}

fn opcodes(out: &mut String, table: &Table) {
    out.push_str("/// The opcodes of requests; the answer to one has bit 0x80 set.\n");
    out.push_str("#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\n#[repr(u8)]\n");
    out.push_str("pub enum Opcode {\n");
    for Message { name, op, .. } in &table.request {
        line!(out, "    /// See [`{name}`].\n    {name} = {op:#04x},");
    }
    out.push_str("}\n\n");
    let codes = table
        .request
        .iter()
        .map(|m| (m.name.as_str(), u64::from(m.op)));
    from_code(out, "Opcode", "u8", codes);
    let seated = table.request.iter().filter(|request| request.seat);
    let seated: Vec<_> = seated
        .map(|request| format!("Self::{}", request.name))
        .collect();
    let seated = seated.join("\n                | ");
    line!(
        out,
        "impl Opcode {{
    /// The op of the answer.
    #[must_use]
    pub const fn reply(self) -> u8 {{
        self as u8 | 0x80
    }}

    /// Whether its request id names a seat.
    #[must_use]
    pub const fn is_seated(self) -> bool {{
        matches!(
            self,
            {seated}
        )
    }}
}}
"
    );
}

fn requests(out: &mut String, table: &Table) {
    let all = &table.request;
    sum(out, "Request", "A request of the client.", all, None);
    out.push_str("impl<'a> Request<'a> {\n");
    let unknown = "BadFrame::unsupported(4, u64::from(op), \"the opcode is not known\")";
    decode(out, all, unknown);
    out.push_str("    /// Its opcode.\n    #[must_use]\n");
    out.push_str("    pub const fn opcode(&self) -> Opcode {\n        match self {\n");
    for Message { name, .. } in all {
        line!(out, "            Self::{name}(..) => Opcode::{name},");
    }
    out.push_str("        }\n    }\n\n");
    encode(out, all, "request_id: u64, ", "request_id, ", None);
    out.push_str("}\n\n");
}

fn replies(out: &mut String, table: &Table) {
    let all = table.replies();
    let refused = ("Refused", "Not done, and why.");
    sum(
        out,
        "Reply",
        "The answer to a request.",
        &all,
        Some(refused),
    );
    out.push_str("impl<'a> Reply<'a> {\n");
    decode(out, &all, "BadFrame::at(4, \"the op is not known\")");
    let refused = "Self::Refused(refusal) => refusal.encode(op, request_id, out),";
    encode(
        out,
        &all,
        "op: u8, request_id: u64, ",
        "request_id, ",
        Some(refused),
    );
    out.push_str("}\n\n");
}

fn pushes(out: &mut String, table: &Table) {
    let all = table.pushes();
    let fault = table.fault();
    line!(
        out,
        "/// The op of a [`Push::Fault`].\npub const FAULT_OP: u8 = {:#04x};\n",
        fault.op
    );
    sum(
        out,
        "Push",
        "What the server says unasked.",
        &all,
        Some((&fault.name, &fault.doc)),
    );
    out.push_str("impl<'a> Push<'a> {\n");
    decode(out, &all, "BadFrame::at(4, \"the op is not known\")");
    let fault = "Self::Fault(refusal) => refusal.encode_fault(out),";
    encode(out, &all, "", "", Some(fault));
    out.push_str("}\n");
}

/// The enum; `refusal` names and explains the variant that is a refusal.
fn sum(
    out: &mut String,
    name: &str,
    doc: &str,
    messages: &[Message],
    refusal: Option<(&str, &str)>,
) {
    line!(
        out,
        "/// {doc}\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum {name}<'a> {{"
    );
    for message in messages {
        let (name, lifetime) = (&message.name, lifetime(message));
        line!(
            out,
            "    /// {}\n    {name}({name}{lifetime}),",
            message.doc
        );
    }
    if let Some((variant, doc)) = refusal {
        line!(out, "    /// {doc}\n    {variant}(Refusal<'a>),");
    }
    out.push_str("}\n\n");
}

fn decode(out: &mut String, messages: &[Message], unknown: &str) {
    out.push_str(
        "    /// The message that a body of that op is; the header is checked elsewhere.\n",
    );
    out.push_str("    #[inline]\n");
    line!(
        out,
        "    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {{"
    );
    out.push_str("        Ok(match op {\n");
    for Message { name, .. } in messages {
        line!(
            out,
            "            {name}::OP => Self::{name}({name}::decode(body)?),"
        );
    }
    line!(
        out,
        "            _ => return Err({unknown}),\n        }})\n    }}\n"
    );
}

fn encode(
    out: &mut String,
    messages: &[Message],
    parameters: &str,
    arguments: &str,
    refusal: Option<&str>,
) {
    out.push_str("    /// Writes the whole frame.");
    out.push_str(if parameters.starts_with("op") {
        " `op` is that of the answer: the request's with bit 0x80.\n"
    } else {
        "\n"
    });
    out.push_str("    ///\n    /// # Panics\n");
    out.push_str("    /// If a variable part is longer than its length field can say.\n");
    line!(
        out,
        "    pub fn encode(&self, {parameters}out: &mut impl Sink) {{"
    );
    out.push_str("        match self {\n");
    for Message { name, .. } in messages {
        line!(
            out,
            "            Self::{name}(message) => message.encode({arguments}out),"
        );
    }
    if let Some(arm) = refusal {
        line!(out, "            {arm}");
    }
    out.push_str("        }\n    }\n");
}
