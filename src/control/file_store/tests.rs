//! On a real file system: each step of a write, and each byte of each copy.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::control::record::State;

const RECORD: Record = Record {
    epoch: 1,
    floor: 1,
    bound_ms: 16_000,
    ttl_ms_max: 60_000,
    state: State::Dirty,
    server_id: [1; 16],
};

fn record(epoch: u32) -> Record {
    Record { epoch, ..RECORD }
}

fn open(path: &Path) -> FileStore {
    FileStore::open(path).unwrap()
}

/// A directory with records of epoch 1..=count, and the version of the last.
fn written(path: &Path, count: u32) -> Version {
    let mut store = open(path);
    let mut version = None;
    for epoch in 1..=count {
        version = Some(store.compare_and_set(version, &record(epoch)).unwrap());
    }
    version.unwrap()
}

#[test]
fn a_missing_directory_is_made_with_its_parents_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/b");
    let mut store = open(&path);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(store.load().unwrap(), Loaded::Empty);
}

#[test]
fn the_last_record_written_is_loaded() {
    let root = tempfile::tempdir().unwrap();
    for count in 1..=5 {
        let path = root.path().join(count.to_string());
        let version = written(&path, count);
        let mut store = open(&path);
        let record = record(count);
        assert_eq!(store.load().unwrap(), Loaded::Whole { version, record });
    }
}

#[test]
fn one_server_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let first = open(root.path());
    let process = std::process::id();
    for _ in 0..2 {
        match FileStore::open(root.path()) {
            Err(OpenError::InUse(holder)) => assert_eq!(holder, Some(process)),
            other => panic!("{other:?}"),
        }
    }
    drop(first);
    assert!(FileStore::open(root.path()).is_ok());
}

#[test]
fn a_write_over_anything_but_what_was_read_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let version = written(root.path(), 2);
    let mut store = open(root.path());
    for expected in [None, Some(Version(1)), Some(Version(version.0 + 1))] {
        let error = store.compare_and_set(expected, &record(9)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    }
    for copy in COPIES {
        fs::remove_file(root.path().join(copy)).unwrap();
    }
    let wiped = store
        .compare_and_set(Some(version), &record(9))
        .unwrap_err();
    assert!(matches!(wiped, StoreError::Conflict { .. }), "{wiped}");
}

#[test]
fn a_crash_at_every_step_of_a_write_leaves_the_old_or_the_new_record() {
    for count in 1..=3 {
        let root = tempfile::tempdir().unwrap();
        let version = written(root.path(), count);
        let old = Loaded::Whole {
            version,
            record: record(count),
        };
        let next = Version(version.0 + 1);
        let bytes = record(count + 1).encode(next);
        for length in 0..=bytes.len() {
            fs::write(root.path().join(TEMPORARY), &bytes[..length]).unwrap();
            assert_eq!(open(root.path()).load().unwrap(), old);
        }
        let copy = root.path().join(COPIES[copy_of(next)]);
        fs::rename(root.path().join(TEMPORARY), copy).unwrap();
        let new = Loaded::Whole {
            version: next,
            record: record(count + 1),
        };
        assert_eq!(open(root.path()).load().unwrap(), new);
    }
}

#[test]
fn damage_to_any_byte_of_either_copy_falls_back_to_the_other_with_caution() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), 4);
    let mut store = open(root.path());
    for (index, copy) in COPIES.iter().enumerate() {
        let path = root.path().join(copy);
        let whole = fs::read(&path).unwrap();
        let (version, record) = match index {
            0 => (Version(3), record(3)),
            _ => (Version(4), record(4)),
        };
        let expected = Loaded::Older { version, record };
        for byte in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[byte] ^= 0x40;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(store.load().unwrap(), expected, "{copy} byte {byte}");
            fs::write(&path, &whole[..byte]).unwrap();
            assert_eq!(store.load().unwrap(), expected, "{copy} cut to {byte}");
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert_eq!(store.load().unwrap(), expected, "{copy} longer");
        fs::remove_file(&path).unwrap();
        assert_eq!(store.load().unwrap(), expected, "{copy} missing");
        fs::write(&path, &whole).unwrap();
    }
    assert!(matches!(store.load().unwrap(), Loaded::Whole { .. }));
}

#[test]
fn after_a_lost_copy_two_writes_make_both_whole() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), 4);
    fs::write(root.path().join(COPIES[0]), b"").unwrap();
    let mut store = open(root.path());
    let Loaded::Older { version, .. } = store.load().unwrap() else {
        panic!("the newer copy is lost");
    };
    let version = store.compare_and_set(Some(version), &record(9)).unwrap();
    let version = store.compare_and_set(Some(version), &record(9)).unwrap();
    assert_eq!(
        store.load().unwrap(),
        Loaded::Whole {
            version,
            record: record(9)
        }
    );
}

#[test]
fn two_damaged_copies_are_refused_with_the_remedy() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), 2);
    for copy in COPIES {
        fs::write(root.path().join(copy), b"damaged").unwrap();
    }
    let error = open(root.path()).load().unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("state.0"), "{error}");
}

#[test]
fn somebody_elses_directory_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let mut store = open(root.path());
    fs::create_dir(root.path().join("lost+found")).unwrap();
    assert_eq!(store.load().unwrap(), Loaded::Empty);
    fs::write(root.path().join("passwd"), b"").unwrap();
    let error = store.load().unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("`passwd`"), "{error}");
}

#[test]
fn copies_of_two_servers_are_refused() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), 2);
    let other = Record {
        server_id: [2; 16],
        ..RECORD
    };
    fs::write(root.path().join(COPIES[1]), other.encode(Version(3))).unwrap();
    let error = open(root.path()).load().unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}
