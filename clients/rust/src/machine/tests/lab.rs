//! A machine, a clock set by hand, and a server that says what the test tells it to.
//!
//! The server's clock runs [`SERVER_AHEAD`] ahead of the client's, exactly as fast.

use std::time::Duration;

use locker_protocol as wire;

use crate::machine::{
    Acquire, Broken, CallId, Event, HoldId, Instant, Lease, LostReason, Machine, Mode, Outcome,
    Refusal, Settings, Wait,
};

/// Microseconds that the server's clock shows when the client's shows 0.
const SERVER_AHEAD: u64 = 1_000_000_000;
/// The session's TTL in the greeting.
pub(super) const TTL_MS: u32 = 9_000;
/// A third of it.
pub(super) const KEEPALIVE_MS: u32 = 3_000;
/// The run that the server greets with.
pub(super) const RUN: u64 = 7;
const SESSION: u64 = 41;
const SECRET: [u8; 16] = [9; 16];

/// What the machine sent, in owned form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Hello {
        action: wire::HelloAction,
        session_id: u64,
        attach: u32,
        reclaiming: bool,
    },
    Acquire {
        id: u64,
        owner: u64,
        wait_ms: u32,
        key: Vec<u8>,
    },
    Cancel {
        id: u64,
        acquire_id: u64,
        owner: u64,
    },
    Release {
        id: u64,
        owner: u64,
        token: u64,
    },
    Renew {
        id: u64,
        owner: u64,
        token: u64,
        lease_ms: u32,
    },
    Reclaim {
        id: u64,
        owner: u64,
        token: u64,
        run: u64,
        lease_ms: u32,
    },
    Ping {
        id: u64,
    },
    Get {
        id: u64,
    },
    Close {
        id: u64,
    },
}

impl Sent {
    pub(super) fn id(&self) -> u64 {
        match *self {
            Self::Hello { .. } => 1,
            Self::Acquire { id, .. }
            | Self::Cancel { id, .. }
            | Self::Release { id, .. }
            | Self::Renew { id, .. }
            | Self::Reclaim { id, .. }
            | Self::Ping { id }
            | Self::Get { id }
            | Self::Close { id } => id,
        }
    }
}

/// What the server says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Greeting {
    pub(super) server_id: [u8; 16],
    pub(super) run: u64,
    pub(super) session_id: u64,
    pub(super) ephemeral: bool,
    pub(super) features: u64,
    pub(super) grace_left_ms: u32,
}

pub(super) struct Lab {
    pub(super) machine: Machine,
    pub(super) now: Instant,
    pub(super) seats: u16,
    pub(super) server: Greeting,
    /// What the server's clock would show at the start of its run, had it run on from before.
    server_started: u64,
    outgoing: Vec<u8>,
}

impl Lab {
    /// Not connected.
    pub(super) fn down(settings: Settings) -> Self {
        let machine = Machine::new(settings);
        Self {
            machine,
            now: Instant(5_000_000),
            seats: 64,
            server: Greeting {
                server_id: [1; 16],
                run: RUN,
                session_id: SESSION,
                ephemeral: false,
                features: wire::FEATURES_RECLAIM,
                grace_left_ms: 0,
            },
            server_started: 0,
            outgoing: Vec::new(),
        }
    }

    /// Greeted, with the Hello already looked at.
    pub(super) fn up() -> Self {
        Self::up_with_seats(64)
    }

    pub(super) fn up_with_seats(seats: u16) -> Self {
        let mut lab = Self::down(Settings::default());
        lab.seats = seats;
        lab.connect();
        lab.greet();
        assert_eq!(lab.event(), Some(Event::Attached { resumed: false }));
        lab
    }

    pub(super) fn pass(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
    }

    /// Lets time pass and tells the machine.
    pub(super) fn wait(&mut self, millis: u64) {
        self.pass(millis);
        self.machine.handle_timeout(self.now).unwrap();
    }

    pub(super) fn server_now(&self) -> u64 {
        self.now.0 + SERVER_AHEAD - self.server_started
    }

    /// A new run of the server begins now, and counts from 0.
    pub(super) fn start_server_clock_anew(&mut self) {
        self.server_started = self.now.0 + SERVER_AHEAD;
    }

