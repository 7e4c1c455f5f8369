//! JSON meanings to messages and back.
//!
//! Generated from `table.toml`; do not edit.
#![allow(clippy::unwrap_used)]

use super::json::*;
use locker_protocol::*;
use serde_json::{Value, json};

/// Name and fields of a request.
pub fn request_fields(message: &Request<'_>) -> (&'static str, Value) {
    match message {
        Request::Hello(m) => ("Hello", fields_of_hello(m)),
        Request::Ping(m) => ("Ping", fields_of_ping(m)),
        Request::Close(m) => ("Close", fields_of_close(m)),
        Request::Acquire(m) => ("Acquire", fields_of_acquire(m)),
        Request::Cancel(m) => ("Cancel", fields_of_cancel(m)),
        Request::Release(m) => ("Release", fields_of_release(m)),
        Request::Renew(m) => ("Renew", fields_of_renew(m)),
        Request::Reclaim(m) => ("Reclaim", fields_of_reclaim(m)),
        Request::Get(m) => ("Get", fields_of_get(m)),
        Request::List(m) => ("List", fields_of_list(m)),
        Request::Sessions(m) => ("Sessions", fields_of_sessions(m)),
        Request::Stats(m) => ("Stats", fields_of_stats(m)),
        Request::ForceRelease(m) => ("ForceRelease", fields_of_force_release(m)),
    }
}

/// Name and fields of a reply.
pub fn reply_fields(message: &Reply<'_>) -> (&'static str, Value) {
    match message {
        Reply::HelloOk(m) => ("HelloOk", fields_of_hello_ok(m)),
        Reply::Pong(m) => ("Pong", fields_of_pong(m)),
        Reply::Closed(m) => ("Closed", fields_of_closed(m)),
        Reply::Granted(m) => ("Granted", fields_of_granted(m)),
        Reply::CancelDone(m) => ("CancelDone", fields_of_cancel_done(m)),
        Reply::Released(m) => ("Released", fields_of_released(m)),
        Reply::Renewed(m) => ("Renewed", fields_of_renewed(m)),
        Reply::Reclaimed(m) => ("Reclaimed", fields_of_reclaimed(m)),
        Reply::GetReply(m) => ("GetReply", fields_of_get_reply(m)),
        Reply::ListReply(m) => ("ListReply", fields_of_list_reply(m)),
        Reply::SessionsReply(m) => ("SessionsReply", fields_of_sessions_reply(m)),
        Reply::StatsReply(m) => ("StatsReply", fields_of_stats_reply(m)),
        Reply::Forced(m) => ("Forced", fields_of_forced(m)),
        Reply::Refused(m) => ("Refusal", fields_of_refusal(m)),
    }
}

/// Name and fields of a push.
pub fn push_fields(message: &Push<'_>) -> (&'static str, Value) {
    match message {
        Push::Lost(m) => ("Lost", fields_of_lost(m)),
        Push::SessionEnded(m) => ("SessionEnded", fields_of_session_ended(m)),
        Push::GoAway(m) => ("GoAway", fields_of_go_away(m)),
        Push::Fault(m) => ("Fault", fields_of_refusal(m)),
    }
}

