//! The home shards as the engine sees them, and what they notice.

use super::Seen;
use super::script::{What, Wish};
use locker::lock::effect::{CancelOutcome, ClosureRef, LaneFull, LostReason};
use locker::lock::input::Peer;
use locker::lock::op::{Op, ReaderRef, ReplyTo, Seat, SessionId, SessionRef, ShardId, Wait, Want};
use locker::lock::{Answer, Effects, Event, Input};
use locker::time::{Instant, Millis};
use locker_protocol::{GetReply, ListReply, Status};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, VecDeque};
use std::hash::Hasher;

/// The shard of the engine; it is a home too.
pub(super) const OWNER: ShardId = ShardId(1);
/// Shards.
pub(super) const HOMES: u16 = 3;
/// Sessions of a home.
pub(super) const SESSIONS: u32 = 2;
/// Seats of a session.
const SEATS: usize = 6;
/// Owners of a session: few, so that they meet themselves.
const OWNERS: u64 = 3;
/// Keys: short ones, and one that continues in further blocks.
const KEYS: usize = 5;
const LONG_KEY: [u8; 200] = [b'x'; 200];
/// Holds that a session remembers.
const HOLDS_MAX: usize = 8;
/// Words of Lost kept to be sent.
const WORDS_MAX: usize = 64;
/// Tokens of a key of before the restart.
const TOKENS_BEFORE: u8 = 6;
/// The end of a hold that may be told lost at any time.
const ANY_TIME: Option<Instant> = Some(Instant(0));
const OP_GET: u8 = 1;
const OP_LIST: u8 = 2;

/// An input that owns its bytes.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    input: Input<'static>,
    key: Vec<u8>,
    metadata: Vec<u8>,
}

/// A request without an answer.
#[derive(Clone, Copy, Debug)]
struct Running {
    op: Op,
    key: usize,
    asked_at: Instant,
    /// The greatest token of the key that anybody had heard of.
    heard: u64,
    queued: bool,
}

/// A hold that its session has heard of.
#[derive(Clone, Copy, Debug)]
struct Hold {
    key: usize,
    owner: u64,
    token: u64,
    seat: usize,
    /// The earliest end of its lease.
    until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Closed,
    Open,
    Ended,
}

#[derive(Debug)]
struct Session {
    life: Life,
    counter: u64,
    running: [Option<Running>; SEATS],
    holds: VecDeque<Hold>,
    /// Key, owner and token of holds that were taken back.
    reclaimed: BTreeSet<(usize, u64, u64)>,
}

/// All homes with their sessions.
#[derive(Debug)]
pub(super) struct Homes {
    now: Instant,
    sessions: Vec<Session>,
    full: u8,
    /// The greatest token of each key that anybody has heard of.
    tokens: [u64; KEYS],
    granted: BTreeSet<u64>,
    words: VecDeque<ClosureRef>,
    seen: Seen,
    digest: DefaultHasher,
    reads: u32,
}

impl Owned {
    fn new(input: Input<'static>) -> Self {
        Self {
            input,
            key: Vec::new(),
            metadata: Vec::new(),
        }
    }

    pub(super) fn borrow(&self) -> Input<'_> {
        match self.input {
            Input::Request { to, op, .. } => Input::Request {
                to,
                op,
                key: &self.key,
                metadata: &self.metadata,
            },
            Input::Get { to, .. } => Input::Get { to, key: &self.key },
            Input::List { to, cursor, .. } => Input::List {
                to,
                cursor,
                prefix: &self.key,
            },
            other => other,
        }
    }
}