    pub(super) fn connect(&mut self) -> Sent {
        self.machine.connected(self.now);
        let mut sent = self.sent();
        assert_eq!(
            sent.len(),
            1,
            "nothing but Hello goes out before the greeting"
        );
        sent.remove(0)
    }

    /// Cuts the connection, makes another and answers its Hello as a resume.
    pub(super) fn reconnect(&mut self) {
        self.machine.disconnected();
        self.connect();
        self.greet();
        assert_eq!(self.event(), Some(Event::Attached { resumed: true }));
    }

    pub(super) fn greet(&mut self) {
        let hello = wire::HelloOk {
            version: wire::VERSION,
            ephemeral: self.server.ephemeral,
            admin: true,
            resumed: false,
            draining: false,
            shard: 0,
            shards: 1,
            seats: self.seats,
            features: self.server.features,
            server_id: self.server.server_id,
            run: self.server.run,
            session_id: self.server.session_id,
            secret: SECRET,
            attach: 0,
            ttl_ms: TTL_MS,
            keepalive_ms: KEEPALIVE_MS,
            grace_left_ms: self.server.grace_left_ms,
            server_now: self.server_now(),
            margin_permille: 10,
            margin_ms: 2,
            frame_max: 65_536,
            key_max: 256,
            metadata_max: 256,
            lease_min_ms: 10,
            lease_max_ms: 1_000_000,
            ports: wire::U16List::default(),
        };
        self.push(|out| hello.encode(1, out)).unwrap();
    }

    /// Everything sent since the last look.
    pub(super) fn sent(&mut self) -> Vec<Sent> {
        self.outgoing.clear();
        self.machine.take_output(&mut self.outgoing);
        let mut bytes = self
            .outgoing
            .strip_prefix(&wire::PREFACE)
            .unwrap_or(&self.outgoing);
        let mut sent = Vec::new();
        while let Some((frame, length)) = wire::split_frame(bytes, 65_536).unwrap() {
            let request = wire::Request::decode(&frame).expect("the machine's frames are sound");
            sent.push(seen(frame.header.request_id, request));
            bytes = &bytes[length..];
        }
        assert!(bytes.is_empty(), "only whole frames are sent");
        sent
    }

    /// The one request sent since the last look.
    pub(super) fn sent_one(&mut self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub(super) fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), Broken> {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        self.machine.received(self.now, &bytes)
    }

    pub(super) fn grant(&mut self, id: u64, token: u64, lease_ms: u64) {
        let server_now = self.server_now();
        let until = if lease_ms == 0 {
            0
        } else {
            server_now + lease_ms * 1_000
        };
        self.push(|out| {
            wire::Granted {
                token,
                until,
                server_now,
            }
            .encode(id, out)
        })
        .unwrap();
    }

    pub(super) fn renewed(&mut self, id: u64, lease_ms: u64) {
        let server_now = self.server_now();
        let until = if lease_ms == 0 {
            0
        } else {
            server_now + lease_ms * 1_000
        };
        self.push(|out| wire::Renewed { until, server_now }.encode(id, out))
            .unwrap();
    }

    pub(super) fn reclaimed(&mut self, id: u64, lease_ms: u64) {
        let server_now = self.server_now();
        let until = if lease_ms == 0 {
            0
        } else {
            server_now + lease_ms * 1_000
        };
        self.push(|out| wire::Reclaimed { until, server_now }.encode(id, out))
            .unwrap();
    }

    pub(super) fn pong(&mut self, id: u64) {
        let server_now = self.server_now();
        self.push(|out| wire::Pong { server_now }.encode(id, out))
            .unwrap();
    }

    pub(super) fn refuse(&mut self, request: &Sent, status: wire::Status) {
        let _ = self.try_refuse(request, status);
    }