/// Encodes a meaning with the crate's own encoders.
pub fn encode(meaning: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let id = request_id(meaning);
    let fields = &meaning["fields"];
    match meaning["message"].as_str().unwrap() {
        "Hello" => encode_hello(fields, id, &mut out),
        "Ping" => encode_ping(fields, id, &mut out),
        "Close" => encode_close(fields, id, &mut out),
        "Acquire" => encode_acquire(fields, id, &mut out),
        "Cancel" => encode_cancel(fields, id, &mut out),
        "Release" => encode_release(fields, id, &mut out),
        "Renew" => encode_renew(fields, id, &mut out),
        "Reclaim" => encode_reclaim(fields, id, &mut out),
        "Get" => encode_get(fields, id, &mut out),
        "List" => encode_list(fields, id, &mut out),
        "Sessions" => encode_sessions(fields, id, &mut out),
        "Stats" => encode_stats(fields, id, &mut out),
        "ForceRelease" => encode_force_release(fields, id, &mut out),
        "HelloOk" => encode_hello_ok(fields, id, &mut out),
        "Pong" => encode_pong(fields, id, &mut out),
        "Closed" => encode_closed(fields, id, &mut out),
        "Granted" => encode_granted(fields, id, &mut out),
        "CancelDone" => encode_cancel_done(fields, id, &mut out),
        "Released" => encode_released(fields, id, &mut out),
        "Renewed" => encode_renewed(fields, id, &mut out),
        "Reclaimed" => encode_reclaimed(fields, id, &mut out),
        "GetReply" => encode_get_reply(fields, id, &mut out),
        "ListReply" => encode_list_reply(fields, id, &mut out),
        "SessionsReply" => encode_sessions_reply(fields, id, &mut out),
        "StatsReply" => encode_stats_reply(fields, id, &mut out),
        "Forced" => encode_forced(fields, id, &mut out),
        "Lost" => encode_lost(fields, &mut out),
        "SessionEnded" => encode_session_ended(fields, &mut out),
        "GoAway" => encode_go_away(fields, &mut out),
        "Refusal" | "Fault" => encode_refusal(meaning, id, &mut out),
        other => panic!("{other} is no message"),
    }
    out
}

fn fields_of_hello(m: &Hello<'_>) -> Value {
    json!({
        "version_min": m.version_min,
        "version_max": m.version_max,
        "action": m.action.name(),
        "on_disconnect": m.on_disconnect.name(),
        "ttl_ms": m.ttl_ms,
        "features": m.features.to_string(),
        "session_id": m.session_id.to_string(),
        "secret": hex(&m.secret),
        "attach": m.attach,
        "reclaiming": m.reclaiming,
        "group": hex(&m.group),
        "name": m.name,
        "library": m.library,
    })
}

fn encode_hello(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Hello {
        version_min: u8::try_from(number_of(fields, "version_min")).unwrap(),
        version_max: u8::try_from(number_of(fields, "version_max")).unwrap(),
        action: named(fields, "action", &HelloAction::ALL, HelloAction::name).unwrap(),
        on_disconnect: named(fields, "on_disconnect", &OnDisconnect::ALL, OnDisconnect::name).unwrap(),
        ttl_ms: u32::try_from(number_of(fields, "ttl_ms")).unwrap(),
        features: u64_of(fields, "features"),
        session_id: u64_of(fields, "session_id"),
        secret: unhex_of(fields, "secret").try_into().unwrap(),
        attach: u32::try_from(number_of(fields, "attach")).unwrap(),
        reclaiming: bool_of(fields, "reclaiming"),
        group: unhex_of(fields, "group").try_into().unwrap(),
        name: text_of(fields, "name"),
        library: text_of(fields, "library"),
    };
    message.encode(id, out);
}

fn fields_of_ping(_m: &Ping) -> Value {
    json!({
    })
}

fn encode_ping(_fields: &Value, id: u64, out: &mut Vec<u8>) {
    Ping.encode(id, out);
}

fn fields_of_close(_m: &Close) -> Value {
    json!({
    })
}

fn encode_close(_fields: &Value, id: u64, out: &mut Vec<u8>) {
    Close.encode(id, out);
}

fn fields_of_acquire(m: &Acquire<'_>) -> Value {
    json!({
        "owner": m.owner.to_string(),
        "wait_ms": m.wait_ms,
        "lease_ms": m.lease_ms,
        "permits": m.permits,
        "limit": m.limit,
        "mode": m.mode.name(),
        "resize": m.resize,
        "key": hex(m.key),
        "metadata": hex(m.metadata),
    })
}

fn encode_acquire(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let metadata = unhex_of(fields, "metadata");
    let message = Acquire {
        owner: u64_of(fields, "owner"),
        wait_ms: u32::try_from(number_of(fields, "wait_ms")).unwrap(),
        lease_ms: u32::try_from(number_of(fields, "lease_ms")).unwrap(),
        permits: u32::try_from(number_of(fields, "permits")).unwrap(),
        limit: u32::try_from(number_of(fields, "limit")).unwrap(),
        mode: named(fields, "mode", &Mode::ALL, Mode::name).unwrap(),
        resize: bool_of(fields, "resize"),
        key: &key,
        metadata: &metadata,
    };
    message.encode(id, out);
}

