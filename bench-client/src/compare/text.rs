//! The comparison as a table for terminals. Pure.

use std::fmt::Write as _;

use crate::measure::Counters;
use crate::report::grid::Grid;
use crate::report::units;

use super::Facts;
use super::contestant::{Contestant, Peer};
use super::results::{Results, Row};
use super::sample::{CORE_SHARE_MIN, Sample};
use super::shape::{Shape, Style};
use super::spread::Spread;
use super::targets::{Standing, TARGETS, fairness};

/// Heads of the columns of pairs.
pub const PAIR_HEADS: [&str; 8] = [
    "",
    "pairs/s",
    "CPU/pair",
    "core",
    "p50",
    "p99",
    "CPU: x locker",
    "rate: locker x",
];
/// Heads of the columns where one key is wanted by all.
pub const HANDOFF_HEADS: [&str; 8] = [
    "",
    "grants/s",
    "CPU/grant",
    "core",
    "hand-off p50",
    "p99",
    "CPU: x locker",
    "most/fewest",
];

/// The table, its legend, the targets, and what was not counted.
#[must_use]
pub fn text(facts: &Facts, results: &Results) -> String {
    let mut out = String::new();
    for shape in results.shapes() {
        shape_table(results, *shape, &mut out);
    }
    out.push_str(LEGEND);
    out.extend(shards(facts, results));
    targets(results, facts.keys, &mut out);
    let (dropped, invalid) = results.not_counted();
    let share = units::percent(CORE_SHARE_MIN);
    writeln!(
        out,
        "\nnot counted: {dropped} pipelined runs whose server had less than {share} of its core, \
         {invalid} runs in which something was lost or went wrong"
    )
    .expect("a string takes it");
    for skipped in &results.skipped {
        writeln!(out, "SKIPPED {}: {}", skipped.peer.name(), skipped.why)
            .expect("a string takes it");
    }
    out
}

const LEGEND: &str = "
CPU is the server's processor time, all its processes: the figure that decides. Figures are medians
over rounds; ratios are taken within a round, their least and most stand in brackets.
  CPU: x locker    the peer's CPU per pair as a multiple of locker's: above 1, locker is cheaper
  rate: locker x   locker's rate as a multiple of the peer's: above 1, locker is faster
  core             share of a core that the server took
  (figure)         no run counts: the server had less than its core; do not quote it
  gen              the generator's core was over 90 % busy: quote CPU only, not the rate
  refused          share of requests refused for want of room; CPU is per pair that was granted
  lanes, wakes     messages between shards, and shards woken, per request
";

/// Where the peers of several shards ran, if there are any.
#[must_use]
pub fn shards(facts: &Facts, results: &Results) -> Option<String> {
    let mut samples = results.samples.iter();
    if !samples.any(|sample| sample.contestant.peer.is_sharded()) {
        return None;
    }
    let (shards, cores) = &facts.shards;
    let shared = match cores.contains(&facts.cores.1) {
        true => ", of which one is the generator's: only the CPU may be quoted",
        false => "",
    };
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    let cores = cores.join(",");
    Some(format!(
        "  locker-shards and locker-aware: {shards} shards on core {cores}{shared}\n"
    ))
}

fn shape_table(results: &Results, shape: Shape, out: &mut String) {
    let heads = match shape.style {
        Style::Contended => HANDOFF_HEADS,
        Style::TwoTrips | Style::OneWrite => PAIR_HEADS,
    };
    let mut heads = heads.map(str::to_owned);
    heads[0] = shape.to_string();
    let mut grid = Grid::new(heads);
    let mut notes = vec![String::new()];
    for (contestant, row) in results.rows(shape) {
        grid.row(cells(results, shape, contestant, row));
        notes.push(note(row));
    }
    for (line, note) in grid.text().lines().zip(&notes) {
        let line = format!("{line}  {note}");
        writeln!(out, "{}", line.trim_end()).expect("a string takes it");
    }
    out.push('\n');
}

