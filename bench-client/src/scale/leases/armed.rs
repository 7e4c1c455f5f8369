//! Holds with leases, and what becomes of them. Pure.

use locker_protocol::Reply;

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::scale::crew::{Line, Script};
use crate::scale::member::{Ask, key_of};
use crate::traffic::Io;

/// Sessions that the leases are dealt to.
pub(super) const SESSIONS: usize = 32;
/// Requests of a session under way at a time.
pub(super) const SEATS: u16 = 64;
/// All leases end within so long.
const SPREAD_MS: u32 = 1_000;

/// How many, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) leases: u32,
    pub(super) renewing: Nanos,
    /// From the first arming to the first end.
    pub(super) after: Nanos,
}

/// What the crew is at, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Everything is being opened.
    Opening,
    /// All leases are armed.
    Fill,
    /// Some are renewed, to end when they would have.
    Renew,
    /// The last answers come; nothing ends yet.
    Rest,
    /// All end.
    Expire,
    /// Over.
    Over,
}

/// One session's share.
#[derive(Clone, Debug)]
struct Share {
    /// Numbers of its locks, and their tokens.
    held: Vec<(u32, u64)>,
    /// The lock that a seat's acquire is about.
    asked: Vec<u32>,
    idle: Vec<u16>,
    /// Locks not taken yet: this one and every so many further on.
    next: u32,
}

/// The script.
#[derive(Debug)]
pub(super) struct Armed {
    size: Size,
    stage: Stage,
    began: Nanos,
    /// When the first lease ends.
    ends: Nanos,
    shares: Vec<Share>,
    dice: Dice,
    under_way: u32,
    lost: u32,
    early: u64,
    last: Nanos,
}

impl Armed {
    pub(super) fn new(size: Size) -> Self {
        let step = u32::try_from(SESSIONS).expect("a small constant");
        let share = |number| Share {
            held: Vec::with_capacity((size.leases / step) as usize + 1),
            asked: vec![0; usize::from(SEATS)],
            idle: (0..SEATS).collect(),
            next: number,
        };
        Self {
            size,
            stage: Stage::Opening,
            began: Nanos::ZERO,
            ends: Nanos::ZERO,
            shares: (0..step).map(share).collect(),
            dice: Dice::new(1),
            under_way: 0,
            lost: 0,
            early: 0,
            last: Nanos::ZERO,
        }
    }

    /// Leases that were told to be over before the first could be.
    pub(super) const fn early(&self) -> u64 {
        self.early
    }

    /// How long after the last lease should have ended its holder heard of it.
    pub(super) fn last_late(&self) -> Nanos {
        let due = self.ends + Nanos::from_ms(SPREAD_MS.into());
        self.last.since(due)
    }

    /// The lease of a lock that is armed or renewed now.
    fn lease_ms(&self, number: u32, now: Nanos) -> u32 {
        let left = self.ends.since(now).0.div_ceil(1_000_000);
        let left = u32::try_from(left).expect("hours at most");
        // Numbers follow each other in time: neighbours are to end apart.
        left + number.wrapping_mul(0x9E37_79B1) % SPREAD_MS
    }

    fn begin(&mut self, stage: Stage, now: Nanos, line: &mut Line, io: &mut Io) {
        self.stage = stage;
        self.began = now;
        if stage == Stage::Fill {
            self.ends = now + self.size.after;
        }
        for connection in 0..line.count() {
            for seat in std::mem::take(&mut self.shares[connection].idle) {
                self.next((connection, seat), now, line, io);
            }
        }
    }

    /// What a seat does next.
    fn next(&mut self, from: (usize, u16), now: Nanos, line: &mut Line, io: &mut Io) {
        let (connection, seat) = from;
        let (out, member) = (io.out(connection), line.member(connection));
        match self.stage {
            Stage::Fill if self.shares[connection].next < self.size.leases => {
                let share = &mut self.shares[connection];
                let number = share.next;
                share.next += u32::try_from(SESSIONS).expect("a small constant");
                share.asked[usize::from(seat)] = number;
                let ask = Ask {
                    lease_ms: self.lease_ms(number, now),
                    ..Ask::plain(number.into())
                };
                member.acquire(seat, &key_of(b'l', number), ask, out);
            }
            Stage::Renew => {
                let held = &self.shares[connection].held;
                let count = u32::try_from(held.len()).expect("below all leases");
                let (number, token) = held[self.dice.below(count) as usize];
                let lease_ms = self.lease_ms(number, now);
                let hold = (number.into(), token);
                member.renew(seat, &key_of(b'l', number), hold, lease_ms, out);
            }
            _ => return self.shares[connection].idle.push(seat),
        }
        self.under_way += 1;
    }
}

impl Script for Armed {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.stage
    }

    fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn advance(&mut self, now: Nanos, line: &mut Line, io: &mut Io) {
        let renewed = now.since(self.began) >= self.size.renewing;
        let quiet = self.under_way == 0;
        let next = match self.stage {
            Stage::Opening => Stage::Fill,
            Stage::Fill if quiet => Stage::Renew,
            Stage::Renew if renewed => Stage::Rest,
            Stage::Rest if quiet && now >= self.ends => Stage::Expire,
            Stage::Expire if self.lost == self.size.leases => Stage::Over,
            _ => return,
        };
        if next == Stage::Expire && now > self.ends + Nanos::from_ms(100) {
            line.fail("arming and renewing took too long: give a longer --after".to_owned());
        }
        self.begin(next, now, line, io);
        self.last = now;
    }

    fn heard(
        &mut self,
        from: (usize, u16),
        reply: &Reply<'_>,
        now: Nanos,
        line: &mut Line,
        io: &mut Io,
    ) {
        let (connection, seat) = from;
        self.under_way -= 1;
        match reply {
            Reply::Granted(granted) => {
                let share = &mut self.shares[connection];
                let number = share.asked[usize::from(seat)];
                share.held.push((number, granted.token));
                self.next(from, now, line, io);
            }
            Reply::Renewed(_) => self.next(from, now, line, io),
            other => line.fail(format!("in {:?}: {other:?}", self.stage)),
        }
    }

    fn lost(&mut self, now: Nanos) {
        self.lost += 1;
        self.last = now;
        self.early += u64::from(now < self.ends);
    }
}
