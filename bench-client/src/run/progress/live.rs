//! The last minute of a run, as a line or as a small screen. Pure.

use std::collections::VecDeque;

use super::gather::Told;
use crate::measure::Second;
use crate::measure::series::BANDS;
use crate::nanos::Nanos;
use crate::report::units;

/// Seconds that the sparkline shows.
const HISTORY: usize = 60;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of the bar that shows how much of the run is over.
const BAR: u64 = 20;

/// The seconds so far, as far as they are shown.
#[derive(Clone, Debug)]
pub struct Live {
    warmup: u64,
    /// Seconds in all; `None` if the run ends by its count.
    total: Option<u64>,
    rates: VecDeque<u64>,
}

impl Live {
    /// For a run with this warm-up and, if it is known, this length behind it.
    #[must_use]
    pub fn new(warmup: Nanos, measured: Option<Nanos>) -> Self {
        let whole = |span: Nanos| span.0.div_ceil(Nanos::SECOND.0);
        Self {
            warmup: whole(warmup),
            total: measured.map(|measured| whole(warmup + measured)),
            rates: VecDeque::with_capacity(HISTORY),
        }
    }

    /// Takes a second that is over.
    pub fn add(&mut self, told: &Told) {
        if self.rates.len() == HISTORY {
            self.rates.pop_front();
        }
        self.rates.push_back(told.second.answered);
    }

    /// The second that was added last, as one line.
    #[must_use]
    pub fn line(&self, told: &Told) -> String {
        let time = told.index + 1;
        let (figures, busy, phase) = (figures(told), busy(told), self.phase(time));
        format!("{time:>4} s  {figures}  {busy}{phase}")
    }

    /// The second that was added last, and the minute before, in lines of so many columns.
    #[must_use]
    pub fn screen(&self, told: &Told, columns: usize) -> Vec<String> {
        let highest = self.rates.iter().copied().max().unwrap_or(0);
        let sparks: String = self
            .rates
            .iter()
            .map(|rate| spark(*rate, highest))
            .collect();
        let scale = format!("0 to {}/s", units::short(highest as f64));
        let lines = [
            format!("{}  {}", self.clock(told.index + 1), busy(told)),
            figures(told),
            format!("{sparks}  {scale}"),
        ];
        let cut = |line: String| line.chars().take(columns).collect();
        lines.into_iter().map(cut).collect()
    }

    fn phase(&self, time: u64) -> &'static str {
        if time <= self.warmup {
            "  warm-up"
        } else if self.total.is_some_and(|total| time > total) {
            "  waiting for the last answers"
        } else {
            ""
        }
    }

    fn clock(&self, time: u64) -> String {
        let phase = self.phase(time);
        let Some(total) = self.total else {
            return format!("{time} s{phase}");
        };
        let over = time.min(total);
        let filled = (over * BAR).checked_div(total).unwrap_or(BAR);
        let bar: String = (0..BAR)
            .map(|at| if at < filled { '█' } else { '░' })
            .collect();
        format!("{bar}  {over} of {total} s, {} s left{phase}", total - over)
    }
}

fn figures(told: &Told) -> String {
    let Second {
        answered,
        refused,
        bands,
    } = &told.second;
    let at = |share| match quantile(bands, share) {
        Some(ns) => units::span(ns),
        None => "-".to_owned(),
    };
    format!(
        "{} requests/s  p50 {}  p99 {}  p99.9 {}  refused {refused}",
        units::whole(*answered),
        at(0.5),
        at(0.99),
        at(0.999),
    )
}

fn busy(told: &Told) -> String {
    format!("generator {:.0} % busy", told.busy * 100.0)
}

fn spark(rate: u64, highest: u64) -> char {
    let steps = SPARKS.len() as u64;
    let step = (rate * steps)
        .checked_div(highest)
        .unwrap_or(0)
        .min(steps - 1);
    SPARKS[usize::try_from(step).expect("one of eight")]
}

