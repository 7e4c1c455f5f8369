//! Shows a configuration: as TOML with each value's origin, and the settings as a docs table.

use crate::config::as_u64;
use crate::config::layers::Layers;
use crate::config::memory::show_mib;
use crate::config::origin::Origin;
use crate::config::setting::{AUTO, Kind, Place, Setting};
use crate::config::table::{self, SETTINGS};
use crate::config::units::{show_cpus, show_size};
use crate::config::{Config, DataPlace};
use std::fmt::Write as _;

/// The configuration as TOML that can be read back, each value with its origin as a comment, and
/// behind it the memory plan.
#[must_use]
pub fn to_toml(layers: &Layers, config: &Config) -> String {
    let mut text = String::new();
    for setting in SETTINGS.iter().filter(|s| s.place == Place::File) {
        let given = layers.of(setting);
        let effect = in_effect(setting, &given.text, config);
        // A default that gave way to the host is written as it is: read back it would be a wish.
        let value = match (given.origin, &effect) {
            (Origin::Default, Some(value)) if given.text != AUTO => toml_value(setting, value),
            _ => toml_value(setting, &given.text),
        };
        let origin = match given.origin {
            Origin::Environment => format!("environment {}", setting.variable()),
            Origin::Flag => format!("flag --{}", setting.name),
            Origin::File => format!("file {}", in_comment(&layers.of(&table::CONFIG).text)),
            Origin::Default => "default".to_owned(),
        };
        let effect = effect.map_or_else(String::new, |value| {
            format!("; in effect: {}", in_comment(&value))
        });
        writeln!(text, "{} = {value}  # {origin}{effect}", setting.name).expect("a String grows");
    }
    text.push_str("\n# memory\n");
    for (part, bytes) in config.memory.parts() {
        writeln!(text, "#   {part:<12}{:>14}", show_mib(bytes)).expect("a String grows");
    }
    let capacity = config.memory.capacity();
    writeln!(text, "# capacity: {capacity} locks").expect("a String grows");
    text
}

/// The text without control characters, which would end a comment, or the file's being TOML.
fn in_comment(text: &str) -> String {
    let shown = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

/// The value in effect, where it is not the one written.
fn in_effect(setting: &Setting, written: &str, config: &Config) -> Option<String> {
    let effect = match setting.name {
        "shards" => config.shards.to_string(),
        "cpus" => show_cpus(&config.cpus),
        "lane-bytes" => show_size(as_u64(config.lane_bytes)),
        "connections" => config.connections.to_string(),
        "sessions" => config.sessions.to_string(),
        "data-dir" => match &config.data {
            DataPlace::Directory(path) => path.display().to_string(),
            DataPlace::Ephemeral => "none".to_owned(),
        },
        _ => return None,
    };
    (effect != written).then_some(effect)
}

fn toml_value(setting: &Setting, text: &str) -> String {
    let string = |text: &str| toml::Value::String(text.to_owned()).to_string();
    match setting.kind {
        // A flag may say `0514`; TOML has no such number.
        Kind::Count { .. } | Kind::OneOf(_) => match text.parse::<u64>() {
            Ok(count) => count.to_string(),
            Err(_) => string(text),
        },
        Kind::Switch => text.to_owned(),
        Kind::Addresses => {
            let items: Vec<_> = text.split(',').map(|item| string(item.trim())).collect();
            format!("[{}]", items.join(", "))
        }
        _ => string(text),
    }
}

/// The settings as the Markdown table that stands in docs/OPERATIONS.md.
#[must_use]
pub fn to_markdown() -> String {
    let mut text = String::from(
        "| Flag, TOML key | Environment | Default | Allowed | Meaning | Memory |\n\
         |---|---|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = match setting.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        writeln!(
            text,
            "| `--{}` | `{}` | {default} | {} | {} | {} |",
            setting.name,
            setting.variable(),
            setting.bounds(),
            setting.help,
            setting.memory,
        )
        .expect("a String grows");
    }
    text
}
