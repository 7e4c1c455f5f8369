//! `table.toml` as data, and the layout that follows from it.

use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) type Numbers = BTreeMap<String, u64>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) protocol: toml::Table,
    pub(crate) request: Vec<Message>,
    pub(crate) push: Vec<Message>,
    pub(crate) record: Vec<Message>,
    pub(crate) enums: BTreeMap<String, Numbers>,
    pub(crate) flags: BTreeMap<String, Numbers>,
    pub(crate) status: Vec<Status>,
    pub(crate) counter: Vec<Counter>,
    #[serde(default)]
    pub(crate) docs: BTreeMap<String, String>,
}

/// A request, its reply, a push or a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    #[serde(default)]
    pub(crate) op: u8,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) doc: String,
    #[serde(default = "first_version")]
    pub(crate) since: u8,
    /// Whether rules between fields are checked by hand (`rules.rs`).
    #[serde(default)]
    pub(crate) check: bool,
    #[serde(default)]
    pub(crate) reply_name: String,
    #[serde(default)]
    pub(crate) reply_doc: String,
    #[serde(default)]
    pub(crate) seat: bool,
    pub(crate) fields: Fields,
    #[serde(default)]
    pub(crate) reply: Vec<Field>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Fields {
    Own(Vec<Field>),
    /// Those of the record of that name.
    SameAs(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(rename = "enum")]
    pub(crate) enumeration: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
    pub(crate) flags: Option<String>,
    pub(crate) len: Option<String>,
    pub(crate) of: Option<String>,
    #[serde(default)]
    pub(crate) doc: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) name: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) limit: String,
    #[serde(default)]
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) client: String,
    #[serde(default = "first_version")]
    pub(crate) since: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counter {
    pub(crate) id: u16,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) gauge: bool,
    #[serde(default = "first_version")]
    pub(crate) since: u8,
    #[serde(default)]
    pub(crate) doc: String,
}

/// An entry that says nothing has been there from the start.
fn first_version() -> u8 {
    1
}

impl Table {
    pub(crate) fn parse(text: &str) -> Self {
        toml::from_str(text).expect("table.toml is well formed")
    }

    /// The replies, as messages of their own.
    pub(crate) fn replies(&self) -> Vec<Message> {
        self.request.iter().map(Message::reply_message).collect()
    }

    /// The pushes with a layout of their own: all but Fault.
    pub(crate) fn pushes(&self) -> Vec<Message> {
        let own = |push: &&Message| matches!(push.fields, Fields::Own(_));
        self.push.iter().filter(own).cloned().collect()
    }

    /// The push whose body is a refusal.
    pub(crate) fn fault(&self) -> &Message {
        let shared = |push: &&Message| matches!(push.fields, Fields::SameAs(_));
        self.push
            .iter()
            .find(shared)
            .expect("Fault is in the table")
    }

    /// The record of that name.
    pub(crate) fn record_named(&self, name: &str) -> &Message {
        let named = |record: &&Message| record.name == name;
        self.record
            .iter()
            .find(named)
            .unwrap_or_else(|| panic!("{name} is no record"))
    }
}

impl Message {
    pub(crate) fn own_fields(&self) -> &[Field] {
        match &self.fields {
            Fields::Own(fields) => fields,
            Fields::SameAs(_) => &[],
        }
    }

    /// The reply to this request as a message of its own.
    pub(crate) fn reply_message(&self) -> Self {
        Self {
            op: self.op | 0x80,
            name: self.reply_name.clone(),
            doc: self.reply_doc.clone(),
            fields: Fields::Own(self.reply.clone()),
            since: self.since,
            check: false,
            reply_name: String::new(),
            reply_doc: String::new(),
            seat: false,
            reply: Vec::new(),
        }
    }

    pub(crate) fn fixed_bytes(&self) -> usize {
        self.own_fields()
            .iter()
            .filter_map(Field::fixed_bytes)
            .sum()
    }

    /// Fixed fields with their offsets in the body.
    pub(crate) fn fixed(&self) -> Vec<(usize, &Field)> {
        let mut offset = 0;
        let mut placed = Vec::new();
        for field in self.own_fields() {
            if let Some(bytes) = field.fixed_bytes() {
                placed.push((offset, field));
                offset += bytes;
            }
        }
        placed
    }

    pub(crate) fn variable(&self) -> impl Iterator<Item = &Field> {
        self.own_fields()
            .iter()
            .filter(|field| field.fixed_bytes().is_none())
    }

    /// The variable field whose length this field carries.
    pub(crate) fn measured_by(&self, field: &Field) -> Option<&Field> {
        self.variable()
            .find(|variable| variable.len.as_deref() == Some(&field.name))
    }

    pub(crate) fn borrows(&self) -> bool {
        self.variable().next().is_some()
    }
}

impl Field {
    pub(crate) fn fixed_bytes(&self) -> Option<usize> {
        match self.kind.as_str() {
            "u8" => Some(1),
            "u16" => Some(2),
            "u32" => Some(4),
            "u64" => Some(8),
            "bytes" | "text" | "list" | "u16s" => None,
            other => Some(
                other
                    .strip_prefix("bytes")
                    .and_then(|digits| digits.parse().ok())
                    .unwrap_or_else(|| panic!("{other} is no type of the table")),
            ),
        }
    }

    pub(crate) fn is_reserved(&self) -> bool {
        self.name.starts_with("reserved")
    }
}
