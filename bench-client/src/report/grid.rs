//! Tables and paragraphs for terminals: aligned, and never wider than [`WIDTH`].

/// Columns of the widest line, but for words that are longer by themselves.
pub const WIDTH: usize = 100;
/// Columns of the label before a paragraph.
pub const LABEL: usize = 11;

/// A table: its first column stands left, the others right.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these column heads.
    #[must_use]
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        Self {
            rows: vec![head.into_iter().map(Into::into).collect()],
        }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Whether it has no rows but its head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The table, each line ended; two columns of space between its columns.
    #[must_use]
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                match column {
                    0 => line.push_str(&format!("{cell:<width$}")),
                    _ => line.push_str(&format!("  {cell:>width$}")),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A label and a text beside it, broken between words where the line is full.
#[must_use]
pub fn labelled(label: &str, text: &str) -> String {
    wrapped(label, text.split(' '), "")
}

/// A label and words beside it; where a line is broken it ends in `joint`.
#[must_use]
pub fn wrapped<W: AsRef<str>>(
    label: &str,
    words: impl IntoIterator<Item = W>,
    joint: &str,
) -> String {
    let mut out = String::new();
    let mut line = format!("{label:<LABEL$}");
    let mut fresh = true;
    for word in words {
        let word = word.as_ref();
        let length = [&*line, word, joint]
            .map(|part| part.chars().count())
            .iter()
            .sum::<usize>();
        if !fresh && length + 1 > WIDTH {
            out.push_str(line.trim_end());
            out.push_str(joint);
            out.push('\n');
            line = " ".repeat(LABEL);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_figures_right() {
        let mut grid = Grid::new(["latency", "p50", "p99"]);
        assert!(grid.is_empty());
        grid.row(["acquire", "1.20 ms", "-"]);
        grid.row(["of all", "7 ns", "12.5 ms"]);
        let text = "latency      p50      p99\n\
                    acquire  1.20 ms        -\n\
                    of all      7 ns  12.5 ms\n";
        assert_eq!(grid.text(), text);
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        let text = labelled("errors", &"twelve chars ".repeat(12));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("errors     twelve"));
        assert!(lines[1].starts_with("           "));
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
        let command = wrapped("repeat", ["word"; 40], " \\");
        assert_eq!(
            command.matches(" \\\n").count(),
            command.lines().count() - 1
        );
        assert!(command.lines().all(|line| line.len() <= WIDTH), "{command}");
        let word = "x".repeat(200);
        assert_eq!(labelled("a", &word).lines().count(), 1);
    }
}