fn fields_of_cancel(m: &Cancel<'_>) -> Value {
    json!({
        "acquire_id": m.acquire_id.to_string(),
        "owner": m.owner.to_string(),
        "if_granted": m.if_granted.name(),
        "key": hex(m.key),
    })
}

fn encode_cancel(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = Cancel {
        acquire_id: u64_of(fields, "acquire_id"),
        owner: u64_of(fields, "owner"),
        if_granted: named(fields, "if_granted", &IfGranted::ALL, IfGranted::name).unwrap(),
        key: &key,
    };
    message.encode(id, out);
}

fn fields_of_release(m: &Release<'_>) -> Value {
    json!({
        "owner": m.owner.to_string(),
        "token": m.token.to_string(),
        "key": hex(m.key),
    })
}

fn encode_release(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = Release {
        owner: u64_of(fields, "owner"),
        token: u64_of(fields, "token"),
        key: &key,
    };
    message.encode(id, out);
}

fn fields_of_renew(m: &Renew<'_>) -> Value {
    json!({
        "owner": m.owner.to_string(),
        "token": m.token.to_string(),
        "lease_ms": m.lease_ms,
        "key": hex(m.key),
    })
}

fn encode_renew(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = Renew {
        owner: u64_of(fields, "owner"),
        token: u64_of(fields, "token"),
        lease_ms: u32::try_from(number_of(fields, "lease_ms")).unwrap(),
        key: &key,
    };
    message.encode(id, out);
}

fn fields_of_reclaim(m: &Reclaim<'_>) -> Value {
    json!({
        "owner": m.owner.to_string(),
        "token": m.token.to_string(),
        "run": m.run.to_string(),
        "lease_ms": m.lease_ms,
        "permits": m.permits,
        "limit": m.limit,
        "mode": m.mode.name(),
        "key": hex(m.key),
        "metadata": hex(m.metadata),
    })
}

fn encode_reclaim(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let metadata = unhex_of(fields, "metadata");
    let message = Reclaim {
        owner: u64_of(fields, "owner"),
        token: u64_of(fields, "token"),
        run: u64_of(fields, "run"),
        lease_ms: u32::try_from(number_of(fields, "lease_ms")).unwrap(),
        permits: u32::try_from(number_of(fields, "permits")).unwrap(),
        limit: u32::try_from(number_of(fields, "limit")).unwrap(),
        mode: named(fields, "mode", &Mode::ALL, Mode::name).unwrap(),
        key: &key,
        metadata: &metadata,
    };
    message.encode(id, out);
}

fn fields_of_get(m: &Get<'_>) -> Value {
    json!({
        "key": hex(m.key),
    })
}

fn encode_get(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = Get {
        key: &key,
    };
    message.encode(id, out);
}

fn fields_of_list(m: &List<'_>) -> Value {
    json!({
        "cursor": m.cursor.to_string(),
        "prefix": hex(m.prefix),
    })
}

fn encode_list(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let prefix = unhex_of(fields, "prefix");
    let message = List {
        cursor: u64_of(fields, "cursor"),
        prefix: &prefix,
    };
    message.encode(id, out);
}

fn fields_of_sessions(m: &Sessions) -> Value {
    json!({
        "cursor": m.cursor.to_string(),
    })
}

fn encode_sessions(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Sessions {
        cursor: u64_of(fields, "cursor"),
    };
    message.encode(id, out);
}

fn fields_of_stats(m: &Stats) -> Value {
    json!({
        "cursor": m.cursor.to_string(),
    })
}

fn encode_stats(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Stats {
        cursor: u64_of(fields, "cursor"),
    };
    message.encode(id, out);
}

fn fields_of_force_release(m: &ForceRelease<'_>) -> Value {
    json!({
        "token": m.token.to_string(),
        "delay_ms": m.delay_ms,
        "key": hex(m.key),
        "reason": m.reason,
    })
}

fn encode_force_release(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = ForceRelease {
        token: u64_of(fields, "token"),
        delay_ms: u32::try_from(number_of(fields, "delay_ms")).unwrap(),
        key: &key,
        reason: text_of(fields, "reason"),
    };
    message.encode(id, out);
}

