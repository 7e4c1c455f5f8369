//! Who says what while a session with many locks ends. Pure.
//!
//! Connections: one that hoards locks for each way to end, a watcher that reads the counters, a
//! lister that pages through all locks, and the cyclers, whose answers are timed.

use hdrhistogram::Histogram;
use locker_protocol::{CounterId, FromServer, List, OnDisconnect, Reply, Stats};

use crate::nanos::Nanos;
use crate::scale::member::{Ask, Member, key_of, next_frame, seat_of};
use crate::scale::staged::Stages;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// The ways in which a session ends, in order.
pub(super) const WAYS: [Way; 3] = [Way::Close, Way::Disconnect, Way::Expire];

/// TTL of the session that is to expire; it pings until then.
const TTL_MS: u32 = 2_000;
/// TTL of the others.
const TTL_LONG_MS: u32 = 600_000;
/// How often the watcher reads the counters, and the hoarder says that it lives.
const LOOK: Nanos = Nanos::from_ms(20);
/// Longer latencies count as this: five minutes.
const LATENCY_NS_MAX: u64 = 300_000_000_000;
/// A step that lasts longer has failed.
const PATIENCE: Nanos = Nanos::from_ms(300_000);
/// Requests that the hoarder has under way: the seats of a session.
const SEATS: u16 = 64;
/// The hoarder's keys, and those of the cyclers.
const HOARDED: u8 = b'h';
const CYCLED: u8 = b'c';
/// Connections of which there is one, after the hoarders.
const WATCHER: usize = WAYS.len();
const LISTER: usize = WATCHER + 1;
const CYCLER_FIRST: usize = LISTER + 1;

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) locks: u32,
    pub(super) cyclers: u32,
    /// Pairs begun per second by all cyclers.
    pub(super) rate: u32,
    /// Length of the steps before and after.
    pub(super) measured: Nanos,
}

impl Size {
    pub(super) const fn connections(self) -> u32 {
        self.cyclers + 5
    }
}

const _: () = assert!(CYCLER_FIRST == 5);

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By Close.
    Close,
    /// With its connection, as it wished.
    Disconnect,
    /// In silence.
    Expire,
}

impl Way {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Close => "Close",
            Self::Disconnect => "disconnect",
            Self::Expire => "TTL",
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Close => 0,
            Self::Disconnect => 1,
            Self::Expire => 2,
        }
    }
}

/// How far an end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The session acquires its locks.
    Hoard,
    /// The others are measured.
    Before,
    /// It fell silent; its TTL runs.
    Silent,
    /// Its locks are let go.
    During,
    /// The others are measured again.
    After,
    /// All is over.
    Over,
}

/// One step of one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) way: Way,
    pub(super) step: Step,
}

impl Stage {
    const fn index(self) -> usize {
        let step = match self.step {
            Step::Hoard => 0,
            Step::Before => 1,
            Step::Silent => 2,
            Step::During => 3,
            Step::After => 4,
            Step::Over => 5,
        };
        self.way.place() * 6 + step
    }

    fn next(self) -> Self {
        let Self { way, step } = self;
        let step = match step {
            Step::Hoard => Step::Before,
            Step::Before => Step::Silent,
            Step::Silent => Step::During,
            Step::During => Step::After,
            Step::After | Step::Over => match WAYS.get(way.place() + 1) {
                Some(&way) => {
                    return Self {
                        way,
                        step: Step::Hoard,
                    };
                }
                None => Step::Over,
            },
        };
        Self { way, step }
    }
}

