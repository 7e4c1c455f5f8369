//! The report for people at a terminal.
//!
//! Order: what was run, what was reached, latencies, hand-off, fairness, errors, costs, the safety
//! check; warnings last, where the eye ends up.

use std::fmt::Write as _;

use super::grid::{Grid, labelled, wrapped};
use super::model::{
    Configuration, Distribution, Errors, Fairness, Generator, How, Report, Server, Shard, Verdict,
    Weight,
};
use super::units::{bytes, counted, digits, percent, span, utc, whole};

/// Columns of the table of latencies.
pub const HEAD: [&str; 9] = [
    "latency", "samples", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max",
];

/// The report as text, each line ended.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut out = head(report);
    out.push('\n');
    out.push_str(&rates(report));
    out.push('\n');
    out.push_str(&latencies(report));
    out.push_str(&findings(report));
    if !report.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &report.warnings {
        out.push_str(&labelled(weight(warning.weight), &warning.text));
    }
    if report.ending.how == How::Violation {
        write!(out, "\n{}\n", report.ending.what.trim_end()).expect("a string takes it");
    }
    out
}

fn head(report: &Report) -> String {
    let first = format!(
        "{}, {}: {}",
        report.program,
        utc(report.began_unix),
        verdict(report)
    );
    let mut out = format!("{first}\n\n");
    let configuration = &report.configuration;
    // Broken so that a shell takes it as it stands here.
    let words = report.command.iter().map(|word| quoted(word));
    out.push_str(&labelled("load", &load(configuration)));
    out.push_str(&labelled("", &clients(configuration)));
    out.push_str(&labelled("server", &server_name(report)));
    if report.shards.len() > 1 {
        out.push_str(&labelled("", &shards(&report.shards)));
    }
    out.push_str(&wrapped("repeat", words, " \\"));
    out
}

/// What the run is worth, in a few words.
#[must_use]
pub fn verdict(report: &Report) -> String {
    let text = match (report.verdict, report.ending.how) {
        (Verdict::Violation, _) => "VIOLATION: the server broke a promise of locks".to_owned(),
        (Verdict::Invalid, _) => "INVALID: nothing in it may be quoted".to_owned(),
        (Verdict::Partial, How::ServerGone) => {
            format!("partial: the server went away ({})", report.ending.what)
        }
        (Verdict::Partial, _) => "partial: interrupted".to_owned(),
        (Verdict::Flagged, _) => "flagged, see the warnings".to_owned(),
        (Verdict::Sound, _) => "sound".to_owned(),
    };
    text.replace('\n', " ")
}

/// What clients do, in a line.
#[must_use]
pub fn load(configuration: &Configuration) -> String {
    let lease = match configuration.lease_ms {
        0 => "as long as the session".to_owned(),
        ms => span(f64::from(ms) * 1e6),
    };
    let wait = match configuration.wait_ms {
        None => "as long as the session".to_owned(),
        Some(0) => "none (try)".to_owned(),
        Some(ms) => span(f64::from(ms) * 1e6),
    };
    let mut text = format!(
        "{} on {} keys of {} bytes ({}), hold {}, lease {lease}, wait {wait}, {}",
        configuration.mode,
        whole(configuration.keys.into()),
        configuration.key_bytes,
        configuration.key_dist,
        configuration.hold,
        configuration.pair
    );
    if configuration.shard_aware {
        text.push_str(", shard-aware");
    }
    if configuration.held > 0 {
        let held = whole(configuration.held.into());
        write!(text, "; {held} other locks held").expect("a string takes it");
    }
    text
}

