//! `locker ping`: whether the server answers, how fast, and who it is.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::exit::{Exit, code};
use super::output::{Format, Output, Table, span};
use super::server::Server;

const EXAMPLES: &str = "Examples:
  locker ping
  locker ping --server lock1:5625 -o json
  locker ping --server unix:/run/locker.sock

Exit code 0 if the server answers, 69 if not.";

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
    let sent = Instant::now();
    let server_now = client.ping()?;
    let round_trip = sent.elapsed();
    let server = client.server();
    let server = server.ok_or_else(|| Exit::new(code::UNREACHABLE, "the server did not greet"))?;
    let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
    let id: String = server
        .server_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut out = io::stdout().lock();
    if arguments.output.format == Format::Json {
        let value = json!({
            "round_trip_us": micros,
            "server_id": id,
            "run": server.run.to_string(),
            "uptime_us": server_now,
            "shards": server.shards,
            "admin": server.admin,
            "ephemeral": server.ephemeral,
            "grace_left_ms": u64::try_from(server.grace_left.as_millis()).unwrap_or(u64::MAX),
        });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    let mut table = Table::plain();
    let mut fact = |name: &str, value: String| table.row([name.to_owned(), value]);
    fact("round trip", format!("{micros}us"));
    fact("server", id);
    fact("run", server.run.to_string());
    fact("up for", span(Duration::from_micros(server_now)));
    fact("shards", server.shards.to_string());
    if !server.grace_left.is_zero() {
        fact(
            "keys closed",
            format!("for {}, after a restart", span(server.grace_left)),
        );
    }
    if server.ephemeral {
        fact("ephemeral", "no exclusion across a restart".to_owned());
    }
    table.print(&mut out)?;
    Ok(())
}
