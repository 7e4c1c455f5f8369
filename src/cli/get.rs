//! `locker get`: who holds a lock, since when, and who waits.

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use locker_client::{HolderView, KeyView, WaiterView};
use locker_protocol::escape_key;
use serde_json::{Value, json};

use super::exit::{Exit, code};
use super::output::{Format, Output, Table, age, clean, limited_span, millis, mode, session, span};
use super::server::{Server, parse_key};

const EXAMPLES: &str = r"Examples:
  locker get deploy
  locker get deploy -o json | jq '.holders[0].name'

The first 16 holders and the first 8 waiters are shown. Exit code 0 whether it is held or not.";

/// Which lock, and how to print.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The lock's name; \\ stands for a backslash and \xNN for any byte
    name: OsString,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Exit> {
    let key = parse_key(&arguments.name).map_err(|error| Exit::new(code::USAGE, error))?;
    let client = arguments.server.inspect()?;
    let view = client.get(&key)?;
    let server = client.server();
    let grace_left = server.map_or(Duration::ZERO, |server| server.grace_left);
    let mut out = io::stdout().lock();
    match arguments.output.format {
        Format::Json => writeln!(out, "{}", to_json(&key, &view))?,
        Format::Table => print_table(&key, &view, grace_left, &mut out)?,
    }
    Ok(())
}

fn to_json(key: &[u8], view: &KeyView) -> Value {
    json!({
        "key": escape_key(key).to_string(),
        "mode": mode(view.mode),
        "limit": view.limit,
        "permits_used": view.permits_used,
        "closed_ms": view.closed.map(millis),
        "grace_window": view.grace,
        "holders_total": view.holders_total,
        "waiters_total": view.waiters_total,
        "holders": view.holders.iter().map(holder_json).collect::<Vec<_>>(),
        "waiters": view.waiters.iter().map(waiter_json).collect::<Vec<_>>(),
    })
}

fn holder_json(holder: &HolderView) -> Value {
    json!({
        "session": session(holder.session_id),
        "owner": holder.owner.to_string(),
        "name": holder.name,
        "peer": holder.peer.to_string(),
        "token": holder.token.to_string(),
        "mode": mode(Some(holder.mode)),
        "permits": holder.permits,
        "age_s": holder.age.as_secs(),
        "lease_left_ms": holder.lease_left.map(millis),
        "metadata": escape_key(&holder.metadata).to_string(),
    })
}

fn waiter_json(waiter: &WaiterView) -> Value {
    json!({
        "session": session(waiter.session_id),
        "owner": waiter.owner.to_string(),
        "name": waiter.name,
        "peer": waiter.peer.to_string(),
        "mode": mode(Some(waiter.mode)),
        "permits": waiter.permits,
        "age_s": waiter.age.as_secs(),
        "wait_left_ms": waiter.wait_left.map(millis),
    })
}

fn print_table(
    key: &[u8],
    view: &KeyView,
    grace_left: Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut facts = Table::plain();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact("key", escape_key(key).to_string());
    fact("mode", mode(view.mode).to_owned());
    if view.limit > 0 {
        fact(
            "permits",
            format!("{} of {} in use", view.permits_used, view.limit),
        );
    }
    if let Some(closed) = view.closed {
        fact(
            "closed",
            format!("for {}, after a forced release", span(closed)),
        );
    }
    if view.grace {
        fact(
            "closed",
            format!("for {}, after a restart", span(grace_left)),
        );
    }
    fact("holders", view.holders_total.to_string());
    fact("waiters", view.waiters_total.to_string());
    facts.print(out)?;
    if !view.holders.is_empty() {
        writeln!(out)?;
        holder_table(&view.holders).print(out)?;
    }
    if !view.waiters.is_empty() {
        writeln!(out)?;
        waiter_table(&view.waiters).print(out)?;
    }
    Ok(())
}

fn holder_table(holders: &[HolderView]) -> Table {
    let mut table = Table::new(&[
        "HOLDER",
        "NAME",
        "PEER",
        "TOKEN",
        "MODE",
        "HELD FOR",
        "LEASE LEFT",
        "PERMITS",
        "METADATA",
    ]);
    for holder in holders {
        table.row([
            session(holder.session_id),
            clean(&holder.name),
            holder.peer.to_string(),
            holder.token.to_string(),
            mode(Some(holder.mode)).to_owned(),
            age(holder.age),
            limited_span(holder.lease_left),
            permits(holder.permits),
            escape_key(&holder.metadata).to_string(),
        ]);
    }
    table
}

fn waiter_table(waiters: &[WaiterView]) -> Table {
    let mut table = Table::new(&[
        "WAITER",
        "NAME",
        "PEER",
        "MODE",
        "WAITING FOR",
        "WAIT LEFT",
        "PERMITS",
    ]);
    for waiter in waiters {
        table.row([
            session(waiter.session_id),
            clean(&waiter.name),
            waiter.peer.to_string(),
            mode(Some(waiter.mode)).to_owned(),
            age(waiter.age),
            limited_span(waiter.wait_left),
            permits(waiter.permits),
        ]);
    }
    table
}

fn permits(count: u32) -> String {
    if count == 0 {
        "-".to_owned()
    } else {
        count.to_string()
    }
}
