//! Those who wait for one key, and what they do meanwhile. Pure.

use locker_protocol::{Cancel, IfGranted, Reply, Status, WAIT_FOREVER};

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::scale::crew::{Line, Script, words_of};
use crate::scale::member::{Ask, key_of};
use crate::traffic::Io;

/// Seats of a session.
pub(super) const SEATS: u16 = 4_096;
/// Seats for what is not an acquire: releases and cancels.
const BESIDE: u16 = 96;
/// Waiters of a session.
pub(super) const WAITERS_EACH: u32 = (SEATS - BESIDE) as u32;
/// Cancels under way at a time at most, and for each session.
const CHURN_MAX: u32 = 512;
const CHURN_EACH: u32 = 16;
/// Those that queue at a time to time out together.
const AGAIN: u32 = 2_048;
/// Waits that all end together begin this long before, and so much longer for each waiter.
const WAIT: Nanos = Nanos::from_ms(3_000);
const WAIT_EACH: Nanos = Nanos(10_000);

/// What the crew is at: at each length of the queue by its number, then all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Everything is being opened.
    Opening,
    /// One takes the key.
    Taking,
    /// So many more queue.
    Queue(usize),
    /// Some cancel and queue again.
    Churn(usize),
    /// The last of them come back.
    ChurnRest(usize),
    /// The key goes from hand to hand.
    Hands(usize),
    /// The last hand keeps it.
    HandsRest(usize),
    /// All cancel.
    Leave,
    /// All queue, to time out at the same instant.
    Again,
    /// Nobody says a word until then.
    Still,
    /// Until the last has timed out.
    TimeOut,
    /// Over.
    Over,
}

/// A place in the queue: a session's seat that acquires.
#[derive(Clone, Copy, Debug)]
struct Place {
    connection: usize,
    seat: u16,
    /// Request id of its acquire; 0 = none.
    asked: u64,
    /// Where it stands among those that wait.
    at: u32,
}

/// The script.
#[derive(Debug)]
pub(super) struct Throng {
    levels: Vec<u32>,
    measure: Nanos,
    stage: Stage,
    began: Nanos,
    places: Vec<Place>,
    /// Places that wait and are not being cancelled.
    waiting: Vec<u32>,
    /// The first place that has not queued yet.
    next: u32,
    /// Answers that the stage waits for.
    awaited: u32,
    /// Pings told and not answered: what was said before them has arrived.
    pings: usize,
    /// Who holds the key, and by which token.
    holder: (u32, u64),
    /// When all waits end, and the first place that has not queued for it yet.
    deadline: Nanos,
    again: u32,
    early: u64,
    /// Seats of each session for what is not an acquire, in turn.
    beside: Vec<u16>,
    dice: Dice,
}

impl Throng {
    pub(super) fn new(levels: Vec<u32>, measure: Nanos) -> Self {
        let most = *levels.last().expect("a queue has a length");
        let sessions = most.div_ceil(WAITERS_EACH);
        let place = |number: u32| Place {
            connection: (number % sessions) as usize,
            seat: BESIDE + u16::try_from(number / sessions).expect("below the seats"),
            asked: 0,
            at: 0,
        };
        Self {
            levels,
            measure,
            stage: Stage::Opening,
            began: Nanos::ZERO,
            places: (0..most).map(place).collect(),
            waiting: Vec::with_capacity(most as usize),
            next: 1,
            awaited: 0,
            pings: 0,
            holder: (0, 0),
            deadline: Nanos::ZERO,
            again: 0,
            early: 0,
            beside: vec![0; sessions as usize],
            dice: Dice::new(1),
        }
    }

    /// Waits that were told to be over before they were.
    pub(super) const fn early(&self) -> u64 {
        self.early
    }

    fn acquire(&mut self, number: u32, wait_ms: u32, line: &mut Line, io: &mut Io) {
        let place = &mut self.places[number as usize];
        let ask = Ask {
            wait_ms,
            ..Ask::plain(place.seat.into())
        };
        let out = io.out(place.connection);
        let member = line.member(place.connection);
        place.asked = member.acquire(place.seat, &key_of(b'w', 0), ask, out);
    }