    /// Refuses a request; what the machine makes of the connection then.
    pub(super) fn try_refuse(
        &mut self,
        request: &Sent,
        status: wire::Status,
    ) -> Result<(), Broken> {
        let op = match request {
            Sent::Hello { .. } => wire::Opcode::Hello,
            Sent::Acquire { .. } => wire::Opcode::Acquire,
            Sent::Cancel { .. } => wire::Opcode::Cancel,
            Sent::Release { .. } => wire::Opcode::Release,
            Sent::Renew { .. } => wire::Opcode::Renew,
            Sent::Reclaim { .. } => wire::Opcode::Reclaim,
            Sent::Ping { .. } => wire::Opcode::Ping,
            Sent::Get { .. } => wire::Opcode::Get,
            Sent::Close { .. } => wire::Opcode::Close,
        };
        let refusal = wire::Refusal {
            status,
            limit: 0,
            value: 0,
            detail: "",
        };
        self.push(|out| refusal.encode(op.reply(), request.id(), out))
    }

    pub(super) fn lost(&mut self, owner: u64, token: u64, reason: wire::LostReason) {
        self.push(|out| {
            wire::Lost {
                token,
                owner,
                reason,
                key: b"k",
            }
            .encode(out)
        })
        .unwrap();
    }

    pub(super) fn go_away(&mut self, reason: wire::GoAwayReason) -> Result<(), Broken> {
        self.push(|out| {
            wire::GoAway {
                drain_ms: 0,
                reason,
            }
            .encode(out)
        })
    }

    pub(super) fn event(&mut self) -> Option<Event> {
        self.machine.next_event()
    }

    /// The outcome of the one event there is.
    pub(super) fn outcome(&mut self, of: CallId) -> Outcome {
        match self.event() {
            Some(Event::Answered { call, outcome }) if call == of => outcome,
            other => panic!("expected the outcome of {of:?}, got {other:?}"),
        }
    }

    pub(super) fn acquire(&mut self, key: &str, wait: Wait, lease: Lease) -> CallId {
        self.machine.acquire(self.now, acquire(key, wait, lease))
    }

    /// A granted hold of the key `k`; its request and events are consumed. Lease 0 = session.
    pub(super) fn hold(&mut self, lease_ms: u64) -> HoldId {
        let lease = match lease_ms {
            0 => Lease::Session,
            _ => Lease::For(Duration::from_millis(lease_ms)),
        };
        let call = self.acquire("k", Wait::Try, lease);
        let id = self.sent_one().id();
        self.grant(id, 100 + call.0, lease_ms);
        match self.outcome(call) {
            Outcome::Granted { hold, .. } => hold,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn is_held(&self, hold: HoldId) -> bool {
        self.machine.is_held(self.now, hold)
    }
}

pub(super) fn acquire(key: &str, wait: Wait, lease: Lease) -> Acquire {
    Acquire {
        key: key.as_bytes().into(),
        mode: Mode::Exclusive,
        wait,
        lease,
        auto_renew: None,
        metadata: [].into(),
    }
}

pub(super) fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub(super) fn hold_lost(hold: HoldId, reason: LostReason) -> Option<Event> {
    Some(Event::HoldLost { hold, reason })
}

fn seen(id: u64, request: wire::Request<'_>) -> Sent {
    match request {
        wire::Request::Hello(hello) => Sent::Hello {
            action: hello.action,
            session_id: hello.session_id,
            attach: hello.attach,
            reclaiming: hello.reclaiming,
        },
        wire::Request::Acquire(acquire) => Sent::Acquire {
            id,
            owner: acquire.owner,
            wait_ms: acquire.wait_ms,
            key: acquire.key.to_vec(),
        },
        wire::Request::Cancel(cancel) => {
            assert_eq!(
                cancel.if_granted,
                wire::IfGranted::Release,
                "no ghost locks"
            );
            Sent::Cancel {
                id,
                acquire_id: cancel.acquire_id,
                owner: cancel.owner,
            }
        }
        wire::Request::Release(release) => Sent::Release {
            id,
            owner: release.owner,
            token: release.token,
        },
        wire::Request::Renew(renew) => Sent::Renew {
            id,
            owner: renew.owner,
            token: renew.token,
            lease_ms: renew.lease_ms,
        },
        wire::Request::Reclaim(reclaim) => Sent::Reclaim {
            id,
            owner: reclaim.owner,
            token: reclaim.token,
            run: reclaim.run,
            lease_ms: reclaim.lease_ms,
        },
        wire::Request::Ping(_) => Sent::Ping { id },
        wire::Request::Get(_) => Sent::Get { id },
        wire::Request::Close(_) => Sent::Close { id },
        other => panic!("no test expects {other:?}"),
    }
}
