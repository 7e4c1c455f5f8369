//! What every connection of ours to locker says first. Pure.

use locker_protocol::{FEATURES_RECLAIM, Hello, HelloAction, OnDisconnect, PREFACE, VERSION};

/// Name and version, as whoever inspects a session sees them.
const LIBRARY: &str = concat!("locker-bench/", env!("CARGO_PKG_VERSION"));

/// Appends the preface and a Hello that opens a session; TTL in milliseconds, 0 = the server's
/// default.
pub fn open_session(request_id: u64, ttl_ms: u32, on_disconnect: OnDisconnect, out: &mut Vec<u8>) {
    let open = Hello {
        on_disconnect,
        ttl_ms,
        ..hello(HelloAction::Open)
    };
    say(&open, request_id, out);
}

/// Appends the preface and a Hello that opens a session which means to reclaim holds of before a
/// restart of the server; it outlives its connection.
pub fn reopen_session(request_id: u64, ttl_ms: u32, out: &mut Vec<u8>) {
    let open = Hello {
        ttl_ms,
        features: FEATURES_RECLAIM,
        reclaiming: true,
        ..hello(HelloAction::Open)
    };
    say(&open, request_id, out);
}

/// Appends the preface and a Hello that resumes a session, for the `attach`th time.
pub fn resume_session(
    request_id: u64,
    session_id: u64,
    secret: [u8; 16],
    attach: u32,
    out: &mut Vec<u8>,
) {
    let resume = Hello {
        session_id,
        secret,
        attach,
        ..hello(HelloAction::Resume)
    };
    say(&resume, request_id, out);
}

/// Appends the preface and a Hello without a session: pings and reads only.
pub fn without_session(request_id: u64, out: &mut Vec<u8>) {
    say(&hello(HelloAction::None), request_id, out);
}

fn say(hello: &Hello<'_>, request_id: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&PREFACE);
    hello.encode(request_id, out);
}

const fn hello(action: HelloAction) -> Hello<'static> {
    Hello {
        version_min: VERSION,
        version_max: VERSION,
        action,
        on_disconnect: OnDisconnect::Grace,
        ttl_ms: 0,
        features: 0,
        session_id: 0,
        secret: [0; 16],
        attach: 0,
        reclaiming: false,
        group: [0; 16],
        name: "locker-bench",
        library: LIBRARY,
    }
}
