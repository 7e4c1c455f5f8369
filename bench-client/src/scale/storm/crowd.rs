//! What the crowd does before and after the server is killed, and the stranger among it. Pure.
//!
//! Each session has as many seats as locks and one more, the first, on which it says hello and
//! pings as often as the server asks for. The last connection is the stranger's.

use locker_protocol::{
    FromServer, HelloOk, Mode, OnDisconnect, Push, Reclaim, Refusal, Reply, Status,
};

use crate::nanos::Nanos;
use crate::scale::member::{Ask, Member, key_of, seat_of, take_frames};
use crate::scale::muster::Muster;
use crate::scale::staged::Stages;
use crate::traffic::{End, Io, Next, Traffic};

/// Locks of one session at most: seats of a session, less the first.
pub(super) const HOLDS_MAX: u32 = 63;
/// A stage that lasts longer has failed.
const PATIENCE: Nanos = Nanos::from_ms(120_000);
/// How long the stranger waits for a free key: longer than any window of the default TTL.
const WAIT_MS: u32 = 60_000;
/// The keys that the sessions hold, and the one that is free.
const KEPT: u8 = b'k';
const FREE: u8 = b'f';

/// How large the crowd is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) sessions: u32,
    /// Locks of each.
    pub(super) each: u32,
}

impl Size {
    /// With the stranger's.
    pub(super) const fn connections(self) -> u32 {
        self.sessions + 1
    }

    /// All locks.
    pub(super) fn locks(self) -> f64 {
        f64::from(self.sessions) * f64::from(self.each)
    }
}

/// What the crowd is at, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// All connect and lock.
    Opening,
    /// All are there.
    Held,
    /// The server was killed and is there again: all connections end.
    Crash,
    /// All connect at once and reclaim.
    Storm,
    /// A stranger comes and waits for a free key.
    Window,
    /// The stranger tries all keys that are held.
    Trying,
    /// All release.
    Releasing,
    /// Over.
    Over,
}

impl Stage {
    const fn next(self) -> Self {
        match self {
            Self::Opening => Self::Held,
            Self::Held => Self::Crash,
            Self::Crash => Self::Storm,
            Self::Storm => Self::Window,
            Self::Window => Self::Trying,
            Self::Trying => Self::Releasing,
            Self::Releasing | Self::Over => Self::Over,
        }
    }
}

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Locks taken back, refused, taken back too late by their holder's clock, lost afterwards.
    pub(super) reclaimed: u64,
    pub(super) refused: u64,
    pub(super) late: u64,
    pub(super) lost: u64,
    /// Sessions that were told that no window is open.
    pub(super) turned_away: u64,
    /// When the last session was open again.
    pub(super) last_open: Nanos,
    /// Of all locks when they were back.
    pub(super) least_left: Nanos,
    /// The free key was granted while the server told of a window.
    pub(super) opened_early: bool,
    pub(super) free_granted: bool,
    pub(super) free_at: Nanos,
    /// Held keys that were not granted to the stranger.
    pub(super) kept_out: u64,
    pub(super) released: u64,
}

/// One session.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    member: Member,
    /// It was told so; its connection lives.
    is_open: bool,
    /// Run of the server, of the session that is open.
    run: u64,
    ttl: Nanos,
    /// When it pings next; the ping that has no answer yet was sent then.
    ping_at: Nanos,
    pinged: Option<Nanos>,
    /// Its newest request that was answered was sent then: what its holds rest on.
    sure: Nanos,
    /// When it sent its hello, and its acquires or reclaims.
    asked: Nanos,
}

impl Place {
    /// The end of its session, as it has to believe.
    fn deadline(&self) -> Nanos {
        let ttl = Nanos(self.ttl.0 / 100 * 99);
        Nanos((self.sure + ttl).0.saturating_sub(2_000_000))
    }

    fn answered(&mut self, sent: Nanos) {
        self.sure = self.sure.max(sent);
    }
}