fn fields_of_hello_ok(m: &HelloOk<'_>) -> Value {
    json!({
        "version": m.version,
        "ephemeral": m.ephemeral,
        "admin": m.admin,
        "resumed": m.resumed,
        "draining": m.draining,
        "shard": m.shard,
        "shards": m.shards,
        "seats": m.seats,
        "features": m.features.to_string(),
        "server_id": hex(&m.server_id),
        "run": m.run.to_string(),
        "session_id": m.session_id.to_string(),
        "secret": hex(&m.secret),
        "attach": m.attach,
        "ttl_ms": m.ttl_ms,
        "keepalive_ms": m.keepalive_ms,
        "grace_left_ms": m.grace_left_ms,
        "server_now": m.server_now.to_string(),
        "margin_permille": m.margin_permille,
        "margin_ms": m.margin_ms,
        "frame_max": m.frame_max,
        "key_max": m.key_max,
        "metadata_max": m.metadata_max,
        "lease_min_ms": m.lease_min_ms,
        "lease_max_ms": m.lease_max_ms,
        "ports": m.ports.iter().collect::<Vec<_>>(),
    })
}

fn encode_hello_ok(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let ports = u16s_of(fields, "ports");
    let message = HelloOk {
        version: u8::try_from(number_of(fields, "version")).unwrap(),
        ephemeral: bool_of(fields, "ephemeral"),
        admin: bool_of(fields, "admin"),
        resumed: bool_of(fields, "resumed"),
        draining: bool_of(fields, "draining"),
        shard: u16::try_from(number_of(fields, "shard")).unwrap(),
        shards: u16::try_from(number_of(fields, "shards")).unwrap(),
        seats: u16::try_from(number_of(fields, "seats")).unwrap(),
        features: u64_of(fields, "features"),
        server_id: unhex_of(fields, "server_id").try_into().unwrap(),
        run: u64_of(fields, "run"),
        session_id: u64_of(fields, "session_id"),
        secret: unhex_of(fields, "secret").try_into().unwrap(),
        attach: u32::try_from(number_of(fields, "attach")).unwrap(),
        ttl_ms: u32::try_from(number_of(fields, "ttl_ms")).unwrap(),
        keepalive_ms: u32::try_from(number_of(fields, "keepalive_ms")).unwrap(),
        grace_left_ms: u32::try_from(number_of(fields, "grace_left_ms")).unwrap(),
        server_now: u64_of(fields, "server_now"),
        margin_permille: u16::try_from(number_of(fields, "margin_permille")).unwrap(),
        margin_ms: u16::try_from(number_of(fields, "margin_ms")).unwrap(),
        frame_max: u32::try_from(number_of(fields, "frame_max")).unwrap(),
        key_max: u16::try_from(number_of(fields, "key_max")).unwrap(),
        metadata_max: u16::try_from(number_of(fields, "metadata_max")).unwrap(),
        lease_min_ms: u32::try_from(number_of(fields, "lease_min_ms")).unwrap(),
        lease_max_ms: u32::try_from(number_of(fields, "lease_max_ms")).unwrap(),
        ports: U16List::from_bytes(&ports),
    };
    message.encode(id, out);
}

fn fields_of_pong(m: &Pong) -> Value {
    json!({
        "server_now": m.server_now.to_string(),
    })
}

fn encode_pong(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Pong {
        server_now: u64_of(fields, "server_now"),
    };
    message.encode(id, out);
}

fn fields_of_closed(_m: &Closed) -> Value {
    json!({
    })
}

fn encode_closed(_fields: &Value, id: u64, out: &mut Vec<u8>) {
    Closed.encode(id, out);
}

fn fields_of_granted(m: &Granted) -> Value {
    json!({
        "token": m.token.to_string(),
        "until": m.until.to_string(),
        "server_now": m.server_now.to_string(),
    })
}

fn encode_granted(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Granted {
        token: u64_of(fields, "token"),
        until: u64_of(fields, "until"),
        server_now: u64_of(fields, "server_now"),
    };
    message.encode(id, out);
}