    fn queue(&mut self, number: u32, line: &mut Line, io: &mut Io) {
        self.acquire(number, WAIT_FOREVER, line, io);
        self.places[number as usize].at = self.count();
        self.waiting.push(number);
    }

    /// Takes one out of those that wait.
    fn unlist(&mut self, number: u32) {
        let at = self.places[number as usize].at;
        self.waiting.swap_remove(at as usize);
        if let Some(moved) = self.waiting.get(at as usize) {
            self.places[*moved as usize].at = at;
        }
    }

    /// Those that wait and are not being cancelled.
    fn count(&self) -> u32 {
        u32::try_from(self.waiting.len()).expect("at most a million")
    }

    /// A seat that no acquire uses; they come around long after their answers.
    fn seat_beside(&mut self, connection: usize) -> u16 {
        let seat = &mut self.beside[connection];
        *seat = (*seat + 1) % BESIDE;
        *seat
    }

    fn cancel(&mut self, number: u32, line: &mut Line, io: &mut Io) {
        let Place {
            connection,
            seat,
            asked,
            ..
        } = self.places[number as usize];
        let cancel = Cancel {
            acquire_id: asked,
            owner: seat.into(),
            if_granted: IfGranted::Release,
            key: &key_of(b'w', 0),
        };
        let beside = self.seat_beside(connection);
        let id = line.member(connection).id(beside);
        cancel.encode(id, io.out(connection));
        self.awaited += 1;
    }

    fn cancel_any(&mut self, line: &mut Line, io: &mut Io) {
        if self.count() > 0 {
            let at = self.dice.below(self.count()) as usize;
            let number = self.waiting[at];
            self.unlist(number);
            self.cancel(number, line, io);
        }
    }

    fn release(&mut self, line: &mut Line, io: &mut Io) {
        let (number, token) = self.holder;
        let Place {
            connection, seat, ..
        } = self.places[number as usize];
        let beside = self.seat_beside(connection);
        let (member, out) = (line.member(connection), io.out(connection));
        member.release(beside, &key_of(b'w', 0), seat.into(), token, out);
        self.awaited += 1;
    }

    /// Cancels under way at a time: drawn at random, they leave each session seats to spare.
    fn churn(&self) -> u32 {
        let sessions = u32::try_from(self.beside.len()).expect("few sessions");
        CHURN_MAX.min(CHURN_EACH * sessions)
    }

    fn ping_all(&mut self, line: &mut Line, io: &mut Io) {
        self.pings = line.count();
        for connection in 0..line.count() {
            line.member(connection).ping(io.out(connection));
        }
    }

    /// Cancels the next of those that wait, as many as may be under way.
    fn leave(&mut self, line: &mut Line, io: &mut Io) {
        while self.awaited < self.churn()
            && let Some(number) = self.waiting.pop()
        {
            self.cancel(number, line, io);
        }
    }

    /// The next of those that are to time out; a few at a time, as each has its own time left.
    fn queue_again(&mut self, now: Nanos, line: &mut Line, io: &mut Io) {
        let left = self.deadline.since(now).0.div_ceil(1_000_000);
        let left = u32::try_from(left).expect("a few seconds");
        for number in self.again..self.next.min(self.again + AGAIN) {
            if number != self.holder.0 {
                self.acquire(number, left, line, io);
                self.awaited += 1;
            }
        }
        self.again = self.next.min(self.again + AGAIN);
    }

