//! Reports as JSON: read and written.
//!
//! Objects have a line per field, lists lie in one line (those of objects in one per object), so
//! that a report can be read by eye and two of them be held against each other by `diff`.

use std::io;

use serde::{Deserialize, Serialize};

use super::model::{Report, SCHEMA};

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or no object, or has no schema number.
    #[error("it is no report of `locker-bench run --json`: {0}")]
    NoReport(serde_json::Error),
    /// It is of another schema.
    #[error(
        "its schema is number {found}, this locker-bench reads number {SCHEMA}: \
         use the locker-bench that wrote it, or run again"
    )]
    OtherSchema {
        /// Its number.
        found: u64,
    },
    /// It says it is of our schema, but is not.
    #[error("its schema number is {SCHEMA}, but it does not fit: {0}")]
    Malformed(serde_json::Error),
}

/// Only what tells the schema.
#[derive(Deserialize)]
struct Numbered {
    schema: u64,
}

/// Reads a report.
///
/// # Errors
/// The text is none, or one of another schema.
pub fn read(text: &str) -> Result<Report, ReadError> {
    let numbered: Numbered = serde_json::from_str(text).map_err(ReadError::NoReport)?;
    if numbered.schema != u64::from(SCHEMA) {
        return Err(ReadError::OtherSchema {
            found: numbered.schema,
        });
    }
    serde_json::from_str(text).map_err(ReadError::Malformed)
}

/// A report, or anything else that can be written, as JSON with a line end.
///
/// # Panics
/// If the value has maps with keys that are no text; reports have none.
#[must_use]
pub fn write<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut out, Layout::default());
    value
        .serialize(&mut writer)
        .expect("keys are text, and memory takes every byte");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Where lines end.
#[derive(Debug, Default)]
struct Layout {
    /// Objects that are open outside of lists.
    objects: usize,
    /// Lists and their inner objects that are open.
    lists: usize,
}

impl Layout {
    fn line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        write!(writer, "\n{:width$}", "", width = self.objects)
    }
}

impl serde_json::ser::Formatter for Layout {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists -= 1;
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.lists {
            0 => self.objects += 1,
            1 => self.line(writer)?,
            _ => {}
        }
        self.lists += usize::from(self.lists > 0);
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.lists {
            0 => {
                self.objects -= 1;
                self.line(writer)?;
            }
            _ => self.lists -= 1,
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W>(&mut self, writer: &mut W, first: bool) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        if !first {
            writer.write_all(b",")?;
        }
        if self.lists == 0 {
            self.line(writer)
        } else {
            Ok(())
        }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.lists == 0 { b": " } else { b":" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn fields_have_lines_and_lists_do_not() {
        let value = serde_json::json!({
            "a": 1,
            "b": {"c": [[1, 2], [3, 4]], "d": null},
            "e": [{"f": [1], "g": {"h": 2}}, {}],
            "i": []
        });
        let text = write(&value);
        let lines = "{\n \"a\": 1,\n \"b\": {\n  \"c\": [[1,2],[3,4]],\n  \"d\": null\n },\n \
                     \"e\": [\n {\"f\":[1],\"g\":{\"h\":2}},\n {}],\n \"i\": []\n}\n";
        assert_eq!(text, lines);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }

    #[test]
    fn what_is_no_report_is_told_apart() {
        let no = |text: &str| read(text).expect_err("it is none");
        assert!(matches!(no("[]"), ReadError::NoReport(_)));
        assert!(matches!(no("{\"rate\": 3}"), ReadError::NoReport(_)));
        assert!(matches!(
            no("{\"schema\": 7}"),
            ReadError::OtherSchema { found: 7 }
        ));
        assert!(no("{\"schema\": 7}").to_string().contains("number 7"));
        assert!(matches!(no("{\"schema\": 1}"), ReadError::Malformed(_)));
    }
}
