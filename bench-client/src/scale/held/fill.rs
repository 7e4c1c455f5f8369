//! Filling a table and exchanging locks beside it. Pure.

use std::collections::VecDeque;

use locker_protocol::Reply;

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::scale::crew::{Line, Script, words_of};
use crate::scale::member::{Ask, key_of};
use crate::traffic::Io;

/// Sessions that the locks are dealt to.
pub(super) const SESSIONS: usize = 32;
/// Requests of a session under way at a time; one more seat closes it.
pub(super) const SEATS: u16 = 65;
/// Free locks of a session, to be exchanged for held ones.
const SPARE: u32 = 1_024;

/// How much is held, and how long is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) few: u32,
    pub(super) all: u32,
    pub(super) asking: Nanos,
}

/// What the crew is at, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Everything is being opened.
    Opening,
    /// A few locks are taken.
    FewFill,
    /// Locks are exchanged beside them.
    FewAsk,
    /// The last answers come.
    FewRest,
    /// All are taken.
    AllFill,
    /// Locks are exchanged beside them.
    AllAsk,
    /// The last answers come.
    AllRest,
    /// All sessions end.
    Ending,
    /// Over.
    Over,
}

/// One session's share.
#[derive(Debug)]
struct Share {
    held: Vec<u32>,
    free: VecDeque<u32>,
    /// The lock that a seat's request is about.
    asked: Vec<u32>,
    idle: Vec<u16>,
    /// Locks not taken yet: this one and every so many further on.
    next: u32,
}

/// The script.
#[derive(Debug)]
pub(super) struct Fill {
    size: Size,
    stage: Stage,
    began: Nanos,
    shares: Vec<Share>,
    dice: Dice,
    under_way: u32,
    closed: usize,
}

impl Fill {
    pub(super) fn new(size: Size) -> Self {
        let step = u32::try_from(SESSIONS).expect("a small constant");
        let room = (size.all / step + SPARE) as usize;
        let share = |number: u32| Share {
            held: Vec::with_capacity(room),
            // Free ones have the numbers above all that are held at first.
            free: (0..SPARE)
                .map(|spare| size.all + number * SPARE + spare)
                .collect(),
            asked: vec![0; usize::from(SEATS)],
            idle: (1..SEATS).collect(),
            next: number,
        };
        Self {
            size,
            stage: Stage::Opening,
            began: Nanos::ZERO,
            shares: (0..step).map(share).collect(),
            dice: Dice::new(1),
            under_way: 0,
            closed: 0,
        }
    }

    fn target(&self) -> Option<u32> {
        match self.stage {
            Stage::FewFill => Some(self.size.few),
            Stage::AllFill => Some(self.size.all),
            _ => None,
        }
    }

    fn begin(&mut self, stage: Stage, now: Nanos, line: &mut Line, io: &mut Io) {
        self.stage = stage;
        self.began = now;
        if stage == Stage::Ending {
            for connection in 0..line.count() {
                line.member(connection).close(0, io.out(connection));
            }
            return;
        }
        for connection in 0..line.count() {
            for seat in std::mem::take(&mut self.shares[connection].idle) {
                self.next((connection, seat), line, io);
            }
        }
    }

    /// What a seat does next.
    fn next(&mut self, (connection, seat): (usize, u16), line: &mut Line, io: &mut Io) {
        let target = self.target();
        let share = &mut self.shares[connection];
        let step = u32::try_from(SESSIONS).expect("a small constant");
        match (target, self.stage) {
            (Some(target), _) if share.next < target => {
                let number = share.next;
                share.next += step;
                self.take((connection, seat), number, line, io);
            }
            (_, Stage::FewAsk | Stage::AllAsk) => {
                let count = u32::try_from(share.held.len()).expect("below all locks");
                let place = self.dice.below(count) as usize;
                let number = share.held.swap_remove(place);
                share.asked[usize::from(seat)] = number;
                let (key, out) = (key_of(b'h', number), io.out(connection));
                line.member(connection).release(seat, &key, 1, 0, out);
                self.under_way += 1;
            }
            _ => share.idle.push(seat),
        }
    }

    fn take(&mut self, from: (usize, u16), number: u32, line: &mut Line, io: &mut Io) {
        let (connection, seat) = from;
        self.shares[connection].asked[usize::from(seat)] = number;
        let (key, out) = (key_of(b'h', number), io.out(connection));
        line.member(connection)
            .acquire(seat, &key, Ask::plain(1), out);
        self.under_way += 1;
    }
}

impl Script for Fill {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.stage
    }

    fn is_closing(&self) -> bool {
        self.stage == Stage::Ending
    }

    fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn advance(&mut self, now: Nanos, line: &mut Line, io: &mut Io) {
        let asked = now.since(self.began) >= self.size.asking;
        let quiet = self.under_way == 0;
        let next = match self.stage {
            Stage::Opening => Stage::FewFill,
            Stage::FewFill if quiet => Stage::FewAsk,
            Stage::FewAsk if asked => Stage::FewRest,
            Stage::FewRest if quiet => Stage::AllFill,
            Stage::AllFill if quiet => Stage::AllAsk,
            Stage::AllAsk if asked => Stage::AllRest,
            Stage::AllRest if quiet => Stage::Ending,
            Stage::Ending if self.closed == line.count() => Stage::Over,
            _ => return,
        };
        self.begin(next, now, line, io);
    }

    fn heard(
        &mut self,
        from: (usize, u16),
        reply: &Reply<'_>,
        _: Nanos,
        line: &mut Line,
        io: &mut Io,
    ) {
        let (connection, seat) = from;
        let share = &mut self.shares[connection];
        let number = share.asked[usize::from(seat)];
        match reply {
            Reply::Granted(_) => {
                self.under_way -= 1;
                share.held.push(number);
                self.next(from, line, io);
            }
            Reply::Released(_) => {
                self.under_way -= 1;
                share.free.push_back(number);
                let number = share.free.pop_front().expect("one was put in");
                self.take(from, number, line, io);
            }
            Reply::Closed(_) => self.closed += 1,
            other => line.fail(format!("in {:?}: {}", self.stage, words_of(other))),
        }
    }
}