    fn begin(&mut self, stage: Stage, now: Nanos, line: &mut Line, io: &mut Io) {
        self.stage = stage;
        self.began = now;
        match stage {
            Stage::Taking => {
                self.acquire(0, WAIT_FOREVER, line, io);
                self.awaited = 1;
            }
            Stage::Queue(level) => {
                // One place is the holder's.
                for number in self.next..self.levels[level] {
                    self.queue(number, line, io);
                }
                self.next = self.levels[level];
                self.ping_all(line, io);
            }
            Stage::Churn(_) => (0..self.churn()).for_each(|_| self.cancel_any(line, io)),
            Stage::Hands(_) => self.release(line, io),
            Stage::Leave => self.leave(line, io),
            Stage::Again => {
                self.deadline = now + WAIT + Nanos(WAIT_EACH.0 * u64::from(self.next));
                self.again = 0;
                self.queue_again(now, line, io);
            }
            _ => {}
        }
    }

    fn refused(&mut self, number: u32, status: Status, now: Nanos, line: &mut Line, io: &mut Io) {
        let cancelled = status == Status::Cancelled;
        match self.stage {
            Stage::Leave | Stage::Again if cancelled => {}
            _ if cancelled => self.queue(number, line, io),
            Stage::Again | Stage::Still | Stage::TimeOut if status == Status::Timeout => {
                self.awaited -= 1;
                self.early += u64::from(now < self.deadline);
            }
            stage => line.fail(format!("in {stage:?} a waiter is refused: {status:?}")),
        }
    }

    fn granted(&mut self, number: u32, token: u64, line: &mut Line, io: &mut Io) {
        let before = self.holder.0;
        self.holder = (number, token);
        match self.stage {
            Stage::Taking => self.awaited -= 1,
            Stage::Hands(_) | Stage::HandsRest(_) => {
                self.awaited -= 1;
                self.unlist(number);
                self.queue(before, line, io);
                if matches!(self.stage, Stage::Hands(_)) {
                    self.release(line, io);
                }
            }
            stage => line.fail(format!("granted in {stage:?}")),
        }
    }
}

impl Script for Throng {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.stage
    }

    fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn advance(&mut self, now: Nanos, line: &mut Line, io: &mut Io) {
        let measured = now.since(self.began) >= self.measure;
        let quiet = self.awaited == 0;
        let next = match self.stage {
            Stage::Opening => Stage::Taking,
            Stage::Taking if quiet => Stage::Queue(0),
            Stage::Queue(level) if self.pings == 0 => Stage::Churn(level),
            Stage::Churn(level) if measured => Stage::ChurnRest(level),
            Stage::ChurnRest(level) if quiet => Stage::Hands(level),
            Stage::Hands(level) if measured => Stage::HandsRest(level),
            Stage::HandsRest(level) if quiet => match level + 1 < self.levels.len() {
                true => Stage::Queue(level + 1),
                false => Stage::Leave,
            },
            Stage::Leave if quiet => Stage::Again,
            Stage::Again if self.again < self.next => return self.queue_again(now, line, io),
            Stage::Again => Stage::Still,
            Stage::Still if now >= self.deadline => Stage::TimeOut,
            Stage::TimeOut if quiet => Stage::Over,
            _ => return,
        };
        self.begin(next, now, line, io);
    }

    fn heard(
        &mut self,
        (connection, seat): (usize, u16),
        reply: &Reply<'_>,
        now: Nanos,
        line: &mut Line,
        io: &mut Io,
    ) {
        let number = || {
            let sessions = self.beside.len();
            let place = usize::from(seat - BESIDE) * sessions + connection;
            u32::try_from(place).expect("at most a million")
        };
        match reply {
            Reply::Refused(_) if seat < BESIDE => {
                line.fail(format!("in {:?}: {}", self.stage, words_of(reply)));
            }
            Reply::Granted(granted) => self.granted(number(), granted.token, line, io),
            Reply::Refused(refusal) => self.refused(number(), refusal.status, now, line, io),
            Reply::Pong(_) => self.pings -= 1,
            Reply::Released(_) => {}
            Reply::CancelDone(_) => {
                self.awaited -= 1;
                match self.stage {
                    Stage::Churn(_) => self.cancel_any(line, io),
                    Stage::Leave => self.leave(line, io),
                    _ => {}
                }
            }
            other => line.fail(format!("in {:?}: {other:?}", self.stage)),
        }
    }
}