fn fields_of_cancel_done(m: &CancelDone) -> Value {
    json!({
        "token": m.token.to_string(),
        "outcome": m.outcome.name(),
    })
}

fn encode_cancel_done(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = CancelDone {
        token: u64_of(fields, "token"),
        outcome: named(fields, "outcome", &CancelOutcome::ALL, CancelOutcome::name).unwrap(),
    };
    message.encode(id, out);
}

fn fields_of_released(_m: &Released) -> Value {
    json!({
    })
}

fn encode_released(_fields: &Value, id: u64, out: &mut Vec<u8>) {
    Released.encode(id, out);
}

fn fields_of_renewed(m: &Renewed) -> Value {
    json!({
        "until": m.until.to_string(),
        "server_now": m.server_now.to_string(),
    })
}

fn encode_renewed(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Renewed {
        until: u64_of(fields, "until"),
        server_now: u64_of(fields, "server_now"),
    };
    message.encode(id, out);
}

fn fields_of_reclaimed(m: &Reclaimed) -> Value {
    json!({
        "until": m.until.to_string(),
        "server_now": m.server_now.to_string(),
    })
}

fn encode_reclaimed(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Reclaimed {
        until: u64_of(fields, "until"),
        server_now: u64_of(fields, "server_now"),
    };
    message.encode(id, out);
}

fn fields_of_get_reply(m: &GetReply<'_>) -> Value {
    json!({
        "server_now": m.server_now.to_string(),
        "mode": m.mode.map(|v| v.name()),
        "closed": m.closed,
        "grace": m.grace,
        "limit": m.limit,
        "permits_used": m.permits_used,
        "holders_total": m.holders_total,
        "waiters_total": m.waiters_total,
        "closed_ms": m.closed_ms,
        "holders": m.holders.iter().map(|r| fields_of_holder(&r)).collect::<Vec<_>>(),
        "waiters": m.waiters.iter().map(|r| fields_of_waiter(&r)).collect::<Vec<_>>(),
    })
}

fn encode_get_reply(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let holders = records_of(fields, "holders", encode_holder);
    let waiters = records_of(fields, "waiters", encode_waiter);
    let message = GetReply {
        server_now: u64_of(fields, "server_now"),
        mode: named(fields, "mode", &Mode::ALL, Mode::name),
        closed: bool_of(fields, "closed"),
        grace: bool_of(fields, "grace"),
        limit: u32::try_from(number_of(fields, "limit")).unwrap(),
        permits_used: u32::try_from(number_of(fields, "permits_used")).unwrap(),
        holders_total: u32::try_from(number_of(fields, "holders_total")).unwrap(),
        waiters_total: u32::try_from(number_of(fields, "waiters_total")).unwrap(),
        closed_ms: u32::try_from(number_of(fields, "closed_ms")).unwrap(),
        holders: RecordList::from_records(&holders.0, holders.1),
        waiters: RecordList::from_records(&waiters.0, waiters.1),
    };
    message.encode(id, out);
}

fn fields_of_list_reply(m: &ListReply<'_>) -> Value {
    json!({
        "cursor": m.cursor.to_string(),
        "locks": m.locks.iter().map(|r| fields_of_lock_summary(&r)).collect::<Vec<_>>(),
    })
}

fn encode_list_reply(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let locks = records_of(fields, "locks", encode_lock_summary);
    let message = ListReply {
        cursor: u64_of(fields, "cursor"),
        locks: RecordList::from_records(&locks.0, locks.1),
    };
    message.encode(id, out);
}

fn fields_of_sessions_reply(m: &SessionsReply<'_>) -> Value {
    json!({
        "cursor": m.cursor.to_string(),
        "sessions": m.sessions.iter().map(|r| fields_of_session_summary(&r)).collect::<Vec<_>>(),
    })
}

fn encode_sessions_reply(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let sessions = records_of(fields, "sessions", encode_session_summary);
    let message = SessionsReply {
        cursor: u64_of(fields, "cursor"),
        sessions: RecordList::from_records(&sessions.0, sessions.1),
    };
    message.encode(id, out);
}

