//! Rust source from the table.

use crate::table::{Field, Message, Numbers, Table};
use std::fmt::Write;

/// Appends a formatted line.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        writeln!($out, $($arg)*).expect("a String takes all")
    };
}

/// The generated files: name in `src/generated/` and text.
pub(crate) fn files(table: &Table) -> Vec<(&'static str, String)> {
    let replies: Vec<_> = table.request.iter().map(Message::reply_message).collect();
    let pushes: Vec<_> = table
        .push
        .iter()
        .filter(|push| !push.own_fields().is_empty())
        .cloned()
        .collect();
    let refusal = table
        .record
        .iter()
        .filter(|record| record.name == "Refusal");
    let others = table
        .record
        .iter()
        .filter(|record| record.name != "Refusal");
    vec![
        ("constants.rs", constants(table)),
        ("enums.rs", enums(table)),
        ("status.rs", status(table)),
        ("counters.rs", counters(table)),
        (
            "requests.rs",
            messages(table, "Requests.", &table.request, Side::Request),
        ),
        (
            "replies.rs",
            messages(table, "Replies to requests.", &replies, Side::Reply),
        ),
        (
            "pushes.rs",
            messages(table, "Pushes of the server.", &pushes, Side::Push),
        ),
        (
            "records.rs",
            messages(table, "Records of lists.", others, Side::Record),
        ),
        (
            "refusal.rs",
            messages(table, "The body of a refusal.", refusal, Side::Refusal),
        ),
        ("dispatch.rs", dispatch(table)),
        ("mod.rs", root()),
    ]
}

fn head(about: &str) -> String {
    format!("//! {about}\n//!\n//! Generated from `table.toml`; do not edit.\n\n")
}

fn root() -> String {
    let mut out = head("What follows from the table.");
    let modules = [
        "constants",
        "counters",
        "dispatch",
        "enums",
        "pushes",
        "records",
        "refusal",
        "replies",
        "requests",
        "status",
    ];
    for module in modules {
        line!(out, "mod {module};");
    }
    out.push('\n');
    for module in modules {
        line!(out, "pub use {module}::*;");
    }
    out
}

fn constants(table: &Table) -> String {
    let mut out = head("Numbers of the protocol.");
    for (name, value) in &table.protocol {
        let doc = table
            .docs
            .get(name)
            .map_or("See docs/PROTOCOL.md.", String::as_str);
        line!(out, "/// {doc}");
        let upper = name.to_uppercase();
        if let Some(bytes) = value.as_array() {
            let list: Vec<_> = bytes.iter().map(toml::Value::to_string).collect();
            line!(
                out,
                "pub const {upper}: [u8; {}] = [{}];",
                bytes.len(),
                list.join(", ")
            );
            continue;
        }
        let value = value.as_integer().expect("numbers or lists of bytes");
        line!(
            out,
            "pub const {upper}: {} = {value:#x};",
            constant_type(name)
        );
    }
    out
}

fn constant_type(name: &str) -> &'static str {
    match name {
        "version" => "u8",
        "frame_bytes_max" => "usize",
        "token_any" => "u64",
        "seats_max" | "tlv_must_understand" => "u16",
        _ if name.ends_with("_bytes_max") || name.ends_with("_bytes") => "usize",
        _ => "u32",
    }
}

fn by_value(numbers: &Numbers) -> Vec<(&String, u64)> {
    let mut list: Vec<_> = numbers.iter().map(|(name, value)| (name, *value)).collect();
    list.sort_by_key(|(_, value)| *value);
    list
}

fn doc_of<'a>(table: &'a Table, owner: &str, name: &'a str) -> &'a str {
    table
        .docs
        .get(&format!("{owner}.{name}"))
        .map_or(name, String::as_str)
}