/// The crowd.
#[derive(Debug)]
pub(super) struct Crowd {
    size: Size,
    muster: Muster<Stage>,
    places: Vec<Place>,
    /// Of each lock, session by session; 0 = not had.
    tokens: Vec<u64>,
    /// Until when each session's locks rested on the old run.
    deadlines: Vec<Nanos>,
    /// The run that was killed.
    old_run: u64,
    /// The window's end as the stranger was told, on our clock.
    window_end: Nanos,
    /// Keys that the stranger has tried.
    tried: u32,
    facts: Facts,
    trouble: Option<String>,
}

impl Crowd {
    pub(super) fn new(size: Size) -> Self {
        let connections = size.connections();
        Self {
            size,
            muster: Muster::new(Stage::Opening, connections),
            places: vec![Place::default(); connections as usize],
            tokens: vec![0; (size.sessions * size.each) as usize],
            deadlines: vec![Nanos::ZERO; size.sessions as usize],
            old_run: 0,
            window_end: Nanos::ZERO,
            tried: 0,
            facts: Facts {
                reclaimed: 0,
                refused: 0,
                late: 0,
                lost: 0,
                turned_away: 0,
                last_open: Nanos::ZERO,
                least_left: Nanos::FOREVER,
                opened_early: false,
                free_granted: false,
                free_at: Nanos::ZERO,
                kept_out: 0,
                released: 0,
            },
            trouble: None,
        }
    }

    pub(super) const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// When a stage began and its last answer came.
    pub(super) fn span(&self, stage: Stage) -> (Nanos, Nanos) {
        self.muster.span(stage)
    }

    /// Connects that had to be tried again.
    pub(super) const fn retries(&self) -> u64 {
        self.muster.retries()
    }

    fn begin(&mut self, stage: Stage, now: Nanos, io: &mut Io) {
        self.muster.begin(stage, now);
        let Size { sessions, each } = self.size;
        match stage {
            Stage::Opening | Stage::Storm => {
                self.muster.expect(sessions * each);
                Muster::<Stage>::connect(0..sessions, io);
            }
            Stage::Crash => self.bury(),
            Stage::Window => {
                self.muster.expect(1);
                Muster::<Stage>::connect(sessions..sessions + 1, io);
            }
            Stage::Trying => {
                self.muster.expect(sessions * each);
                for seat in 1..=HOLDS_MAX {
                    self.try_next(seat, io);
                }
            }
            Stage::Releasing => {
                self.muster.expect(sessions * each);
                for number in 0..sessions {
                    self.release_all(number, io);
                }
            }
            Stage::Held | Stage::Over => {}
        }
    }

    /// The server is gone: what each has to rest on until it has reclaimed.
    fn bury(&mut self) {
        self.muster.expect(self.size.sessions);
        let sessions = self.places.iter_mut().take(self.size.sessions as usize);
        for (place, deadline) in sessions.zip(&mut self.deadlines) {
            *deadline = place.deadline();
            self.old_run = place.run;
            *place = Place::default();
        }
    }

    fn lock_of(&self, number: u32, seat: u16) -> usize {
        (number * self.size.each) as usize + usize::from(seat) - 1
    }

    /// Says something for each lock of a session, on its seat.
    fn say_for_locks(
        &mut self,
        number: u32,
        io: &mut Io,
        say: impl Fn(&mut Member, u16, u32, u64, &mut Vec<u8>),
    ) {
        let first = number * self.size.each;
        let out = io.out(number as usize);
        let member = &mut self.places[number as usize].member;
        for (seat, lock) in (1..).zip(first..first + self.size.each) {
            say(member, seat, lock, self.tokens[lock as usize], out);
        }
    }

    fn acquire_all(&mut self, number: u32, io: &mut Io) {
        self.say_for_locks(number, io, |member, seat, lock, _, out| {
            let ask = Ask::plain(lock.into());
            member.acquire(seat, &key_of(KEPT, lock), ask, out);
        });
    }

