//! Lines over an axis: latency by percentile, rates over time.

use std::fmt::Write as _;

use super::axis::Axis;
use super::frame::{Caption, Drawing, Key, Mark, Plane, colour};
use crate::report::html::markup::{Html, escape};

/// Height of the drawing.
const HEIGHT: f64 = 340.0;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In one stroke.
    Solid,
    /// In dots: the second of two lines of one colour.
    Dashed,
    /// In one stroke, the area below filled.
    Area,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Number of its colour; lines of one colour belong together.
    pub colour: usize,
    /// How it is drawn.
    pub style: Style,
    /// Its points, by rising x.
    pub points: Vec<(f64, f64)>,
}

/// A part of the x axis that is set apart, such as the warm-up.
#[derive(Clone, Debug)]
pub struct Shade {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// What it is.
    pub name: String,
}

/// Lines over a common x axis.
#[derive(Clone, Debug)]
pub struct LineChart {
    /// Class of the figure, by which a page's parts are told apart: a short word.
    pub name: &'static str,
    /// What stands above it.
    pub caption: Caption,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The lines; the later lie above the earlier.
    pub lines: Vec<Line>,
    /// Parts set apart.
    pub shades: Vec<Shade>,
}

impl LineChart {
    /// Draws it.
    #[must_use]
    pub fn html(&self) -> Html {
        let plane = Plane::of_height(HEIGHT);
        let mut drawing = Drawing::new(HEIGHT, &self.caption.title);
        drawing.axes(&plane, &self.x, &self.y);
        for line in self.lines.iter().filter(|line| !line.points.is_empty()) {
            self.line(&mut drawing, &plane, line);
        }
        for shade in &self.shades {
            self.shade(&mut drawing, &plane, shade);
        }
        self.strips(&mut drawing, &plane);
        let keys = self.lines.iter().map(|line| Key {
            name: &line.name,
            colour: line.colour,
            mark: if line.style == Style::Dashed {
                Mark::Dashed
            } else {
                Mark::Solid
            },
        });
        drawing.figure(self.name, &self.caption, &keys.collect::<Vec<_>>())
    }

    fn shade(&self, drawing: &mut Drawing, plane: &Plane, shade: &Shade) {
        let (from, to) = (plane.x(&self.x, shade.from), plane.x(&self.x, shade.to));
        let (top, height, width) = (plane.top, plane.bottom - plane.top, to - from);
        let (inside, above, name) = (from + 6.0, plane.bottom - 8.0, escape(&shade.name));
        drawing.put(format_args!(
            "<rect class=\"shade\" x=\"{from:.1}\" y=\"{top}\" width=\"{width:.1}\" \
             height=\"{height}\"/>\
             <text x=\"{inside:.1}\" y=\"{above}\">{name}</text>"
        ));
    }

    fn line(&self, drawing: &mut Drawing, plane: &Plane, line: &Line) {
        let mut path = String::new();
        for (index, (x, y)) in line.points.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            let (x, y) = (plane.x(&self.x, *x), plane.y(&self.y, *y));
            write!(path, "{letter}{x:.1} {y:.1}").expect("a string takes it");
        }
        // A single point is drawn as a dot: a path of no length with round ends.
        if let [(x, _)] = line.points[..] {
            write!(path, "h0.1M{:.1} 0", plane.x(&self.x, x)).expect("a string takes it");
        }
        let (colour, bottom) = (colour(line.colour), plane.bottom);
        if line.style == Style::Area {
            let ends = [line.points[line.points.len() - 1].0, line.points[0].0];
            let [last, first] = ends.map(|x| plane.x(&self.x, x));
            drawing.put(format_args!(
                "<path class=\"area f{colour}\" d=\"{path}L{last:.1} {bottom}L{first:.1} \
                 {bottom}Z\"/>"
            ));
        }
        let dashed = if line.style == Style::Dashed {
            " dashed"
        } else {
            ""
        };
        drawing.put(format_args!(
            "<path class=\"line s{colour}{dashed}\" d=\"{path}\"/>"
        ));
    }

    /// Bands without colour, one per x, that tell all lines' values there when pointed at.
    fn strips(&self, drawing: &mut Drawing, plane: &Plane) {
        let mut xs: Vec<f64> = Vec::new();
        for line in &self.lines {
            xs.extend(line.points.iter().map(|point| point.0));
        }
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let places: Vec<f64> = xs.iter().map(|x| plane.x(&self.x, *x)).collect();
        for (index, x) in xs.iter().enumerate() {
            let before = if index == 0 {
                places[0]
            } else {
                places[index - 1]
            };
            let after = places.get(index + 1).unwrap_or(&places[index]);
            let from = (before + places[index]) / 2.0;
            let width = ((places[index] + after) / 2.0 - from).max(1.0);
            let mut tip = self.x.text(*x);
            for line in &self.lines {
                if let Some((_, y)) = line.points.iter().find(|point| point.0 == *x) {
                    write!(tip, "\n{}: {}", line.name, self.y.text(*y)).expect("a string takes it");
                }
            }
            let (top, height, tip) = (plane.top, plane.bottom - plane.top, escape(&tip));
            drawing.put(format_args!(
                "<rect class=\"strip\" x=\"{from:.1}\" y=\"{top}\" width=\"{width:.1}\" \
                 height=\"{height}\"><title>{tip}</title></rect>"
            ));
        }
    }
}
