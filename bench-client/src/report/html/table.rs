//! Tables of a page.

use std::fmt::Write as _;

use super::markup::{Html, Tone, escape};

/// A table: its first column names the rows and stands left, the others hold figures.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<(Vec<String>, Option<Tone>)>,
}

impl Table {
    /// An empty table with these column heads.
    #[must_use]
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        let head = head.into_iter().map(Into::into).collect();
        Self {
            head,
            rows: Vec::new(),
        }
    }

    /// Adds a row; what it lacks of the head's columns stays empty.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows
            .push((cells.into_iter().map(Into::into).collect(), None));
    }

    /// Adds a row that is set apart.
    pub fn toned<T: Into<String>>(&mut self, tone: Tone, cells: impl IntoIterator<Item = T>) {
        self.rows
            .push((cells.into_iter().map(Into::into).collect(), Some(tone)));
    }

    /// The table as markup; it scrolls by itself where the page is narrow.
    #[must_use]
    pub fn html(&self) -> Html {
        let mut out = String::from("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
        for cell in &self.head {
            write!(out, "<th scope=\"col\">{}</th>", escape(cell)).expect("a string takes it");
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for (cells, tone) in &self.rows {
            let class = tone.map_or("plain", Tone::class);
            write!(out, "<tr class=\"{class}\">").expect("a string takes it");
            for column in 0..self.head.len() {
                let text = cells.get(column).map_or("", String::as_str);
                let element = if column == 0 {
                    "th scope=\"row\""
                } else {
                    "td"
                };
                let end = &element[..2];
                write!(out, "<{element}>{}</{end}>", escape(text)).expect("a string takes it");
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
        Html(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_row_is_filled_up() {
        let mut table = Table::new(["what", "one", "two"]);
        table.row(["<p99>"]);
        let html = table.html().0;
        assert_eq!(html.matches("<td>").count(), 2);
        assert!(html.contains("&lt;p99&gt;"));
    }
}
