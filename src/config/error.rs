//! What can be wrong with a configuration; every text says where and what would be right.

use crate::config::origin::Origin;
use std::path::PathBuf;
use thiserror::Error;

/// Why there is no [`crate::config::Config`].
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A key of the file is none of ours.
    #[error("{}: unknown key `{key}`{}", file.display(), suggest(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// The setting that it resembles.
        nearest: Option<String>,
    },
    /// An environment variable that begins with `LOCKER_` is none of ours.
    #[error("environment: unknown variable {variable}{}", suggest(nearest.as_deref()))]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The variable that it resembles.
        nearest: Option<String>,
    },
    /// The file cannot be read.
    #[error("{}: cannot read the configuration file: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value in it is of a kind that no setting has.
    #[error("{}: {reason}", file.display())]
    BadFile {
        /// The file.
        file: PathBuf,
        /// What and where.
        reason: String,
    },
    /// A value is not what its setting takes.
    #[error("{origin}: {setting} = `{text}`: {reason}")]
    BadValue {
        /// The setting.
        setting: &'static str,
        /// Where the value came from.
        origin: Origin,
        /// The value as given.
        text: String,
        /// What would be right.
        reason: String,
    },
    /// Two values do not go together, or the host cannot give what is asked for.
    #[error("{0}")]
    Contradiction(String),
}

impl ConfigError {
    /// Whether the fault is in the command line, and not in a file or the environment.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::BadValue {
                origin: Origin::Flag,
                ..
            }
        )
    }
}

fn suggest(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
