//! Replies, refusals of every status, and pushes.

use super::requests::{ID, with};
use crate::interpreter::hex;
use crate::table::Table;
use serde_json::{Value, json};

const TOKEN: &str = "549755813889";
const SESSION: &str = "72057594037927943";
const IPV4: &str = "00000000000000000000ffffc0000201";

/// Name and meaning of each.
pub(super) fn meanings(table: &Table) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    hello_oks(&mut all);
    outcomes(&mut all);
    reads(&mut all);
    counters(&mut all, table);
    refusals(&mut all, table);
    pushes(&mut all, table);
    all
}

type Named = Vec<(String, Value)>;

fn add(all: &mut Named, name: &str, message: &str, fields: Value) {
    let meaning = json!({ "message": message, "request_id": ID, "fields": fields });
    all.push((name.to_owned(), meaning));
}

pub(super) fn hello_ok() -> Value {
    json!({
        "version": 1, "ephemeral": false, "admin": false, "resumed": false, "draining": false,
        "shard": 1, "shards": 4, "seats": 64, "features": "0",
        "server_id": "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", "run": "16", "session_id": SESSION,
        "secret": "f0e1d2c3b4a5968778695a4b3c2d1e0f", "attach": 0, "ttl_ms": 10_000,
        "keepalive_ms": 3_333, "grace_left_ms": 0, "server_now": "81250000",
        "margin_permille": 10, "margin_ms": 2, "frame_max": 65_536, "key_max": 256,
        "metadata_max": 256, "lease_min_ms": 10, "lease_max_ms": 2_073_600_000, "ports": [],
    })
}

fn hello_oks(all: &mut Named) {
    let base = hello_ok();
    let mut ok = |name, changes| add(all, name, "HelloOk", with(&base, changes));
    ok("hello ok, a new session", json!({}));
    ok(
        "hello ok, resumed, one port a shard",
        json!({
            "resumed": true, "attach": 1, "ports": [5630, 5631, 5632, 5633],
        }),
    );
    ok(
        "hello ok, ephemeral, admin, draining, in a grace window",
        json!({
            "ephemeral": true, "admin": true, "draining": true, "grace_left_ms": 9_870,
            "features": "1",
        }),
    );
    ok(
        "hello ok without a session",
        json!({
            "session_id": "0", "secret": "00".repeat(16), "seats": 0, "ttl_ms": 0,
        }),
    );
}

fn outcomes(all: &mut Named) {
    add(
        all,
        "pong",
        "Pong",
        json!({ "server_now": "18446744073709551615" }),
    );
    add(all, "closed", "Closed", json!({}));
    for (name, until) in [("granted", "141250000"), ("granted for the session", "0")] {
        let fields = json!({ "token": TOKEN, "until": until, "server_now": "81250000" });
        add(all, name, "Granted", fields);
    }
    let done = [
        (TOKEN, "Released"),
        (TOKEN, "Kept"),
        ("0", "Cancelled"),
        ("0", "NotFound"),
    ];
    for (token, outcome) in done {
        let fields = json!({ "token": token, "outcome": outcome });
        add(
            all,
            &format!("cancel done, {outcome}"),
            "CancelDone",
            fields,
        );
    }
    add(all, "released", "Released", json!({}));
    let until = json!({ "until": "141250000", "server_now": "81250000" });
    add(all, "renewed", "Renewed", until.clone());
    let session = json!({ "until": "0", "server_now": "81250000" });
    add(all, "renewed for the session", "Renewed", session);
    add(all, "reclaimed", "Reclaimed", until);
    add(
        all,
        "forced",
        "Forced",
        json!({ "ended": 2, "closed_ms": 10_250 }),
    );
}

fn holder() -> Value {
    json!({
        "session_id": SESSION, "owner": "7", "token": TOKEN, "age_s": 12,
        "lease_left_ms": 48_000, "permits": 0, "mode": "Exclusive", "peer_port": 40_112,
        "peer_ip": IPV4, "name": "billing-7", "metadata": hex(b"pid 4711"),
    })
}

fn waiter() -> Value {
    json!({
        "session_id": "8", "owner": "18446744073709551615", "age_s": 3, "wait_left_ms": 27_000,
        "permits": 0, "mode": "Shared", "peer_port": 0, "peer_ip": "00".repeat(16), "name": "",
    })
}