/// A client that acquires and releases when it is due.
#[derive(Clone, Copy, Debug, Default)]
struct Cycler {
    member: Member,
    /// The pair due that it has not begun: it was busy.
    due: Option<Nanos>,
    busy: bool,
    /// From when the answer under way is timed.
    asked: Nanos,
    owner: u64,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Estate {
    size: Size,
    stage: Stage,
    began: Nanos,
    /// Sessions open.
    open: u32,
    hoarder: Member,
    /// Locks asked for, and had.
    asked: u32,
    had: u32,
    watcher: Member,
    /// The watcher waits for an answer; when it asks next.
    watching: bool,
    look_at: Nanos,
    locks: u64,
    expired: u64,
    expired_before: u64,
    lister: Member,
    cyclers: Vec<Cycler>,
    /// Pairs that came due.
    pairs: u64,
    paced_from: Nanos,
    latencies: Vec<Histogram<u64>>,
    trouble: Option<String>,
}

impl Estate {
    pub(super) fn new(size: Size) -> Self {
        let histogram = || Histogram::new_with_max(LATENCY_NS_MAX, 3).expect("a range, 3 digits");
        let first = Stage {
            way: WAYS[0],
            step: Step::Hoard,
        };
        Self {
            size,
            stage: first,
            began: Nanos::ZERO,
            open: 0,
            hoarder: Member::default(),
            asked: 0,
            had: 0,
            watcher: Member::default(),
            watching: false,
            look_at: Nanos::FOREVER,
            locks: 0,
            expired: 0,
            expired_before: 0,
            lister: Member::default(),
            cyclers: vec![Cycler::default(); size.cyclers as usize],
            pairs: 0,
            paced_from: Nanos::FOREVER,
            latencies: (0..WAYS.len() * 6).map(|_| histogram()).collect(),
            trouble: None,
        }
    }

    /// Nanoseconds that the cyclers' requests took which were answered in a step.
    pub(super) fn latencies(&self, stage: Stage) -> &Histogram<u64> {
        &self.latencies[stage.index()]
    }

    fn begin(&mut self, stage: Stage, now: Nanos, io: &mut Io) {
        self.stage = stage;
        self.began = now;
        let place = stage.way.place();
        match stage.step {
            Step::Hoard => {
                self.hoarder = Member::default();
                (self.asked, self.had) = (0, 0);
                io.wish(Wish::Connect(place));
            }
            Step::During => match stage.way {
                Way::Close => self.hoarder.close(0, io.out(place)),
                Way::Disconnect => io.wish(Wish::Close(place, Close::Orderly)),
                Way::Expire => {}
            },
            Step::Silent => self.expired_before = self.expired,
            Step::Before | Step::After | Step::Over => {}
        }
    }

    fn is_over(&self, now: Nanos) -> bool {
        let lasted = now.since(self.began);
        match self.stage.step {
            Step::Hoard => self.had == self.size.locks,
            Step::Before | Step::After => lasted >= self.size.measured,
            Step::Silent => self.stage.way != Way::Expire || self.expired > self.expired_before,
            // The counters must have been read since it began.
            Step::During => lasted > LOOK + LOOK && self.locks <= self.size.cyclers.into(),
            Step::Over => false,
        }
    }

    fn hoard(&mut self, seat: u16, io: &mut Io) {
        if self.asked == self.size.locks {
            return;
        }
        let number = self.asked;
        self.asked += 1;
        let out = io.out(self.stage.way.place());
        let ask = Ask::plain(number.into());
        self.hoarder
            .acquire(seat, &key_of(HOARDED, number), ask, out);
    }

    fn hoarder_heard(&mut self, seat: u16, reply: &Reply<'_>, io: &mut Io) {
        match reply {
            Reply::HelloOk(ok) => {
                self.hoarder.welcomed(ok);
                (0..SEATS.min(ok.seats)).for_each(|seat| self.hoard(seat, io));
            }
            Reply::Granted(_) => {
                self.had += 1;
                self.hoard(seat, io);
            }
            Reply::Pong(_) | Reply::Closed(_) => {}
            other => self.fail(format!("the session that ends: {other:?}")),
        }
    }