impl Homes {
    pub(super) fn new(now: Instant) -> Self {
        let session = |_| Session {
            life: Life::Closed,
            counter: 0,
            running: [None; SEATS],
            holds: VecDeque::new(),
            reclaimed: BTreeSet::new(),
        };
        Self {
            now,
            sessions: (0..u32::from(HOMES) * SESSIONS).map(session).collect(),
            full: 0,
            tokens: [0; KEYS],
            granted: BTreeSet::new(),
            words: VecDeque::new(),
            seen: Seen::default(),
            digest: DefaultHasher::new(),
            reads: 0,
        }
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            digest: self.digest.finish(),
            ..self.seen
        }
    }

    pub(super) fn lanes_full(&mut self, full: u8) {
        // The way from the engine to its own shard is no lane and has always room.
        self.full = full & !(1 << OWNER.0);
    }

    pub(super) fn turn_begin(&mut self, now: Instant) {
        self.now = now;
    }

    pub(super) fn turn_end(&mut self) {
        assert_eq!(self.reads, 0, "a read is answered in its turn");
        for session in &self.sessions {
            let mut running = session.running.iter().flatten();
            let waits = |one: &Running| matches!(one.op, Op::Acquire { .. }) && one.queued;
            let over = session.life != Life::Open;
            assert!(
                over || running.all(waits),
                "only an acquire that queued waits"
            );
        }
    }

    /// Half of all sequences end by a drain, the others by the end of all sessions.
    pub(super) fn ends_by_drain(&self) -> bool {
        self.tokens[0].is_multiple_of(2)
    }

    /// Makes a wish fit what there is; `None` if it cannot.
    pub(super) fn input(&mut self, wish: Wish) -> Option<Owned> {
        let at = usize::from(wish.session) % self.sessions.len();
        match wish.what {
            What::Told => {
                let words = self.words.len();
                let place = usize::from(wish.pick) % words.max(1);
                // Word may come twice, and after its closure is long gone.
                let closure = *self.words.get(place)?;
                if wish.key.is_multiple_of(4) {
                    self.words.remove(place);
                }
                Some(Owned::new(Input::LostTold { closure }))
            }
            What::Get | What::List => Some(self.read(wish)),
            _ if self.sessions[at].life == Life::Ended => None,
            _ if self.sessions[at].life == Life::Closed => Some(self.open(at)),
            What::EndSession => Some(self.end(at)),
            _ => self.request(at, wish),
        }
    }

    /// Ends every session that is open.
    pub(super) fn end_all(&mut self) -> Vec<Owned> {
        let open = |at: &usize| self.sessions[*at].life == Life::Open;
        let open: Vec<usize> = (0..self.sessions.len()).filter(open).collect();
        open.into_iter().map(|at| self.end(at)).collect()
    }

    /// Word of every Lost that was told.
    pub(super) fn words(&mut self) -> Vec<Owned> {
        let words = self.words.drain(..);
        words
            .map(|closure| Owned::new(Input::LostTold { closure }))
            .collect()
    }

    pub(super) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    pub(super) fn assert_all_answered(&self) {
        for session in self.sessions.iter().filter(|one| one.life == Life::Open) {
            let running = session.running.iter().flatten().count();
            assert_eq!(
                running, 0,
                "a request is answered while its session lives: {session:?}"
            );
        }
    }

    pub(super) fn assert_all_gone(&self) {
        for session in &self.sessions {
            assert_eq!(
                session.life,
                Life::Closed,
                "an ended session is acknowledged"
            );
        }
    }

    fn open(&mut self, at: usize) -> Owned {
        let session = &mut self.sessions[at];
        session.life = Life::Open;
        session.counter += 1;
        Owned::new(Input::SessionOpen {
            session: self.reference(at),
            ttl: Millis(1_000),
            name: b"fuzz",
            peer: Peer::default(),
        })
    }

    fn end(&mut self, at: usize) -> Owned {
        let session = self.reference(at);
        self.sessions[at].life = Life::Ended;
        Owned::new(Input::SessionEnd { session })
    }

    fn read(&mut self, wish: Wish) -> Owned {
        self.reads += 1;
        let mut to = ReaderRef {
            home: OWNER,
            connection: 0,
            generation: 0,
            request_id: 1,
            op: OP_GET,
        };
        let input = match wish.what {
            What::Get => Input::Get { to, key: b"" },
            _ => {
                to.op = OP_LIST;
                let cursor = u64::from(wish.pick);
                Input::List {
                    to,
                    cursor,
                    prefix: b"",
                }
            }
        };
        let mut owned = Owned::new(input);
        owned.key = match wish.what {
            What::List if wish.key.is_multiple_of(2) => Vec::new(),
            _ => key(usize::from(wish.key) % KEYS),
        };
        owned
    }

    fn request(&mut self, at: usize, wish: Wish) -> Option<Owned> {
        let session = &self.sessions[at];
        let seat = session.running.iter().position(Option::is_none)?;
        let pick = usize::from(wish.pick);
        let mut key_at = usize::from(wish.key) % KEYS;
        let mut owner = u64::from(wish.pick) % OWNERS;
        let held = session
            .holds
            .get(pick % session.holds.len().max(1))
            .copied();
        if let (Some(hold), What::Release | What::Renew(_) | What::Force { .. }) = (held, wish.what)
        {
            (key_at, owner) = (hold.key, hold.owner);
        }
        let token = held.map_or(1, |hold| hold.token);
        let op = match wish.what {
            What::Acquire { want, wait, lease } => Op::Acquire {
                owner,
                want,
                wait,
                lease,
            },
            What::Reclaim { want, lease } => Op::Reclaim {
                owner,
                token: token_before(key_at, wish.key),
                want: Want {
                    resize: false,
                    ..want
                },
                lease,
            },
            What::Release => Op::Release {
                owner,
                token: if wish.key >= 192 { 0 } else { token },
            },
            What::Renew(to) => Op::Renew { owner, token, to },
            What::Cancel(if_granted) => {
                let (seat, running, known) = self.cancellable(at, pick)?;
                (key_at, owner) = running;
                Op::Cancel {
                    owner,
                    acquire_seat: Seat(u16::try_from(seat).expect("few seats")),
                    token: known,
                    if_granted,
                }
            }
            What::Force { all, closed } => Op::ForceRelease {
                token: if all { 0 } else { token },
                closed,
            },
            What::EndSession | What::Told | What::Get | What::List => unreachable!("no requests"),
        };
        Some(self.ask(at, seat, op, key_at, wish.pick))
    }

    /// An acquire of the session: its seat, key and owner, and its token if it was granted.
    fn cancellable(&self, at: usize, pick: usize) -> Option<(usize, (usize, u64), u64)> {
        let session = &self.sessions[at];
        let running = session
            .running
            .iter()
            .enumerate()
            .filter_map(|(seat, one)| match one {
                Some(Running {
                    op: Op::Acquire { owner, .. },
                    key,
                    ..
                }) => Some((seat, (*key, *owner), 0)),
                _ => None,
            });
        let held = session.holds.iter();
        let held = held.map(|hold| (hold.seat, (hold.key, hold.owner), hold.token));
        let all: Vec<_> = running.chain(held).collect();
        all.get(pick % all.len().max(1)).copied()
    }

    fn ask(&mut self, at: usize, seat: usize, op: Op, key_at: usize, bytes: u8) -> Owned {
        let session = self.reference(at);
        self.sessions[at].running[seat] = Some(Running {
            op,
            key: key_at,
            asked_at: self.now,
            heard: self.tokens[key_at],
            queued: false,
        });
        let metadata = match op {
            Op::Acquire { .. } | Op::Reclaim { .. } => vec![bytes; usize::from(bytes)],
            _ => Vec::new(),
        };
        let seat = Seat(u16::try_from(seat).expect("few seats"));
        Owned {
            input: Input::Request {
                to: ReplyTo { session, seat },
                op,
                key: b"",
                metadata: b"",
            },
            key: key(key_at),
            metadata,
        }
    }

    fn reference(&self, at: usize) -> SessionRef {
        let at_u32 = u32::try_from(at).expect("few sessions");
        let home = ShardId(u8::try_from(at_u32 / SESSIONS).expect("few homes"));
        SessionRef {
            id: SessionId::new(home, self.sessions[at].counter),
            slot: at_u32 % SESSIONS,
        }
    }

    fn place(&self, session: SessionRef) -> usize {
        let at = u32::from(session.id.home().0) * SESSIONS + session.slot;
        let at = usize::try_from(at).expect("few sessions");
        assert_eq!(
            self.reference(at),
            session,
            "nothing is said about a session of before"
        );
        assert_ne!(self.sessions[at].life, Life::Closed, "nor after it is gone");
        at
    }

    fn note(&mut self, said: &impl std::fmt::Debug) {
        self.digest.write(format!("{said:?}").as_bytes());
    }

    /// The one answer to a request.
    fn settle(&mut self, to: ReplyTo, answer: Answer) {
        self.note(&(to, answer));
        let at = self.place(to.session);
        let seat = usize::from(to.seat.0);
        let running = self.sessions[at].running[seat].take();
        let running = running.unwrap_or_else(|| panic!("{to:?} was answered already"));
        self.check(&running, answer);
        match (running.op, answer) {
            (Op::Acquire { owner, .. }, Answer::Granted { token, until }) => {
                let hold = Hold {
                    key: running.key,
                    owner,
                    token,
                    seat,
                    until,
                };
                self.granted(at, &running, hold);
            }
            (Op::Reclaim { owner, token, .. }, Answer::Reclaimed { token: told, until }) => {
                assert_eq!(token, told, "a hold is taken back with its token");
                let hold = Hold {
                    key: running.key,
                    owner,
                    token,
                    seat,
                    until,
                };
                self.reclaimed(at, hold);
            }
            (
                Op::Renew { owner, token, .. } | Op::Reclaim { owner, token, .. },
                Answer::Renewed { until },
            ) => {
                // The Lost of another owner with that token may be on its way.
                let same = |hold: &&mut Hold| (hold.owner, hold.token) == (owner, token);
                let mut holds = self.sessions[at].holds.iter_mut();
                if let Some(hold) = holds.find(same)
                    && hold.until != ANY_TIME
                {
                    hold.until = until;
                }
            }
            (Op::Release { owner, token }, Answer::Released) => {
                let one =
                    |hold: &Hold| token == 0 && hold.key == running.key && hold.owner == owner;
                let holds = &mut self.sessions[at].holds;
                holds.retain(|hold| hold.token != token && !one(hold));
            }
            (
                _,
                Answer::CancelDone {
                    outcome: CancelOutcome::Released,
                    token,
                },
            ) => {
                self.sessions[at].holds.retain(|hold| hold.token != token);
            }
            (_, Answer::Refused(refusal)) => {
                self.seen.table_full += u64::from(refusal.status == Status::TableFull);
            }
            _ => {}
        }
    }

    /// The answer is one that its request can have, and not before its time.
    fn check(&self, running: &Running, answer: Answer) {
        let fits = match (running.op, answer) {
            (Op::Acquire { .. }, Answer::Granted { .. })
            // One that stands already is renewed; its home tells both alike.
            | (Op::Reclaim { .. }, Answer::Reclaimed { .. } | Answer::Renewed { .. })
            | (Op::Release { .. }, Answer::Released)
            | (Op::Renew { .. }, Answer::Renewed { .. })
            | (Op::Cancel { .. }, Answer::CancelDone { .. })
            | (Op::ForceRelease { .. }, Answer::Forced { .. }) => true,
            (Op::Acquire { .. } | Op::Reclaim { .. }, Answer::Refused(refusal)) => {
                refusal.status != Status::NotHeld
            }
            (Op::Cancel { .. }, Answer::Refused(_)) => false,
            (_, Answer::Refused(refusal)) => refusal.status == Status::NotHeld,
            _ => false,
        };
        assert!(fits, "{answer:?} does not answer {:?}", running.op);
        if let (
            Op::Acquire {
                wait: Wait::For(wait),
                ..
            },
            Answer::Refused(refusal),
        ) = (running.op, answer)
            && refusal.status == Status::Timeout
        {
            assert!(
                self.now >= running.asked_at + wait,
                "a wait ended early: {running:?}"
            );
        }
    }

    fn granted(&mut self, at: usize, running: &Running, hold: Hold) {
        self.seen.grants += 1;
        assert!(
            hold.token > running.heard,
            "tokens grow: {hold:?} after {}",
            running.heard
        );
        assert!(
            self.granted.insert(hold.token),
            "a token is granted once: {hold:?}"
        );
        let greatest = &mut self.tokens[running.key];
        *greatest = hold.token.max(*greatest);
        self.remember(at, hold);
    }

    fn reclaimed(&mut self, at: usize, mut hold: Hold) {
        self.seen.reclaimed += 1;
        let session = &mut self.sessions[at];
        let name = |hold: &Hold| (hold.key, hold.owner, hold.token);
        session.holds.retain(|one| name(one) != name(&hold));
        // A client takes a hold back once in a run. Of one that does so again the Lost of the
        // first time may be on its way, with the same token: it may hear that.
        if !session.reclaimed.insert(name(&hold)) {
            hold.until = ANY_TIME;
        }
        self.remember(at, hold);
    }

    fn remember(&mut self, at: usize, hold: Hold) {
        let holds = &mut self.sessions[at].holds;
        if holds.len() == HOLDS_MAX {
            holds.pop_front();
        }
        holds.push_back(hold);
    }

    fn lost(&mut self, to: ReplyTo, (owner, token): (u64, u64), reason: LostReason) {
        self.seen.lost += 1;
        let now = self.now;
        let at = self.place(to.session);
        let holds = &mut self.sessions[at].holds;
        if let Some(place) = holds
            .iter()
            .position(|hold| (hold.owner, hold.token) == (owner, token))
        {
            let hold = holds.remove(place).expect("it was found");
            let early = reason == LostReason::Lease && hold.until.is_none_or(|until| now < until);
            assert!(!early, "a lease ended early: {hold:?}");
        }
    }
}

