//! Rust source from the table.

use crate::table::{Message, Numbers, Table};

/// Appends a formatted line.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        writeln!($out, $($arg)*).expect("a String takes all")
    };
}

mod decode;
mod dispatch;
mod encode;
mod meaning;
mod message;
mod numbers;

pub(crate) use meaning::meaning;

use dispatch::dispatch;
use message::{Side, messages};
use numbers::{constants, counters, enums, status};
use std::fmt::Write;

/// The generated files: name in `src/generated/` and text.
pub(crate) fn files(table: &Table) -> Vec<(&'static str, String)> {
    let refusal = [table.record_named("Refusal")];
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
            messages(table, "Replies to requests.", &table.replies(), Side::Reply),
        ),
        (
            "pushes.rs",
            messages(table, "Pushes of the server.", &table.pushes(), Side::Push),
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

pub(super) fn head(about: &str) -> String {
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

pub(super) fn by_value(numbers: &Numbers) -> Vec<(&String, u64)> {
    let mut list: Vec<_> = numbers.iter().map(|(name, value)| (name, *value)).collect();
    list.sort_by_key(|(_, value)| *value);
    list
}

pub(super) fn doc_of<'a>(table: &'a Table, owner: &str, name: &'a str) -> &'a str {
    table
        .docs
        .get(&format!("{owner}.{name}"))
        .map_or(name, String::as_str)
}

pub(super) fn lifetime(message: &Message) -> &'static str {
    if message.borrows() { "<'a>" } else { "" }
}

pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let dot = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{dot}", chars.as_str())
}

pub(super) fn camel(name: &str) -> String {
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

pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
