//! Pages: one self-contained file each, for runs and for comparisons. Pure.
//!
//! This is the seam for every page of locker-bench:
//!
//! ```
//! use locker_bench::report::html::chart::{Bar, BarChart, Caption, Group};
//! use locker_bench::report::html::{Page, Section, Table, Tone};
//! use locker_bench::report::units;
//!
//! let bar = Bar {
//!     name: "locker".into(),
//!     value: 410.0,
//!     spread: Some((395.0, 440.0)),
//!     colour: 0,
//!     note: "1.00 x".into(),
//! };
//! let chart = BarChart {
//!     name: "cpu",
//!     caption: Caption::new("Server CPU per request", "Shorter is better."),
//!     format: units::span,
//!     groups: vec![Group { name: "50 x 16".into(), bars: vec![bar] }],
//!     legend: Vec::new(),
//! };
//! let mut table = Table::new(["system", "CPU per request"]);
//! table.row(["locker", "410 ns"]);
//!
//! let mut page = Page::new("locker and its peers");
//! page.verdict = Some((Tone::Good, "12 rows".into()));
//! page.figure("CPU per request", "410 ns", "median of 5 rounds");
//! page.sections.push(Section::new("Cost", "").with(chart.html()).with(table.html()));
//! assert!(page.render().starts_with("<!doctype html>"));
//! ```
//!
//! Texts go in as they are and are escaped once, here. Nothing is loaded from anywhere: style and
//! script are part of the page, drawings are inline SVG (docs/decisions/0402 says why they are
//! ours). Light and dark follow the reader's setting.

pub mod chart;
mod markup;
mod page;
mod percentiles;
mod run;
mod table;

pub use markup::{Html, Tone, escape};
pub use page::{KeyFigure, Page, Section};
pub use percentiles::{percentile_chart, percentile_line};
pub use run::{page, write};
pub use table::Table;