/// The latency in nanoseconds that this share of the answers does not exceed, to the width of its
/// band; `None` without answers.
#[must_use]
pub fn quantile(bands: &[u32; BANDS], share: f64) -> Option<f64> {
    let count: u64 = bands.iter().map(|band| u64::from(*band)).sum();
    if count == 0 {
        return None;
    }
    let wanted = share * count as f64;
    let mut below = 0.0;
    for (band, inside) in bands.iter().enumerate() {
        let inside = f64::from(*inside);
        if inside > 0.0 && below + inside >= wanted {
            // Answers are taken to lie evenly in their band.
            let (from, to) = (band_start(band), band_start(band + 1));
            let part = ((wanted - below) / inside).clamp(0.0, 1.0);
            return Some(from.0 as f64 + (to - from).0 as f64 * part);
        }
        below += inside;
    }
    None
}

/// Where a band begins; the last one, which is open, is taken to be as wide as the one before.
fn band_start(band: usize) -> Nanos {
    // Half of 1 us is no whole microsecond: band 1 reaches to 2 us and band 2 is empty.
    match band {
        2 => Second::band_from(3),
        BANDS => {
            let last = Second::band_from(BANDS - 1);
            last + (last - Second::band_from(BANDS - 2))
        }
        _ => Second::band_from(band),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(index: u64, latencies_us: &[u64]) -> Told {
        let mut second = Second::default();
        for us in latencies_us {
            second.answered += 1;
            second.bands[Second::band(Nanos(us * 1_000))] += 1;
        }
        Told {
            index,
            second,
            busy: 0.5,
        }
    }

    #[test]
    fn a_quantile_lies_in_the_band_of_its_answer() {
        let latencies: Vec<u64> = (1..=1_000).collect();
        let bands = told(0, &latencies).second.bands;
        for (share, exact) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            let told = quantile(&bands, share).expect("there are answers") / 1e3;
            assert!(
                told > exact * 0.8 && told < exact * 1.3,
                "{told} for {exact}"
            );
        }
        assert_eq!(quantile(&Second::default().bands, 0.5), None);
    }

    #[test]
    fn a_line_tells_the_second_and_whether_it_is_measured() {
        let mut live = Live::new(Nanos::SECOND, Some(Nanos(10 * Nanos::SECOND.0)));
        let first = told(0, &[100; 2_000]);
        live.add(&first);
        let line = live.line(&first);
        assert!(line.starts_with("   1 s  2,000 requests/s"), "{line}");
        assert!(
            line.ends_with("refused 0  generator 50 % busy  warm-up"),
            "{line}"
        );
        let line = live.line(&told(1, &[]));
        assert!(
            line.contains("p99 -") && !line.contains("warm-up"),
            "{line}"
        );
    }

    #[test]
    fn a_screen_shows_the_last_minute_within_its_columns() {
        let mut live = Live::new(Nanos::ZERO, Some(Nanos(100 * Nanos::SECOND.0)));
        for index in 0..80 {
            live.add(&told(index, &[100; 8]));
        }
        let last = told(80, &[100; 4]);
        live.add(&last);
        let screen = live.screen(&last, 200);
        assert_eq!(
            screen[0],
            "████████████████░░░░  81 of 100 s, 19 s left  generator 50 % busy"
        );
        let sparks: String = screen[2].chars().take(HISTORY).collect();
        assert_eq!(sparks, "█".repeat(59) + "▅");
        let narrow = live.screen(&last, 10);
        assert!(narrow.iter().all(|line| line.chars().count() <= 10));
    }

    #[test]
    fn seconds_behind_the_end_say_what_is_waited_for() {
        let live = Live::new(Nanos::SECOND, Some(Nanos::SECOND));
        assert!(live.line(&told(1, &[])).ends_with("busy"));
        assert!(
            live.line(&told(2, &[]))
                .ends_with("waiting for the last answers")
        );
    }

    #[test]
    fn a_run_that_ends_by_its_count_shows_no_bar() {
        let live = Live::new(Nanos::ZERO, None);
        assert_eq!(
            live.screen(&told(4, &[]), 80)[0],
            "5 s  generator 50 % busy"
        );
    }
}
