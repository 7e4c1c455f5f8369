//! Precedence, unknown names, bounds, and what the host changes.

#![allow(clippy::unwrap_used)]

use super::print::{to_markdown, to_toml};
use super::setting::{Kind, Place};
use super::table::SETTINGS;
use super::*;
use std::ffi::OsString;
use std::io;
use std::path::Path;

fn host() -> Host {
    Host {
        cpus: vec![0, 1, 2, 3],
        descriptors: 1_000_000,
        is_root: false,
        state_home: Some(PathBuf::from("/state")),
        home: Some(PathBuf::from("/home/user")),
    }
}

fn no_file(_: &Path) -> io::Result<String> {
    Err(io::Error::from(io::ErrorKind::NotFound))
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Flags, environment and file (`None` = no `--config`) to a configuration.
fn check(
    flags: &[(&'static str, &str)],
    environment: &[(&str, &str)],
    file: Option<&str>,
) -> Result<(Layers, Config), ConfigError> {
    let mut flags: Vec<_> = flags
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .collect();
    if file.is_some() {
        flags.push(("config", "locker.toml".to_owned()));
    }
    let layers = Layers::gather(&flags, variables(environment), |path| {
        file.map_or_else(|| no_file(path), |text| Ok(text.to_owned()))
    })?;
    let config = Config::check(&layers, &host())?;
    Ok((layers, config))
}

fn flags(flags: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    check(flags, &[], None).map(|(_, config)| config)
}

fn error_of(result: Result<Config, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn the_defaults_make_a_configuration() {
    let config = flags(&[]).unwrap();
    assert_eq!(config.listen.len(), 1);
    assert_eq!(config.listen[0].address.to_string(), "127.0.0.1:5625");
    assert!(config.listen[0].admin);
    assert_eq!(config.shards, 4);
    assert_eq!(config.connections, 100_000);
    assert_eq!(config.ttl_ms_default, crate::limits::TTL_MS_DEFAULT);
    assert_eq!(config.lease_ms_max, crate::limits::LEASE_MS_MAX);
    assert_eq!(
        config.data,
        DataPlace::Directory(PathBuf::from("/state/locker"))
    );
    assert!(config.memory.capacity() > 1_000_000);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = Some("ttl = \"4s\"\ndrain = \"4s\"\nseats = 4\n");
    let environment = [("LOCKER_TTL", "3s"), ("LOCKER_DRAIN", "3s")];
    let (layers, config) = check(&[("ttl", "2s")], &environment, file).unwrap();
    assert_eq!(
        (config.ttl_ms_default, layers.of(&t::TTL).origin),
        (2_000, Origin::Flag)
    );
    assert_eq!(
        (config.drain_ms, layers.of(&t::DRAIN).origin),
        (3_000, Origin::Environment)
    );
    assert_eq!(
        (config.seats, layers.of(&t::SEATS).origin),
        (4, Origin::File)
    );
    assert_eq!(layers.of(&t::MEMORY).origin, Origin::Default);
}

#[test]
fn the_file_may_be_named_by_the_environment() {
    let variables = variables(&[("LOCKER_CONFIG", "there.toml")]);
    let layers = Layers::gather(&[], variables, |path| {
        assert_eq!(path, Path::new("there.toml"));
        Ok("seats = 9".to_owned())
    });
    assert_eq!(layers.unwrap().of(&t::SEATS).text, "9");
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    let error = check(&[], &[], Some("block_size = 96\n")).unwrap_err();
    assert!(!error.is_usage());
    let text = error.to_string();
    assert!(
        text.contains("`block_size`") && text.contains("`block-size`?"),
        "{text}"
    );
    let text = check(&[], &[], Some("config = \"x\"\n"))
        .unwrap_err()
        .to_string();
    assert!(text.contains("unknown key `config`"), "{text}");
}

#[test]
fn an_unknown_variable_is_an_error_that_names_the_nearest() {
    let text = check(&[], &[("LOCKER_SHARD", "1")], None)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("LOCKER_SHARD") && text.contains("`LOCKER_SHARDS`?"),
        "{text}"
    );
}

#[test]
fn variables_of_others_are_no_error() {
    let environment = [
        ("PATH", "/bin"),
        ("LOCKERS", "1"),
        ("LOCKER_TOKEN", "1"),
        ("LOCKER_SERVER", "127.0.0.1:1"),
        ("LOCKER_SERVICE_HOST", "10.0.0.1"),
        ("LOCKER_PORT_5625_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(check(&[], &environment, None).is_ok());
}

#[test]
fn every_setting_is_read_from_every_layer() {
    for setting in SETTINGS
        .iter()
        .filter(|setting| setting.place == Place::File)
    {
        let bad = "\u{1}";
        let layers = [
            (check(&[(setting.name, bad)], &[], None), "flag"),
            (
                check(&[], &[(&setting.variable(), bad)], None),
                "environment",
            ),
            (
                check(&[], &[], Some(&format!("{} = \"\\u0001\"", setting.name))),
                "file",
            ),
        ];
        for (result, origin) in layers {
            // Any text is a path.
            if setting.kind == Kind::Path {
                assert!(result.is_ok(), "{}", setting.name);
                continue;
            }
            let text = result.unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("{origin}: {} = ", setting.name)),
                "{text}"
            );
        }
    }
}

#[test]
fn bounds_hold_at_both_ends() {
    for (name, inside, outside) in [
        ("seats", ["2", "4096"], ["1", "4097"]),
        ("key-bytes-max", ["1", "1024"], ["0", "1025"]),
        ("metadata-bytes-max", ["0", "256"], ["-1", "257"]),
        ("shards", ["1", "16"], ["0", "257"]),
        ("block-size", ["96", "1024"], ["100", "2048"]),
        ("ttl-max", ["10s", "1h"], ["999ms", "61m"]),
        ("listen-mode", ["0000", "777"], ["77", "1000"]),
        ("lease-min", ["10ms", "24d"], ["9ms", "25d"]),
        ("memory", ["700MiB", "1TiB"], ["15MiB", "17TiB"]),
        ("drain", ["0", "1h"], ["5", "2h"]),
        (
            "log",
            ["warn", "info,locker::net=trace"],
            ["debgu", "locker=loud"],
        ),
    ] {
        for text in inside {
            let result = flags(&[(name, text)]);
            assert!(result.is_ok(), "{name} {text}: {}", error_of(result));
        }
        for text in outside {
            let error = flags(&[(name, text)]).unwrap_err();
            assert!(
                error.is_usage() && error.to_string().contains(name),
                "{error}"
            );
        }
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let text = error_of(flags(&[("ttl", "20s"), ("ttl-max", "10s")]));
    assert!(text.contains("ttl-max"), "{text}");
    let text = error_of(flags(&[("lease-min", "2s"), ("lease-max", "1s")]));
    assert!(text.contains("lease-max"), "{text}");
    let text = error_of(flags(&[("ephemeral", "true"), ("data-dir", "/x")]));
    assert!(text.contains("--ephemeral"), "{text}");
    let text = error_of(flags(&[("cpus", "2-5")]));
    assert!(text.contains("cpu 4") && text.contains("0-3"), "{text}");
    let text = error_of(flags(&[("listen", "127.0.0.1:1,127.0.0.1:1")]));
    assert!(text.contains("twice"), "{text}");
    let text = error_of(flags(&[("listen", "unix:/s,unix:/s")]));
    assert!(text.contains("twice"), "{text}");
    let text = error_of(flags(&[("listen", "unix:s")]));
    assert!(text.contains("from the root"), "{text}");
    assert!(flags(&[("listen", "127.0.0.1:0,127.0.0.1:0")]).is_ok());
    let text = error_of(flags(&[("drain", "1.0001s")]));
    assert!(text.contains("millisecond"), "{text}");
}

#[test]
fn only_loopback_listeners_are_admin_unless_told_otherwise() {
    let listen = (
        "listen",
        "0.0.0.0:1,127.0.0.1:2,[::1]:3,[::ffff:127.0.0.1]:4,unix:/s",
    );
    let admin = |word| {
        let config = flags(&[listen, ("admin", word)]).unwrap();
        config
            .listen
            .iter()
            .map(|listener| listener.admin)
            .collect::<Vec<_>>()
    };
    assert_eq!(admin("loopback"), [false, true, true, true, true]);
    assert_eq!(admin("all"), [true; 5]);
    assert_eq!(admin("none"), [false; 5]);
}

#[test]
fn shards_get_ports_of_their_own_only_if_asked() {
    assert_eq!(flags(&[]).unwrap().shard_ports, None);
    let config = flags(&[("shard-port-base", "7000")]).unwrap();
    let ports = config.shard_ports.unwrap();
    assert_eq!([0, 3].map(|shard| ports.port(shard)), [7_000, 7_003]);
    assert_eq!(ports.places.len(), 1);
    assert_eq!(ports.places[0].address.to_string(), "127.0.0.1:0");
    assert!(ports.places[0].admin);
    let config = flags(&[("shard-port-base", "0")]).unwrap();
    let ports = config.shard_ports.unwrap();
    assert_eq!([0, 3].map(|shard| ports.port(shard)), [0, 0]);
}

#[test]
fn the_ports_of_shards_open_once_at_each_address() {
    let places = |listen| {
        let config = flags(&[("listen", listen), ("shard-port-base", "7000")]).unwrap();
        let places = config.shard_ports.unwrap().places;
        let places = places.iter().map(|place| {
            let admin = if place.admin { " admin" } else { "" };
            format!("{}{admin}", place.address.ip())
        });
        places.collect::<Vec<_>>()
    };
    let twice = "127.0.0.1:1,127.0.0.1:2,192.0.2.1:1";
    assert_eq!(places(twice), ["127.0.0.1 admin", "192.0.2.1"]);
    let mixed = "unix:/s,127.0.0.1:1";
    assert_eq!(places(mixed), ["127.0.0.1 admin"]);
    let covered = "127.0.0.1:1,0.0.0.0:2,[::1]:1";
    assert_eq!(places(covered), ["0.0.0.0", "::1 admin"]);
}

#[test]
fn the_ports_of_shards_fit_below_65536() {
    for (shards, most) in [("1", "65535"), ("4", "65532"), ("256", "65280")] {
        let check = |base: &str| {
            let memory = ("memory", "64GiB");
            flags(&[("shards", shards), ("shard-port-base", base), memory])
        };
        assert!(check(most).is_ok(), "{shards} shards from {most}");
        let above = (most.parse::<u32>().unwrap() + 1).to_string();
        let text = error_of(check(&above));
        let allowed = match above.as_str() {
            "65536" => "0..65535",
            _ => most,
        };
        assert!(text.contains(allowed), "{text}");
    }
}

#[test]
fn a_port_of_a_shard_that_is_one_of_listen_is_refused() {
    let check = |base, listen| {
        let base = ("shard-port-base", base);
        flags(&[base, ("listen", listen), ("shards", "4")])
    };
    for base in ["5622", "5625"] {
        let error = check(base, "127.0.0.1:1,127.0.0.2:5625").unwrap_err();
        let text = error.to_string();
        assert!(
            error.is_usage() && text.contains("5625 is one of"),
            "{text}"
        );
    }
    for base in ["5621", "5626", "0"] {
        assert!(check(base, "127.0.0.1:5625").is_ok(), "{base}");
    }
    assert!(check("7000", "127.0.0.1:0").is_ok());
}

#[test]
fn ports_of_shards_need_an_ip_address() {
    let text = error_of(flags(&[("listen", "unix:/s"), ("shard-port-base", "0")]));
    assert!(text.contains("IP address"), "{text}");
}

#[test]
fn the_mode_of_sockets_is_octal_in_every_layer() {
    let mode = |file: &str| check(&[], &[], Some(file)).map(|(_, config)| config.listen_mode);
    assert_eq!(flags(&[]).unwrap().listen_mode, 0o600);
    assert_eq!(mode("listen-mode = \"0660\"").unwrap(), 0o660);
    assert_eq!(mode("listen-mode = \"660\"").unwrap(), 0o660);
    assert_eq!(mode("listen-mode = 0o660").unwrap(), 0o660);
    for wrong in ["660", "\"668\"", "\"+66\"", "\"66\"", "\"1777\"", "0o1777"] {
        let text = mode(&format!("listen-mode = {wrong}"))
            .unwrap_err()
            .to_string();
        assert!(text.contains("in octal"), "{wrong}: {text}");
    }
}

#[test]
fn the_listeners_of_shards_take_descriptors_from_the_connections() {
    let flags = [("shard-port-base", "0"), ("listen", "127.0.0.1:1,[::1]:1")];
    let flags = flags.map(|(name, text)| (name, text.to_owned()));
    let layers = Layers::gather(&flags, [], no_file).unwrap();
    let host = Host {
        descriptors: 1_024,
        ..host()
    };
    let config = Config::check(&layers, &host).unwrap();
    assert_eq!(config.connections, 1_024 - 64 - 4 * 16 - 4 * 2);
}

#[test]
fn connections_above_the_descriptor_limit_are_lowered_with_a_warning() {
    let layers = Layers::gather(&[], [], no_file).unwrap();
    let host = Host {
        descriptors: 1_024,
        ..host()
    };
    let config = Config::check(&layers, &host).unwrap();
    assert_eq!(config.connections, 1_024 - 64 - 4 * 16);
    assert!(
        config.warnings[0].contains("LimitNOFILE"),
        "{:?}",
        config.warnings
    );
    let none = Host {
        descriptors: 128,
        ..host
    };
    assert!(
        Config::check(&layers, &none)
            .unwrap_err()
            .to_string()
            .contains("ulimit")
    );
}

#[test]
fn many_cpus_do_not_eat_the_memory_with_lanes() {
    let layers = Layers::gather(&[], [], no_file).unwrap();
    let host = Host {
        cpus: (0..200).collect(),
        ..host()
    };
    let config = Config::check(&layers, &host).unwrap();
    assert!(config.memory.lanes <= (1 << 30) / 8);
    assert_eq!(config.shards, 23);
}

#[test]
fn a_small_memory_shrinks_defaults_but_not_what_was_asked_for() {
    let config = flags(&[("memory", "64MiB")]).unwrap();
    assert!(config.connections < 100_000 && config.connections > 1_000);
    assert!(config.memory.capacity() > 100_000);
    let text = error_of(flags(&[("memory", "64MiB"), ("sessions", "100000")]));
    assert!(
        text.contains("--memory ") && text.contains("sessions"),
        "{text}"
    );
}

#[test]
fn shards_that_share_cpus_do_not_spin() {
    let config = flags(&[("spin", "50us")]).unwrap();
    assert_eq!(config.spin, Duration::from_micros(50));
    let config = flags(&[("spin", "50us"), ("shards", "5")]).unwrap();
    assert_eq!(config.spin, Duration::ZERO);
    assert!(config.warnings[0].contains("share"));
    assert_eq!(config.cpu_of(5), 1);
}

#[test]
fn the_data_dir_follows_the_user() {
    let layers = Layers::gather(&[], [], no_file).unwrap();
    let place = |host: Host| Config::check(&layers, &host).map(|config| config.data);
    let directory = |path: &str| DataPlace::Directory(PathBuf::from(path));
    let root = Host {
        is_root: true,
        ..host()
    };
    assert_eq!(place(root).unwrap(), directory("/var/lib/locker"));
    let no_xdg = Host {
        state_home: None,
        ..host()
    };
    assert_eq!(
        place(no_xdg.clone()).unwrap(),
        directory("/home/user/.local/state/locker")
    );
    let nowhere = Host {
        home: None,
        ..no_xdg
    };
    assert!(
        place(nowhere)
            .unwrap_err()
            .to_string()
            .contains("--data-dir")
    );
    assert_eq!(
        flags(&[("ephemeral", "true")]).unwrap().data,
        DataPlace::Ephemeral
    );
}

#[test]
fn what_is_printed_reads_back_to_the_same_configuration() {
    let given = [
        ("seats", "7"),
        ("listen", "127.0.0.1:1,[::1]:2,unix:/run/s"),
        ("listen-mode", "0660"),
        ("ttl", "3s"),
        ("shard-port-base", "7000"),
    ];
    let (layers, config) = check(&given, &[("LOCKER_DRAIN", "1s")], None).unwrap();
    let printed = to_toml(&layers, &config);
    assert!(printed.contains("seats = 7  # flag --seats"), "{printed}");
    assert!(
        printed.contains("drain = \"1s\"  # environment LOCKER_DRAIN"),
        "{printed}"
    );
    let (_, again) = check(&[], &[], Some(&printed)).unwrap();
    let log = Some("info".to_owned());
    assert_eq!(
        format!("{again:?}"),
        format!("{:?}", Config { log, ..config })
    );
}

#[test]
fn a_default_that_gave_way_to_the_memory_is_printed_as_it_is() {
    let (layers, config) = check(&[("memory", "64MiB")], &[], None).unwrap();
    let printed = to_toml(&layers, &config);
    let (_, again) = check(&[], &[], Some(&printed)).unwrap();
    assert_eq!(again.connections, config.connections);
    assert_eq!(again.memory, config.memory);
}

#[test]
fn a_number_is_printed_without_what_toml_would_refuse() {
    let given = [("seats", "0514"), ("sessions", "+8"), ("shards", "02")];
    let (layers, config) = check(&given, &[], None).unwrap();
    let printed = to_toml(&layers, &config);
    for line in ["seats = 514 ", "sessions = 8 ", "shards = 2 "] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
    let (_, again) = check(&[], &[], Some(&printed)).unwrap();
    assert_eq!((again.seats, again.sessions), (514, 8));
}

#[test]
fn a_path_with_control_characters_is_printed_within_its_comment() {
    let path = "a\nseats = 9\0.toml".to_owned();
    let file = |_: &Path| Ok("shards = 2\n".to_owned());
    let layers = Layers::gather(&[("config", path)], [], file).unwrap();
    let printed = to_toml(&layers, &Config::check(&layers, &host()).unwrap());
    assert!(
        printed.contains("# file a\\nseats = 9\\u{0}.toml"),
        "{printed}"
    );
    let (_, again) = check(&[], &[], Some(&printed)).unwrap();
    assert_eq!(again.seats, 64);
}

#[test]
fn a_file_that_is_no_toml_or_not_there_is_named() {
    let text = check(&[], &[], Some("seats = = 1"))
        .unwrap_err()
        .to_string();
    assert!(text.starts_with("locker.toml: "), "{text}");
    let text = check(&[], &[], Some("seats = [1]"))
        .unwrap_err()
        .to_string();
    assert!(text.contains("array"), "{text}");
    let missing = Layers::gather(&[("config", "none.toml".to_owned())], [], no_file);
    let text = missing.unwrap_err().to_string();
    assert!(text.starts_with("none.toml: cannot read"), "{text}");
}

#[test]
fn flags_are_parsed_by_clap_from_the_same_table() {
    use clap::{Args as _, FromArgMatches as _};
    let command = Flags::augment_args(clap::Command::new("locker"));
    command.clone().debug_assert();
    let line = [
        "locker",
        "--listen",
        "[::1]:1",
        "--listen=[::1]:2",
        "--ephemeral",
        "--seats",
        "3",
    ];
    let matches = command.try_get_matches_from(line).unwrap();
    let flags = Flags::from_arg_matches(&matches).unwrap();
    let expected = [
        ("listen", "[::1]:1,[::1]:2"),
        ("seats", "3"),
        ("ephemeral", "true"),
    ];
    assert_eq!(
        flags.given,
        expected.map(|(name, text)| (name, text.to_owned()))
    );
}

#[test]
fn the_docs_carry_the_table_of_settings() {
    let docs = include_str!("../../docs/OPERATIONS.md");
    assert!(
        docs.contains(&to_markdown()),
        "put this table into docs/OPERATIONS.md:\n{}",
        to_markdown()
    );
}

#[test]
fn a_request_takes_an_eighth_of_the_smallest_lane_at_most() {
    use crate::limits::{KEY_BYTES_MAX, METADATA_BYTES_MAX};
    use crate::shard::io::record_bytes;
    use crate::shard::message::REQUEST_BYTES;
    let Kind::Size { min, .. } = t::LANE_BYTES.kind else {
        panic!("a lane has a size");
    };
    let longest = record_bytes(REQUEST_BYTES + KEY_BYTES_MAX + METADATA_BYTES_MAX);
    assert!(
        u64::try_from(longest).unwrap() <= min / 8,
        "{longest} of {min}"
    );
}