    fn watcher_heard(&mut self, reply: &Reply<'_>) {
        match reply {
            Reply::StatsReply(page) => {
                self.watching = false;
                for kept in page.counters.iter() {
                    if kept.id == CounterId::Locks.code() {
                        self.locks = kept.value;
                    } else if kept.id == CounterId::SessionsExpired.code() {
                        self.expired = kept.value;
                    }
                }
            }
            Reply::HelloOk(_) => self.ready(),
            other => self.fail(format!("the watcher: {other:?}")),
        }
    }

    fn lister_heard(&mut self, reply: &Reply<'_>, io: &mut Io) {
        let cursor = match reply {
            Reply::HelloOk(_) => {
                self.ready();
                0
            }
            Reply::ListReply(page) => page.cursor,
            other => return self.fail(format!("the lister: {other:?}")),
        };
        let id = self.lister.id(0);
        let list = List {
            cursor,
            prefix: b"",
        };
        list.encode(id, io.out(LISTER));
    }

    fn cycler_heard(&mut self, number: usize, reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        let cycler = &mut self.cyclers[number];
        let key = key_of(CYCLED, u32::try_from(number).expect("cyclers are few"));
        let took = now.since(cycler.asked).0;
        match reply {
            Reply::HelloOk(ok) => {
                cycler.member.welcomed(ok);
                return self.ready();
            }
            Reply::Granted(granted) => {
                cycler.asked = now;
                let out = io.out(CYCLER_FIRST + number);
                cycler
                    .member
                    .release(0, &key, cycler.owner, granted.token, out);
            }
            Reply::Released(_) => {
                cycler.busy = false;
                if let Some(due) = cycler.due.take() {
                    self.cycle(number, due, io);
                }
            }
            other => return self.fail(format!("a client beside: {other:?}")),
        }
        self.latencies[self.stage.index()].saturating_record(took);
    }

    fn cycle(&mut self, number: usize, due: Nanos, io: &mut Io) {
        let cycler = &mut self.cyclers[number];
        if cycler.busy {
            cycler.due.get_or_insert(due);
            return;
        }
        cycler.busy = true;
        cycler.asked = due;
        cycler.owner += 1;
        let key = key_of(CYCLED, u32::try_from(number).expect("cyclers are few"));
        let ask = Ask::plain(cycler.owner);
        cycler
            .member
            .acquire(0, &key, ask, io.out(CYCLER_FIRST + number));
    }

    /// When the pair of this number is due.
    fn due(&self, pair: u64) -> Nanos {
        let after = u128::from(pair) * u128::from(Nanos::SECOND.0) / u128::from(self.size.rate);
        self.paced_from + Nanos(u64::try_from(after).unwrap_or(u64::MAX))
    }

    fn begin_due(&mut self, now: Nanos, io: &mut Io) {
        while self.due(self.pairs) <= now {
            let number = self.pairs % u64::from(self.size.cyclers);
            let due = self.due(self.pairs);
            self.pairs += 1;
            self.cycle(usize::try_from(number).expect("cyclers are few"), due, io);
        }
    }

    /// A session of those that stay is open.
    fn ready(&mut self) {
        self.open += 1;
    }

    fn look(&mut self, now: Nanos, io: &mut Io) {
        if now < self.look_at {
            return;
        }
        self.look_at = now + LOOK;
        if !self.watching {
            self.watching = true;
            let id = self.watcher.id(0);
            Stats { cursor: 0 }.encode(id, io.out(WATCHER));
        }
        if self.stage.step == Step::Before {
            self.hoarder.ping(io.out(self.stage.way.place()));
        }
    }

