//! The campaign: `cargo run -p faults -- --all --rounds 10 --seed 1`.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use faults::campaign::{self, Outcome};
use faults::launch::LaunchOptions;
use faults::scenario::Scenario;
use faults::scenarios;
use faults::worker::{self, WorkerOptions};

/// Real locker processes under real faults, checked end to end
///
/// Starts a server and workers that lock through the Rust client, does things to them on a schedule
/// that a seed decides, and checks what all of them saw: no two believe in one lock at once, tokens
/// grow, the fenced resource lets no stale token in and refuses no holder, every ask has an answer,
/// and everybody gets on after the last fault.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  cargo run -p faults -- --list
  cargo run -p faults -- --all --rounds 10 --seed 7
  cargo run -p faults -- --scenario server-killed --seed 7

Exit status: 0 all rounds clean, 1 a violation or a failed round, 2 wrong usage, 130 interrupted.
A round that went wrong keeps its folder (histories, logs, data dir) and says where.")]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    /// Play every scenario
    #[arg(long, conflicts_with = "scenario")]
    all: bool,
    /// Play this scenario; may be said again
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// List the scenarios with what they need
    #[arg(long)]
    list: bool,
    /// Rounds of each scenario
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Where randomness begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play short rounds, as the tests do
    #[arg(long)]
    short: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Be a worker (started by the campaign)
    #[command(hide = true)]
    Worker(WorkerOptions),
    /// Limit this process and become a program (used by the campaign)
    #[command(hide = true)]
    Launch(LaunchOptions),
}

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    match cli.role {
        Some(Role::Worker(options)) => return worker::work(&options).map(|()| ExitCode::SUCCESS),
        Some(Role::Launch(options)) => return options.run().map(|()| ExitCode::SUCCESS),
        None => {}
    }
    if cli.list {
        for scenario in scenarios::ALL {
            let needs: Vec<String> = scenario.needs.iter().map(ToString::to_string).collect();
            let needs = if needs.is_empty() {
                "nothing".to_owned()
            } else {
                needs.join(", ")
            };
            println!("{:24} {} (needs {needs})", scenario.name, scenario.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = match chosen(&cli) {
        Ok(chosen) => chosen,
        Err(name) => {
            eprintln!("there is no scenario {name:?}: see --list");
            return Ok(ExitCode::from(2));
        }
    };
    campaign::end_in_order().map_err(io::Error::other)?;
    Ok(
        match campaign::run(&chosen, cli.rounds, cli.seed, cli.short)? {
            Outcome::Clean => ExitCode::SUCCESS,
            Outcome::Broken => ExitCode::FAILURE,
            Outcome::Interrupted => ExitCode::from(130),
        },
    )
}

/// The scenarios asked for, or a name that is none.
fn chosen(cli: &Cli) -> Result<Vec<Scenario>, String> {
    if cli.all {
        return Ok(scenarios::ALL.to_vec());
    }
    let named = |name: &String| {
        let found = scenarios::ALL.iter().find(|scenario| scenario.name == name);
        found.copied().ok_or_else(|| name.clone())
    };
    cli.scenario.iter().map(named).collect()
}