fn enums(table: &Table) -> String {
    let mut out = head("Enumerations of one byte.");
    for (name, variants) in &table.enums {
        let doc = table.docs.get(name).map_or(name.as_str(), String::as_str);
        let variants = by_value(variants);
        enumeration(
            &mut out,
            name,
            doc,
            "u8",
            variants.iter().map(|(variant, value)| {
                (
                    variant.as_str(),
                    *value,
                    doc_of(table, name, variant).to_owned(),
                )
            }),
        );
        from_code(
            &mut out,
            name,
            "u8",
            variants
                .iter()
                .map(|(variant, value)| (variant.as_str(), *value)),
        );
    }
    for (name, bits) in &table.flags {
        for (bit, value) in by_value(bits) {
            let upper = format!("{}_{}", snake(name), bit).to_uppercase();
            line!(out, "/// Bit of `{name}`: {}", doc_of(table, name, bit));
            let kind = if name == "Features" { "u64" } else { "u32" };
            line!(out, "pub const {upper}: {kind} = {value:#x};");
        }
    }
    out
}

fn enumeration<'a>(
    out: &mut String,
    name: &str,
    doc: &str,
    repr: &str,
    variants: impl Iterator<Item = (&'a str, u64, String)>,
) {
    line!(out, "/// {doc}");
    line!(out, "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]");
    line!(out, "#[repr({repr})]");
    line!(out, "pub enum {name} {{");
    for (variant, value, doc) in variants {
        line!(out, "    /// {doc}");
        line!(out, "    {variant} = {value},");
    }
    line!(out, "}}\n");
}

fn from_code<'a>(
    out: &mut String,
    name: &str,
    repr: &str,
    variants: impl Iterator<Item = (&'a str, u64)>,
) {
    let variants: Vec<_> = variants.collect();
    line!(out, "impl {name} {{");
    line!(out, "    /// Every one, by number.");
    line!(out, "    pub const ALL: [Self; {}] = [", variants.len());
    for (variant, _) in &variants {
        line!(out, "        Self::{variant},");
    }
    line!(out, "    ];\n");
    line!(out, "    /// The one of that number.");
    line!(out, "    #[must_use]");
    line!(
        out,
        "    pub const fn from_code(code: {repr}) -> Option<Self> {{"
    );
    line!(out, "        Some(match code {{");
    for (variant, value) in &variants {
        line!(out, "            {value} => Self::{variant},");
    }
    line!(out, "            _ => return None,");
    line!(out, "        }})\n    }}\n");
    line!(out, "    /// Its number on the wire.");
    line!(out, "    #[must_use]");
    line!(
        out,
        "    pub const fn code(self) -> {repr} {{\n        self as {repr}\n    }}\n"
    );
    line!(out, "    /// Its name in the table.");
    line!(out, "    #[must_use]");
    line!(out, "    pub const fn name(self) -> &'static str {{");
    line!(out, "        match self {{");
    for (variant, _) in &variants {
        line!(out, "            Self::{variant} => \"{variant}\",");
    }
    line!(out, "        }}\n    }}\n}}\n");
}

fn status(table: &Table) -> String {
    let mut out = head("Statuses.");
    let doc = "How a request came out, or what is wrong with a connection.";
    let all = || table.status.iter();
    enumeration(
        &mut out,
        "Status",
        doc,
        "u16",
        all().map(|status| {
            (
                status.name.as_str(),
                u64::from(status.code),
                sentence(&status.text),
            )
        }),
    );
    from_code(
        &mut out,
        "Status",
        "u16",
        all().map(|status| (status.name.as_str(), u64::from(status.code))),
    );
    line!(out, "impl Status {{");
    texts(
        &mut out,
        "text",
        "What it says, for people.",
        all().map(|s| (&s.name, &s.text)),
    );
    let doc = "What `limit` of a refusal means, empty if it is 0.";
    texts(
        &mut out,
        "limit_text",
        doc,
        all().map(|s| (&s.name, &s.limit)),
    );
    let doc = "What `value` of a refusal means, empty if it is 0.";
    texts(
        &mut out,
        "value_text",
        doc,
        all().map(|s| (&s.name, &s.value)),
    );
    line!(out, "}}");
    out
}

