//! Bars that lie, in groups, with the spread of what was measured: systems side by side.

use super::axis::Axis;
use super::frame::{Caption, Drawing, Key, Mark, WIDTH, colour};
use crate::report::html::markup::{Html, escape};

/// Room for the names of bars, left of them.
const NAMES: f64 = 210.0;
/// Room that a letter of a value takes, right of the longest bar.
const LETTER: f64 = 7.0;
/// From one bar to the next.
const STEP: f64 = 24.0;
/// Thickness of a bar.
const THICK: f64 = 16.0;
/// Room of a group's name above its bars.
const HEADING: f64 = 26.0;

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Its name, left of it.
    pub name: String,
    /// Its length.
    pub value: f64,
    /// Lowest and highest of the values it stands for, if there are several.
    pub spread: Option<(f64, f64)>,
    /// Number of its colour; a system keeps its colour over all groups.
    pub colour: usize,
    /// Said behind the value, such as a ratio; may be empty.
    pub note: String,
}

/// Bars under a common heading.
#[derive(Clone, Debug)]
pub struct Group {
    /// The heading; may be empty.
    pub name: String,
    /// Its bars, from above.
    pub bars: Vec<Bar>,
}

/// Groups of bars over one linear axis that begins at 0.
#[derive(Clone, Debug)]
pub struct BarChart {
    /// Class of the figure: a short word.
    pub name: &'static str,
    /// What stands above it.
    pub caption: Caption,
    /// Writes a value with its unit.
    pub format: fn(f64) -> String,
    /// The groups, from above.
    pub groups: Vec<Group>,
    /// Colours and what they stand for; may be empty where the bars' names say it.
    pub legend: Vec<(usize, String)>,
}

impl BarChart {
    /// Draws it.
    #[must_use]
    pub fn html(&self) -> Html {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let reach = |bar: &Bar| {
            bar.spread
                .map_or(bar.value, |(_, high)| high.max(bar.value))
        };
        let longest = bars().map(reach).fold(0.0, f64::max);
        let axis = Axis::until("", longest, self.format);
        let headings = self
            .groups
            .iter()
            .filter(|group| !group.name.is_empty())
            .count();
        let height = 8.0 + bars().count() as f64 * STEP + headings as f64 * HEADING;
        let letters = |bar: &Bar| (self.format)(bar.value).len() + bar.note.len();
        let values = 24.0 + LETTER * bars().map(letters).max().unwrap_or(0) as f64;
        let room = (WIDTH - NAMES - values).max(WIDTH / 4.0);
        let mut drawing = Drawing::new(height, &self.caption.title);
        let mut y = 0.0;
        for group in &self.groups {
            if !group.name.is_empty() {
                let name = escape(&group.name);
                drawing.put(format_args!(
                    "<text class=\"strong\" x=\"0\" y=\"{:.1}\">{name}</text>",
                    y + 19.0
                ));
                y += HEADING;
            }
            for bar in &group.bars {
                self.bar(&mut drawing, (&axis, room), bar, y + 4.0);
                y += STEP;
            }
        }
        let entries = self.legend.iter();
        let keys = entries.map(|(colour, name)| Key {
            name,
            colour: *colour,
            mark: Mark::Filled,
        });
        drawing.figure(self.name, &self.caption, &keys.collect::<Vec<_>>())
    }

    fn bar(&self, drawing: &mut Drawing, (axis, room): (&Axis, f64), bar: &Bar, y: f64) {
        let at = |value: f64| NAMES + axis.share(value) * room;
        let (end, base, middle) = (at(bar.value), y + 12.5, y + THICK / 2.0);
        let width = (end - NAMES).max(1.0);
        let (colour, name, note) = (colour(bar.colour), escape(&bar.name), escape(&bar.note));
        let value = escape(&(self.format)(bar.value));
        let mut tip = format!("{name}: {value}");
        let mut text_at = end + 8.0;
        if let Some((low, high)) = bar.spread {
            let texts = [low, high].map(|value| escape(&(self.format)(value)));
            tip = format!("{tip}\nfrom {} to {}", texts[0], texts[1]);
            text_at = at(high).max(end) + 8.0;
        }
        drawing.put(format_args!(
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"bar f{colour}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{THICK}\" rx=\"2\"><title>{tip}</title></rect>",
            NAMES - 8.0
        ));
        if let Some((low, high)) = bar.spread {
            let [low, high] = [low, high].map(at);
            let [top, bottom] = [middle - 4.0, middle + 4.0];
            drawing.put(format_args!(
                "<path class=\"spread\" d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} \
                 {top:.1}V{bottom:.1}M{high:.1} {top:.1}V{bottom:.1}\"/>"
            ));
        }
        drawing.put(format_args!(
            "<text x=\"{text_at:.1}\" y=\"{base:.1}\"><tspan class=\"strong\">{value}</tspan> \
             {note}</text>"
        ));
    }
}
