//! Collects each setting's value: flag over environment over file over default.
//!
//! Every layer gives text, so that one parser per kind of setting (`config::raw`) reads them all.
//! A name that is none of ours is an error in every layer: a misspelt setting that is silently
//! ignored is found at the worst time.

use crate::config::error::ConfigError;
use crate::config::origin::Origin;
use crate::config::setting::{Kind, Place, Setting};
use crate::config::table::{CONFIG, SETTINGS};
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// One setting's value as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value's text.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Every setting's value as written, in the order of [`SETTINGS`].
#[derive(Clone, Debug)]
pub struct Layers {
    given: Vec<Given>,
}

/// Variables of ours that are no settings of the server: the client's, and what `locker lock`
/// gives to its command (a server may be started under a lock).
const OTHER_VARIABLES: [&str; 3] = ["LOCKER_KEY", "LOCKER_TOKEN", "LOCKER_SERVER"];

impl Layers {
    /// Collects the settings from the flags (setting name, text), the environment and the file
    /// that `--config` or `LOCKER_CONFIG` names.
    ///
    /// # Errors
    /// Unknown names, a value in the environment that is not UTF-8, a file that cannot be read or
    /// is not TOML. Values are not looked at yet.
    pub fn gather(
        flags: &[(&'static str, String)],
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        read_file: impl FnOnce(&Path) -> io::Result<String>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self {
            given: SETTINGS.iter().map(|setting| default_of(setting)).collect(),
        };
        let flags = flags.iter().map(|(name, text)| (*name, text.clone()));
        let environment = read_environment(environment)?;
        // The file's place must be known before the file can be read, and the file lies below
        // flags and environment: so those two are laid on twice.
        layers.lay(Origin::Environment, environment.iter().cloned());
        layers.lay(Origin::Flag, flags.clone());
        let path = layers.of(&CONFIG).text.clone();
        if !path.is_empty() {
            layers.lay(Origin::File, parse_file(Path::new(&path), read_file)?);
            layers.lay(Origin::Environment, environment);
            layers.lay(Origin::Flag, flags);
        }
        Ok(layers)
    }

    /// The value given for a setting.
    ///
    /// # Panics
    /// If the setting is not in the table.
    #[must_use]
    pub fn of(&self, setting: &Setting) -> &Given {
        let index = index_of(setting.name).expect("every setting is in the table");
        &self.given[index]
    }

    fn lay(&mut self, origin: Origin, values: impl IntoIterator<Item = (&'static str, String)>) {
        for (name, text) in values {
            let index = index_of(name).expect("layers name settings of the table");
            self.given[index] = Given { text, origin };
        }
    }
}

fn default_of(setting: &Setting) -> Given {
    Given {
        text: setting.default.to_owned(),
        origin: Origin::Default,
    }
}

fn index_of(name: &str) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.name == name)
}

fn read_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(&'static str, String)>, ConfigError> {
    let mut values = Vec::new();
    for (variable, value) in environment {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with("LOCKER_")) else {
            continue;
        };
        if OTHER_VARIABLES.contains(&variable) || is_service_variable(variable) {
            continue;
        }
        let setting = SETTINGS.iter().find(|s| s.variable() == variable);
        let Some(setting) = setting else {
            return Err(ConfigError::UnknownVariable {
                variable: variable.to_owned(),
                nearest: nearest(variable, SETTINGS.iter().map(|setting| setting.variable())),
            });
        };
        let text = value.into_string().map_err(|value| ConfigError::BadValue {
            setting: setting.name,
            origin: Origin::Environment,
            text: value.to_string_lossy().into_owned(),
            reason: "is not UTF-8".to_owned(),
        })?;
        values.push((setting.name, text));
    }
    Ok(values)
}

/// Variables that Kubernetes puts into every container beside a Service called `locker`.
fn is_service_variable(variable: &str) -> bool {
    variable == "LOCKER_PORT"
        || variable.starts_with("LOCKER_PORT_")
        || variable.starts_with("LOCKER_SERVICE_")
}

fn parse_file(
    file: &Path,
    read_file: impl FnOnce(&Path) -> io::Result<String>,
) -> Result<Vec<(&'static str, String)>, ConfigError> {
    let text = read_file(file).map_err(|source| ConfigError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    let bad = |reason: String| ConfigError::BadFile {
        file: file.to_owned(),
        reason,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|e: toml::de::Error| bad(e.to_string()))?;
    let in_file = || {
        SETTINGS
            .iter()
            .filter(|setting| setting.place == Place::File)
    };
    let mut values = Vec::new();
    for (key, value) in &table {
        let Some(setting) = in_file().find(|setting| setting.name == key) else {
            return Err(ConfigError::UnknownKey {
                file: file.to_owned(),
                key: key.clone(),
                nearest: nearest(key, in_file().map(|setting| setting.name.to_owned())),
            });
        };
        let text = text_of(setting, value).ok_or_else(|| {
            bad(format!(
                "`{key}` is a {}; write {}",
                value.type_str(),
                setting.bounds()
            ))
        })?;
        values.push((setting.name, text));
    }
    Ok(values)
}

/// A TOML value as the text of the same flag; `None` for kinds of value that no setting has.
fn text_of(setting: &Setting, value: &toml::Value) -> Option<String> {
    match (setting.kind, value) {
        (Kind::Addresses | Kind::Cpus, toml::Value::Array(items)) => {
            let items = items.iter().map(scalar_text).collect::<Option<Vec<_>>>()?;
            Some(items.join(","))
        }
        // TOML has octal numbers, and none that begin with a zero: 0o660 is meant, or 660 wrong.
        (Kind::Mode, toml::Value::Integer(mode)) => Some(format!("{mode:o}")),
        _ => scalar_text(value),
    }
}

fn scalar_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(switch) => Some(switch.to_string()),
        _ => None,
    }
}

/// The name that a misspelt one was likely meant to be.
fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let distance = |known: &String| strsim::osa_distance(name, known);
    let best = known.min_by_key(distance)?;
    (distance(&best) <= 2.max(best.len() / 3)).then_some(best)
}
