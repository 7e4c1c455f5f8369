//! What every connection of ours to locker says first. Pure.

use locker_protocol::{Hello, HelloAction, OnDisconnect, PREFACE, VERSION};

/// Name and version, as whoever inspects a session sees them.
const LIBRARY: &str = concat!("locker-bench/", env!("CARGO_PKG_VERSION"));

/// Appends the preface and a Hello that opens a session; TTL in milliseconds, 0 = the server's
/// default.
pub fn open_session(request_id: u64, ttl_ms: u32, on_disconnect: OnDisconnect, out: &mut Vec<u8>) {
    out.extend_from_slice(&PREFACE);
    let hello = Hello {
        version_min: VERSION,
        version_max: VERSION,
        action: HelloAction::Open,
        on_disconnect,
        ttl_ms,
        features: 0,
        session_id: 0,
        secret: [0; 16],
        attach: 0,
        reclaiming: false,
        group: [0; 16],
        name: "locker-bench",
        library: LIBRARY,
    };
    hello.encode(request_id, out);
}