/// How many clients there are and what sets their pace, in a line.
#[must_use]
pub fn clients(configuration: &Configuration) -> String {
    let pace = match (configuration.rate, &configuration.arrivals) {
        (Some(rate), Some(arrivals)) => {
            let ramp = configuration.ramp_s.filter(|ramp| *ramp > 0.0);
            let ramp = ramp.map_or(String::new(), |s| {
                format!(" after a ramp of {}", span(s * 1e9))
            });
            format!("open loop, {} cycles/s {arrivals}{ramp}", digits(rate))
        }
        _ => "closed loop".to_owned(),
    };
    format!(
        "{pace}; {} x {} = {}, {}, seed {}",
        counted(configuration.connections.into(), "connection"),
        configuration.inflight,
        counted(configuration.clients.into(), "client"),
        counted(configuration.threads.into(), "thread"),
        configuration.seed
    )
}

/// Where the server is, in a line.
#[must_use]
pub fn server_name(report: &Report) -> String {
    let mut text = report.target.clone();
    if let Some(server) = &report.server {
        write!(text, ", pid {}", server.pid).expect("a string takes it");
        if !server.cores.is_empty() {
            write!(text, ", {}", cores(&server.cores)).expect("a string takes it");
        }
        if let Some(spawned) = &server.spawned {
            write!(text, ": {}", command(spawned)).expect("a string takes it");
        }
    }
    text
}

/// How the connections lie on the shards, in a line.
#[must_use]
pub fn shards(shards: &[Shard]) -> String {
    let each = |shard: &Shard| format!("shard {}: {}", shard.shard, shard.connections);
    let each: Vec<_> = shards.iter().map(each).collect();
    format!("connections on {}", each.join(", "))
}

fn cores(cores: &[usize]) -> String {
    let name = if cores.len() == 1 { "core" } else { "cores" };
    let numbers: Vec<_> = cores.iter().map(usize::to_string).collect();
    format!("{name} {}", numbers.join(","))
}

