//! `locker release --force`: takes a lock away from whoever holds it.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use locker_client::{Error, ForceDelay, Forced};
use locker_protocol::escape_key;
use serde_json::json;

use super::exit::{Exit, code, complain};
use super::output::{Format, Output, millis, span};
use super::server::{Server, parse_key};
use std::time::Duration;

const EXAMPLES: &str = r#"Examples:
  locker get deploy                                             who is it, and which token?
  locker release --force deploy --token 123 --reason "host down since noon, ticket 4711"

The holder is told, and nobody else is granted the lock before the holder's own clock must have told
it, too: for its TTL and a little more. --now skips that, and is safe only if the holder is known to
be dead: a holder that is merely out of contact goes on for a while. The server logs who and why.
Only on listeners for administrators. Exit code 1 if there is no such hold."#;

/// Which hold to end, and why.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The lock's name; \\ stands for a backslash and \xNN for any byte
    name: OsString,
    /// Say that you mean it: a lock is released by its holder
    #[arg(long, required = true)]
    force: bool,
    /// Only the hold with this token; without it every hold of the lock
    #[arg(long, value_name = "T")]
    token: Option<u64>,
    /// Let the next one have it at once
    #[arg(long)]
    now: bool,
    /// Why, for the server's log; at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Exit> {
    let key = parse_key(&arguments.name).map_err(|error| Exit::new(code::USAGE, error))?;
    let delay = if arguments.now {
        complain(format_args!(
            "--now: the next holder may run beside this one if this one is still alive"
        ));
        ForceDelay::For(Duration::ZERO)
    } else {
        ForceDelay::HolderTtl
    };
    let client = arguments.server.builder().connect()?;
    let forced = client.force_release(&key, arguments.token, delay, &arguments.reason);
    let forced = match forced {
        Err(Error::NotHeld) | Ok(Forced { ended: 0, .. }) => {
            return Err(Exit::new(code::CONFLICT, "there is no such hold"));
        }
        other => other?,
    };
    print(&key, forced, arguments.output.format)?;
    // The server ends the session by itself if it does not hear this.
    let _ = client.close();
    Ok(())
}

fn print(key: &[u8], forced: Forced, format: Format) -> io::Result<()> {
    let key = escape_key(key);
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            let value = json!({
                "key": key.to_string(),
                "ended": forced.ended,
                "closed_ms": millis(forced.closed),
            });
            writeln!(out, "{value}")
        }
        Format::Table if forced.closed.is_zero() => {
            writeln!(out, "{key}: {} ended, open at once", holds(forced.ended))
        }
        Format::Table => {
            let closed = span(forced.closed);
            writeln!(
                out,
                "{key}: {} ended, closed for {closed}",
                holds(forced.ended)
            )
        }
    }
}

fn holds(count: u32) -> String {
    if count == 1 {
        "1 hold".to_owned()
    } else {
        format!("{count} holds")
    }
}
