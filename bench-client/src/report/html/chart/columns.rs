//! Columns that stand: a distribution over places in order, such as grants per client.

use super::axis::Axis;
use super::frame::{Caption, Drawing, Plane, colour};
use crate::report::html::markup::{Html, escape};

/// Height of the drawing.
const HEIGHT: f64 = 240.0;

/// A column: what it stands for, and how high it is.
#[derive(Clone, Debug)]
pub struct Column {
    /// Told when it is pointed at.
    pub name: String,
    /// Its height.
    pub value: f64,
}

/// Columns side by side, in the order given, over an axis that begins at 0.
#[derive(Clone, Debug)]
pub struct ColumnChart {
    /// Class of the figure: a short word.
    pub name: &'static str,
    /// What stands above it.
    pub caption: Caption,
    /// The axis to the right; column `i` of `n` takes the shares from `i / n` to `(i + 1) / n`.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// Number of their colour.
    pub colour: usize,
    /// The columns.
    pub columns: Vec<Column>,
    /// A height to hold them against, and its name.
    pub mark: Option<(f64, String)>,
}

impl ColumnChart {
    /// Draws it.
    #[must_use]
    pub fn html(&self) -> Html {
        let plane = Plane::of_height(HEIGHT);
        let mut drawing = Drawing::new(HEIGHT, &self.caption.title);
        drawing.axes(&plane, &self.x, &self.y);
        let step = (plane.right - plane.left) / self.columns.len().max(1) as f64;
        let (width, colour) = ((step * 0.82).max(step - 3.0), colour(self.colour));
        for (index, column) in self.columns.iter().enumerate() {
            let x = plane.left + index as f64 * step + (step - width) / 2.0;
            let y = plane.y(&self.y, column.value);
            let height = (plane.bottom - y).max(0.5);
            let tip = escape(&format!("{}\n{}", column.name, self.y.text(column.value)));
            drawing.put(format_args!(
                "<rect class=\"bar f{colour}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
                 height=\"{height:.1}\" rx=\"1\"><title>{tip}</title></rect>"
            ));
        }
        if let Some((value, name)) = &self.mark {
            let (y, name) = (plane.y(&self.y, *value), escape(name));
            let (left, right) = (plane.left, plane.right);
            drawing.put(format_args!(
                "<line class=\"mark\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
                left + 6.0,
                y - 6.0
            ));
        }
        drawing.figure(self.name, &self.caption, &[])
    }
}
