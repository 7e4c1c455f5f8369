//! `locker config check|print`: the server's configuration without a server.

use crate::config::{Config, ConfigError, Flags, Host, Layers, print};
use crate::control::failure::Failure;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// What to do with the configuration.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say whether the server could use this configuration on this machine
    Check(Flags),
    /// Print the configuration as TOML, with the origin of each value and the memory plan
    Print(Flags),
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let (Action::Check(flags) | Action::Print(flags)) = &arguments.action;
    let (layers, config) = match load(flags) {
        Ok(loaded) => loaded,
        Err(error) => return super::fail(&Failure::from(error)),
    };
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    match arguments.action {
        Action::Check(_) => println!(
            "configuration is good: {} shards, {} locks",
            config.shards,
            config.memory.capacity()
        ),
        Action::Print(_) => print!("{}", print::to_toml(&layers, &config)),
    }
    ExitCode::SUCCESS
}

/// The configuration from flags, environment and file, checked against this machine.
pub(super) fn load(flags: &Flags) -> Result<(Layers, Config), ConfigError> {
    let read_file = |path: &std::path::Path| std::fs::read_to_string(path);
    let layers = Layers::gather(&flags.given, std::env::vars_os(), read_file)?;
    let config = Config::check(&layers, &Host::read())?;
    Ok((layers, config))
}