/// A command line as a shell takes it.
#[must_use]
pub fn command(words: &[String]) -> String {
    words
        .iter()
        .map(|word| quoted(word))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let safe = |letter: char| letter.is_alphanumeric() || "-_=+.,:/@%^".contains(letter);
    match !word.is_empty() && word.chars().all(safe) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn rates(report: &Report) -> String {
    let rates = &report.rates;
    let warmup = match rates.warmup_s {
        s if s > 0.0 => format!(" after {} of warm-up", span(s * 1e9)),
        _ => String::new(),
    };
    let requests = format!(
        "{}/s ({} in {}{warmup})",
        digits(rates.requests_per_s),
        whole(rates.answered),
        span(rates.measured_s * 1e9)
    );
    let asked = rates
        .asked_per_s
        .map_or(String::new(), |rate| format!(", of {} asked", digits(rate)));
    let cycles = format!(
        "{}/s ({}{asked})",
        digits(rates.cycles_per_s),
        whole(rates.cycles)
    );
    labelled("requests", &requests) + &labelled("cycles", &cycles)
}

fn latencies(report: &Report) -> String {
    let mut grid = Grid::new(HEAD);
    for latency in &report.latencies {
        let other = latency
            .sent
            .as_ref()
            .filter(|sent| sent.differs_from(&latency.intended));
        match other {
            None => grid.row(figures(&latency.kind, &latency.intended)),
            Some(sent) => {
                grid.row(figures(
                    &format!("{} intended", latency.kind),
                    &latency.intended,
                ));
                grid.row(figures(&format!("{} sent", latency.kind), sent));
            }
        }
    }
    if let Some(handoff) = &report.handoff {
        grid.row(figures("hand-off", handoff));
    }
    if let Some(lag) = &report.lag {
        grid.row(figures("schedule lag", lag));
    }
    if grid.is_empty() {
        String::new()
    } else {
        grid.text() + "\n"
    }
}

/// A row of the table of latencies.
#[must_use]
pub fn figures(name: &str, distribution: &Distribution) -> Vec<String> {
    let mut row = vec![
        name.to_owned(),
        whole(distribution.count),
        span(distribution.mean_ns),
    ];
    row.extend(
        distribution
            .told()
            .map(|ns| ns.map_or("-".into(), |ns| span(ns as f64))),
    );
    row.push(span(distribution.max_ns as f64));
    row
}

fn findings(report: &Report) -> String {
    let mut out = String::new();
    if let Some(told) = &report.fairness {
        out.push_str(&labelled("fairness", &fairness(told)));
    }
    out.push_str(&labelled("errors", &errors(&report.errors)));
    if let Some(told) = &report.server {
        out.push_str(&labelled("server", &server(told)));
    }
    out.push_str(&labelled("generator", &generator(&report.generator)));
    out.push_str(&labelled("check", &check(report)));
    out
}

/// Grants per client, in a sentence.
#[must_use]
pub fn fairness(fairness: &Fairness) -> String {
    let ratio = match fairness.ratio {
        Some(ratio) => format!("most/fewest {ratio:.3}"),
        None => "some got none".to_owned(),
    };
    format!(
        "{} to {} grants per client (median {}) of {}; {ratio}, Jain's index {:.4}; \
         longest wait {}",
        whole(fairness.grants_min),
        whole(fairness.grants_max),
        whole(fairness.grants_median),
        whole(fairness.clients),
        fairness.jain,
        span(fairness.longest_wait_ns as f64)
    )
}

/// What did not go well, in a line.
#[must_use]
pub fn errors(errors: &Errors) -> String {
    let refused = errors.refused.iter();
    let refused = refused.map(|one| format!("{} {} ({})", whole(one.count), one.name, one.code));
    let others = [
        (errors.unanswered, "unanswered request"),
        (errors.dropped, "dropped cycle"),
        (errors.broken, "broken connection"),
        (errors.reconnects, "reconnect"),
        (errors.lost, "lost hold"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, what)| counted(count, what));
    let all: Vec<_> = refused.chain(others).collect();
    if all.is_empty() {
        return "none".into();
    }
    let shares = format!(
        "errors {}, outcomes {}",
        percent(errors.error_share),
        percent(errors.outcome_share)
    );
    format!("{}; {shares}", all.join(", "))
}

/// The server's cost, in a line.
#[must_use]
pub fn server(server: &Server) -> String {
    let mut text = match server.cpu_us_per_request {
        Some(us) => format!("CPU {} per request, ", span(us * 1e3)),
        None => String::new(),
    };
    write!(text, "{} cores used", digits(server.cores_used)).expect("a string takes it");
    if let Some(busy) = server.busy_share {
        write!(text, " ({} of its own)", percent(busy)).expect("a string takes it");
    }
    if let Some(system) = server.system_share {
        write!(text, ", {} of it in the kernel", percent(system)).expect("a string takes it");
    }
    write!(text, "; {} resident", bytes(server.resident_bytes)).expect("a string takes it");
    text
}

/// The generator's cost, in a line.
#[must_use]
pub fn generator(generator: &Generator) -> String {
    let threads = generator.threads.iter().map(|thread| match thread.core {
        Some(core) => format!("{} on core {core}", percent(thread.busy_share)),
        None => percent(thread.busy_share),
    });
    let busy = format!("threads busy {}", threads.collect::<Vec<_>>().join(", "));
    match generator.cpu_us_per_request {
        Some(us) => format!("CPU {} per request; {busy}", span(us * 1e3)),
        None => busy,
    }
}

/// What the safety check did, in a line.
#[must_use]
pub fn check(report: &Report) -> String {
    let checks = report.checks;
    if !checks.on {
        return "off: nothing is known about safety".into();
    }
    let found = match report.ending.how {
        How::Violation => "A VIOLATION",
        _ => "no violation",
    };
    let silence = match report.errors.reconnects {
        0 => String::new(),
        _ => format!(
            "; {} the longest without a grant",
            span(checks.silence_ns as f64)
        ),
    };
    format!(
        "{found} in {} grants, {} tokens and {} orders compared{silence}",
        whole(checks.grants),
        whole(checks.tokens),
        whole(checks.orders)
    )
}

/// What a warning is called.
#[must_use]
pub const fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Note => "note",
        Weight::Caution => "WARNING",
        Weight::Invalid => "INVALID",
    }
}