fn reads(all: &mut Named) {
    let free = json!({
        "server_now": "81250000", "mode": null, "closed": false, "grace": false, "limit": 0,
        "permits_used": 0, "holders_total": 0, "waiters_total": 0, "closed_ms": 0, "holders": [],
        "waiters": [],
    });
    let mut get = |name, changes| add(all, name, "GetReply", with(&free, changes));
    get("get reply, free", json!({}));
    get(
        "get reply, closed after a force",
        json!({ "closed": true, "closed_ms": 4_000 }),
    );
    get(
        "get reply, held and waited for",
        json!({
            "mode": "Exclusive", "holders_total": 1, "waiters_total": 40, "holders": [holder()],
            "waiters": [waiter(), with(&waiter(), json!({ "wait_left_ms": 0xFFFF_FFFF_u32 }))],
        }),
    );
    let permit = json!({
        "mode": "Permit", "permits": 2, "lease_left_ms": 0xFFFF_FFFF_u32, "metadata": "",
    });
    get(
        "get reply, permits in a grace window",
        json!({
            "mode": "Permit", "grace": true, "limit": 5, "permits_used": 4, "holders_total": 2,
            "holders": [with(&holder(), permit.clone()), with(&holder(), permit)],
        }),
    );
    add(
        all,
        "list reply, an empty page with more behind",
        "ListReply",
        json!({
            "cursor": "72057594037932032", "locks": [],
        }),
    );
    add(
        all,
        "list reply, the last page",
        "ListReply",
        json!({ "cursor": "0", "locks": [
            { "holders": 1, "waiters": 40, "mode": "Exclusive", "closed": false, "grace": false,
              "key": hex(b"invoice/1842") },
            { "holders": 0, "waiters": 1, "mode": "Shared", "closed": true, "grace": true,
              "key": "00ff" },
            { "holders": 0, "waiters": 0, "mode": null, "closed": true, "grace": false,
              "key": hex(b"{tenant-9}/import") },
        ]}),
    );
    let sessions: Vec<_> = ["Attached", "Detached", "Ending"]
        .iter()
        .map(session)
        .collect();
    let page = json!({ "cursor": "0", "sessions": sessions });
    add(all, "sessions reply, every state", "SessionsReply", page);
}

fn session(state: &&str) -> Value {
    json!({
        "session_id": SESSION, "group": "000102030405060708090a0b0c0d0e0f", "ttl_ms": 10_000,
        "silent_ms": 150, "age_s": 86_400, "holds": 3, "running": 1, "attach": 2, "state": state,
        "on_disconnect": "Release", "home": 1, "peer_port": 40_112, "peer_ip": IPV4,
        "name": "billing-7",
    })
}

/// Every counter of the table, and one that no table has.
fn counters(all: &mut Named, table: &Table) {
    let known = table.counter.iter().map(|counter| counter.id);
    let counters: Vec<_> = known
        .chain([65_535])
        .map(|id| json!({ "id": id, "value": (u64::from(id) * 1_000).to_string() }))
        .collect();
    let fields = json!({ "cursor": "144115188075855872", "shard": 0, "counters": counters });
    add(
        all,
        "stats reply, every counter and an unknown one",
        "StatsReply",
        fields,
    );
}

fn refusals(all: &mut Named, table: &Table) {
    for status in table
        .status
        .iter()
        .filter(|status| status.code != 0 && status.code < 300)
    {
        let fields = json!({ "limit": "5", "value": TOKEN, "detail": "" });
        let meaning = json!({
            "message": "Refusal", "op": "Acquire", "status": status.name, "request_id": ID,
            "fields": fields,
        });
        all.push((format!("refusal, {}", status.name), meaning));
    }
    for request in &table.request {
        let fields = json!({ "limit": "0", "value": "16", "detail": "offset 16: out of range" });
        let meaning = json!({
            "message": "Refusal", "op": request.name, "status": "BadFrame", "request_id": ID,
            "fields": fields,
        });
        all.push((
            format!("refusal of {} with a detail", request.name),
            meaning,
        ));
    }
    for status in table.status.iter().filter(|status| status.code >= 300) {
        let meaning = json!({
            "message": "Refusal", "op": "Hello", "status": status.name, "request_id": ID,
            "fields": { "limit": "1", "value": "2", "detail": "" },
        });
        all.push((format!("refusal of Hello, {}", status.name), meaning));
    }
    let meaning = json!({
        "message": "Refusal", "op": 0x7F, "status": "Unsupported", "request_id": ID,
        "fields": { "limit": "0", "value": "127", "detail": "" },
    });
    all.push(("refusal of an opcode that nobody knows".to_owned(), meaning));
}

fn pushes(all: &mut Named, table: &Table) {
    let mut push = |name: String, message: &str, fields: Value| {
        all.push((name, json!({ "message": message, "fields": fields })));
    };
    for reason in table.enums["LostReason"].keys() {
        let key = hex(b"invoice/1842");
        let fields = json!({ "token": TOKEN, "owner": "7", "reason": reason, "key": key });
        push(format!("lost, {reason}"), "Lost", fields);
    }
    for reason in table.enums["EndReason"].keys() {
        push(
            format!("session ended, {reason}"),
            "SessionEnded",
            json!({ "reason": reason }),
        );
    }
    for reason in table.enums["GoAwayReason"].keys() {
        let fields = json!({ "drain_ms": 5_000, "reason": reason });
        push(format!("go away, {reason}"), "GoAway", fields);
    }
    for status in table.status.iter().filter(|status| status.code >= 200) {
        let meaning = json!({
            "message": "Fault", "status": status.name,
            "fields": { "limit": "65536", "value": "65537", "detail": status.text },
        });
        all.push((format!("fault, {}", status.name), meaning));
    }
}
