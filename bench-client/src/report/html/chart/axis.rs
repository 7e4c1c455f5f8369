//! Axes: from values to pixels, with ticks at values that people expect.

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

/// An axis of a chart.
#[derive(Clone, Debug)]
pub struct Axis {
    pub(super) title: String,
    pub(super) ticks: Vec<(f64, String)>,
    format: fn(f64) -> String,
    scale: Scale,
    from: f64,
    to: f64,
}

/// Ticks of a linear axis, about.
const TICKS: f64 = 5.0;

impl Axis {
    /// From 0 to at least `to`, which is made round; `format` writes values.
    #[must_use]
    pub fn linear(title: &str, to: f64, format: fn(f64) -> String) -> Self {
        let to = if to > 0.0 { to } else { 1.0 };
        let step = step(to);
        let end = (to / step).ceil() * step;
        Self::every(title, end, step, format)
    }

    /// From 0 to `to` exactly, as a time axis is.
    #[must_use]
    pub fn until(title: &str, to: f64, format: fn(f64) -> String) -> Self {
        let to = if to > 0.0 { to } else { 1.0 };
        Self::every(title, to, step(to).max(1.0_f64.min(to)), format)
    }

    fn every(title: &str, to: f64, step: f64, format: fn(f64) -> String) -> Self {
        let mut ticks = Vec::new();
        let mut index = 0.0;
        while index * step <= to * 1.000_001 {
            ticks.push((index * step, format(index * step)));
            index += 1.0;
        }
        Self {
            title: title.into(),
            ticks,
            format,
            scale: Scale::Linear,
            from: 0.0,
            to,
        }
    }

    /// A logarithmic one that holds `from` and `to`, both above 0.
    #[must_use]
    pub fn log(title: &str, from: f64, to: f64, format: fn(f64) -> String) -> Self {
        let from = from.max(f64::MIN_POSITIVE);
        let to = to.max(from);
        // Few decades leave room for 2 and 5 between the powers of ten.
        let few = (to / from).log10() < 3.2;
        let steps: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut values = Vec::new();
        let mut decade = 10_f64.powf(from.log10().floor());
        while decade <= to * 10.0 {
            values.extend(steps.iter().map(|step| step * decade));
            decade *= 10.0;
        }
        let first = values
            .iter()
            .rposition(|value| *value <= from * 1.000_001)
            .unwrap_or(0);
        let last = values.iter().position(|value| *value * 1.000_001 >= to);
        let last = last
            .unwrap_or(values.len() - 1)
            .max(first + 1)
            .min(values.len() - 1);
        let (from, to) = (values[first], values[last]);
        let ticks = values[first..=last]
            .iter()
            .map(|value| (*value, format(*value)))
            .collect();
        Self {
            title: title.into(),
            ticks,
            format,
            scale: Scale::Log,
            from,
            to,
        }
    }

    /// Percentiles by `1 / (1 - p)`, so that each nine takes as much room; up to this `x`.
    #[must_use]
    pub fn percentiles(title: &str, to: f64) -> Self {
        let mut ticks = vec![(1.0, "0 %".to_owned()), (2.0, "50 %".to_owned())];
        let mut x = 10.0;
        while x <= to.max(10.0) * 1.000_001 {
            ticks.push((x, format!("{} %", nines(x))));
            x *= 10.0;
        }
        let to = to.max(10.0);
        let format = |x| format!("p{}", nines(x));
        Self {
            title: title.into(),
            ticks,
            format,
            scale: Scale::Log,
            from: 1.0,
            to,
        }
    }

    /// Where a value lies: 0 = at the axis' begin, 1 = at its end; values outside are moved in.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Log => (value.max(self.from) / self.from).ln() / (self.to / self.from).ln(),
        };
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// A value as this axis writes it.
    #[must_use]
    pub fn text(&self, value: f64) -> String {
        (self.format)(value)
    }
}

/// A step of 1, 2 or 5 times a power of ten that gives about [`TICKS`] ticks up to `to`.
fn step(to: f64) -> f64 {
    let rough = to / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    *steps
        .iter()
        .find(|step| **step >= rough * 0.999_999)
        .unwrap_or(&steps[3])
}

/// The percentile of `x = 1 / (1 - p)`, as many digits as it needs: 90, 99.9, 98.44.
fn nines(x: f64) -> String {
    let percent = 100.0 * (1.0 - 1.0 / x);
    let digits = match x {
        x if x < 99.0 => 1,
        x if x < 999.0 => 2,
        x if x < 9_999.0 => 3,
        _ => 5,
    };
    let mut text = format!("{percent:.digits$}");
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn plain(value: f64) -> String {
        format!("{value}")
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(
            texts(&Axis::linear("", 870.0, plain)),
            ["0", "200", "400", "600", "800", "1000"]
        );
        assert_eq!(texts(&Axis::linear("", 0.0, plain))[0], "0");
        assert_eq!(texts(&Axis::until("", 11.5, plain)), ["0", "5", "10"]);
        assert_eq!(texts(&Axis::until("", 2.0, plain)), ["0", "1", "2"]);
    }

    #[test]
    fn log_ticks_hold_the_range() {
        let axis = Axis::log("", 130.0, 9_000.0, plain);
        assert_eq!(
            texts(&axis),
            ["100", "200", "500", "1000", "2000", "5000", "10000"]
        );
        assert!((axis.share(1_000.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.share(0.0), 0.0);
        assert_eq!(axis.share(1e12), 1.0);
        let flat = Axis::log("", 5.0, 5.0, plain);
        assert_eq!(texts(&flat), ["5", "10"]);
    }

    #[test]
    fn each_nine_takes_as_much_room() {
        let axis = Axis::percentiles("", 10_000.0);
        assert_eq!(
            texts(&axis),
            ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
        assert!((axis.share(10.0) - 0.25).abs() < 1e-9);
        assert!((axis.share(100.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.text(64.0), "p98.4");
    }
}
