//! What all charts share: the plane with its axes, the mapping to pixels, captions and legends.

use std::fmt::Write as _;

use super::axis::Axis;
use crate::report::html::markup::{Html, escape};

/// Width of a drawing in its own units; the page stretches it to the room there is.
pub(super) const WIDTH: f64 = 1_000.0;

/// The plane inside the axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Plane {
    /// Of the usual chart with this height in all.
    pub(super) const fn of_height(height: f64) -> Self {
        Self {
            left: 76.0,
            right: WIDTH - 28.0,
            top: 12.0,
            bottom: height - 46.0,
        }
    }

    pub(super) fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.left + axis.share(value) * (self.right - self.left)
    }

    pub(super) fn y(&self, axis: &Axis, value: f64) -> f64 {
        self.bottom - axis.share(value) * (self.bottom - self.top)
    }
}

/// A drawing under way.
#[derive(Debug)]
pub(super) struct Drawing {
    svg: String,
}

impl Drawing {
    /// Begins a drawing of this height; readers who do not see it are told `title`.
    pub(super) fn new(height: f64, title: &str) -> Self {
        let title = escape(title);
        let svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n");
        Self { svg }
    }

    /// Appends markup; texts in it are escaped by the caller.
    pub(super) fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        self.svg.write_fmt(markup).expect("a string takes it");
        self.svg.push('\n');
    }

    /// Grid, ticks and titles of both axes.
    pub(super) fn axes(&mut self, plane: &Plane, x: &Axis, y: &Axis) {
        let Plane {
            left,
            right,
            top,
            bottom,
        } = *plane;
        for (value, text) in &y.ticks {
            let at = plane.y(y, *value);
            let text = escape(text);
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                left - 8.0,
                at + 4.0
            ));
        }
        for (value, text) in &x.ticks {
            let at = plane.x(x, *value);
            let text = escape(text);
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                bottom + 17.0
            ));
        }
        self.put(format_args!(
            "<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>"
        ));
        let (middle, below) = ((left + right) / 2.0, bottom + 38.0);
        let (across, up) = (escape(&x.title), escape(&y.title));
        self.put(format_args!(
            "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{across}</text>"
        ));
        let centre = (top + bottom) / 2.0;
        self.put(format_args!(
            "<text transform=\"translate(14 {centre:.1}) rotate(-90)\" \
             text-anchor=\"middle\">{up}</text>"
        ));
    }

    /// The drawing as a figure of class `name`, below its caption and its legend.
    pub(super) fn figure(mut self, name: &str, caption: &Caption, legend: &[Key<'_>]) -> Html {
        self.svg.push_str("</svg>\n");
        let (title, about) = (escape(&caption.title), escape(&caption.about));
        let mut out = format!(
            "<figure class=\"{name}\"><figcaption><strong>{title}</strong>{about}</figcaption>\n"
        );
        if !legend.is_empty() {
            out.push_str("<div class=\"legend\">");
            for key in legend {
                key.draw(&mut out);
            }
            out.push_str("</div>\n");
        }
        out.push_str(&self.svg);
        out.push_str("</figure>\n");
        Html(out)
    }
}

/// What stands above a chart.
#[derive(Clone, Debug, Default)]
pub struct Caption {
    /// What it shows.
    pub title: String,
    /// How to read it, in a sentence; may be empty.
    pub about: String,
}

impl Caption {
    /// A caption of a title and how to read the chart.
    #[must_use]
    pub fn new(title: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            about: about.into(),
        }
    }
}

/// An entry of a legend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) colour: usize,
    pub(super) mark: Mark,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Solid,
    Dashed,
    Filled,
}

impl Key<'_> {
    fn draw(&self, out: &mut String) {
        let colour = colour(self.colour);
        let mark = match self.mark {
            Mark::Filled => {
                format!("<rect class=\"f{colour}\" x=\"8\" width=\"10\" height=\"10\" rx=\"2\"/>")
            }
            mark => {
                let dashed = if mark == Mark::Dashed { " dashed" } else { "" };
                format!("<path class=\"line s{colour}{dashed}\" d=\"M1 5H25\"/>")
            }
        };
        let name = escape(self.name);
        write!(
            out,
            "<span><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\">{mark}</svg>{name}</span>"
        )
        .expect("a string takes it");
    }
}

/// Colours that the page's style defines; after the last one they begin again.
pub const COLOURS: usize = 6;

/// The class number of a series' colour.
pub(super) const fn colour(index: usize) -> usize {
    index % COLOURS
}
