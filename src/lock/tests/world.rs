//! An engine in virtual time with one owner of all its effects.

use crate::lock::effect::{Answer, ClosureRef, Effects, Event, LaneFull, LostReason, Refusal};
use crate::lock::input::Peer;
use crate::lock::op::{
    ClosedFor, IfGranted, Lease, Mode, Op, ReaderRef, RenewTo, ReplyTo, Seat, SessionId,
    SessionRef, ShardId, Wait, Want,
};
use crate::lock::{Batch, Engine, EngineConfig, Input, TokenSource};
use crate::time::{Instant, Millis};
use locker_protocol::Status;

/// What the engine said, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Answer(u16, Answer),
    /// An answer whose session has a Lost on its way.
    Withheld(u16, Answer),
    Queued(u16),
    Settled(u16, Answer),
    Lost {
        owner: u64,
        token: u64,
        reason: LostReason,
        key: Vec<u8>,
        closure: Option<ClosureRef>,
    },
    Gone(SessionRef),
    Body(Vec<u8>),
}

#[derive(Debug, Default)]
pub(super) struct Ears {
    pub(super) said: Vec<Said>,
    pub(super) full: bool,
}

impl Effects for Ears {
    fn answer(&mut self, to: ReplyTo, answer: Answer, lost_pending: bool) {
        let said = if lost_pending {
            Said::Withheld
        } else {
            Said::Answer
        };
        self.said.push(said(to.seat.0, answer));
    }

    fn queued(&mut self, to: ReplyTo) {
        self.said.push(Said::Queued(to.seat.0));
    }

    fn read_reply(&mut self, _to: ReaderRef, body: &[u8]) {
        self.said.push(Said::Body(body.to_vec()));
    }

    fn later(&mut self, home: ShardId, event: Event<'_>) -> Result<(), LaneFull> {
        if self.full {
            return Err(LaneFull);
        }
        self.said.push(match event {
            Event::Settled { to, answer } => {
                assert_eq!(to.session.id.home(), home, "an event goes to its home");
                Said::Settled(to.seat.0, answer)
            }
            Event::Lost {
                to,
                owner,
                token,
                reason,
                key,
                closure,
            } => {
                assert_eq!(to.session.id.home(), home, "an event goes to its home");
                Said::Lost {
                    owner,
                    token,
                    reason,
                    key: key.to_vec(),
                    closure,
                }
            }
            Event::SessionGone { session } => Said::Gone(session),
        });
        Ok(())
    }
}

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) ears: Ears,
    pub(super) now: Instant,
    batch: Batch,
}

pub(super) const SECOND: u64 = 1_000_000;
pub(super) const TTL: Millis = Millis(10_000);

pub(super) fn config() -> EngineConfig {
    EngineConfig {
        shard: ShardId(0),
        shards: 1,
        sessions_per_shard: 16,
        blocks: 64,
        block_bytes: 128,
        waiters_max: 1_000,
        key_waiters_max: 1_000,
        seed: [1, 2],
        tokens: TokenSource::epoch(1),
        grace_until: None,
        now: Instant(SECOND),
    }
}