    fn fail(&mut self, why: String) {
        self.trouble.get_or_insert(why);
    }
}

impl Stages for Estate {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.stage
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Traffic for Estate {
    fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
        let out = io.out(connection);
        let (member, ttl_ms, on_disconnect) = match connection {
            WATCHER => (&mut self.watcher, TTL_LONG_MS, OnDisconnect::Release),
            LISTER => (&mut self.lister, TTL_LONG_MS, OnDisconnect::Release),
            cycler if cycler >= CYCLER_FIRST => {
                let cycler = &mut self.cyclers[cycler - CYCLER_FIRST];
                (&mut cycler.member, TTL_LONG_MS, OnDisconnect::Release)
            }
            _ if self.stage.way == Way::Expire => (&mut self.hoarder, TTL_MS, OnDisconnect::Grace),
            _ => (&mut self.hoarder, TTL_LONG_MS, OnDisconnect::Release),
        };
        member.open(ttl_ms, on_disconnect, out);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let mut taken = 0;
        loop {
            let (id, message, length) = match next_frame(&bytes[taken..]) {
                Ok(None) => return taken,
                Ok(Some(found)) => found,
                Err(why) => {
                    self.fail(why);
                    return bytes.len();
                }
            };
            taken += length;
            let FromServer::Reply(reply) = message else {
                continue;
            };
            match connection {
                WATCHER => self.watcher_heard(&reply),
                LISTER => self.lister_heard(&reply, io),
                cycler if cycler >= CYCLER_FIRST => {
                    self.cycler_heard(cycler - CYCLER_FIRST, &reply, now, io);
                }
                _ => self.hoarder_heard(seat_of(id), &reply, io),
            }
        }
    }

    fn closed(&mut self, connection: usize, end: End, _: Nanos, _: &mut Io) {
        let ends = matches!(self.stage.step, Step::During | Step::After);
        let expires = self.stage.way == Way::Expire && self.stage.step == Step::Silent;
        if connection >= WATCHER || !(ends || expires) {
            let why = crate::net::describe_end(end);
            self.fail(format!("in {:?}: {why}", self.stage));
        }
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let staying = self.size.cyclers + 2;
        if self.began == Nanos::ZERO {
            self.began = now;
            let last = CYCLER_FIRST + self.cyclers.len();
            (WATCHER..last).for_each(|connection| io.wish(Wish::Connect(connection)));
        } else if self.paced_from == Nanos::FOREVER {
            if self.open == staying {
                self.paced_from = now;
                self.look_at = now;
                self.begin(self.stage, now, io);
            }
        } else if self.is_over(now) {
            self.begin(self.stage.next(), now, io);
        }
        if now.since(self.began) > PATIENCE {
            self.fail(format!("{:?} does not end", self.stage));
        }
        self.begin_due(now, io);
        self.look(now, io);
        if self.stage.step == Step::Over {
            return Next::Finished;
        }
        Next::At(self.due(self.pairs).min(self.look_at).min(now + LOOK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        locks: 10,
        cyclers: 2,
        rate: 1_000,
        measured: Nanos::ZERO,
    };

    #[test]
    fn each_way_goes_through_its_steps_and_the_last_ends_it() {
        let mut stage = Estate::new(SIZE).stage();
        let mut ends = Vec::new();
        while stage.step != Step::Over {
            if stage.step == Step::During {
                ends.push(stage.way);
            }
            stage = stage.next();
        }
        assert_eq!(ends, WAYS);
        assert_eq!(stage.next(), stage);
    }

    #[test]
    fn pairs_come_due_at_the_rate_and_wait_for_who_is_busy() {
        let (mut estate, mut io) = (Estate::new(SIZE), Io::new(SIZE.connections() as usize));
        estate.paced_from = Nanos(0);
        estate.begin_due(Nanos::from_ms(3), &mut io);
        assert_eq!(estate.pairs, 4);
        assert!(estate.cyclers.iter().all(|cycler| cycler.busy));
        assert_eq!(estate.cyclers[0].asked, Nanos(0));
        assert_eq!(estate.cyclers[0].due, Some(Nanos::from_ms(2)));
        assert_eq!(estate.cyclers[1].due, Some(Nanos::from_ms(3)));
    }
}
