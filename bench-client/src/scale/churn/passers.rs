//! Clients that come, lock and go, one after the other on each connection. Pure.

use locker_protocol::{FromServer, OnDisconnect, Reply};

use crate::nanos::Nanos;
use crate::scale::member::{Ask, Member, key_of, next_frame};
use crate::scale::staged::Stages;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

const WARM: Nanos = Nanos::from_ms(500);
/// The last ones may take so long to be gone.
const REST: Nanos = Nanos::from_ms(1_000);
/// Failures that are no wonder: a port that is not free yet.
const FAILURES_MAX: u32 = 1_000;

/// What they are at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Warm,
    Measure,
    Rest,
    Over,
}

/// The clients.
#[derive(Debug)]
pub(super) struct Passers {
    places: u32,
    measured: Nanos,
    stage: Stage,
    began: Nanos,
    keys: u32,
    failures: u32,
    trouble: Option<String>,
}

impl Passers {
    pub(super) const fn new(places: u32, measured: Nanos) -> Self {
        Self {
            places,
            measured,
            stage: Stage::Warm,
            began: Nanos::ZERO,
            keys: 0,
            failures: 0,
            trouble: None,
        }
    }

    fn length(&self) -> Nanos {
        match self.stage {
            Stage::Warm => WARM,
            Stage::Measure => self.measured,
            Stage::Rest => REST,
            Stage::Over => Nanos::FOREVER,
        }
    }

    /// The client of this place is gone; another comes.
    fn next(&self, place: usize, io: &mut Io) {
        if matches!(self.stage, Stage::Warm | Stage::Measure) {
            io.wish(Wish::Connect(place));
        }
    }

    fn fail(&mut self, why: String) {
        self.trouble.get_or_insert(why);
    }
}

impl Stages for Passers {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.stage
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Traffic for Passers {
    fn opened(&mut self, place: usize, _: Nanos, io: &mut Io) {
        let mut member = Member::default();
        let out = io.out(place);
        member.open(0, OnDisconnect::Release, out);
        self.keys = self.keys.wrapping_add(1);
        member.acquire(0, &key_of(b'p', self.keys), Ask::plain(1), out);
    }

    fn received(&mut self, place: usize, bytes: &[u8], _: Nanos, io: &mut Io) -> usize {
        let mut taken = 0;
        loop {
            match next_frame(&bytes[taken..]) {
                Ok(None) => return taken,
                Ok(Some((_, FromServer::Reply(Reply::HelloOk(_)), length))) => taken += length,
                Ok(Some((_, FromServer::Reply(Reply::Granted(_)), _))) => {
                    io.wish(Wish::Close(place, Close::Orderly));
                    self.next(place, io);
                    return bytes.len();
                }
                Ok(Some((_, other, _))) => {
                    self.fail(format!("a client got {other:?}"));
                    return bytes.len();
                }
                Err(why) => {
                    self.fail(why);
                    return bytes.len();
                }
            }
        }
    }

    fn closed(&mut self, place: usize, end: End, _: Nanos, io: &mut Io) {
        self.failures += 1;
        if self.failures > FAILURES_MAX {
            self.fail(crate::net::describe_end(end));
        }
        self.next(place, io);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.began == Nanos::ZERO {
            self.began = now;
            (0..self.places as usize).for_each(|place| io.wish(Wish::Connect(place)));
        }
        if now.since(self.began) >= self.length() {
            self.began = now;
            self.stage = match self.stage {
                Stage::Warm => Stage::Measure,
                Stage::Measure => Stage::Rest,
                Stage::Rest | Stage::Over => Stage::Over,
            };
        }
        match self.stage {
            Stage::Over => Next::Finished,
            _ => Next::At(self.began + self.length()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_comes_any_more_once_it_was_measured() {
        let (mut passers, mut io) = (Passers::new(2, Nanos::from_ms(10)), Io::new(2));
        passers.tick(Nanos(1), &mut io);
        let connects = [Wish::Connect(0), Wish::Connect(1)];
        assert!(io.take_wishes().eq(connects));
        passers.next(1, &mut io);
        assert_eq!(io.take_wishes().count(), 1);
        passers.tick(Nanos(2) + WARM, &mut io);
        assert_eq!(passers.stage(), Stage::Measure);
        passers.tick(Nanos(3) + WARM + Nanos::from_ms(10), &mut io);
        assert_eq!(passers.stage(), Stage::Rest);
        passers.next(0, &mut io);
        assert_eq!(io.take_wishes().count(), 0);
    }
}
