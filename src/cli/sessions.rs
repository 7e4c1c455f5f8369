//! `locker sessions`: who is connected, or was a moment ago.

use std::io::{self, BufWriter, Write};

use clap::Args;
use locker_client::{OnDisconnect, SessionState, SessionView};
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::{Format, Output, Table, age, clean, millis, session, span};
use super::server::Server;

const EXAMPLES: &str = "Examples:
  locker sessions
  locker sessions -o json | jq '[.[] | select(.state == \"detached\")] | length'

A detached session has no connection and waits for its client to come back until its TTL passes.
Only on listeners for administrators.";

/// How to print.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Exit> {
    let client = arguments.server.inspect()?;
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.output.format {
        Format::Json => {
            let mut between = "[\n";
            for session in client.sessions() {
                write!(out, "{between}{}", to_json(&session?))?;
                between = ",\n";
            }
            writeln!(out, "{}", if between == ",\n" { "\n]" } else { "[]" })?;
        }
        Format::Table => {
            let mut table = Table::new(&[
                "SESSION", "NAME", "PEER", "STATE", "AGE", "SILENT", "TTL", "HOLDS", "RUNNING",
                "RESUMES", "SHARD",
            ]);
            for view in client.sessions() {
                let view = view?;
                table.row([
                    session(view.session_id),
                    clean(&view.name),
                    view.peer.to_string(),
                    state(view.state).to_owned(),
                    age(view.age),
                    span(view.silent),
                    span(view.ttl),
                    view.holds.to_string(),
                    view.running.to_string(),
                    view.attach.to_string(),
                    view.home.to_string(),
                ]);
            }
            table.print(&mut out)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn to_json(view: &SessionView) -> Value {
    let group = view.group.iter().any(|&byte| byte != 0).then(|| {
        view.group
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    json!({
        "session": session(view.session_id),
        "name": view.name,
        "peer": view.peer.to_string(),
        "state": state(view.state),
        "on_disconnect": match view.on_disconnect {
            OnDisconnect::Grace => "grace",
            OnDisconnect::Release => "release",
        },
        "age_s": view.age.as_secs(),
        "silent_ms": millis(view.silent),
        "ttl_ms": millis(view.ttl),
        "holds": view.holds,
        "running": view.running,
        "resumes": view.attach,
        "shard": view.home,
        "group": group,
    })
}

const fn state(state: SessionState) -> &'static str {
    match state {
        SessionState::Attached => "attached",
        SessionState::Detached => "detached",
        SessionState::Ending => "ending",
    }
}