impl Effects for Homes {
    fn answer(&mut self, to: ReplyTo, answer: Answer, lost_pending: bool) {
        self.note(&lost_pending);
        self.settle(to, answer);
    }

    fn queued(&mut self, to: ReplyTo) {
        self.note(&to);
        self.seen.queued += 1;
        let at = self.place(to.session);
        let running = self.sessions[at].running[usize::from(to.seat.0)].as_mut();
        let running = running.expect("only a request queues");
        let may = matches!(running.op, Op::Acquire { wait, .. } if wait != Wait::Try);
        assert!(may && !running.queued, "{running:?} queues");
        running.queued = true;
    }

    fn read_reply(&mut self, to: ReaderRef, body: &[u8]) {
        self.note(&body);
        self.reads -= 1;
        if to.op == OP_GET {
            let told = GetReply::decode(body).expect("the body of a Get reply");
            assert!(told.holders.len() <= told.holders_total as usize);
            assert!(told.waiters.len() <= told.waiters_total as usize);
        } else {
            let told = ListReply::decode(body).expect("the body of a List reply");
            assert_eq!(told.locks.iter().count(), told.locks.len());
        }
    }

    fn later(&mut self, home: ShardId, event: Event<'_>) -> Result<(), LaneFull> {
        if self.full >> home.0 & 1 == 1 {
            self.seen.lane_full += 1;
            return Err(LaneFull);
        }
        self.note(&event);
        match event {
            Event::Settled { to, answer } => {
                assert_eq!(to.session.id.home(), home);
                self.settle(to, answer);
            }
            Event::Lost {
                to,
                owner,
                token,
                reason,
                closure,
                ..
            } => {
                assert_eq!(to.session.id.home(), home);
                self.lost(to, (owner, token), reason);
                if let Some(closure) = closure {
                    assert!(self.words.len() < WORDS_MAX, "words are sent on");
                    self.words.push_back(closure);
                }
            }
            Event::SessionGone { session } => {
                assert_eq!(session.id.home(), home);
                let at = self.place(session);
                let session = &mut self.sessions[at];
                assert_eq!(
                    session.life,
                    Life::Ended,
                    "a session goes when it has ended"
                );
                session.life = Life::Closed;
                session.running = [None; SEATS];
                session.holds.clear();
                session.reclaimed.clear();
            }
        }
        Ok(())
    }
}

/// A token of before the restart: below every token of this run, of one key, and few, so that they
/// meet.
fn token_before(key_at: usize, pick: u8) -> u64 {
    let key_at = u64::try_from(key_at).expect("few keys");
    key_at * u64::from(TOKENS_BEFORE) + u64::from(pick / 8 % TOKENS_BEFORE) + 1
}

fn key(at: usize) -> Vec<u8> {
    match at {
        0 => LONG_KEY.to_vec(),
        short => vec![b'k'; short],
    }
}
