//! Requests to frames.

use std::time::Duration;

use locker_protocol as wire;

use super::call::{Acquire, ForceDelay, ForceRelease, HoldId, Mode, Read, Wait};
use super::call::{lease_ms, whole_millis};
use super::instant::Instant;
use super::request::{Body, Reclaim, RenewTo};
use super::session::Session;
use super::settings::{OnDisconnect, Purpose, Settings};

/// The first bytes of a connection: preface and Hello, which opens or resumes.
///
/// A resume carries the session's attach number as it stands: the caller raises it before. A client
/// that opens while it believes in holds is `reclaiming`: a full server lets it in.
pub(super) fn hello(
    settings: &Settings,
    session: Option<&Session>,
    reclaiming: bool,
    out: &mut Vec<u8>,
) {
    let action = match (settings.purpose, session) {
        (Purpose::Inspect, _) => wire::HelloAction::None,
        (Purpose::Locks, None) => wire::HelloAction::Open,
        (Purpose::Locks, Some(_)) => wire::HelloAction::Resume,
    };
    out.extend_from_slice(&wire::PREFACE);
    let hello = wire::Hello {
        version_min: wire::VERSION,
        version_max: wire::VERSION,
        action,
        on_disconnect: match settings.on_disconnect {
            OnDisconnect::Grace => wire::OnDisconnect::Grace,
            OnDisconnect::Release => wire::OnDisconnect::Release,
        },
        ttl_ms: settings.ttl.map_or(0, whole_millis),
        features: wire::FEATURES_RECLAIM,
        session_id: session.map_or(0, |session| session.id),
        secret: session.map_or([0; 16], |session| session.secret),
        attach: session.map_or(0, |session| session.attach),
        reclaiming,
        group: settings.group,
        name: &settings.name,
        library: &settings.library,
    };
    hello.encode(HELLO_ID, out);
}

/// The request id of Hello; it takes no seat, and nothing else is under way beside it.
pub(super) const HELLO_ID: u64 = 1;

/// One request's frame under `id`. `owner` is the call's own number.
pub(super) fn request(body: &Body, owner: HoldId, id: u64, now: Instant, out: &mut Vec<u8>) {
    match body {
        Body::Acquire {
            acquire,
            wait_until,
            ..
        } => {
            encode_acquire(acquire, *wait_until, owner, id, now, out);
        }
        Body::Cancel {
            acquire,
            acquire_id,
            key,
        } => wire::Cancel {
            acquire_id: *acquire_id,
            owner: acquire.0,
            if_granted: wire::IfGranted::Release,
            key,
        }
        .encode(id, out),
        Body::Release {
            hold, token, key, ..
        } => {
            wire::Release {
                owner: hold.0,
                token: *token,
                key,
            }
            .encode(id, out);
        }
        Body::Renew {
            hold,
            token,
            key,
            to,
        } => {
            let lease_ms = match to {
                RenewTo::Confirm { .. } => wire::LEASE_KEEP,
                RenewTo::Lease(lease_ms) => *lease_ms,
            };
            wire::Renew {
                owner: hold.0,
                token: *token,
                lease_ms,
                key,
            }
            .encode(id, out);
        }
        Body::Reclaim(reclaim) => encode_reclaim(reclaim, id, out),
        Body::ForceRelease(force) => encode_force(force, id, out),
        Body::Close => wire::Close.encode(id, out),
        Body::Keepalive => wire::Ping.encode(id, out),
        Body::Read(read) => encode_read(read, id, out),
    }
}

fn encode_acquire(
    acquire: &Acquire,
    wait_until: Instant,
    owner: HoldId,
    id: u64,
    now: Instant,
    out: &mut Vec<u8>,
) {
    let wait_ms = match acquire.wait {
        Wait::Try => wire::WAIT_TRY,
        Wait::For(_) => wait_until.millis_since(now),
        Wait::Forever => wire::WAIT_FOREVER,
    };
    let (mode, permits, limit) = wire_mode(acquire.mode);
    let resize = matches!(acquire.mode, Mode::Permit { resize: true, .. });
    wire::Acquire {
        owner: owner.0,
        wait_ms,
        lease_ms: lease_ms(acquire.lease),
        permits,
        limit,
        mode,
        resize,
        key: &acquire.key,
        metadata: &acquire.metadata,
    }
    .encode(id, out);
}

fn encode_reclaim(reclaim: &Reclaim, id: u64, out: &mut Vec<u8>) {
    let (mode, permits, limit) = wire_mode(reclaim.mode);
    wire::Reclaim {
        owner: reclaim.hold.0,
        token: reclaim.token,
        run: reclaim.run,
        lease_ms: reclaim.lease_ms,
        permits,
        limit,
        mode,
        key: &reclaim.key,
        metadata: &reclaim.metadata,
    }
    .encode(id, out);
}

/// Mode, permits and limit as the wire has them.
fn wire_mode(mode: Mode) -> (wire::Mode, u32, u32) {
    match mode {
        Mode::Exclusive => (wire::Mode::Exclusive, 0, 0),
        Mode::Shared => (wire::Mode::Shared, 0, 0),
        Mode::Permit { permits, limit, .. } => (wire::Mode::Permit, permits, limit),
    }
}

fn encode_force(force: &ForceRelease, id: u64, out: &mut Vec<u8>) {
    let delay_ms = match force.delay {
        ForceDelay::HolderTtl => wire::DELAY_HOLDER_TTL,
        ForceDelay::For(Duration::ZERO) => 0,
        ForceDelay::For(length) => whole_millis(length),
    };
    wire::ForceRelease {
        token: force.token.unwrap_or(wire::TOKEN_ANY),
        delay_ms,
        key: &force.key,
        reason: &force.reason,
    }
    .encode(id, out);
}

fn encode_read(read: &Read, id: u64, out: &mut Vec<u8>) {
    match read {
        Read::Get { key } => wire::Get { key }.encode(id, out),
        Read::List { cursor, prefix } => wire::List {
            cursor: *cursor,
            prefix,
        }
        .encode(id, out),
        Read::Sessions { cursor } => wire::Sessions { cursor: *cursor }.encode(id, out),
        Read::Stats { cursor } => wire::Stats { cursor: *cursor }.encode(id, out),
        Read::Ping => wire::Ping.encode(id, out),
    }
}
