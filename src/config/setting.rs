//! What a setting is: one definition from which flag, environment name, TOML key and docs come.

/// One setting of the server.
#[derive(Debug)]
pub struct Setting {
    /// The long flag and the TOML key.
    pub name: &'static str,
    /// What may be written, with its bounds.
    pub kind: Kind,
    /// The default, written as an operator would; [`AUTO`] where it depends on the host.
    pub default: &'static str,
    /// One sentence for `--help` and the docs; begins with a capital letter, ends without a stop.
    pub help: &'static str,
    /// What the setting costs in memory, for the docs; empty = nothing to speak of.
    pub memory: &'static str,
    /// Whether the setting is a key of the configuration file.
    pub place: Place,
}

/// Text of a value that is worked out from the host or from other settings.
pub const AUTO: &str = "auto";

/// Text of a value that switches the setting off.
pub const NONE: &str = "none";

/// Where a setting may be given besides the flag and the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the configuration file too.
    File,
    /// Not in the file: the setting says where the file is.
    NotFile,
}

/// What may be written as a setting's value. Bounds are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One address with port or Unix socket, or several with commas between; as a flag also given
    /// repeatedly.
    Addresses,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number.
    Count {
        /// Least.
        min: u64,
        /// Greatest.
        max: u64,
    },
    /// One of these sizes in bytes, a bare number.
    OneOf(&'static [u64]),
    /// Bytes with a unit.
    Size {
        /// Least, in bytes.
        min: u64,
        /// Greatest, in bytes.
        max: u64,
    },
    /// A time with a unit.
    Duration {
        /// Least, in microseconds.
        min: u64,
        /// Greatest, in microseconds.
        max: u64,
    },
    /// Permission bits of a file, in octal.
    Mode,
    /// Cpu numbers and ranges.
    Cpus,
    /// A path.
    Path,
    /// On or off.
    Switch,
    /// Levels of logging: of everything, or of a module.
    LogFilter,
}

impl Setting {
    /// The setting's environment variable: `LOCKER_` and the name in capitals.
    #[must_use]
    pub fn variable(&self) -> String {
        format!(
            "LOCKER_{}",
            self.name.to_ascii_uppercase().replace('-', "_")
        )
    }

    /// The word that stands for the value in `--help` and the docs.
    #[must_use]
    pub const fn value_name(&self) -> &'static str {
        match self.kind {
            Kind::Addresses => "ADDR",
            Kind::Choice(_) => "WORD",
            Kind::Count { .. } => "N",
            Kind::OneOf(_) => "BYTES",
            Kind::Size { .. } => "SIZE",
            Kind::Duration { .. } => "DUR",
            Kind::Mode => "MODE",
            Kind::Cpus => "CPUS",
            Kind::Path => "PATH",
            Kind::Switch => "BOOL",
            Kind::LogFilter => "FILTER",
        }
    }

    /// The bounds in words, for messages and the docs.
    #[must_use]
    pub fn bounds(&self) -> String {
        match self.default {
            word @ (AUTO | NONE) => format!("{word}, or {}", self.bounds_given()),
            _ => self.bounds_given(),
        }
    }

    fn bounds_given(&self) -> String {
        use crate::config::units::{show_duration, show_size};
        use std::time::Duration;
        match self.kind {
            Kind::Addresses => "IP:port, unix:/path or unix:@name, several with commas".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::Count { min, max } => format!("{min}..{max}"),
            Kind::OneOf(sizes) => {
                let sizes: Vec<_> = sizes.iter().map(u64::to_string).collect();
                sizes.join(", ")
            }
            Kind::Size { min, max } => format!("{}..{}", show_size(min), show_size(max)),
            Kind::Duration { min, max } => {
                let show = |micros| show_duration(Duration::from_micros(micros));
                format!("{}..{}", show(min), show(max))
            }
            Kind::Mode => "0000..0777 in octal".to_owned(),
            Kind::Cpus => "cpu numbers and ranges, as 0-3,8".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Switch => "true, false".to_owned(),
            Kind::LogFilter => "off, error, warn, info, debug, trace, or MODULE=LEVEL".to_owned(),
        }
    }
}
