//! Requests: every opcode, every enumeration, the ends of every range.

use crate::interpreter::hex;
use serde_json::{Value, json};

/// Request id of seat 3, sequence 1: `1 << 16 | 3`.
pub(super) const ID: &str = "65539";

/// Name and meaning of each.
pub(super) fn meanings() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    hellos(&mut all);
    acquires(&mut all);
    others(&mut all);
    reads(&mut all);
    all.into_iter()
        .map(|(name, meaning)| (name.to_owned(), meaning))
        .collect()
}

type Named = Vec<(&'static str, Value)>;

fn request(message: &str, fields: Value) -> Value {
    json!({ "message": message, "request_id": ID, "fields": fields })
}

/// `base` with some fields replaced.
pub(super) fn with(base: &Value, changes: Value) -> Value {
    let mut fields = base.clone();
    for (name, value) in changes.as_object().expect("changes are an object") {
        assert!(fields.get(name).is_some(), "{name} is a field");
        fields[name] = value.clone();
    }
    fields
}

const TOKEN: &str = "549755813889";

pub(super) fn hello() -> Value {
    json!({
        "version_min": 1, "version_max": 1, "action": "Open", "on_disconnect": "Grace",
        "ttl_ms": 10_000, "features": "0", "session_id": "0", "secret": "00".repeat(16),
        "attach": 0, "reclaiming": false, "group": "00".repeat(16),
        "name": "billing-7", "library": "locker-rust/0.1.0",
    })
}

fn hellos(all: &mut Named) {
    let hello = hello();
    let mut add = |name, changes| all.push((name, request("Hello", with(&hello, changes))));
    add("hello opens a session", json!({}));
    add(
        "hello without a session",
        json!({ "action": "None", "ttl_ms": 0, "name": "" }),
    );
    add(
        "hello opens a session that ends with its connection",
        json!({ "on_disconnect": "Release", "reclaiming": true, "features": "1" }),
    );
    add(
        "hello of a group, names at their longest",
        json!({
            "group": "000102030405060708090a0b0c0d0e0f",
            "name": "n".repeat(32),
            "library": "l".repeat(64),
            "version_max": 255,
            "ttl_ms": 3_600_000,
        }),
    );
    add(
        "hello resumes a session",
        json!({
            "action": "Resume",
            "session_id": "72057594037927943",
            "secret": "f0e1d2c3b4a5968778695a4b3c2d1e0f",
            "attach": 1,
            "name": "",
            "library": "",
        }),
    );
    add(
        "hello with a name beyond ASCII",
        json!({ "name": "caf\u{e9} \u{2713}" }),
    );
    add(
        "hello offers features that the server does not know",
        json!({ "features": "18446744073709551615" }),
    );
}

pub(super) fn acquire() -> Value {
    json!({
        "owner": "7", "wait_ms": 30_000, "lease_ms": 60_000, "permits": 0, "limit": 0,
        "mode": "Exclusive", "resize": false, "key": hex(b"invoice/1842"), "metadata": "",
    })
}

pub(super) fn reclaim() -> Value {
    json!({
        "owner": "7", "token": TOKEN, "run": "16", "lease_ms": 60_000, "permits": 0, "limit": 0,
        "mode": "Exclusive", "key": hex(b"invoice/1842"), "metadata": "",
    })
}

fn acquires(all: &mut Named) {
    let acquire = acquire();
    let mut add = |name, changes| all.push((name, request("Acquire", with(&acquire, changes))));
    add("acquire exclusive", json!({}));
    add(
        "acquire try, lease as the session",
        json!({ "wait_ms": 0, "lease_ms": 0 }),
    );
    add(
        "acquire shared, wait for ever",
        json!({ "mode": "Shared", "wait_ms": 0xFFFF_FFFF_u32 }),
    );
    add(
        "acquire permits",
        json!({ "mode": "Permit", "permits": 2, "limit": 5 }),
    );
    add(
        "acquire permits, at most, and resize",
        json!({
            "mode": "Permit", "permits": 0xFFFF_FFFF_u32, "limit": 0x8000_0000_u32, "resize": true,
        }),
    );
    add(
        "acquire with metadata",
        json!({ "metadata": hex(b"host-a pid 4711") }),
    );
    add(
        "acquire a key of one byte that is zero",
        json!({ "key": "00" }),
    );
    add(
        "acquire the longest key with the longest metadata",
        json!({ "key": "ab".repeat(1024), "metadata": "cd".repeat(256) }),
    );
    add(
        "acquire of the greatest owner",
        json!({ "owner": "18446744073709551615" }),
    );
}

fn others(all: &mut Named) {
    let key = hex(b"invoice/1842");
    let mut add = |name, message, fields| all.push((name, request(message, fields)));
    add("ping", "Ping", json!({}));
    add("close", "Close", json!({}));
    for (name, if_granted) in [
        ("cancel, keep if granted", "Keep"),
        ("cancel, release if granted", "Release"),
    ] {
        let fields =
            json!({ "acquire_id": "131074", "owner": "7", "if_granted": if_granted, "key": key });
        add(name, "Cancel", fields);
    }
    let token = TOKEN;
    add(
        "release",
        "Release",
        json!({ "owner": "7", "token": token, "key": key }),
    );
    add(
        "release the one hold of the owner",
        "Release",
        json!({
            "owner": "7", "token": "0", "key": key,
        }),
    );
    for (name, lease_ms) in [
        ("renew", 60_000_u32),
        ("renew for the session", 0),
        ("renew that only asks", 0xFFFF_FFFF),
    ] {
        let fields = json!({ "owner": "7", "token": token, "lease_ms": lease_ms, "key": key });
        add(name, "Renew", fields);
    }
    let reclaim = reclaim();
    add("reclaim", "Reclaim", reclaim.clone());
    let permits = json!({ "mode": "Permit", "permits": 2, "limit": 5, "metadata": hex(b"x") });
    add("reclaim permits", "Reclaim", with(&reclaim, permits));
    for (name, token, delay_ms, reason) in [
        (
            "force one hold, the holder's TTL",
            token,
            0xFFFF_FFFF_u32,
            "host-a is dead, INC-2231",
        ),
        ("force all holds at once", "0", 0, ""),
    ] {
        let fields = json!({ "token": token, "delay_ms": delay_ms, "key": key, "reason": reason });
        add(name, "ForceRelease", fields);
    }
}

fn reads(all: &mut Named) {
    let mut add = |name, message, fields| all.push((name, request(message, fields)));
    add("get", "Get", json!({ "key": hex(b"{tenant-9}/import") }));
    add(
        "list from the start",
        "List",
        json!({ "cursor": "0", "prefix": "" }),
    );
    add(
        "list on with a prefix",
        "List",
        json!({
            "cursor": "72057594037932032", "prefix": hex(b"invoice/"),
        }),
    );
    add("sessions", "Sessions", json!({ "cursor": "0" }));
    add(
        "stats of the next shard",
        "Stats",
        json!({ "cursor": "144115188075855872" }),
    );
}