/// The session in a slot.
pub(super) fn session(slot: u32) -> SessionRef {
    SessionRef {
        id: SessionId::new(ShardId(0), u64::from(slot) + 100),
        slot,
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    /// A world with the sessions 0..4 open.
    pub(super) fn with(config: EngineConfig) -> Self {
        let now = config.now;
        let mut world = Self {
            engine: Engine::new(config).unwrap(),
            ears: Ears::default(),
            now,
            batch: Batch::new(),
        };
        for slot in 0..4 {
            world.open(slot);
        }
        world
    }

    pub(super) fn open(&mut self, slot: u32) {
        let name = format!("client-{slot}");
        self.turn(&[Input::SessionOpen {
            session: session(slot),
            ttl: TTL,
            name: name.as_bytes(),
            peer: Peer::default(),
        }]);
    }

    /// One turn with these inputs; returns what was said in it.
    pub(super) fn turn(&mut self, inputs: &[Input<'_>]) -> Vec<Said> {
        self.engine.turn_begin(self.now, &mut self.ears);
        for input in inputs {
            self.batch.push(*input).unwrap();
        }
        self.engine.apply(&mut self.batch, &mut self.ears);
        self.engine.check_invariants();
        self.engine.turn_end(&mut self.ears);
        self.engine.check_invariants();
        std::mem::take(&mut self.ears.said)
    }

    /// Lets time pass in turns of at most 40 ms; returns all that was said.
    pub(super) fn pass_ms(&mut self, ms: u64) -> Vec<Said> {
        let end = Instant(self.now.0 + ms * 1_000);
        let mut said = Vec::new();
        while self.now < end {
            self.now = Instant((self.now.0 + 40_000).min(end.0));
            said.extend(self.turn(&[]));
        }
        said
    }

    /// One request of a session on seat 10 x slot + `seat`; what was said.
    pub(super) fn ask(&mut self, slot: u32, seat: u16, key: &[u8], op: Op) -> Vec<Said> {
        self.turn(&[request(slot, seat, key, op)])
    }

    /// Acquires and expects the grant: its token.
    pub(super) fn hold(&mut self, slot: u32, key: &[u8], op: Op) -> u64 {
        let said = self.ask(slot, 0, key, op);
        match said.as_slice() {
            [Said::Answer(_, Answer::Granted { token, .. })] => *token,
            other => panic!("not granted: {other:?}"),
        }
    }

    /// Acquires and expects to queue.
    pub(super) fn wait(&mut self, slot: u32, seat: u16, key: &[u8], op: Op) {
        let seat_said = seat_of(slot, seat);
        assert_eq!(self.ask(slot, seat, key, op), [Said::Queued(seat_said)]);
    }
}

pub(super) fn request(slot: u32, seat: u16, key: &[u8], op: Op) -> Input<'_> {
    request_with(slot, seat, key, op, &[])
}

pub(super) fn request_with<'a>(
    slot: u32,
    seat: u16,
    key: &'a [u8],
    op: Op,
    metadata: &'a [u8],
) -> Input<'a> {
    let to = ReplyTo {
        session: session(slot),
        seat: Seat(seat_of(slot, seat)),
    };
    Input::Request {
        to,
        op,
        key,
        metadata,
    }
}

/// Seats differ over all sessions, so that what was said tells whom.
pub(super) fn seat_of(slot: u32, seat: u16) -> u16 {
    u16::try_from(slot).unwrap() * 100 + seat
}

pub(super) const EXCLUSIVE: Want = Want {
    mode: Mode::Exclusive,
    permits: 0,
    limit: 0,
    resize: false,
};

pub(super) const SHARED: Want = Want {
    mode: Mode::Shared,
    ..EXCLUSIVE
};

pub(super) const fn permits(permits: u32, limit: u32) -> Want {
    Want {
        mode: Mode::Permit,
        permits,
        limit,
        resize: false,
    }
}

/// Tries for a session-long hold.
pub(super) const fn attempt(owner: u64, want: Want) -> Op {
    Op::Acquire {
        owner,
        want,
        wait: Wait::Try,
        lease: Lease::Session,
    }
}

/// Waits for ever for a session-long hold.
pub(super) const fn queued(owner: u64, want: Want) -> Op {
    Op::Acquire {
        owner,
        want,
        wait: Wait::Forever,
        lease: Lease::Session,
    }
}

pub(super) const fn waiting_ms(owner: u64, want: Want, ms: u32) -> Op {
    Op::Acquire {
        owner,
        want,
        wait: Wait::For(Millis(ms)),
        lease: Lease::Session,
    }
}

pub(super) const fn leased_ms(owner: u64, want: Want, ms: u32) -> Op {
    Op::Acquire {
        owner,
        want,
        wait: Wait::Forever,
        lease: Lease::For(Millis(ms)),
    }
}

pub(super) const fn release(owner: u64, token: u64) -> Op {
    Op::Release { owner, token }
}

pub(super) const fn renew_ms(owner: u64, token: u64, ms: u32) -> Op {
    Op::Renew {
        owner,
        token,
        to: RenewTo::Lease(Lease::For(Millis(ms))),
    }
}

pub(super) const fn force(token: u64, closed: ClosedFor) -> Op {
    Op::ForceRelease { token, closed }
}

pub(super) const fn cancel(owner: u64, seat: u16, token: u64, if_granted: IfGranted) -> Op {
    Op::Cancel {
        owner,
        acquire_seat: Seat(seat),
        token,
        if_granted,
    }
}

pub(super) fn refused(status: Status, limit: u64, value: u64) -> Answer {
    Answer::Refused(Refusal {
        status,
        limit,
        value,
    })
}

pub(super) fn granted(token: u64) -> Answer {
    Answer::Granted { token, until: None }
}
