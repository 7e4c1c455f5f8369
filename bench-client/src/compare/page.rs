//! The comparison as one page: bars of processor time with their spread, tables, targets. Pure.

use crate::report::html::chart::{Bar, BarChart, Caption, Group};
use crate::report::html::{Html, Page, Section, Table, Tone};
use crate::report::units;

use super::Facts;
use super::contestant::{Contestant, Peer};
use super::json::json;
use super::results::{Results, Row};
use super::shape::{Shape, Style};
use super::targets::{Standing, TARGETS, Target};
use super::text::{HANDOFF_HEADS, PAIR_HEADS, cells, figure, note, shards};

/// A bar longer than so many of locker's would make the others invisible: the table alone has it.
const LONGEST_BAR: f64 = 40.0;

/// The document.
#[must_use]
pub fn page(facts: &Facts, results: &Results) -> String {
    let mut page = Page::new("locker and its peers");
    page.subtitle = format!(
        "{} · {} rounds of {} ms · {} keys · servers on core {}, generator on core {}",
        units::utc(facts.began_unix),
        facts.rounds,
        facts.measured_ms,
        units::whole(facts.keys.into()),
        facts.cores.0,
        facts.cores.1,
    );
    let (dropped, invalid) = results.not_counted();
    page.verdict = Some(match (facts.interrupted, invalid) {
        (true, _) => (Tone::Careful, "ended before its time".to_owned()),
        (false, 0) => (Tone::Plain, format!("{} runs", results.samples.len())),
        (false, _) => (Tone::Careful, format!("{invalid} runs went wrong")),
    });
    for &shape in results.shapes() {
        key_figure(results, shape, &mut page);
    }
    for &shape in results.shapes() {
        page.sections.push(section(results, shape));
    }
    page.sections.push(targets(facts, results));
    page.sections
        .push(conditions(facts, results, dropped, invalid));
    page.render()
}

/// locker against Redis, where both were measured.
fn key_figure(results: &Results, shape: Shape, page: &mut Page) {
    let redis = Contestant::plain(Peer::Redis);
    if let Some(ratio) = results.cpu_ratio(shape, redis) {
        let value = format!("{:.1} x", ratio.median);
        let note = format!("{:.1} to {:.1}", ratio.least, ratio.most);
        page.figure(&format!("Redis' CPU / locker's, {shape}"), value, note);
    }
}

fn section(results: &Results, shape: Shape) -> Section {
    let intro = match shape.style {
        Style::TwoTrips => "The release is sent when the grant is there: two round trips a pair.",
        Style::OneWrite => "Acquire and release go in one write.",
        Style::Contended => {
            "All clients want one key. A hand-off lasts from one client's release to the next \
             one's grant; a baton is one frame that an echo server passes round."
        }
    };
    let section = Section::new(shape.to_string(), intro);
    section
        .with(chart(results, shape))
        .with(table(results, shape))
}

fn chart(results: &Results, shape: Shape) -> Html {
    let cost = |row: &Row| row.spread(|run| Some(run.cpu_per_pair()));
    let locker = results.row(shape, Contestant::plain(Peer::Locker));
    let longest = locker
        .and_then(cost)
        .map(|spread| LONGEST_BAR * spread.median);
    let is_baton =
        |contestant: Contestant| shape.style == Style::Contended && contestant.peer.is_echo();
    let mut left_out = Vec::new();
    let mut bars = Vec::new();
    for (contestant, row) in results.rows(shape) {
        let Some(spread) = cost(row).filter(|_| !is_baton(contestant)) else {
            continue;
        };
        if longest.is_some_and(|longest| spread.median > longest) {
            left_out.push(contestant.to_string());
            continue;
        }
        let ratio = results.cpu_ratio(shape, contestant);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{:.2} x", ratio.median));
        let bracket = if row.is_bracketed() {
            " (not counted)"
        } else {
            ""
        };
        bars.push(Bar {
            name: contestant.to_string(),
            value: spread.median,
            spread: Some((spread.least, spread.most)),
            colour: usize::from(contestant.peer.is_locker()),
            note: format!("{ratio}{bracket}"),
        });
    }
    let mut explained = "Shorter is better. Median over rounds, with the least and the most; the \
                         multiple is of locker's."
        .to_owned();
    if !left_out.is_empty() {
        explained += &format!(" Too long to draw: {}.", left_out.join(", "));
    }
    let what = match shape.style {
        Style::Contended => "Server CPU per grant",
        Style::TwoTrips | Style::OneWrite => "Server CPU per pair",
    };
    let group = Group {
        name: String::new(),
        bars,
    };
    let chart = BarChart {
        name: "cpu",
        caption: Caption::new(what, &explained),
        format: units::span,
        groups: vec![group],
        legend: Vec::new(),
    };
    chart.html()
}

fn table(results: &Results, shape: Shape) -> Html {
    let heads = match shape.style {
        Style::Contended => HANDOFF_HEADS,
        Style::TwoTrips | Style::OneWrite => PAIR_HEADS,
    };
    let mut table = Table::new(heads.into_iter().chain(["remarks"]));
    for (contestant, row) in results.rows(shape) {
        let line = cells(results, shape, contestant, row);
        let line = line.into_iter().chain([note(row)]);
        match row.is_bracketed() {
            true => table.toned(Tone::Careful, line),
            false => table.row(line),
        }
    }
    table.html()
}

fn targets(facts: &Facts, results: &Results) -> Section {
    let intro = "Goals of the project, not promises; judged by the median over rounds.";
    let mut table = Table::new(["target", "today"]);
    let of_these = |target: &&Target| target.is_asked(results);
    for target in TARGETS.iter().filter(of_these) {
        let (tone, today) = match target.standing(results, facts.keys) {
            Standing::Met(spread) => (Tone::Good, figure("met", spread)),
            Standing::Missed(spread) => (Tone::Bad, figure("missed", spread)),
            Standing::Open(why) => (Tone::Plain, format!("not judged: {why}")),
        };
        table.toned(tone, [target.sentence(facts.keys), today]);
    }
    Section::new("Targets", intro).with(table.html())
}

fn conditions(facts: &Facts, results: &Results, dropped: u32, invalid: u32) -> Section {
    let mut section = Section::new("How it was measured", "");
    let counted = format!(
        "{} runs; {dropped} pipelined ones dropped because the server had less than 90 % of its \
         core, {invalid} because something was lost or went wrong.",
        results.samples.len()
    );
    let host = &facts.host;
    let kind = if host.virtual_machine {
        ", a virtual machine"
    } else {
        ""
    };
    let machine = format!(
        "{}, {} processors{kind}, {} of memory, Linux {}.",
        host.cpu_model,
        host.cpus,
        units::bytes(host.memory_bytes),
        host.kernel
    );
    section = section
        .with(Html::paragraph(&counted))
        .with(Html::paragraph(&machine));
    if let Some(shards) = shards(facts, results) {
        section = section.with(Html::paragraph(shards.trim()));
    }
    for skipped in &results.skipped {
        let text = format!("Skipped {}: {}", skipped.peer.name(), skipped.why);
        section = section.with(Html::note(Tone::Careful, &text));
    }
    let commands = Html::lines(&facts.servers.join("\n"));
    section
        .with(Html::lines(&facts.command.join(" ")))
        .with(Html::folded("Command lines of the servers", &commands))
        .with(Html::data("compare", &json(facts, results)))
}
