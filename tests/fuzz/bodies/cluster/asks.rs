//! Requests that a client may send, made from a few bytes.

use crate::bodies::feed::Feed;
use locker_protocol::{
    Acquire, Cancel, Close, ForceRelease, Get, Hello, HelloAction, IfGranted, List, Mode,
    OnDisconnect, PREFACE, Ping, Reclaim, Release, Renew, Request, RequestId, Sessions, Stats,
    VERSION,
};

/// A session's identity, as its HelloOk told it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) session: u64,
    pub(super) secret: [u8; 16],
    pub(super) attach: u32,
}

/// The keys of structured requests.
const KEYS: [&[u8]; 6] = [b"a", b"b", b"{a}c", b"dd", b"eeeeeeeeeeee", &[0xFF; 150]];

/// The greeting that begins a connection.
pub(super) fn greeting(feed: &mut Feed<'_>, known: &[Known]) -> Vec<u8> {
    let resumed = known.get(feed.below(known.len().max(1)));
    let action = match feed.below(8) {
        0 => HelloAction::None,
        1..=4 => HelloAction::Open,
        _ => HelloAction::Resume,
    };
    let mut hello = Hello {
        on_disconnect: feed.pick(&[OnDisconnect::Grace, OnDisconnect::Release]),
        ttl_ms: feed.pick(&[0, 1, 1_000, u32::MAX]),
        reclaiming: feed.flag(),
        ..plain(action)
    };
    if let (HelloAction::Resume, Some(known)) = (action, resumed) {
        hello.session_id = known.session;
        hello.secret = known.secret;
        hello.attach = known.attach + u32::from(feed.byte() % 4);
        hello.secret[0] ^= u8::from(feed.below(8) == 0);
    }
    framed(&hello)
}

/// A greeting without a wish.
pub(super) fn plain(action: HelloAction) -> Hello<'static> {
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
        name: "fuzz",
        library: "fuzz",
    }
}

/// The greeting's bytes, the preface in front.
pub(super) fn framed(hello: &Hello<'_>) -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    hello.encode(1 << 16, &mut bytes);
    bytes
}

/// One request; its token may be one that somebody was granted.
pub(super) fn request(feed: &mut Feed<'_>, tokens: &[u64], sequences: &mut [u64]) -> Vec<u8> {
    let kind = feed.below(16);
    let seat = feed.below(sequences.len());
    // Mostly the next one, now and then the same again, or far ahead.
    sequences[seat] += feed.pick(&[1, 1, 1, 1, 1, 0, 0, 9]);
    let id = RequestId {
        seat: u16::try_from(seat).expect("few seats"),
        sequence: sequences[seat],
    };
    let key = feed.pick(&KEYS);
    let owner = u64::from(feed.byte() % 4);
    let token = match feed.below(4) {
        0 => 0,
        _ => tokens
            .get(feed.below(tokens.len().max(1)))
            .map_or(5, |token| *token),
    };
    let mut bytes = Vec::new();
    let request = match kind {
        0..=5 => Request::Acquire(acquire(feed, key, owner)),
        6..=8 => Request::Release(Release { owner, token, key }),
        9 => Request::Renew(Renew {
            owner,
            token,
            lease_ms: feed.pick(&[0, 20, 200, u32::MAX]),
            key,
        }),
        10 | 11 => cancel(feed, sequences, owner, key),
        12 => Request::ForceRelease(ForceRelease {
            token,
            delay_ms: feed.pick(&[0, 30, 500, u32::MAX]),
            key,
            reason: "fuzz",
        }),
        13 => Request::Reclaim(Reclaim {
            owner,
            token,
            run: feed.pick(&[5, 4, 6, 0]),
            lease_ms: feed.pick(&[0, 50]),
            permits: 0,
            limit: 0,
            mode: feed.pick(&[Mode::Exclusive, Mode::Shared]),
            key,
            metadata: b"m",
        }),
        14 => read(feed, key),
        _ if feed.below(8) == 0 => Request::Close(Close),
        _ => Request::Ping(Ping),
    };
    request.encode(id.pack(), &mut bytes);
    bytes
}

fn acquire<'a>(feed: &mut Feed<'_>, key: &'a [u8], owner: u64) -> Acquire<'a> {
    let mode = feed.pick(&[Mode::Exclusive, Mode::Exclusive, Mode::Shared, Mode::Permit]);
    let is_permit = u32::from(mode == Mode::Permit);
    Acquire {
        owner,
        wait_ms: feed.pick(&[0, 30, 1_000, u32::MAX]),
        lease_ms: feed.pick(&[0, 10, 100, u32::MAX]),
        permits: is_permit * u32::from(1 + feed.byte() % 3),
        limit: is_permit * u32::from(2 + feed.byte() % 3),
        mode,
        resize: is_permit == 1 && feed.flag(),
        key,
        metadata: &[7; 100][..feed.below(101)],
    }
}

fn cancel<'a>(feed: &mut Feed<'_>, sequences: &[u64], owner: u64, key: &'a [u8]) -> Request<'a> {
    let seat = feed.below(sequences.len());
    let acquire = RequestId {
        seat: u16::try_from(seat).expect("few seats"),
        sequence: sequences[seat],
    };
    Request::Cancel(Cancel {
        acquire_id: acquire.pack(),
        owner,
        if_granted: feed.pick(&[IfGranted::Keep, IfGranted::Release]),
        key,
    })
}

fn read<'a>(feed: &mut Feed<'_>, key: &'a [u8]) -> Request<'a> {
    let cursor = u64::from(feed.byte() % 4) << 48 | u64::from(feed.byte());
    match feed.below(4) {
        0 => Request::Get(Get { key }),
        1 => Request::List(List {
            cursor,
            prefix: b"",
        }),
        2 => Request::Sessions(Sessions { cursor }),
        _ => Request::Stats(Stats { cursor }),
    }
}
