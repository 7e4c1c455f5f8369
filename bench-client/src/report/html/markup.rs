//! Markup whose texts are escaped, so that nothing a run was named can become part of the page.

use std::fmt::Write as _;

/// A piece of a page. Made of texts, which are escaped, and of the markup of this module's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(pub(super) String);

impl Html {
    /// A paragraph of text.
    #[must_use]
    pub fn paragraph(text: &str) -> Self {
        Self(format!("<p>{}</p>\n", escape(text)))
    }

    /// Lines kept as they are, in letters of one width.
    #[must_use]
    pub fn lines(text: &str) -> Self {
        Self(format!("<pre tabindex=\"0\">{}</pre>\n", escape(text)))
    }

    /// Names and what they stand for.
    #[must_use]
    pub fn definitions<N: AsRef<str>, T: AsRef<str>>(entries: &[(N, T)]) -> Self {
        let mut out = String::from("<dl>\n");
        for (name, text) in entries {
            let (name, text) = (escape(name.as_ref()), escape(text.as_ref()));
            writeln!(out, "<div><dt>{name}</dt><dd>{text}</dd></div>").expect("a string takes it");
        }
        out.push_str("</dl>\n");
        Self(out)
    }

    /// A remark of some weight, set apart.
    #[must_use]
    pub fn note(tone: Tone, text: &str) -> Self {
        let (class, text) = (tone.class(), escape(text));
        Self(format!("<p class=\"note {class}\">{text}</p>\n"))
    }

    /// Something that is shown when its summary is clicked.
    #[must_use]
    pub fn folded(summary: &str, content: &Self) -> Self {
        let summary = escape(summary);
        Self(format!(
            "<details><summary>{summary}</summary>\n{}</details>\n",
            content.0
        ))
    }

    /// JSON for programs that read the page: shown nowhere, under this id.
    ///
    /// `<` stands in JSON only inside strings, where `\u003c` means the same and ends no script.
    #[must_use]
    pub fn data(id: &str, json: &str) -> Self {
        let (id, json) = (escape(id), json.replace('<', "\\u003c"));
        Self(format!(
            "<script type=\"application/json\" id=\"{id}\">{json}</script>\n"
        ))
    }
}

/// How good a piece of news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// To be known, without weight.
    Plain,
    /// To be read with care.
    Careful,
    /// Wrong.
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Plain => "plain",
            Self::Careful => "careful",
            Self::Bad => "bad",
        }
    }
}

/// Text as it stands in markup, inside elements and inside quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Other control characters have no place in a document.
            letter if letter.is_control() && !['\n', '\t'].contains(&letter) => {
                out.push('\u{fffd}')
            }
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let evil = "</pre><script>alert('1')</script>\u{0}";
        let html = Html::lines(evil).0;
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(escape("a\"b'c&d\u{7}"), "a&quot;b&#39;c&amp;d\u{fffd}");
    }

    #[test]
    fn json_cannot_end_its_script() {
        let html = Html::data("run", r#"{"key":"</script><!--"}"#).0;
        assert_eq!(html.matches('<').count(), 2, "{html}");
        assert!(
            html.contains(r#"{"key":"\u003c/script>\u003c!--"}"#),
            "{html}"
        );
    }
}
