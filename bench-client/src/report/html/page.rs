//! The page as a whole: header, key figures, sections; style and script are in it.

use std::fmt::Write as _;

use super::markup::{Html, Tone, escape};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A figure that the reader should see first.
#[derive(Clone, Debug)]
pub struct KeyFigure {
    /// What it is.
    pub label: String,
    /// The figure with its unit.
    pub value: String,
    /// One short line below it; may be empty.
    pub note: String,
}

/// A part of a page with a heading of its own.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// A sentence or two on how to read it; may be empty.
    pub intro: String,
    /// What is in it, in order.
    pub body: Vec<Html>,
}

impl Section {
    /// A section with this heading and introduction.
    #[must_use]
    pub fn new(title: impl Into<String>, intro: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            intro: intro.into(),
            body: Vec::new(),
        }
    }

    /// Adds to its end.
    #[must_use]
    pub fn with(mut self, html: Html) -> Self {
        self.body.push(html);
        self
    }
}

/// Everything in one file: no network, no fonts or scripts of others.
#[derive(Clone, Debug)]
pub struct Page {
    /// Title of the document and first heading.
    pub title: String,
    /// A line below it.
    pub subtitle: String,
    /// The verdict in a word or two, with its tone.
    pub verdict: Option<(Tone, String)>,
    /// What to see first; four to six fit well.
    pub figures: Vec<KeyFigure>,
    /// The rest, in order.
    pub sections: Vec<Section>,
}

impl Page {
    /// A page with this title and nothing in it.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            verdict: None,
            figures: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// Adds a key figure.
    pub fn figure(&mut self, label: &str, value: impl Into<String>, note: impl Into<String>) {
        let (label, value, note) = (label.into(), value.into(), note.into());
        self.figures.push(KeyFigure { label, value, note });
    }

    /// The document's text.
    #[must_use]
    pub fn render(&self) -> String {
        let title = escape(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        );
        self.header(&mut out);
        out.push_str("<main>\n");
        for section in &self.sections {
            section.render(&mut out);
        }
        out.push_str("</main>\n<script>\n");
        out.push_str(SCRIPT);
        out.push_str("</script>\n</body>\n</html>\n");
        out
    }

    fn header(&self, out: &mut String) {
        let mut put = |text: String| out.push_str(&text);
        put("<header>\n<div class=\"head\"><div>".to_owned());
        put(format!("<h1>{}</h1>", escape(&self.title)));
        if !self.subtitle.is_empty() {
            put(format!(
                "<p class=\"subtitle\">{}</p>",
                escape(&self.subtitle)
            ));
        }
        put("</div>".to_owned());
        if let Some((tone, text)) = &self.verdict {
            put(format!(
                "<p class=\"verdict {}\">{}</p>",
                tone.class(),
                escape(text)
            ));
        }
        put("</div>\n".to_owned());
        if !self.figures.is_empty() {
            put("<div class=\"figures\">\n".to_owned());
            for KeyFigure { label, value, note } in &self.figures {
                let (label, value, note) = (escape(label), escape(value), escape(note));
                put(format!(
                    "<div class=\"figure\"><span>{label}</span><b>{value}</b>\
                     <small>{note}</small></div>\n"
                ));
            }
            put("</div>\n".to_owned());
        }
        put("</header>\n".to_owned());
    }
}

impl Section {
    fn render(&self, out: &mut String) {
        writeln!(out, "<section>\n<h2>{}</h2>", escape(&self.title)).expect("a string takes it");
        if !self.intro.is_empty() {
            let intro = escape(&self.intro);
            writeln!(out, "<p class=\"intro\">{intro}</p>").expect("a string takes it");
        }
        for html in &self.body {
            out.push_str(&html.0);
        }
        out.push_str("</section>\n");
    }
}