fn texts<'a>(
    out: &mut String,
    function: &str,
    doc: &str,
    arms: impl Iterator<Item = (&'a String, &'a String)>,
) {
    line!(out, "    /// {doc}");
    line!(out, "    #[must_use]");
    line!(out, "    pub const fn {function}(self) -> &'static str {{");
    line!(out, "        match self {{");
    let mut empty = false;
    for (name, text) in arms {
        if text.is_empty() {
            empty = true;
        } else {
            line!(out, "            Self::{name} => {text:?},");
        }
    }
    if empty {
        line!(out, "            _ => \"\",");
    }
    line!(out, "        }}\n    }}\n");
}

fn counters(table: &Table) -> String {
    let mut out = head("Counters of Stats.");
    let doc = "A counter of Stats, per shard.";
    let names: Vec<_> = table
        .counter
        .iter()
        .map(|counter| camel(&counter.name))
        .collect();
    let all = || table.counter.iter().zip(&names);
    enumeration(
        &mut out,
        "CounterId",
        doc,
        "u16",
        all().map(|(counter, name)| {
            let doc = if counter.doc.is_empty() {
                &counter.name
            } else {
                &counter.doc
            };
            (name.as_str(), u64::from(counter.id), sentence(doc))
        }),
    );
    from_code(
        &mut out,
        "CounterId",
        "u16",
        all().map(|(counter, name)| (name.as_str(), u64::from(counter.id))),
    );
    line!(out, "impl CounterId {{");
    let doc = "Its name in metrics.";
    texts(
        &mut out,
        "metric",
        doc,
        all().map(|(counter, name)| (name, &counter.name)),
    );
    line!(
        out,
        "    /// Whether it goes down too: such ones are not added over shards if they end in `max`."
    );
    line!(out, "    #[must_use]");
    line!(out, "    pub const fn is_gauge(self) -> bool {{");
    let gauges: Vec<_> = all()
        .filter(|(counter, _)| counter.gauge)
        .map(|(_, name)| format!("Self::{name}"))
        .collect();
    line!(out, "        matches!(self, {})", gauges.join(" | "));
    line!(out, "    }}\n}}");
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Reply,
    Push,
    Record,
    Refusal,
}

fn messages<'a>(
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

fn lifetime(message: &Message) -> &'static str {
    if message.borrows() { "<'a>" } else { "" }
}

