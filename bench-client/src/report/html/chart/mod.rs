//! Charts as inline SVG without colours of their own: the page's style paints them.
//!
//! Series carry the number of a colour, not a colour, so light and dark need no second drawing. A
//! mark's `<title>` tells its value; the page's script shows it without delay.

mod axis;
mod bars;
mod columns;
mod frame;
mod heat;
mod lines;

pub use axis::Axis;
pub use bars::{Bar, BarChart, Group};
pub use columns::{Column, ColumnChart};
pub use frame::{COLOURS, Caption};
pub use heat::{Cell, HeatMap};
pub use lines::{Line, LineChart, Shade, Style};

#[cfg(test)]
mod tests;
