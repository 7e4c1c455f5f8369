//! The client's machine between calls of any kind and a server that may send anything. The fuzz
//! target `client`.
//!
//! - What it sends is well formed, and nothing but a greeting leaves before the server greets.
//! - Each call has one outcome; when the machine has ended, none is missing.
//! - A hold is lost at most once, and never believed in afterwards.
//! - It never asks to be called again at once for nothing.

use super::feed::Feed;
use locker_client::machine::{
    Acquire, AutoRenew, CallId, Event, ForceDelay, ForceRelease, HoldId, Instant, Lease, Machine,
    Mode, OnDisconnect, Outcome, Purpose, Read, Settings, Wait,
};
use locker_protocol as wire;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often in a row it may ask to be called at once.
const AT_ONCE_MAX: u32 = 4;
/// Requests whose ids a structured answer may name.
const SENT_MAX: usize = 32;

/// Runs the script.
///
/// # Panics
/// If a promise is broken.
pub(crate) fn run(bytes: &[u8]) {
    let mut feed = Feed(bytes);
    let mut lab = Lab::new(&mut feed);
    while !feed.is_empty() {
        lab.act(&mut feed);
        lab.look();
    }
    lab.end();
}

struct Lab {
    machine: Machine,
    now: Instant,
    /// Calls without outcome.
    open: BTreeSet<CallId>,
    /// Holds that were granted, and whether they may still be believed in.
    holds: BTreeMap<HoldId, bool>,
    /// Which hold a release is for.
    releases: BTreeMap<CallId, HoldId>,
    /// Requests as the server sees them: op, id, owner.
    sent: Vec<(u8, u64, u64)>,
    greeted: bool,
    ended: bool,
}

impl Lab {
    fn new(feed: &mut Feed<'_>) -> Self {
        let settings = Settings {
            purpose: feed.pick(&[
                Purpose::Locks,
                Purpose::Locks,
                Purpose::Locks,
                Purpose::Inspect,
            ]),
            name: "fuzz".to_owned(),
            ttl: feed.pick(&[None, Some(Duration::from_secs(3))]),
            on_disconnect: feed.pick(&[OnDisconnect::Grace, OnDisconnect::Release]),
            answer_timeout: Duration::from_millis(feed.pick(&[5_000, 0, 40])),
            ..Settings::default()
        };
        Self {
            machine: Machine::new(settings),
            now: Instant(5_000_000),
            open: BTreeSet::new(),
            holds: BTreeMap::new(),
            releases: BTreeMap::new(),
            sent: Vec::new(),
            greeted: false,
            ended: false,
        }
    }

    fn act(&mut self, feed: &mut Feed<'_>) {
        match feed.below(24) {
            0 | 1 => self.connect(),
            2 => self.machine.disconnected(),
            3..=5 => self.pass(feed),
            6..=8 => {
                let acquire = acquire(feed);
                let call = self.machine.acquire(self.now, acquire);
                self.called(call);
            }
            9 | 10 => self.release(feed),
            11 => {
                let (hold, lease) = (self.hold(feed), lease(feed));
                let call = self.machine.renew(self.now, hold, lease);
                self.called(call);
            }
            12 => {
                let place = feed.below(self.open.len().max(1));
                if let Some(call) = self.open.iter().nth(place).copied() {
                    self.machine.cancel(self.now, call);
                }
            }
            13 => self.other(feed),
            14 => {
                let length = feed.below(64);
                self.receive(feed.bytes(length));
            }
            15..=17 => self.greet(feed),
            18 => self.push(feed),
            _ => self.answer(feed),
        }
    }

    fn connect(&mut self) {
        if self.machine.wants_connection() {
            self.machine.connected(self.now);
            self.greeted = false;
            self.sent.clear();
        }
    }