fn field_type(table: &Table, field: &Field) -> String {
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

fn record_type(table: &Table, field: &Field) -> String {
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
        decode(out, message, side);
        encode(out, message, side);
    }
    read(out, table, message, side);
    fixed(out, table, message);
    if side == Side::Record {
        encode_record(out, message);
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

fn decode(out: &mut String, message: &Message, side: Side) {
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

fn body_length(message: &Message) -> String {
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

fn encode(out: &mut String, message: &Message, side: Side) {
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

fn encode_record(out: &mut String, message: &Message) {
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

fn read(out: &mut String, table: &Table, message: &Message, side: Side) {
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
        line!(
            out,
            "        rules::known_bits(u32::from({name}), {known:#x}, {at})?;"
        );
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

fn fixed(out: &mut String, table: &Table, message: &Message) {
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

fn dispatch(table: &Table) -> String {
    let mut out = head("Which message a frame is.");
    line!(out, "use crate::bad_frame::BadFrame;");
    line!(out, "use crate::generated::*;\n");
    line!(
        out,
        "/// The opcodes of requests; the answer to one has bit 0x80 set."
    );
    line!(
        out,
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\n#[repr(u8)]"
    );
    line!(out, "pub enum Opcode {{");
    for message in &table.request {
        line!(
            out,
            "    /// See [`{0}`].\n    {0} = {1:#04x},",
            message.name,
            message.op
        );
    }
    line!(out, "}}\n");
    let codes = table
        .request
        .iter()
        .map(|m| (m.name.as_str(), u64::from(m.op)));
    from_code(&mut out, "Opcode", "u8", codes);
    line!(out, "impl Opcode {{");
    line!(out, "    /// The op of the answer.\n    #[must_use]");
    line!(
        out,
        "    pub const fn reply(self) -> u8 {{\n        self as u8 | 0x80\n    }}\n"
    );
    line!(
        out,
        "    /// Whether its request id names a seat.\n    #[must_use]"
    );
    let seated: Vec<_> = table
        .request
        .iter()
        .filter(|m| m.seat)
        .map(|m| format!("Self::{}", m.name))
        .collect();
    line!(
        out,
        "    pub const fn is_seated(self) -> bool {{\n        matches!(\n            self,\n            {}\n        )\n    }}\n}}\n",
        seated.join("\n                | ")
    );
    sum(
        &mut out,
        "Request",
        "A request of the client.",
        &table.request,
    );
    line!(out, "impl<'a> Request<'a> {{");
    line!(
        out,
        "    /// The request that a body of that op is; the header is checked elsewhere."
    );
    line!(out, "    #[inline]");
    line!(
        out,
        "    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {{"
    );
    arms(
        &mut out,
        &table.request,
        "BadFrame::unsupported(4, u64::from(op), \"the opcode is not known\")",
    );
    line!(out, "    /// Its opcode.\n    #[must_use]");
    line!(
        out,
        "    pub const fn opcode(&self) -> Opcode {{\n        match self {{"
    );
    for message in &table.request {
        line!(
            out,
            "            Self::{0}(..) => Opcode::{0},",
            message.name
        );
    }
    line!(out, "        }}\n    }}\n}}\n");
    let mut replies: Vec<_> = table.request.iter().map(Message::reply_message).collect();
    let unknown = "BadFrame::at(4, \"the op is not known\")";
    let granted = replies.clone();
    let mut refused = table
        .record
        .iter()
        .find(|r| r.name == "Refusal")
        .expect("there")
        .clone();
    refused.doc = "Not done, and why.".to_owned();
    replies.push(refused);
    sum(&mut out, "Reply", "The answer to a request.", &replies);
    line!(out, "impl<'a> Reply<'a> {{");
    line!(out, "    #[inline]");
    line!(
        out,
        "    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {{"
    );
    arms(&mut out, &granted, unknown);
    line!(out, "}}\n");
    let pushes: Vec<_> = table
        .push
        .iter()
        .filter(|m| !m.own_fields().is_empty())
        .cloned()
        .collect();
    let mut all = pushes.clone();
    let fault = table
        .push
        .iter()
        .find(|m| m.own_fields().is_empty())
        .expect("Fault");
    all.push(Message {
        fields: table
            .record
            .iter()
            .find(|r| r.name == "Refusal")
            .expect("there")
            .fields
            .clone(),
        ..fault.clone()
    });
    line!(
        out,
        "/// The op of a [`Push::Fault`].\npub const FAULT_OP: u8 = {:#04x};\n",
        fault.op
    );
    sum(&mut out, "Push", "What the server says unasked.", &all);
    line!(out, "impl<'a> Push<'a> {{");
    line!(
        out,
        "    pub(crate) fn decode_body(op: u8, body: &'a [u8]) -> Result<Self, BadFrame> {{"
    );
    arms(&mut out, &pushes, unknown);
    line!(out, "}}");
    out
}

fn sum(out: &mut String, name: &str, doc: &str, messages: &[Message]) {
    line!(out, "/// {doc}");
    line!(out, "#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
    line!(out, "pub enum {name}<'a> {{");
    for message in messages {
        let doc = if message.doc.is_empty() {
            &message.name
        } else {
            &message.doc
        };
        let variant = if message.name == "Refusal" {
            "Refused"
        } else {
            &message.name
        };
        let kind = if message.name == "Fault" {
            "Refusal"
        } else {
            &message.name
        };
        line!(out, "    /// {doc}");
        line!(out, "    {variant}({kind}{}),", lifetime(message));
    }
    line!(out, "}}\n");
}

fn arms(out: &mut String, messages: &[Message], unknown: &str) {
    line!(out, "        Ok(match op {{");
    for message in messages {
        line!(
            out,
            "            {0}::OP => Self::{0}({0}::decode(body)?),",
            message.name
        );
    }
    line!(out, "            _ => return Err({unknown}),");
    line!(out, "        }})\n    }}\n");
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let dot = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{dot}", chars.as_str())
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map(|c| c.to_ascii_uppercase().to_string() + chars.as_str())
                .unwrap_or_default()
        })
        .collect()
}

pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
