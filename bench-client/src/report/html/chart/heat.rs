//! A heat map: how many fell into each cell of a plane.

use super::axis::Axis;
use super::frame::{Caption, Drawing, Plane};
use crate::report::html::markup::{Html, escape};

/// Height of the drawing.
const HEIGHT: f64 = 340.0;

/// A cell that is not empty.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its left and right edge.
    pub x: (f64, f64),
    /// Its lower and upper edge.
    pub y: (f64, f64),
    /// How strongly it is filled: above 0, up to 1.
    pub weight: f64,
    /// Told when it is pointed at.
    pub tip: String,
}

/// Cells over two axes.
#[derive(Clone, Debug)]
pub struct HeatMap {
    /// Class of the figure: a short word.
    pub name: &'static str,
    /// What stands above it.
    pub caption: Caption,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The cells.
    pub cells: Vec<Cell>,
}

impl HeatMap {
    /// Draws it.
    #[must_use]
    pub fn html(&self) -> Html {
        let plane = Plane::of_height(HEIGHT);
        let mut drawing = Drawing::new(HEIGHT, &self.caption.title);
        drawing.axes(&plane, &self.x, &self.y);
        for cell in &self.cells {
            let (left, right) = (plane.x(&self.x, cell.x.0), plane.x(&self.x, cell.x.1));
            let (bottom, top) = (plane.y(&self.y, cell.y.0), plane.y(&self.y, cell.y.1));
            let (width, height) = (right - left, bottom - top);
            // Even a single answer stays visible: such a cell is what one looks for.
            let (fill, tip) = (0.12 + 0.88 * cell.weight.clamp(0.0, 1.0), escape(&cell.tip));
            drawing.put(format_args!(
                "<rect class=\"heat\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
                 height=\"{height:.1}\" fill-opacity=\"{fill:.2}\"><title>{tip}</title></rect>"
            ));
        }
        drawing.figure(self.name, &self.caption, &[])
    }
}
