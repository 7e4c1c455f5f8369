//! The page of a run.

mod latency;
mod share;
mod time;

use super::markup::{Html, Tone};
use super::page::{Page, Section};
use super::table::Table;
use crate::report::model::{How, Report, Verdict, Weight};
use crate::report::units::{digits, short, span, utc, whole};
use crate::report::{json, text};

/// The page of a run as the text of a file.
#[must_use]
pub fn write(report: &Report) -> String {
    page(report).render()
}

/// The page of a run.
#[must_use]
pub fn page(report: &Report) -> Page {
    let configuration = &report.configuration;
    let mut page = Page::new(format!(
        "{}: {} clients on {} keys",
        configuration.mode,
        whole(configuration.clients.into()),
        whole(configuration.keys.into())
    ));
    page.subtitle = format!(
        "{} against {}, {}, {} measured",
        report.program,
        report.target,
        utc(report.began_unix),
        span(report.rates.measured_s * 1e9)
    );
    page.verdict = Some(verdict(report));
    key_figures(report, &mut page);
    let sections = [
        warnings(report),
        latency::section(report),
        time::section(report),
        latency::handoff(report),
        share::section(report),
        Some(costs(report)),
        Some(setting(report)),
    ];
    page.sections.extend(sections.into_iter().flatten());
    page
}

fn verdict(report: &Report) -> (Tone, String) {
    let (tone, text) = match report.verdict {
        Verdict::Sound => (Tone::Good, "Sound"),
        Verdict::Flagged => (Tone::Careful, "Flagged"),
        Verdict::Partial => (Tone::Careful, "Partial"),
        Verdict::Invalid => (Tone::Bad, "Invalid"),
        Verdict::Violation => (Tone::Bad, "Violation"),
    };
    (tone, text.into())
}

fn key_figures(report: &Report, page: &mut Page) {
    let rates = &report.rates;
    let asked = rates
        .asked_per_s
        .map(|rate| format!("of {} asked for", short(rate)));
    let total = format!("{} in all", short(rates.cycles as f64));
    let requests = format!("{} in all", short(rates.answered as f64));
    page.figure("Requests per second", short(rates.requests_per_s), requests);
    page.figure(
        "Cycles per second",
        short(rates.cycles_per_s),
        asked.unwrap_or(total),
    );
    if let Some(main) = report.latency(&report.main_kind) {
        let told = |ns: Option<u64>| ns.map_or("-".into(), |ns| span(ns as f64));
        let kind = &report.main_kind;
        let mean = format!("mean {}", span(main.intended.mean_ns));
        let max = format!("max {}", span(main.intended.max_ns as f64));
        page.figure(&format!("{kind} p50"), told(main.intended.p50_ns), mean);
        page.figure(&format!("{kind} p99"), told(main.intended.p99_ns), max);
    }
    if let Some(server) = &report.server {
        let cpu = server
            .cpu_us_per_request
            .map_or("-".into(), |us| span(us * 1e3));
        let cores = format!("{} cores used", digits(server.cores_used));
        page.figure("Server CPU / request", cpu, cores);
    }
    let (value, note) = match (report.checks.on, report.ending.how) {
        (false, _) => ("off".to_owned(), "nothing is known".to_owned()),
        (true, How::Violation) => ("violation".into(), "see its history".into()),
        (true, _) => (
            "no violation".into(),
            format!("in {} grants", short(report.checks.grants as f64)),
        ),
    };
    page.figure("Safety check", value, note);
}

fn warnings(report: &Report) -> Option<Section> {
    let mut section = Section::new("Before you quote it", "");
    let ending = &report.ending;
    match ending.how {
        How::Complete => {}
        How::Interrupted => {
            let text = "Interrupted: the figures are of the part before.";
            section.body.push(Html::note(Tone::Careful, text));
        }
        How::ServerGone => {
            let text = format!("The server went away: {}", ending.what);
            section.body.push(Html::note(Tone::Careful, &text));
        }
        How::Violation => {
            let text = "The server broke a promise of locks. This is the key's history:";
            section.body.push(Html::note(Tone::Bad, text));
            section.body.push(Html::lines(&ending.what));
        }
    }
    for warning in &report.warnings {
        let tone = match warning.weight {
            Weight::Note => Tone::Plain,
            Weight::Caution => Tone::Careful,
            Weight::Invalid => Tone::Bad,
        };
        section
            .body
            .push(Html::note(tone, &sentence(&warning.text)));
    }
    (!section.body.is_empty()).then_some(section)
}

/// A remark as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .chain(['.'])
        .collect()
}

fn costs(report: &Report) -> Section {
    let mut entries = vec![("Errors", text::errors(&report.errors))];
    if let Some(server) = &report.server {
        entries.push(("Server", text::server(server)));
    }
    entries.push(("Generator", text::generator(&report.generator)));
    entries.push(("Safety check", text::check(report)));
    Section::new("Errors and costs", "").with(Html::definitions(&entries))
}

/// What it takes to run it again: configuration, machine, command; and the figures for programs.
fn setting(report: &Report) -> Section {
    let machine = &report.machine;
    let mut entries = vec![
        ("Processor", machine.cpu_model.clone()),
        ("Processors", machine.cpus.to_string()),
        ("Memory", crate::report::units::bytes(machine.memory_bytes)),
        ("Kernel", machine.kernel.clone()),
        (
            "Virtual machine",
            if machine.virtual_machine {
                "yes"
            } else {
                "not known to be"
            }
            .into(),
        ),
    ];
    if let Some(governor) = &machine.governor {
        entries.push(("Governor", governor.clone()));
    }
    let mut table = Table::new(["setting", "value"]);
    for (key, value) in report.configuration.entries() {
        table.row([key, value]);
    }
    let intro = "All figures of this page, with every bucket of every histogram, are in it as \
                 JSON: the script element with the id \"report\".";
    Section::new("What was run", intro)
        .with(Html::definitions(&[
            ("Load", text::load(&report.configuration)),
            ("Pace", text::clients(&report.configuration)),
            ("Server", text::server_name(report)),
        ]))
        .with(Html::definitions(&entries))
        .with(Html::paragraph("To repeat it:"))
        .with(Html::lines(&text::command(&report.command)))
        .with(Html::folded("Configuration, key by key", &table.html()))
        .with(Html::data("report", &json::write(report)))
}

#[cfg(test)]
mod tests;