fn fields_of_stats_reply(m: &StatsReply<'_>) -> Value {
    json!({
        "cursor": m.cursor.to_string(),
        "shard": m.shard,
        "counters": m.counters.iter().map(|r| fields_of_counter(&r)).collect::<Vec<_>>(),
    })
}

fn encode_stats_reply(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let counters = records_of(fields, "counters", encode_counter);
    let message = StatsReply {
        cursor: u64_of(fields, "cursor"),
        shard: u16::try_from(number_of(fields, "shard")).unwrap(),
        counters: RecordList::from_records(&counters.0, counters.1),
    };
    message.encode(id, out);
}

fn fields_of_forced(m: &Forced) -> Value {
    json!({
        "ended": m.ended,
        "closed_ms": m.closed_ms,
    })
}

fn encode_forced(fields: &Value, id: u64, out: &mut Vec<u8>) {
    let message = Forced {
        ended: u32::try_from(number_of(fields, "ended")).unwrap(),
        closed_ms: u32::try_from(number_of(fields, "closed_ms")).unwrap(),
    };
    message.encode(id, out);
}

fn fields_of_lost(m: &Lost<'_>) -> Value {
    json!({
        "token": m.token.to_string(),
        "owner": m.owner.to_string(),
        "reason": m.reason.name(),
        "key": hex(m.key),
    })
}

fn encode_lost(fields: &Value, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = Lost {
        token: u64_of(fields, "token"),
        owner: u64_of(fields, "owner"),
        reason: named(fields, "reason", &LostReason::ALL, LostReason::name).unwrap(),
        key: &key,
    };
    message.encode(out);
}

fn fields_of_session_ended(m: &SessionEnded) -> Value {
    json!({
        "reason": m.reason.name(),
    })
}

fn encode_session_ended(fields: &Value, out: &mut Vec<u8>) {
    let message = SessionEnded {
        reason: named(fields, "reason", &EndReason::ALL, EndReason::name).unwrap(),
    };
    message.encode(out);
}

fn fields_of_go_away(m: &GoAway) -> Value {
    json!({
        "drain_ms": m.drain_ms,
        "reason": m.reason.name(),
    })
}

fn encode_go_away(fields: &Value, out: &mut Vec<u8>) {
    let message = GoAway {
        drain_ms: u32::try_from(number_of(fields, "drain_ms")).unwrap(),
        reason: named(fields, "reason", &GoAwayReason::ALL, GoAwayReason::name).unwrap(),
    };
    message.encode(out);
}

fn fields_of_refusal(m: &Refusal<'_>) -> Value {
    json!({
        "limit": m.limit.to_string(),
        "value": m.value.to_string(),
        "detail": m.detail,
    })
}

fn fields_of_holder(m: &Holder<'_>) -> Value {
    json!({
        "session_id": m.session_id.to_string(),
        "owner": m.owner.to_string(),
        "token": m.token.to_string(),
        "age_s": m.age_s,
        "lease_left_ms": m.lease_left_ms,
        "permits": m.permits,
        "mode": m.mode.name(),
        "peer_port": m.peer_port,
        "peer_ip": hex(&m.peer_ip),
        "name": m.name,
        "metadata": hex(m.metadata),
    })
}

fn encode_holder(fields: &Value, out: &mut Vec<u8>) {
    let metadata = unhex_of(fields, "metadata");
    let message = Holder {
        session_id: u64_of(fields, "session_id"),
        owner: u64_of(fields, "owner"),
        token: u64_of(fields, "token"),
        age_s: u32::try_from(number_of(fields, "age_s")).unwrap(),
        lease_left_ms: u32::try_from(number_of(fields, "lease_left_ms")).unwrap(),
        permits: u32::try_from(number_of(fields, "permits")).unwrap(),
        mode: named(fields, "mode", &Mode::ALL, Mode::name).unwrap(),
        peer_port: u16::try_from(number_of(fields, "peer_port")).unwrap(),
        peer_ip: unhex_of(fields, "peer_ip").try_into().unwrap(),
        name: text_of(fields, "name"),
        metadata: &metadata,
    };
    message.encode(out);
}