    fn reclaim_all(&mut self, number: u32, io: &mut Io) {
        let run = self.old_run;
        self.say_for_locks(number, io, |member, seat, lock, token, out| {
            let id = member.id(seat);
            let reclaim = Reclaim {
                owner: lock.into(),
                token,
                run,
                lease_ms: 0,
                permits: 0,
                limit: 0,
                mode: Mode::Exclusive,
                key: &key_of(KEPT, lock),
                metadata: &[],
            };
            reclaim.encode(id, out);
        });
    }

    fn release_all(&mut self, number: u32, io: &mut Io) {
        self.say_for_locks(number, io, |member, seat, lock, token, out| {
            member.release(seat, &key_of(KEPT, lock), lock.into(), token, out);
        });
    }

    /// The stranger tries a key that is held.
    fn try_next(&mut self, seat: u32, io: &mut Io) {
        let lock = self.tried;
        if lock == self.size.sessions * self.size.each {
            return;
        }
        self.tried += 1;
        let stranger = self.size.sessions as usize;
        let seat = u16::try_from(seat).expect("a seat is 16 bits");
        let member = &mut self.places[stranger].member;
        let ask = Ask::plain(lock.into());
        member.acquire(seat, &key_of(KEPT, lock), ask, io.out(stranger));
    }

    fn welcomed(&mut self, number: u32, ok: &HelloOk<'_>, now: Nanos, io: &mut Io) {
        let seats_needed = if number == self.size.sessions {
            HOLDS_MAX
        } else {
            self.size.each
        };
        if u32::from(ok.seats) <= seats_needed {
            return self.fail(format!("{} seats are not enough", ok.seats));
        }
        let place = &mut self.places[number as usize];
        place.member.welcomed(ok);
        place.is_open = true;
        place.run = ok.run;
        place.ttl = Nanos::from_ms(ok.ttl_ms.into());
        place.answered(place.asked);
        place.asked = now;
        place.ping_at = now + Nanos::from_ms(ok.keepalive_ms.into());
        let grace = Nanos::from_ms(ok.grace_left_ms.into());
        match self.muster.stage() {
            Stage::Opening => self.acquire_all(number, io),
            Stage::Storm if grace == Nanos::ZERO => self.turned_away(now),
            Stage::Storm => {
                self.facts.last_open = now;
                self.reclaim_all(number, io);
            }
            Stage::Window => {
                // What is left is told as of after the hello was sent, in whole milliseconds.
                let told = self.places[number as usize].sure + grace;
                self.window_end = Nanos(told.0.saturating_sub(2_000_000));
                let ask = Ask {
                    wait_ms: WAIT_MS,
                    ..Ask::plain(1)
                };
                let member = &mut self.places[number as usize].member;
                member.acquire(1, &key_of(FREE, 0), ask, io.out(number as usize));
            }
            stage => self.fail(format!("in {stage:?}: a hello is answered")),
        }
    }

    fn turned_away(&mut self, now: Nanos) {
        self.facts.turned_away += 1;
        for _ in 0..self.size.each {
            self.muster.arrived(now);
        }
    }

    fn heard(&mut self, number: u32, seat: u16, reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        let stage = self.muster.stage();
        let place = &mut self.places[number as usize];
        match reply {
            Reply::HelloOk(ok) => return self.welcomed(number, ok, now, io),
            Reply::Pong(_) => {
                let pinged = place.pinged.take();
                return place.answered(pinged.unwrap_or(Nanos::ZERO));
            }
            // A hello: without a session there is nothing to be seen.
            Reply::Refused(refusal) if seat == 0 => {
                return self.fail(format!("in {stage:?}: {refusal:?}"));
            }
            Reply::Granted(granted) if stage == Stage::Opening => {
                place.answered(place.asked);
                let lock = self.lock_of(number, seat);
                self.tokens[lock] = granted.token;
            }
            Reply::Reclaimed(_) if stage == Stage::Storm => self.reclaimed(number, now),
            Reply::Refused(_) if stage == Stage::Storm => self.facts.refused += 1,
            Reply::Granted(_) if stage == Stage::Window => {
                self.facts.free_granted = true;
                self.facts.free_at = now;
                self.facts.opened_early = now < self.window_end;
            }
            Reply::Refused(_) if stage == Stage::Window => {}
            Reply::Granted(_) if stage == Stage::Trying => self.try_next(seat.into(), io),
            Reply::Refused(refusal) if stage == Stage::Trying => self.kept_out(refusal, seat, io),
            Reply::Released(_) if stage == Stage::Releasing => self.facts.released += 1,
            Reply::Refused(_) if stage == Stage::Releasing => {}
            other => return self.fail(format!("in {stage:?}: {other:?}")),
        }
        self.muster.arrived(now);
    }