    fn pass(&mut self, feed: &mut Feed<'_>) {
        let micros = feed.pick(&[0, 1, 1_000, 40_000, 900_000, 2_500_000, 10_000_000]);
        self.now = match (feed.below(4), self.machine.next_deadline()) {
            (0, Some(deadline)) if deadline != Instant::NEVER => self.now.max(deadline),
            _ => Instant(self.now.0 + micros),
        };
        // A server may ask for a sign of life without end; then the second silence ends it.
        for _ in 0..AT_ONCE_MAX {
            let result = self.machine.handle_timeout(self.now);
            let next = self.machine.next_deadline();
            if result.is_err() || next.is_none_or(|next| next > self.now) {
                return;
            }
        }
        panic!("it asks to be called at once, without end");
    }

    fn called(&mut self, call: CallId) {
        assert!(self.open.insert(call), "a call's name is never reused");
    }

    /// A hold that was granted, or one that never was.
    fn hold(&self, feed: &mut Feed<'_>) -> HoldId {
        let place = feed.below(self.holds.len() + 1);
        let hold = self.holds.keys().nth(place.min(self.holds.len()));
        hold.copied().unwrap_or(HoldId(feed.byte().into()))
    }

    fn release(&mut self, feed: &mut Feed<'_>) {
        let hold = self.hold(feed);
        let call = self.machine.release(self.now, hold);
        self.releases.insert(call, hold);
        self.called(call);
        assert!(!self.machine.is_held(self.now, hold), "given back");
        // It may have been over already, which is told first.
        self.look();
        if let Some(believed) = self.holds.get_mut(&hold) {
            *believed = false;
        }
    }

    fn other(&mut self, feed: &mut Feed<'_>) {
        let key: std::sync::Arc<[u8]> = key(feed).into();
        let now = self.now;
        let call = match feed.below(16) {
            0 => self.machine.close(now),
            1 => self.machine.force_release(
                now,
                ForceRelease {
                    key,
                    token: feed.flag().then_some(7),
                    delay: feed.pick(&[
                        ForceDelay::HolderTtl,
                        ForceDelay::For(Duration::ZERO),
                        ForceDelay::For(Duration::MAX),
                    ]),
                    reason: "x".repeat(feed.byte().into()),
                },
            ),
            2 => {
                let prefix = key;
                self.machine.read(now, Read::List { cursor: 0, prefix })
            }
            3 => self.machine.read(now, Read::Sessions { cursor: 1 }),
            4 => self.machine.read(now, Read::Stats { cursor: 2 }),
            5 => self.machine.read(now, Read::Ping),
            _ => self.machine.read(now, Read::Get { key }),
        };
        self.called(call);
    }

    fn receive(&mut self, bytes: &[u8]) {
        if self.machine.ended().is_some() || self.machine.wants_connection() {
            // There is no connection that they could come from.
            return;
        }
        // What broke it is typed; the machine has let go of the connection then.
        let _ = self.machine.received(self.now, bytes);
    }

    fn greet(&mut self, feed: &mut Feed<'_>) {
        if feed.below(4) == 0 {
            // A server that was restarted knows no session of before.
            let mut bytes = Vec::new();
            let status = wire::Status::NoSession;
            wire::Refusal {
                status,
                ..refusal(feed)
            }
            .encode(0x81, 1, &mut bytes);
            return self.receive(&bytes);
        }
        let hello = wire::HelloOk {
            version: wire::VERSION,
            ephemeral: feed.flag(),
            admin: true,
            resumed: false,
            draining: false,
            shard: 0,
            shards: 1,
            seats: feed.pick(&[64, 64, 2, 1, 0, u16::MAX]),
            features: 0,
            server_id: [1; 16],
            run: feed.pick(&[7, 7, 7, 8]),
            session_id: feed.pick(&[41, 41, 41, 42]),
            secret: [9; 16],
            attach: 0,
            ttl_ms: feed.pick(&[9_000, 9_000, 0, u32::MAX]),
            keepalive_ms: feed.pick(&[3_000, 3_000, 0, u32::MAX]),
            grace_left_ms: feed.pick(&[0, 9_000, u32::MAX]),
            server_now: feed.pick(&[self.now.0 + 77, 0, u64::MAX]),
            margin_permille: feed.pick(&[10, 10, 0, u16::MAX]),
            margin_ms: feed.pick(&[2, 2, 0, u16::MAX]),
            frame_max: 65_536,
            key_max: 256,
            metadata_max: 256,
            lease_min_ms: feed.pick(&[10, 10, 0, u32::MAX]),
            lease_max_ms: feed.pick(&[1_000_000, 1_000_000, 0, u32::MAX]),
            ports: wire::U16List::default(),
        };
        let mut bytes = Vec::new();
        hello.encode(1, &mut bytes);
        self.receive(&bytes);
    }