/// A row's cells, in the order of the heads.
#[must_use]
pub fn cells(results: &Results, shape: Shape, contestant: Contestant, row: &Row) -> [String; 8] {
    let is_contended = shape.style == Style::Contended;
    let spread = |figure: fn(&Sample) -> Option<f64>| row.spread(figure);
    let bracketed = |text: String| match row.is_bracketed() && text != "-" {
        true => format!("({text})"),
        false => text,
    };
    let shown = |spread: Option<Spread>, format: fn(f64) -> String| {
        bracketed(spread.map_or_else(|| "-".to_owned(), |spread| format(spread.median)))
    };
    let time: fn(&Sample) -> Option<(f64, f64)> = match is_contended && !contestant.peer.is_echo() {
        true => |run| run.handoff.map(|span| (span.p50, span.p99)),
        false => |run| run.latency.map(|span| (span.p50, span.p99)),
    };
    let p50 = row.spread(|run| time(run).map(|span| span.0));
    let p99 = row.spread(|run| time(run).map(|span| span.1));
    // A baton is one frame: neither its cost nor its rate is a grant's.
    let is_baton = is_contended && contestant.peer.is_echo();
    let by_cpu = match is_baton {
        true => None,
        false => results.cpu_ratio(shape, contestant),
    };
    let last = match is_contended {
        true => shown(spread(fairness), units::digits),
        false => ratio(contestant, results.rate_ratio(shape, contestant)),
    };
    [
        name(shape, contestant),
        shown(spread(|run| Some(run.rate())), units::short),
        shown(spread(|run| Some(run.cpu_per_pair())), units::span),
        shown(spread(|run| Some(run.core_share())), units::percent),
        shown(p50, units::span),
        shown(p99, units::span),
        ratio(contestant, by_cpu),
        last,
    ]
}

/// A contestant's name in a shape.
#[must_use]
pub fn name(shape: Shape, contestant: Contestant) -> String {
    match shape.style == Style::Contended && contestant.peer.is_echo() {
        true => format!("{contestant}, baton"),
        false => contestant.to_string(),
    }
}

/// A ratio to locker with its spread; locker itself has none.
#[must_use]
pub fn ratio(contestant: Contestant, spread: Option<Spread>) -> String {
    match spread {
        _ if contestant == Contestant::plain(Peer::Locker) => "1".to_owned(),
        None => "-".to_owned(),
        Some(spread) => format!("{:.2} {}", spread.median, between(spread)),
    }
}

/// The least and the most of a spread.
#[must_use]
pub fn between(spread: Spread) -> String {
    format!("[{:.2}..{:.2}]", spread.least, spread.most)
}

/// What is to be known about a row besides its figures.
#[must_use]
pub fn note(row: &Row) -> String {
    let mut notes = Vec::new();
    let bound = row.generator_bound();
    if bound > 0 {
        notes.push(format!("gen {bound}x"));
    }
    if let Some(share) = row.refused_share() {
        notes.push(format!("refused {}", units::percent(share)));
    }
    notes.extend(crossing(row));
    if row.dropped > 0 {
        notes.push(format!("dropped {}x", row.dropped));
    }
    if let Some(trouble) = &row.trouble {
        notes.push(format!("invalid {}x: {trouble}", row.invalid));
    }
    notes.join(", ")
}

/// What went from shard to shard, of rows with several shards.
fn crossing(row: &Row) -> Option<String> {
    let mut runs = row.shown();
    if !runs.any(|run| run.contestant.peer.is_sharded()) {
        return None;
    }
    let of = |figure: fn(&Counters) -> f64| row.spread(|run| run.counted.as_ref().map(figure));
    let lanes = of(Counters::messages_per_request)?.median;
    let wakes = of(Counters::wakes_per_request)?.median;
    let turn = of(Counters::requests_per_turn)?.median;
    Some(format!(
        "lanes {lanes:.3}, wakes {wakes:.4} per request, {turn:.1} requests a turn"
    ))
}

fn targets(results: &Results, keys: u32, out: &mut String) {
    let of_these = TARGETS.iter().filter(|target| target.is_asked(results));
    for (index, target) in of_these.enumerate() {
        if index == 0 {
            out.push_str("\ntargets of the project (goals, judged by the median):\n");
        }
        let line = match target.standing(results, keys) {
            Standing::Met(spread) => figure("met", spread),
            Standing::Missed(spread) => figure("MISSED", spread),
            Standing::Open(why) => format!("not judged: {why}"),
        };
        writeln!(out, "  target {}: {line}", target.sentence(keys)).expect("a string takes it");
    }
}

/// A verdict with its figure.
#[must_use]
pub fn figure(verdict: &str, spread: Spread) -> String {
    format!("{verdict}, {:.2} {}", spread.median, between(spread))
}
