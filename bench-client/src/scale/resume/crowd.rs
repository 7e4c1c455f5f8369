//! What the crowd does on its connections, stage by stage. Pure.

use std::collections::VecDeque;

use locker_protocol::{FromServer, LEASE_KEEP, OnDisconnect, Reply};

use crate::nanos::Nanos;
use crate::scale::member::{Ask, Member, key_of, take_frames};
use crate::scale::muster::Muster;
use crate::scale::staged::Stages;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// TTL of the sessions: those that say nothing for a while must live on.
const TTL_MS: u32 = 600_000;
/// A stage that lasts longer has failed.
const PATIENCE: Nanos = Nanos::from_ms(120_000);
/// How long the crowd lies still between two stages.
const REST: Nanos = Nanos::from_ms(300);
/// The lock that each session keeps, and the one that it asks for again and again.
const KEPT: u8 = b'k';
const ASKED: u8 = b'a';

/// How large the crowd is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Connections that open first, and requests under way at a time.
    pub(super) few: u32,
    /// Connections in all.
    pub(super) all: u32,
    /// How long the cost of a request is measured.
    pub(super) asking: Nanos,
}

/// What the crowd is at, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// A few connect and lock.
    FewOpen,
    /// Those ask.
    FewAsk,
    /// Their last answers come.
    FewRest,
    /// All others connect and lock, at once.
    Opening,
    /// Nobody says a word.
    Idle,
    /// As many requests as before, of all in turn.
    AllAsk,
    /// Their last answers come.
    AllRest,
    /// All ping at once.
    Pinging,
    /// All connections are cut, all come back.
    Resuming,
    /// Each shows its token.
    Showing,
    /// Over.
    Over,
}

