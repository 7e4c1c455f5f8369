//! Any text as the server's settings, from file, environment and flags; and as single sizes,
//! durations, cpu lists and addresses. The fuzz target `config`.
//!
//! - Nothing panics, and a refusal says something.
//! - A configuration that is accepted keeps the bounds that the rest of the server builds on.
//! - What `locker config print` shows is accepted again, and means the same.

use clap::{Args as _, Command, FromArgMatches as _};
use locker::config::units::{
    parse_cpus, parse_duration, parse_size, show_cpus, show_duration, show_size,
};
use locker::config::{Address, Config, ConfigError, Flags, Host, Layers};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// The first byte says what the rest is.
///
/// # Panics
/// If a promise is broken.
pub(crate) fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 5 {
        0 | 1 => file(&String::from_utf8_lossy(rest)),
        2 => environment(rest),
        3 => flags(&String::from_utf8_lossy(rest)),
        _ => units(&String::from_utf8_lossy(rest)),
    }
}

fn host() -> Host {
    Host {
        cpus: (0..4).collect(),
        descriptors: 20_000,
        is_root: false,
        state_home: None,
        home: Some("/home/locker".into()),
    }
}

fn of_file(text: &str) -> Result<Layers, ConfigError> {
    let named = [("LOCKER_CONFIG".into(), "locker.toml".into())];
    Layers::gather(&[], named, |_| Ok(text.to_owned()))
}

fn file(text: &str) {
    judge(of_file(text));
}

/// Lines of NAME=VALUE.
fn environment(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n');
    let pairs = lines.map(|line| {
        let end = line.iter().position(|byte| *byte == b'=');
        let (name, value) = line.split_at(end.unwrap_or(line.len()));
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let name = [b"LOCKER_", name].concat();
        (OsString::from_vec(name), OsString::from_vec(value.to_vec()))
    });
    judge(Layers::gather(
        &[],
        pairs,
        |_| Ok("shards = 2\n".to_owned()),
    ));
}

/// An argument per line.
fn flags(text: &str) {
    let command = Flags::augment_args(Command::new("locker"));
    let arguments = std::iter::once("locker").chain(text.lines());
    // What clap refuses it tells itself.
    let Ok(matches) = command.try_get_matches_from(arguments) else {
        return;
    };
    let flags = Flags::from_arg_matches(&matches).expect("every setting may be given");
    judge(Layers::gather(&flags.given, [], |_| {
        Ok("seats = 8\n".to_owned())
    }));
}

fn judge(layers: Result<Layers, ConfigError>) {
    let checked = layers.and_then(|layers| {
        let config = Config::check(&layers, &host())?;
        Ok((layers, config))
    });
    match checked {
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal says something"),
        Ok((layers, config)) => {
            sound(&config);
            reads_back(&layers, &config);
        }
    }
}

/// What the rest of the server builds on.
fn sound(config: &Config) {
    assert!((1..=locker::limits::SHARDS_MAX).contains(&config.shards));
    assert!(!config.cpus.is_empty() && !config.listen.is_empty());
    assert!(config.lane_bytes.is_power_of_two());
    assert!(config.connections > 0 && config.sessions > 0 && config.seats > 0);
    assert!(config.ttl_ms_default <= config.ttl_ms_max);
    assert!(config.lease_ms_min <= config.lease_ms_max);
    assert!(config.ttl_ms_max <= locker::limits::TTL_MS_MAX);
    assert!(config.key_bytes_max <= locker::limits::KEY_BYTES_MAX);
    let parts: u64 = config.memory.parts().into_iter().map(|part| part.1).sum();
    assert!(parts <= config.memory.demand.total, "the memory suffices");
    assert!(config.memory.capacity() > 0, "there is room for a lock");
}

/// The printed configuration is accepted, and printed again the same but for the origins.
fn reads_back(layers: &Layers, config: &Config) {
    let printed = locker::config::print::to_toml(layers, config);
    let again = of_file(&printed).unwrap_or_else(|error| panic!("{error} in\n{printed}"));
    let config_again = match Config::check(&again, &host()) {
        Ok(config) => config,
        Err(error) => panic!("{error} in\n{printed}"),
    };
    let shown = |config: &Config| {
        // Which values were anybody's choice is not kept, and only that decides of the log.
        let (log, warnings) = (None, Vec::new());
        format!(
            "{:?}",
            Config {
                log,
                warnings,
                ..config.clone()
            }
        )
    };
    assert_eq!(shown(&config_again), shown(config), "from\n{printed}");
}

fn units(text: &str) {
    if let Ok(bytes) = parse_size(text) {
        assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
    }
    if let Ok(duration) = parse_duration(text) {
        assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
    }
    if let Ok(cpus) = parse_cpus(text) {
        assert!(!cpus.is_empty() && cpus.is_sorted());
        assert_eq!(parse_cpus(&show_cpus(&cpus)), Ok(cpus));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}
