//! Constants, enumerations, statuses and counters.

use super::{by_value, camel, doc_of, head, sentence, snake};
use crate::table::Table;
use std::fmt::Write;

pub(super) fn constants(table: &Table) -> String {
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
        let value = if value > 0xFFFF {
            format!("0x{value:X}")
        } else {
            value.to_string()
        };
        let kind = constant_type(name);
        line!(out, "pub const {upper}: {kind} = {value};");
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

pub(super) fn enums(table: &Table) -> String {
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

pub(super) fn status(table: &Table) -> String {
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

pub(super) fn counters(table: &Table) -> String {
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
        "    /// Whether it goes down too; over shards take the largest of those that end in `max`."
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

pub(super) fn enumeration<'a>(
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

pub(super) fn from_code<'a>(
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