impl Stage {
    const fn next(self) -> Self {
        match self {
            Self::FewOpen => Self::FewAsk,
            Self::FewAsk => Self::FewRest,
            Self::FewRest => Self::Opening,
            Self::Opening => Self::Idle,
            Self::Idle => Self::AllAsk,
            Self::AllAsk => Self::AllRest,
            Self::AllRest => Self::Pinging,
            Self::Pinging => Self::Resuming,
            Self::Resuming => Self::Showing,
            Self::Showing | Self::Over => Self::Over,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    member: Member,
    /// Of the lock that it keeps; 0 = none yet.
    token: u64,
    /// Of the lock that it asked for last; 0 = none.
    asked: u64,
}

/// The crowd.
#[derive(Debug)]
pub(super) struct Crowd {
    size: Size,
    muster: Muster<Stage>,
    places: Vec<Place>,
    /// Connections that rest while others ask.
    resting: VecDeque<u32>,
    lost: u64,
    wrong: u64,
    trouble: Option<String>,
}

impl Crowd {
    pub(super) fn new(size: Size) -> Self {
        Self {
            size,
            muster: Muster::new(Stage::FewOpen, size.all),
            places: vec![Place::default(); size.all as usize],
            resting: VecDeque::new(),
            lost: 0,
            wrong: 0,
            trouble: None,
        }
    }

    /// When a stage began and its last answer came.
    pub(super) fn span(&self, stage: Stage) -> (Nanos, Nanos) {
        self.muster.span(stage)
    }

    /// Connects that had to be tried again.
    pub(super) const fn retries(&self) -> u64 {
        self.muster.retries()
    }

    /// Sessions that could not be resumed.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Locks that were not held any more by the token of the beginning.
    pub(super) const fn wrong(&self) -> u64 {
        self.wrong
    }

    fn begin(&mut self, stage: Stage, now: Nanos, io: &mut Io) {
        self.muster.begin(stage, now);
        let Size { few, all, .. } = self.size;
        match stage {
            Stage::FewOpen => self.connect(0..few, io),
            Stage::Opening => self.connect(few..all, io),
            Stage::FewAsk => self.ask_all(0..few, io),
            Stage::AllAsk => self.ask_all(0..all, io),
            Stage::Pinging => self.say_all(io, |place, _, out| place.member.ping(out)),
            Stage::Showing => self.say_all(io, |place, number, out| {
                let hold = (u64::from(number), place.token);
                let key = key_of(KEPT, number);
                place.member.renew(0, &key, hold, LEASE_KEEP, out);
            }),
            Stage::Resuming => {
                for number in 0..all {
                    io.wish(Wish::Close(number as usize, Close::Reset));
                }
                self.connect(0..all, io);
            }
            Stage::FewRest | Stage::Idle | Stage::AllRest | Stage::Over => {}
        }
    }

    fn connect(&mut self, range: std::ops::Range<u32>, io: &mut Io) {
        self.muster.expect(range.end - range.start);
        Muster::<Stage>::connect(range, io);
    }

    fn say_all(&mut self, io: &mut Io, say: impl Fn(&mut Place, u32, &mut Vec<u8>)) {
        self.muster.expect(self.size.all);
        for (number, place) in (0..).zip(&mut self.places) {
            say(place, number, io.out(number as usize));
        }
    }

    /// As many ask as there are few; the others wait for their turn.
    fn ask_all(&mut self, range: std::ops::Range<u32>, io: &mut Io) {
        self.resting = range.collect();
        for _ in 0..self.size.few {
            self.next_asks(io);
        }
    }

    fn next_asks(&mut self, io: &mut Io) {
        let Some(number) = self.resting.pop_front() else {
            return;
        };
        self.muster.expect(1);
        let key = key_of(ASKED, number);
        let member = &mut self.places[number as usize].member;
        member.acquire(0, &key, Ask::plain(1), io.out(number as usize));
    }

    fn is_over(&self, now: Nanos) -> bool {
        let lasted = self.muster.lasted(now);
        match self.muster.stage() {
            Stage::FewAsk | Stage::AllAsk => lasted >= self.size.asking,
            Stage::Idle => lasted >= REST,
            Stage::FewRest | Stage::AllRest => self.muster.missing() == 0 && lasted >= REST,
            Stage::Over => false,
            _ => self.muster.missing() == 0,
        }
    }

    fn heard(&mut self, number: u32, reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        let place = &mut self.places[number as usize];
        match reply {
            Reply::HelloOk(ok) => {
                place.member.welcomed(ok);
                if self.muster.stage() == Stage::Resuming {
                    self.lost += u64::from(!ok.resumed);
                    self.muster.arrived(now);
                }
            }
            Reply::Granted(granted)
                if matches!(self.muster.stage(), Stage::FewOpen | Stage::Opening) =>
            {
                place.token = granted.token;
                self.muster.arrived(now);
            }
            Reply::Granted(granted) => {
                place.asked = granted.token;
                let key = key_of(ASKED, number);
                let out = io.out(number as usize);
                place.member.release(0, &key, 1, granted.token, out);
            }
            Reply::Released(_) => {
                self.muster.arrived(now);
                self.resting.push_back(number);
                if matches!(self.muster.stage(), Stage::FewAsk | Stage::AllAsk) {
                    self.next_asks(io);
                }
            }
            Reply::Pong(_) | Reply::Renewed(_) => self.muster.arrived(now),
            Reply::Refused(_) if self.muster.stage() == Stage::Showing => {
                self.wrong += 1;
                self.muster.arrived(now);
            }
            Reply::Refused(_) if self.muster.stage() == Stage::Resuming => {
                self.lost += 1;
                self.muster.arrived(now);
            }
            other => self.fail(format!("in {:?}: {other:?}", self.muster.stage())),
        }
    }

    fn fail(&mut self, why: String) {
        self.trouble.get_or_insert(why);
    }
}

impl Stages for Crowd {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.muster.stage()
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Traffic for Crowd {
    fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
        let place = &mut self.places[connection];
        let number = u32::try_from(connection).expect("a crowd has a 32-bit size");
        let out = io.out(connection);
        if self.muster.stage() == Stage::Resuming {
            place.member.resume(out);
            return;
        }
        place.member.open(TTL_MS, OnDisconnect::Grace, out);
        let key = key_of(KEPT, number);
        place
            .member
            .acquire(0, &key, Ask::plain(number.into()), out);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let number = u32::try_from(connection).expect("a crowd has a 32-bit size");
        let taken = take_frames(bytes, |_, message| {
            // A push tells of what its connection's end tells too.
            if let FromServer::Reply(reply) = message {
                self.heard(number, &reply, now, io);
            }
        });
        taken.unwrap_or_else(|why| {
            self.fail(why);
            bytes.len()
        })
    }

    fn closed(&mut self, connection: usize, end: End, now: Nanos, _: &mut Io) {
        let number = u32::try_from(connection).expect("a crowd has a 32-bit size");
        let stage = self.muster.stage();
        let may_retry = matches!(stage, Stage::FewOpen | Stage::Opening | Stage::Resuming);
        if !may_retry || !self.muster.try_again(number, now) {
            let why = crate::net::describe_end(end);
            self.fail(format!("in {stage:?}: {why}"));
        }
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if !self.muster.has_begun() {
            self.begin(Stage::FewOpen, now, io);
        } else if self.is_over(now) {
            self.begin(self.muster.stage().next(), now, io);
        } else if self.muster.lasted(now) > PATIENCE {
            let (stage, missing) = (self.muster.stage(), self.muster.missing());
            self.fail(format!("in {stage:?}: {missing} got no answer"));
        }
        self.muster.connect_due(now, io);
        if self.muster.stage() == Stage::Over {
            return Next::Finished;
        }
        Next::At(now + Nanos::from_ms(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use locker_protocol::{Refusal, Status};

    #[test]
    fn the_stages_come_in_order_and_end() {
        let mut stage = Stage::FewOpen;
        for _ in 0..20 {
            assert!(stage.next() > stage || stage == Stage::Over);
            stage = stage.next();
        }
        assert_eq!(stage, Stage::Over);
    }

    #[test]
    fn all_are_cut_before_any_comes_back() {
        let size = Size {
            few: 1,
            all: 2,
            asking: Nanos::ZERO,
        };
        let (mut crowd, mut io) = (Crowd::new(size), Io::new(2));
        crowd.begin(Stage::Resuming, Nanos(5), &mut io);
        let wishes: Vec<Wish> = io.take_wishes().collect();
        let close = |connection| Wish::Close(connection, Close::Reset);
        let expected = [close(0), close(1), Wish::Connect(0), Wish::Connect(1)];
        assert_eq!(wishes, expected);
    }

    #[test]
    fn a_session_that_is_gone_counts_as_lost() {
        let size = Size {
            few: 1,
            all: 1,
            asking: Nanos::ZERO,
        };
        let (mut crowd, mut io) = (Crowd::new(size), Io::new(1));
        crowd.begin(Stage::Resuming, Nanos(5), &mut io);
        let refused = Refusal {
            status: Status::NoSession,
            limit: 0,
            value: 0,
            detail: "",
        };
        crowd.heard(0, &Reply::Refused(refused), Nanos(9), &mut io);
        assert_eq!((crowd.lost(), crowd.muster.missing()), (1, 0));
        assert_eq!(crowd.span(Stage::Resuming), (Nanos(5), Nanos(9)));
    }
}
