//! Reads the text of one setting as its kind says, within its bounds.

use crate::config::address::Address;
use crate::config::error::ConfigError;
use crate::config::layers::Layers;
use crate::config::setting::{AUTO, Kind, NONE, Setting};
use crate::config::units::{parse_cpus, parse_duration, parse_size};
use std::path::PathBuf;
use std::time::Duration;

/// A reader of single settings; each method panics if the setting is of another kind, which the
/// test over the defaults shows not to happen.
impl Layers {
    /// A whole number, or bytes: kinds `Count`, `OneOf` and `Size`.
    ///
    /// # Errors
    /// Not a number of that kind, or out of bounds.
    pub fn number(&self, setting: &'static Setting) -> Result<u64, ConfigError> {
        let text = self.of(setting).text.as_str();
        let (value, fits) = match setting.kind {
            Kind::Count { min, max } => {
                let value = text.parse::<u64>().map_err(|_| self.bad(setting, None))?;
                (value, (min..=max).contains(&value))
            }
            Kind::OneOf(sizes) => {
                let value = text.parse::<u64>().map_err(|_| self.bad(setting, None))?;
                (value, sizes.contains(&value))
            }
            Kind::Size { min, max } => {
                let value = parse_size(text).map_err(|e| self.bad(setting, Some(&e)))?;
                (value, (min..=max).contains(&value))
            }
            _ => unreachable!("{} is no number", setting.name),
        };
        fits.then_some(value).ok_or_else(|| self.bad(setting, None))
    }

    /// A whole number, or nothing for `auto`.
    ///
    /// # Errors
    /// As [`Layers::number`].
    pub fn number_or_auto(&self, setting: &'static Setting) -> Result<Option<u64>, ConfigError> {
        if self.of(setting).text == AUTO {
            return Ok(None);
        }
        self.number(setting).map(Some)
    }

    /// A whole number, or nothing for `none`.
    ///
    /// # Errors
    /// As [`Layers::number`].
    pub fn number_or_none(&self, setting: &'static Setting) -> Result<Option<u64>, ConfigError> {
        if self.of(setting).text == NONE {
            return Ok(None);
        }
        self.number(setting).map(Some)
    }

    /// A time.
    ///
    /// # Errors
    /// Not a duration with a unit, or out of bounds.
    pub fn duration(&self, setting: &'static Setting) -> Result<Duration, ConfigError> {
        let Kind::Duration { min, max } = setting.kind else {
            unreachable!("{} is no duration", setting.name)
        };
        let text = self.of(setting).text.as_str();
        let value = parse_duration(text).map_err(|e| self.bad(setting, Some(&e)))?;
        let bounds = Duration::from_micros(min)..=Duration::from_micros(max);
        bounds
            .contains(&value)
            .then_some(value)
            .ok_or_else(|| self.bad(setting, None))
    }

    /// A time in whole milliseconds.
    ///
    /// # Errors
    /// As [`Layers::duration`], and for a part of a millisecond.
    pub fn millis(&self, setting: &'static Setting) -> Result<u32, ConfigError> {
        let micros = self.duration(setting)?.as_micros();
        if !micros.is_multiple_of(1_000) {
            return Err(self.bad(setting, Some(&"is finer than a millisecond")));
        }
        u32::try_from(micros / 1_000).map_err(|_| self.bad(setting, None))
    }

    /// Addresses; at least one.
    ///
    /// # Errors
    /// Anything but numeric addresses with ports and Unix sockets, with commas between, or one
    /// given twice.
    pub fn addresses(&self, setting: &'static Setting) -> Result<Vec<Address>, ConfigError> {
        let mut addresses = Vec::new();
        for part in self.of(setting).text.split(',') {
            let address: Result<Address, String> = part.trim().parse();
            let address = address.map_err(|right| self.bad(setting, Some(&right)))?;
            if !address.is_open() && addresses.contains(&address) {
                return Err(self.bad(setting, Some(&"is given twice")));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }

    /// Permission bits of a file.
    ///
    /// # Errors
    /// Not three or four octal digits, or more than permissions.
    pub fn mode(&self, setting: &'static Setting) -> Result<u32, ConfigError> {
        let text = self.of(setting).text.as_str();
        let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|byte| byte.is_ascii_digit());
        let mode = u32::from_str_radix(text, 8).ok();
        mode.filter(|mode| digits && *mode <= 0o777)
            .ok_or_else(|| self.bad(setting, None))
    }

    /// Cpu numbers, or nothing for `auto`.
    ///
    /// # Errors
    /// Not a cpu list.
    pub fn cpus(&self, setting: &'static Setting) -> Result<Option<Vec<usize>>, ConfigError> {
        match self.of(setting).text.as_str() {
            AUTO => Ok(None),
            text => parse_cpus(text)
                .map(Some)
                .map_err(|e| self.bad(setting, Some(&e))),
        }
    }

    /// A path, or nothing for `auto`.
    ///
    /// # Errors
    /// An empty path.
    pub fn path(&self, setting: &'static Setting) -> Result<Option<PathBuf>, ConfigError> {
        match self.of(setting).text.as_str() {
            AUTO => Ok(None),
            "" => Err(self.bad(setting, Some(&"is empty"))),
            text => Ok(Some(PathBuf::from(text))),
        }
    }

    /// On or off.
    ///
    /// # Errors
    /// Anything but `true` and `false`.
    pub fn switch(&self, setting: &'static Setting) -> Result<bool, ConfigError> {
        let text = self.of(setting).text.as_str();
        text.parse().map_err(|_| self.bad(setting, None))
    }

    /// The index of the word given in the words of a `Choice`.
    ///
    /// # Errors
    /// Another word.
    pub fn choice(&self, setting: &'static Setting) -> Result<usize, ConfigError> {
        let Kind::Choice(words) = setting.kind else {
            unreachable!("{} is no choice", setting.name)
        };
        let text = self.of(setting).text.as_str();
        let index = words.iter().position(|word| *word == text);
        index.ok_or_else(|| self.bad(setting, None))
    }

    /// The error for this setting's value: with a reason of its own, or else its bounds.
    pub(crate) fn bad(
        &self,
        setting: &'static Setting,
        reason: Option<&dyn std::fmt::Display>,
    ) -> ConfigError {
        let given = self.of(setting);
        ConfigError::BadValue {
            setting: setting.name,
            origin: given.origin,
            text: given.text.clone(),
            reason: reason.map_or_else(
                || format!("allowed: {}", setting.bounds()),
                ToString::to_string,
            ),
        }
    }
}