    fn reclaimed(&mut self, number: u32, now: Nanos) {
        self.facts.reclaimed += 1;
        let deadline = self.deadlines[number as usize];
        self.facts.late += u64::from(now >= deadline);
        let left = deadline.since(now);
        self.facts.least_left = self.facts.least_left.min(left);
    }

    fn kept_out(&mut self, refusal: &Refusal<'_>, seat: u16, io: &mut Io) {
        self.facts.kept_out += u64::from(refusal.status == Status::Timeout);
        self.try_next(seat.into(), io);
    }

    /// Those that have said nothing for long say that they live.
    fn keep_alive(&mut self, now: Nanos, io: &mut Io) {
        if matches!(self.muster.stage(), Stage::Crash | Stage::Over) {
            return;
        }
        for (number, place) in self.places.iter_mut().enumerate() {
            if place.is_open && place.pinged.is_none() && place.ping_at <= now {
                place.ping_at = now + Nanos(place.ttl.0 / 3);
                place.pinged = Some(now);
                place.member.ping(io.out(number));
            }
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

    fn is_crash(stage: Stage) -> bool {
        stage == Stage::Crash
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Traffic for Crowd {
    fn opened(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        let place = &mut self.places[connection];
        place.asked = now;
        let out = io.out(connection);
        match self.muster.stage() {
            Stage::Storm => place.member.reopen(0, out),
            _ => place.member.open(0, OnDisconnect::Grace, out),
        }
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let number = u32::try_from(connection).expect("a crowd has a 32-bit size");
        let taken = take_frames(bytes, |request_id, message| match message {
            FromServer::Reply(reply) => {
                self.heard(number, seat_of(request_id), &reply, now, io);
            }
            FromServer::Push(Push::Lost(_)) => self.facts.lost += 1,
            // Any other tells of what its connection's end tells too.
            FromServer::Push(_) => {}
        });
        taken.unwrap_or_else(|why| {
            self.fail(why);
            bytes.len()
        })
    }

    fn closed(&mut self, connection: usize, end: End, now: Nanos, _: &mut Io) {
        let number = u32::try_from(connection).expect("a crowd has a 32-bit size");
        let stage = self.muster.stage();
        if stage == Stage::Crash {
            return self.muster.arrived(now);
        }
        let may_retry = matches!(stage, Stage::Opening | Stage::Storm | Stage::Window)
            && !self.places[connection].is_open;
        if !may_retry || !self.muster.try_again(number, now) {
            let why = crate::net::describe_end(end);
            self.fail(format!("in {stage:?}: {why}"));
        }
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        let stage = self.muster.stage();
        if !self.muster.has_begun() {
            self.begin(Stage::Opening, now, io);
        } else if stage != Stage::Over && self.muster.missing() == 0 {
            self.begin(stage.next(), now, io);
        } else if self.muster.lasted(now) > PATIENCE {
            let missing = self.muster.missing();
            self.fail(format!("in {stage:?}: {missing} got no answer"));
        }
        self.muster.connect_due(now, io);
        self.keep_alive(now, io);
        if self.muster.stage() == Stage::Over {
            return Next::Finished;
        }
        Next::At(now + Nanos::from_ms(5))
    }
}

#[cfg(test)]
mod tests;