    fn push(&mut self, feed: &mut Feed<'_>) {
        let mut bytes = Vec::new();
        let owner = self.hold(feed).0;
        match feed.below(8) {
            0 => wire::GoAway {
                drain_ms: 5,
                reason: feed.pick(&wire::GoAwayReason::ALL),
            }
            .encode(&mut bytes),
            1 => wire::SessionEnded {
                reason: feed.pick(&wire::EndReason::ALL),
            }
            .encode(&mut bytes),
            2 => refusal(feed).encode(0xC3, 0, &mut bytes),
            _ => wire::Lost {
                token: 100 + owner,
                owner,
                reason: feed.pick(&wire::LostReason::ALL),
                key: b"a",
            }
            .encode(&mut bytes),
        }
        self.receive(&bytes);
    }

    /// An answer to a request that is under way, of its kind or another; cut anywhere.
    fn answer(&mut self, feed: &mut Feed<'_>) {
        let place = feed.below(self.sent.len().max(1));
        let Some(&(op, id, owner)) = self.sent.get(place) else {
            return;
        };
        let server_now = feed.pick(&[self.now.0 + 77, self.now.0 + 77, 0, u64::MAX]);
        let lease = feed.pick(&[0, 0, 40_000, 2_000_000, u64::MAX]);
        let until = if lease == 0 {
            0
        } else {
            server_now.saturating_add(lease)
        };
        let granted = wire::Granted {
            token: 100 + owner,
            until,
            server_now,
        };
        let mut bytes = Vec::new();
        let kind = if feed.below(16) == 0 { feed.byte() } else { op };
        match wire::Opcode::from_code(kind) {
            _ if feed.below(6) == 0 => {
                refusal(feed).encode(op | 0x80, id, &mut bytes);
            }
            Some(wire::Opcode::Acquire) => granted.encode(id, &mut bytes),
            Some(wire::Opcode::Release) => wire::Released.encode(id, &mut bytes),
            Some(wire::Opcode::Renew) => {
                wire::Renewed { until, server_now }.encode(id, &mut bytes);
            }
            Some(wire::Opcode::Reclaim) => {
                wire::Reclaimed { until, server_now }.encode(id, &mut bytes)
            }
            Some(wire::Opcode::Cancel) => wire::CancelDone {
                outcome: feed.pick(&wire::CancelOutcome::ALL),
                token: 100 + owner,
            }
            .encode(id, &mut bytes),
            Some(wire::Opcode::Close) => wire::Closed.encode(id, &mut bytes),
            _ => wire::Pong { server_now }.encode(id, &mut bytes),
        }
        let cut = match feed.below(8) {
            0 => feed.below(bytes.len()),
            _ => bytes.len(),
        };
        self.receive(&bytes[..cut]);
        if cut < bytes.len() && feed.flag() {
            self.receive(&bytes[cut..]);
        }
    }

