//! `--find-max`: trial after trial against the same server.

use super::conduct::{self, Conductor};
use super::error::RunError;
use super::exit;
use super::progress::Display;
use super::publish;
use super::search::{Bounds, Search, Trial, Verdict};
use super::setup::Setup;
use super::site::Site;
use crate::plan::{Pace, Plan};
use crate::report::facts::Ending;
use crate::report::model::Report;
use crate::report::slo::{Judged, Judgement, Outcome, Slo};
use crate::report::units;

/// A trial, reported and judged.
struct Tried {
    report: Report,
    judgement: Judgement,
    ending: Ending,
    trial: Trial,
}

/// Searches, tells each trial, and publishes the report of the best; gives the exit code.
///
/// # Errors
/// A trial could not be made, or a file not be written.
pub(super) fn run(
    setup: &Setup,
    slo: &Slo,
    conductor: &Conductor,
    site: &Site,
    (command, display): (&[String], &mut Display),
) -> Result<(Option<Report>, u8), RunError> {
    let Pace::Open { rate, .. } = setup.plan.pace else {
        unreachable!("the check of a search's flags gives it an open loop");
    };
    let mut search = Search::from(rate);
    let mut best: Option<Report> = None;
    while let Some(rate) = search.next() {
        let outcome = conductor.conduct(at_rate(&setup.plan, rate), display)?;
        let tried = judge(&outcome, rate, slo, site, command);
        display.clear();
        if tried.ending != Ending::Complete {
            let code = publish::code(&tried.report, &tried.ending, None);
            return Ok((Some(tried.report), code));
        }
        let verdict = search.tried(&tried.trial);
        publish::say(&line(&tried, verdict));
        if verdict == Verdict::Good {
            best = Some(tried.report);
        }
    }
    publish::say(&conclusion(&search, slo));
    let code = best.as_ref().map_or(exit::SLO_MISSED, |_| exit::OK);
    Ok((best, code))
}

/// The plan with another rate.
fn at_rate(plan: &Plan, rate: f64) -> Plan {
    let mut plan = plan.clone();
    if let Pace::Open { rate: asked, .. } = &mut plan.pace {
        *asked = rate;
    }
    plan
}

fn judge(
    outcome: &conduct::Outcome,
    rate: f64,
    slo: &Slo,
    site: &Site,
    command: &[String],
) -> Tried {
    let report = publish::report(outcome, site, command);
    let judgement = slo.judge(&report);
    let measures = &outcome.measures;
    let begun = measures.cycles + measures.dropped + measures.unanswered;
    let shares = outcome.threads.iter().map(|thread| {
        let measured = outcome.measured.0.max(1);
        thread.cpu.0 as f64 / measured as f64
    });
    let trial = Trial {
        rate,
        served: rate * measures.cycles as f64 / begun.max(1) as f64,
        bounds: bounds(&judgement),
        busy: shares.fold(0.0, f64::max),
    };
    Tried {
        report,
        judgement,
        ending: outcome.ending.clone(),
        trial,
    }
}

fn bounds(judgement: &Judgement) -> Bounds {
    let is_told = |judged: &Judged| !matches!(judged.outcome, Outcome::Unsupported { .. });
    if judgement.met() {
        Bounds::Held
    } else if judgement.valid
        && !judgement
            .bounds
            .iter()
            .any(|b| is_told(b) && b.outcome != Outcome::Met)
    {
        Bounds::Untold
    } else {
        Bounds::Missed
    }
}

fn line(tried: &Tried, verdict: Verdict) -> String {
    let Trial {
        rate, served, busy, ..
    } = tried.trial;
    let bounds: Vec<String> = (tried.judgement.bounds.iter())
        .map(|bound| bound.text())
        .collect();
    format!(
        "{:>10}/s  {:<18}  {:>6} served, generator {:.0} % busy; {}\n",
        units::digits(rate),
        verdict.text(),
        units::percent(served / rate),
        busy * 100.0,
        bounds.join("; "),
    )
}

fn conclusion(search: &Search, slo: &Slo) -> String {
    let Some(best) = search.best() else {
        return format!(
            "no rate was seen to meet {slo}; where samples were too few to tell, give -d more \
             time\n"
        );
    };
    let limit = match search.limit() {
        Some(Verdict::GeneratorBusy) => {
            "; the generator was the limit, the server may do more: use more -t, or another machine"
        }
        Some(Verdict::NotServed) => "; above it, not all cycles asked for are served",
        Some(Verdict::Missed) => "; above it, bounds are missed",
        Some(Verdict::Good | Verdict::Untold) | None => "; nothing above it was tried",
    };
    format!("highest rate: {best:.1} cycles per second that meet {slo}{limit}\n\n")
}
