//! The settings as command line flags, made from the table.

use crate::config::setting::{Kind, Setting};
use crate::config::table::SETTINGS;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// The settings that were given as flags: setting name and text.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// In the order of the table; those not given are absent.
    pub given: Vec<(&'static str, String)>,
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().map(|setting| argument(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS {
            if let Some(values) = matches.get_many::<String>(setting.name) {
                let values: Vec<&str> = values.map(String::as_str).collect();
                self.given.push((setting.name, values.join(",")));
            }
        }
        Ok(())
    }
}

fn argument(setting: &'static Setting) -> Arg {
    let mut notes = vec![format!("[env: {}]", setting.variable())];
    if !setting.default.is_empty() {
        notes.push(format!("[default: {}]", setting.default));
    }
    let argument = Arg::new(setting.name)
        .long(setting.name)
        .value_name(setting.value_name())
        .help(format!("{} {}", setting.help, notes.join(" ")))
        .help_heading("Settings");
    match setting.kind {
        Kind::Switch => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::Addresses => argument.action(ArgAction::Append),
        _ => argument,
    }
}
