//! Machines that lack one thing each, and the one that the tests run on.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::{Host, Layers};
use crate::control::failure::Sysexit;

struct Fake {
    release: &'static str,
    ring: Option<i32>,
    disabled: Option<u32>,
    memlock: Option<u64>,
    total: u64,
    free: u64,
    group: Option<u64>,
}

const GOOD: Fake = Fake {
    release: "6.1.0-13-amd64",
    ring: None,
    disabled: Some(0),
    memlock: Some(8 << 20),
    total: 8 << 30,
    free: 4 << 30,
    group: None,
};

impl Probe for Fake {
    fn kernel_release(&self) -> String {
        self.release.to_owned()
    }

    fn ring(&self) -> io::Result<()> {
        self.ring
            .map_or(Ok(()), |code| Err(io::Error::from_raw_os_error(code)))
    }

    fn ring_disabled(&self) -> Option<u32> {
        self.disabled
    }

    fn memlock(&self) -> Option<u64> {
        self.memlock
    }

    fn memory_total(&self) -> Option<u64> {
        Some(self.total)
    }

    fn memory_available(&self) -> Option<u64> {
        Some(self.free)
    }

    fn memory_of_group(&self) -> Option<u64> {
        self.group
    }
}

fn config() -> Config {
    configured("prefault", "false")
}

fn configured(name: &'static str, value: &str) -> Config {
    let flags = [
        ("shards", "4".to_owned()),
        ("ephemeral", "true".to_owned()),
        (name, value.to_owned()),
    ];
    let layers = Layers::gather(&flags, [], |_| unreachable!("no file")).unwrap();
    let host = Host {
        cpus: vec![0, 1, 2, 3],
        descriptors: 1 << 20,
        is_root: false,
        state_home: None,
        home: None,
    };
    Config::check(&layers, &host).unwrap()
}

/// The refusal's exit code, its text holding every one of these.
#[track_caller]
fn refused(machine: &Fake, code: Sysexit, texts: &[&str]) {
    let failure = check(&config(), machine).unwrap_err();
    assert_eq!(failure.exit_code(), code, "{failure}");
    for text in texts {
        assert!(failure.to_string().contains(text), "{failure}");
    }
}

#[test]
fn a_machine_that_has_everything_passes_without_a_warning() {
    assert_eq!(check(&config(), &GOOD).unwrap(), Vec::<String>::new());
    for release in ["6.1", "6.18.44-custom", "7.0.1", "mystery"] {
        assert!(
            check(&config(), &Fake { release, ..GOOD }).is_ok(),
            "{release}"
        );
    }
}

#[test]
fn an_old_kernel_is_named_with_the_one_that_is_needed() {
    for release in ["5.15.0-91-generic", "6.0.19", "4.19"] {
        refused(
            &Fake { release, ..GOOD },
            Sysexit::Unavailable,
            &[release, "6.1"],
        );
    }
}

#[test]
fn a_switched_off_ring_names_the_sysctl() {
    for level in [1, 2] {
        let machine = Fake {
            ring: Some(libc::EPERM),
            disabled: Some(level),
            ..GOOD
        };
        let value = format!("kernel.io_uring_disabled = {level}");
        refused(&machine, Sysexit::Unavailable, &[&value, "sysctl -w"]);
    }
}

#[test]
fn a_blocked_ring_names_seccomp() {
    for code in [libc::EPERM, libc::ENOSYS, libc::EACCES] {
        for disabled in [None, Some(0)] {
            let machine = Fake {
                ring: Some(code),
                disabled,
                ..GOOD
            };
            refused(
                &machine,
                Sysexit::Unavailable,
                &["seccomp", "io_uring_setup"],
            );
        }
    }
}

#[test]
fn a_ring_that_fails_otherwise_tells_what_the_kernel_says() {
    let machine = Fake {
        ring: Some(libc::EMFILE),
        ..GOOD
    };
    refused(
        &machine,
        Sysexit::Unavailable,
        &["io_uring", "Too many open files"],
    );
}

#[test]
fn too_little_locked_memory_names_the_limit_and_the_need() {
    let machine = Fake {
        memlock: Some(64 << 10),
        ..GOOD
    };
    let texts = [
        "64KiB",
        "4 shards need 768KiB",
        "ulimit -l 768",
        "LimitMEMLOCK=768K ",
    ];
    refused(&machine, Sysexit::OsError, &texts);
    assert!(
        check(
            &config(),
            &Fake {
                memlock: None,
                ..GOOD
            }
        )
        .is_ok()
    );
    assert!(
        check(
            &config(),
            &Fake {
                memlock: Some(768 << 10),
                ..GOOD
            }
        )
        .is_ok()
    );
}

#[test]
fn more_memory_than_there_is_is_refused() {
    let machine = Fake {
        total: 1 << 29,
        ..GOOD
    };
    refused(
        &machine,
        Sysexit::OsError,
        &["--memory is 1024.0 MiB", "this machine has 512.0 MiB"],
    );
    let machine = Fake {
        group: Some(1 << 28),
        ..GOOD
    };
    refused(
        &machine,
        Sysexit::OsError,
        &["control group has 256.0 MiB", "MemoryMax="],
    );
}

#[test]
fn memory_that_is_only_in_use_is_a_warning() {
    let warnings = check(
        &config(),
        &Fake {
            free: 1 << 29,
            ..GOOD
        },
    )
    .unwrap();
    assert!(warnings[0].contains("512 MiB"), "{warnings:?}");
}

#[test]
fn memory_that_is_taken_at_start_must_be_free_then() {
    let machine = Fake {
        free: 1 << 29,
        ..GOOD
    };
    let failure = check(&configured("prefault", "true"), &machine).unwrap_err();
    assert_eq!(failure.exit_code(), Sysexit::OsError);
    for text in ["free now, has 512.0 MiB", "without --prefault"] {
        assert!(failure.to_string().contains(text), "{failure}");
    }
    assert!(check(&configured("prefault", "true"), &GOOD).is_ok());
}

#[test]
fn this_machine_can_be_asked() {
    assert!(Machine.kernel_release().contains('.'));
    assert!(Machine.memory_total().unwrap() >= Machine.memory_available().unwrap());
    if let Some(level) = Machine.ring_disabled() {
        assert!(level <= 2);
    }
}
