//! `locker list`: the locks that are held or waited for.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};

use clap::Args;
use locker_client::LockView;
use locker_protocol::escape_key;
use serde_json::{Value, json};

use super::exit::{Exit, code};
use super::output::{Format, Output, Table, mode};
use super::server::{Server, parse_prefix};

const EXAMPLES: &str = "Examples:
  locker list
  locker list invoices/ -o json | jq -r '.[] | select(.waiters > 10) | .key'

The server is asked page by page: a lock that comes or goes meanwhile may be missing, and one that
stays may be told twice. There is no order. Only on listeners for administrators.";

/// Which locks, and how to print.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only locks whose name begins with this
    #[arg(default_value = "", hide_default_value = true)]
    prefix: OsString,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Exit> {
    let prefix = parse_prefix(&arguments.prefix).map_err(|error| Exit::new(code::USAGE, error))?;
    let client = arguments.server.inspect()?;
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.output.format {
        Format::Json => {
            let mut between = "[\n";
            for lock in client.list(&prefix) {
                write!(out, "{between}{}", to_json(&lock?))?;
                between = ",\n";
            }
            writeln!(out, "{}", if between == ",\n" { "\n]" } else { "[]" })?;
        }
        Format::Table => {
            let mut table = Table::new(&["KEY", "MODE", "HOLDERS", "WAITERS", ""]);
            for lock in client.list(&prefix) {
                let lock = lock?;
                table.row([
                    escape_key(&lock.key).to_string(),
                    mode(lock.mode).to_owned(),
                    lock.holders.to_string(),
                    lock.waiters.to_string(),
                    closed(&lock).to_owned(),
                ]);
            }
            table.print(&mut out)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn to_json(lock: &LockView) -> Value {
    json!({
        "key": escape_key(&lock.key).to_string(),
        "mode": mode(lock.mode),
        "holders": lock.holders,
        "waiters": lock.waiters,
        "closed": lock.closed,
        "grace_window": lock.grace,
    })
}

/// Why nobody is granted the lock, if that is so.
const fn closed(lock: &LockView) -> &'static str {
    match (lock.closed, lock.grace) {
        (true, _) => "closed",
        (false, true) => "grace window",
        (false, false) => "",
    }
}
