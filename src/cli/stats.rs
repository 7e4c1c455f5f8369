//! `locker stats`: the counters of every shard.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;
use locker_client::{CounterId, CounterPage};
use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::output::{Format, Output};
use super::server::Server;

const EXAMPLES: &str = "Examples:
  locker stats
  locker stats -o json | jq .total.waiters

Counters grow from the server's start; gauges (locks, waiters, sessions, blocks, ...) show what is
now. The total adds the shards up, and of what ends in _max it is the greatest.";

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
    let pages = arguments.server.inspect()?.stats()?;
    let total = total(&pages);
    let mut out = io::stdout().lock();
    match arguments.output.format {
        Format::Json => {
            let shards: Vec<Value> = pages.iter().map(shard_json).collect();
            writeln!(
                out,
                "{}",
                json!({ "total": counters_json(&total), "shards": shards })
            )?;
        }
        Format::Table => print_table(&pages, &total, &mut out)?,
    }
    Ok(())
}

/// A shard may need more than one page of counters; each is added in.
fn total(pages: &[CounterPage]) -> BTreeMap<u16, u64> {
    let mut total = BTreeMap::new();
    for &(id, value) in pages.iter().flat_map(|page| &page.counters) {
        let sum = total.entry(id).or_insert(0);
        *sum = if is_maximum(id) {
            value.max(*sum)
        } else {
            value.saturating_add(*sum)
        };
    }
    total
}

fn shard_json(page: &CounterPage) -> Value {
    let counters = page.counters.iter().copied().collect();
    json!({ "shard": page.shard, "counters": counters_json(&counters) })
}

fn counters_json(counters: &BTreeMap<u16, u64>) -> Value {
    let named: Map<_, _> = counters
        .iter()
        .map(|(&id, &value)| (name(id), json!(value)))
        .collect();
    Value::Object(named)
}

fn print_table(
    pages: &[CounterPage],
    total: &BTreeMap<u16, u64>,
    out: &mut impl Write,
) -> io::Result<()> {
    let columns: Vec<BTreeMap<u16, u64>> = pages
        .iter()
        .map(|page| page.counters.iter().copied().collect())
        .collect();
    let width = total
        .values()
        .map(|value| value.to_string().len())
        .max()
        .unwrap_or(0)
        .max(8);
    let name_width = total.keys().map(|&id| name(id).len()).max().unwrap_or(0);
    let shards = if pages.len() > 1 { &columns[..] } else { &[] };
    write!(out, "{:name_width$}  {:>width$}", "COUNTER", "TOTAL")?;
    for page in pages.iter().take(shards.len()) {
        write!(out, "  {:>width$}", format!("SHARD {}", page.shard))?;
    }
    writeln!(out)?;
    for (&id, value) in total {
        write!(out, "{:name_width$}  {value:>width$}", name(id))?;
        for shard in shards {
            write!(out, "  {:>width$}", shard.get(&id).copied().unwrap_or(0))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A counter's name; one that is newer than this program goes by its number.
fn name(id: u16) -> String {
    CounterId::from_code(id).map_or_else(
        || format!("counter_{id}"),
        |known| known.metric().to_owned(),
    )
}

fn is_maximum(id: u16) -> bool {
    name(id).ends_with("_max")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_counters_up_and_take_the_greatest_of_maxima() {
        let late = CounterId::ExpiryLateUsMax.code();
        let page = |shard, requests, value| CounterPage {
            cursor: 0,
            shard,
            counters: vec![
                (CounterId::Requests.code(), requests),
                (late, value),
                (999, 1),
            ],
        };
        let total = total(&[page(0, 3, 50), page(1, 4, 20)]);
        assert_eq!(total[&CounterId::Requests.code()], 7);
        assert_eq!(total[&late], 50);
        assert_eq!(counters_json(&total)["counter_999"], 2);
    }
}
