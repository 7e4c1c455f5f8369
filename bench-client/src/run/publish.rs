//! What a run leaves behind: the report on stdout, the files, and the exit code.

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use super::conduct::Outcome;
use super::error::RunError;
use super::exit;
use super::site::Site;
use crate::report::facts::{Ending, RunFacts, ServerFacts};
use crate::report::model::{Report, Verdict};
use crate::report::slo::Judgement;
use crate::report::{csv, hgrm, html, json, text};

/// The report of an outcome.
pub(super) fn report(outcome: &Outcome, site: &Site, command: &[String]) -> Report {
    let server = outcome.server_cpu.zip(site.pid());
    let server = server.map(|((cpu, cpu_system), pid)| ServerFacts {
        pid,
        cpu,
        cpu_system,
        cores: site.server_cores().to_vec(),
        resident_bytes: site.resident_bytes(),
        spawned: site.server_command().map(<[String]>::to_vec),
    });
    let target = site.address().to_string();
    Report::of(&RunFacts {
        plan: &outcome.plan,
        command,
        target: &target,
        began_unix: outcome.began_unix,
        measured: outcome.measured,
        warmup: outcome.plan.warmup,
        measures: &outcome.measures,
        handoff: &outcome.handoff,
        checks: outcome.checks,
        server,
        threads: outcome.threads.clone(),
        host: site.host(),
        ending: outcome.ending.clone(),
    })
}

/// Prints the report and writes the files: JSON, CSV, HGRM, HTML.
///
/// # Errors
/// A file that could be written before the run cannot any more.
pub(super) fn publish(report: &Report, files: &[Option<&Path>; 4]) -> Result<(), RunError> {
    say(&text::write(report));
    let writers: [fn(&Report) -> String; 4] = [json::write, csv::write, hgrm::write, html::write];
    for (file, writer) in files.iter().zip(writers) {
        let Some(path) = file else { continue };
        fs::write(path, writer(report)).map_err(|error| RunError::Write {
            path: path.display().to_string(),
            error,
        })?;
    }
    Ok(())
}

/// Prints to stdout; whoever closed it does not want it.
pub(super) fn say(text: &str) {
    let mut stdout = stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    drop(written.and_then(|()| stdout.flush()));
}

/// Prints what became of the bounds.
pub(super) fn say_judgement(judgement: &Judgement) {
    let mut lines: Vec<String> = judgement.bounds.iter().map(|bound| bound.text()).collect();
    if !judgement.valid {
        lines.push("the figures mean nothing, so no bound counts as met".to_owned());
    }
    say(&format!("\n{}\n", lines.join("\n")));
}

/// The exit code of a report, and of the bounds that it was judged by.
pub(super) fn code(report: &Report, ending: &Ending, judgement: Option<&Judgement>) -> u8 {
    match (ending, report.verdict) {
        (Ending::Violation(_), _) | (_, Verdict::Violation) => exit::VIOLATION,
        (Ending::ServerGone(_), _) => exit::INVALID,
        (Ending::Interrupted, _) => exit::INTERRUPTED,
        (Ending::Complete, Verdict::Invalid | Verdict::Partial) => exit::INVALID,
        (Ending::Complete, Verdict::Sound | Verdict::Flagged) => match judgement {
            Some(judgement) if !judgement.met() => exit::SLO_MISSED,
            _ => exit::OK,
        },
    }
}
