//! Requests as the tests write them: what matters in a few words, the rest as usual.

use locker_protocol as wire;
use locker_protocol::{
    Acquire, Cancel, Close, ForceRelease, IfGranted, Mode, Release, Renew, Request,
};

/// Acquires `key` exclusively, for as long as the session lives.
pub(crate) const fn exclusive(key: &[u8], owner: u64, wait_ms: u32) -> Request<'_> {
    leased(key, owner, wait_ms, wire::LEASE_SESSION)
}

/// Acquires `key` exclusively for `lease_ms`.
pub(crate) const fn leased(key: &[u8], owner: u64, wait_ms: u32, lease_ms: u32) -> Request<'_> {
    Request::Acquire(Acquire {
        owner,
        wait_ms,
        lease_ms,
        permits: 0,
        limit: 0,
        mode: Mode::Exclusive,
        resize: false,
        key,
        metadata: b"",
    })
}

/// Releases a hold.
pub(crate) const fn release(key: &[u8], owner: u64, token: u64) -> Request<'_> {
    Request::Release(Release { owner, token, key })
}

/// Asks whether a hold stands.
pub(crate) const fn keep(key: &[u8], owner: u64, token: u64) -> Request<'_> {
    Request::Renew(Renew {
        owner,
        token,
        lease_ms: wire::LEASE_KEEP,
        key,
    })
}

/// Cancels an acquire.
pub(crate) const fn cancel(
    key: &[u8],
    owner: u64,
    acquire_id: u64,
    if_granted: IfGranted,
) -> Request<'_> {
    Request::Cancel(Cancel {
        acquire_id,
        owner,
        if_granted,
        key,
    })
}

/// Ends the hold of that token at once.
pub(crate) const fn force(key: &[u8], token: u64) -> Request<'_> {
    Request::ForceRelease(ForceRelease {
        token,
        delay_ms: 0,
        key,
        reason: "a test",
    })
}

/// Ends the session.
pub(crate) const CLOSE: Request<'static> = Request::Close(Close);