fn fields_of_waiter(m: &Waiter<'_>) -> Value {
    json!({
        "session_id": m.session_id.to_string(),
        "owner": m.owner.to_string(),
        "age_s": m.age_s,
        "wait_left_ms": m.wait_left_ms,
        "permits": m.permits,
        "mode": m.mode.name(),
        "peer_port": m.peer_port,
        "peer_ip": hex(&m.peer_ip),
        "name": m.name,
    })
}

fn encode_waiter(fields: &Value, out: &mut Vec<u8>) {
    let message = Waiter {
        session_id: u64_of(fields, "session_id"),
        owner: u64_of(fields, "owner"),
        age_s: u32::try_from(number_of(fields, "age_s")).unwrap(),
        wait_left_ms: u32::try_from(number_of(fields, "wait_left_ms")).unwrap(),
        permits: u32::try_from(number_of(fields, "permits")).unwrap(),
        mode: named(fields, "mode", &Mode::ALL, Mode::name).unwrap(),
        peer_port: u16::try_from(number_of(fields, "peer_port")).unwrap(),
        peer_ip: unhex_of(fields, "peer_ip").try_into().unwrap(),
        name: text_of(fields, "name"),
    };
    message.encode(out);
}

fn fields_of_lock_summary(m: &LockSummary<'_>) -> Value {
    json!({
        "holders": m.holders,
        "waiters": m.waiters,
        "mode": m.mode.map(|v| v.name()),
        "closed": m.closed,
        "grace": m.grace,
        "key": hex(m.key),
    })
}

fn encode_lock_summary(fields: &Value, out: &mut Vec<u8>) {
    let key = unhex_of(fields, "key");
    let message = LockSummary {
        holders: u32::try_from(number_of(fields, "holders")).unwrap(),
        waiters: u32::try_from(number_of(fields, "waiters")).unwrap(),
        mode: named(fields, "mode", &Mode::ALL, Mode::name),
        closed: bool_of(fields, "closed"),
        grace: bool_of(fields, "grace"),
        key: &key,
    };
    message.encode(out);
}

fn fields_of_session_summary(m: &SessionSummary<'_>) -> Value {
    json!({
        "session_id": m.session_id.to_string(),
        "group": hex(&m.group),
        "ttl_ms": m.ttl_ms,
        "silent_ms": m.silent_ms,
        "age_s": m.age_s,
        "holds": m.holds,
        "running": m.running,
        "attach": m.attach,
        "state": m.state.name(),
        "on_disconnect": m.on_disconnect.name(),
        "home": m.home,
        "peer_port": m.peer_port,
        "peer_ip": hex(&m.peer_ip),
        "name": m.name,
    })
}

fn encode_session_summary(fields: &Value, out: &mut Vec<u8>) {
    let message = SessionSummary {
        session_id: u64_of(fields, "session_id"),
        group: unhex_of(fields, "group").try_into().unwrap(),
        ttl_ms: u32::try_from(number_of(fields, "ttl_ms")).unwrap(),
        silent_ms: u32::try_from(number_of(fields, "silent_ms")).unwrap(),
        age_s: u32::try_from(number_of(fields, "age_s")).unwrap(),
        holds: u32::try_from(number_of(fields, "holds")).unwrap(),
        running: u32::try_from(number_of(fields, "running")).unwrap(),
        attach: u32::try_from(number_of(fields, "attach")).unwrap(),
        state: named(fields, "state", &SessionState::ALL, SessionState::name).unwrap(),
        on_disconnect: named(fields, "on_disconnect", &OnDisconnect::ALL, OnDisconnect::name).unwrap(),
        home: u8::try_from(number_of(fields, "home")).unwrap(),
        peer_port: u16::try_from(number_of(fields, "peer_port")).unwrap(),
        peer_ip: unhex_of(fields, "peer_ip").try_into().unwrap(),
        name: text_of(fields, "name"),
    };
    message.encode(out);
}

fn fields_of_counter(m: &Counter) -> Value {
    json!({
        "id": m.id,
        "value": m.value.to_string(),
    })
}

fn encode_counter(fields: &Value, out: &mut Vec<u8>) {
    let message = Counter {
        id: u16::try_from(number_of(fields, "id")).unwrap(),
        value: u64_of(fields, "value"),
    };
    message.encode(out);
}

