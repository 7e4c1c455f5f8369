//! How the inspecting commands print: tables for people, JSON for programs.
//!
//! JSON has tokens, owners and session ids as strings, because many readers keep numbers as
//! doubles; keys and metadata are escaped like everywhere else, and durations are numbers with
//! their unit in the name.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use locker_client::ModeName;

/// `-o`.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Output {
    /// How to print
    #[arg(short = 'o', long = "output", value_name = "FORMAT")]
    #[arg(value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

/// The formats of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// Rows that are lined up once all of them are there.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of these column headings.
    pub(super) fn new(heading: &[&str]) -> Self {
        Self {
            rows: vec![heading.iter().map(|&text| text.to_owned()).collect()],
        }
    }

    /// A table without headings.
    pub(super) const fn plain() -> Self {
        Self { rows: Vec::new() }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Prints the rows, each column as wide as its widest cell. The last one is not padded.
    ///
    /// # Errors
    /// What the output says.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let padded = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Text from elsewhere, with control characters shown: it must not steer the terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).collect()
}

/// A length of time in its two largest units: `3d 4h`, `1m 5s`, `250ms`.
pub(super) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    if seconds == 0 {
        return format!("{}ms", length.as_millis());
    }
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let first = units
        .iter()
        .position(|&(_, unit)| seconds >= unit)
        .expect("at least a second");
    let (name, unit) = units[first];
    let mut text = format!("{}{name}", seconds / unit);
    if let Some((name, smaller)) = units.get(first + 1) {
        let rest = seconds % unit / smaller;
        if rest > 0 {
            text += &format!(" {rest}{name}");
        }
    }
    text
}

/// An age, which is known in whole seconds.
pub(super) fn age(length: Duration) -> String {
    if length.as_secs() == 0 {
        "0s".to_owned()
    } else {
        span(length)
    }
}

/// A length of time with a limit, `-` without.
pub(super) fn limited_span(length: Option<Duration>) -> String {
    length.map_or_else(|| "-".to_owned(), span)
}

/// Milliseconds for JSON.
pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// A session id, as it is shown everywhere.
pub(super) fn session(id: u64) -> String {
    format!("{id:#x}")
}

/// A mode by name; what nobody holds is free.
pub(super) const fn mode(mode: Option<ModeName>) -> &'static str {
    match mode {
        None => "free",
        Some(ModeName::Exclusive) => "exclusive",
        Some(ModeName::Shared) => "shared",
        Some(ModeName::Permit) => "permit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["KEY", "MODE"]);
        table.row(["a-long-key".to_owned(), "shared".to_owned()]);
        table.row([String::new(), "x".to_owned()]);
        let mut out = Vec::new();
        assert!(table.print(&mut out).is_ok());
        let text = String::from_utf8_lossy(&out);
        assert_eq!(
            text,
            "KEY         MODE\na-long-key  shared\n            x\n"
        );
    }

    #[test]
    fn spans_show_two_units_at_most() {
        for (seconds, text) in [
            (1, "1s"),
            (60, "1m"),
            (65, "1m 5s"),
            (3_600, "1h"),
            (3_725, "1h 2m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(250)), "250ms");
        assert_eq!(limited_span(None), "-");
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(clean("a\x1b[2Jü"), "a\\u{1b}[2Jü");
    }
}