    /// Looks at what the machine sent and reported.
    fn look(&mut self) {
        let mut out = Vec::new();
        self.machine.take_output(&mut out);
        let mut rest = out.strip_prefix(&wire::PREFACE).unwrap_or(&out);
        self.greeted |= self.machine.is_attached();
        while let Some((frame, length)) = wire::split_frame(rest, 65_536).expect("it sends frames")
        {
            let request = wire::Request::decode(&frame).expect("its frames are sound");
            let is_hello = matches!(request, wire::Request::Hello(_));
            assert!(is_hello || self.greeted, "nothing before the greeting");
            let owner = match request {
                wire::Request::Acquire(acquire) => acquire.owner,
                wire::Request::Release(release) => release.owner,
                wire::Request::Renew(renew) => renew.owner,
                wire::Request::Cancel(cancel) => cancel.owner,
                wire::Request::Reclaim(reclaim) => reclaim.owner,
                _ => 0,
            };
            if self.sent.len() == SENT_MAX {
                self.sent.remove(0);
            }
            self.sent
                .push((frame.header.op, frame.header.request_id, owner));
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "it sends whole frames");
        while let Some(event) = self.machine.next_event() {
            self.heard(event);
        }
        let machine = &self.machine;
        let mut over = self.holds.iter().filter(|(_, believed)| !**believed);
        assert!(over.all(|(hold, _)| !machine.is_held(self.now, *hold)));
    }

    fn heard(&mut self, event: Event) {
        match event {
            Event::Answered { call, outcome } => {
                assert!(
                    self.open.remove(&call),
                    "{call:?} has one outcome: {outcome:?}"
                );
                self.releases.remove(&call);
                if let Outcome::Granted { hold, .. } = outcome {
                    let fresh = self.holds.insert(hold, true);
                    assert_eq!(fresh, None, "{hold:?} is granted once");
                }
            }
            Event::HoldLost { hold, .. } => {
                let believed = self.holds.insert(hold, false);
                assert_eq!(believed, Some(true), "{hold:?} is lost once, and was held");
            }
            Event::HoldReclaimed { hold } => {
                let believed = self.holds.get(&hold);
                assert_eq!(
                    believed,
                    Some(&true),
                    "{hold:?} is taken up again while it is held"
                );
            }
            Event::Attached { .. } => {}
            Event::Ended(_) => {
                assert!(!self.ended, "it ends once");
                self.ended = true;
            }
        }
    }

    fn end(mut self) {
        self.machine.abandon();
        self.look();
        assert!(self.machine.ended().is_some() && self.ended);
        assert!(self.open.is_empty(), "without outcome: {:?}", self.open);
        let now = self.now;
        assert!(
            self.holds
                .keys()
                .all(|hold| !self.machine.is_held(now, *hold))
        );
        assert!(!self.machine.wants_connection() && self.machine.next_deadline().is_none());
    }
}

fn refusal(feed: &mut Feed<'_>) -> wire::Refusal<'static> {
    wire::Refusal {
        status: feed.pick(&wire::Status::ALL),
        limit: 1,
        value: u64::MAX,
        detail: "",
    }
}

fn key(feed: &mut Feed<'_>) -> Vec<u8> {
    match feed.below(8) {
        0 => Vec::new(),
        1 => vec![b'k'; 2_000],
        which => vec![b'a' + u8::try_from(which).expect("below eight")],
    }
}

fn lease(feed: &mut Feed<'_>) -> Lease {
    feed.pick(&[
        Lease::Session,
        Lease::For(Duration::from_millis(40)),
        Lease::For(Duration::from_secs(2)),
        Lease::For(Duration::ZERO),
        Lease::For(Duration::MAX),
    ])
}

fn acquire(feed: &mut Feed<'_>) -> Acquire {
    let permits = Mode::Permit {
        permits: feed.byte().into(),
        limit: feed.byte().into(),
        resize: feed.flag(),
    };
    Acquire {
        key: key(feed).into(),
        mode: feed.pick(&[Mode::Exclusive, Mode::Exclusive, Mode::Shared, permits]),
        wait: feed.pick(&[
            Wait::Try,
            Wait::Forever,
            Wait::For(Duration::from_millis(50)),
            Wait::For(Duration::MAX),
        ]),
        lease: lease(feed),
        auto_renew: feed.pick(&[
            None,
            Some(AutoRenew { cap: None }),
            Some(AutoRenew {
                cap: Some(Duration::from_secs(1)),
            }),
        ]),
        metadata: vec![0; feed.below(2) * 300].into(),
    }
}
