//! What sessions do all day: come, lock, wait, cancel, look, let leases run out, lose their
//! connection, resume, go. Pure; the same seed does the same.

use hdrhistogram::Histogram;
use locker_protocol::{
    Cancel, FromServer, Get, IfGranted, LEASE_SESSION, OnDisconnect, Reply, Status,
};

use crate::dice::Dice;
use crate::nanos::Nanos;
use crate::scale::member::{Ask, Member, key_of, next_frame};
use crate::scale::staged::Stages;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// Parts of the time after warming up; a mark is taken at the begin of each.
pub(super) const SLICES: u16 = 30;
/// Keys that all want, and their kind.
const KEYS: u32 = 128;
const WANTED: u8 = b'w';
/// An acquire waits so long, and holds so long unless released.
const WAIT_MS: u32 = 40;
const LEASE_MS: u32 = 100;
/// Seats: of acquires and releases, and of cancels.
const LOCKING: u16 = 0;
const CANCELLING: u16 = 1;
/// Longer latencies count as this: five minutes.
const LATENCY_NS_MAX: u64 = 300_000_000_000;
/// A connection that failed is tried again after so long.
const PAUSE: Nanos = Nanos::from_ms(20);

/// How much goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) sessions: u32,
    /// Things done per second.
    pub(super) rate: u32,
    pub(super) duration: Nanos,
    pub(super) seed: u64,
}

/// A part of the time: 0 is for warming up, then come [`SLICES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice(pub(super) u16);

impl Slice {
    /// The first after warming up.
    pub(super) const FIRST: Self = Self(1);
    /// The end.
    pub(super) const OVER: Self = Self(SLICES + 1);
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Doing {
    /// Its connection, or its HelloOk.
    #[default]
    Coming,
    Nothing,
    Acquiring,
    Releasing,
    Cancelling,
    Reading,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    member: Member,
    /// It has a session to resume.
    lives: bool,
    doing: Doing,
    asked: Nanos,
    key: u32,
    owner: u64,
    acquire_id: u64,
    /// Of its hold; 0 = none.
    token: u64,
    /// Answers that come yet to an acquire and its cancel.
    crossing: u8,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    grants: u64,
    timeouts: u64,
    cancels: u64,
    reads: u64,
    resumes: u64,
    opened: u64,
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Bustle {
    size: Size,
    slice: Slice,
    began: Nanos,
    places: Vec<Place>,
    again: std::collections::VecDeque<(Nanos, usize)>,
    dice: Dice,
    things: u64,
    done: Done,
    wrong: u64,
    latencies: [Histogram<u64>; 3],
    trouble: Option<String>,
}

impl Bustle {
    pub(super) fn new(size: Size) -> Self {
        let histogram = || Histogram::new_with_max(LATENCY_NS_MAX, 3).expect("a range, 3 digits");
        Self {
            size,
            slice: Slice(0),
            began: Nanos::ZERO,
            places: vec![Place::default(); size.sessions as usize],
            again: std::collections::VecDeque::new(),
            dice: Dice::new(size.seed),
            things: 0,
            done: Done::default(),
            wrong: 0,
            latencies: [histogram(), histogram(), histogram()],
            trouble: None,
        }
    }

    /// Nanoseconds from asking to the answer of what does not wait, per third of the time.
    pub(super) const fn latencies(&self, third: usize) -> &Histogram<u64> {
        &self.latencies[third]
    }

    /// Answers that nothing explains.
    pub(super) const fn wrong(&self) -> u64 {
        self.wrong
    }

    /// What was done, by name.
    pub(super) const fn done(&self) -> [(&'static str, u64); 6] {
        let done = &self.done;
        [
            ("sessions opened", done.opened),
            ("grants", done.grants),
            ("waits that ran out", done.timeouts),
            ("cancels", done.cancels),
            ("reads", done.reads),
            ("resumes", done.resumes),
        ]
    }

    fn slice_at(&self, now: Nanos) -> Slice {
        let warm = self.size.duration.0 / 10;
        let each = (self.size.duration.0 - warm) / u64::from(SLICES);
        let lasted = now.since(self.began).0;
        let slices = lasted.saturating_sub(warm) / each.max(1) + u64::from(lasted >= warm);
        Slice(u16::try_from(slices).map_or(SLICES + 1, |slice| slice.min(SLICES + 1)))
    }

    /// One session does one thing, if it is free for it.
    fn thing(&mut self, now: Nanos, io: &mut Io) {
        let number = self.dice.below(self.size.sessions) as usize;
        let throw = self.dice.below(1_000);
        let key = self.dice.below(KEYS);
        let place = &mut self.places[number];
        match (place.doing, throw) {
            (Doing::Coming, _) => {}
            (_, 0..5) => {
                // In order: with it the session ends, and what it holds or waits for.
                io.wish(Wish::Close(number, Close::Orderly));
                *place = Place::default();
                io.wish(Wish::Connect(number));
            }
            (Doing::Nothing, 5..10) => {
                io.wish(Wish::Close(number, Close::Reset));
                place.doing = Doing::Coming;
                io.wish(Wish::Connect(number));
            }
            (Doing::Acquiring, 10..300) => {
                let id = place.member.id(CANCELLING);
                place.doing = Doing::Cancelling;
                place.crossing = 2;
                let cancel = Cancel {
                    acquire_id: place.acquire_id,
                    owner: place.owner,
                    if_granted: IfGranted::Release,
                    key: &key_of(WANTED, place.key),
                };
                cancel.encode(id, io.out(number));
            }
            (Doing::Nothing, 10..200) => {
                place.doing = Doing::Reading;
                place.asked = now;
                let id = place.member.id(LOCKING);
                Get {
                    key: &key_of(WANTED, key),
                }
                .encode(id, io.out(number));
            }
            // Of those that hold a lock some forget it: its lease runs out.
            (Doing::Nothing, 200..800) if place.token != 0 => {
                place.doing = Doing::Releasing;
                place.asked = now;
                let key = key_of(WANTED, place.key);
                let token = std::mem::take(&mut place.token);
                place
                    .member
                    .release(LOCKING, &key, place.owner, token, io.out(number));
            }
            (Doing::Nothing, 200..) => {
                place.doing = Doing::Acquiring;
                place.asked = now;
                place.key = key;
                place.token = 0;
                place.owner += 1;
                let ask = Ask {
                    owner: place.owner,
                    wait_ms: WAIT_MS * u32::from(throw.is_multiple_of(2)),
                    lease_ms: if throw < 900 { LEASE_MS } else { LEASE_SESSION },
                };
                let name = key_of(WANTED, key);
                place.acquire_id = place.member.acquire(LOCKING, &name, ask, io.out(number));
            }
            _ => {}
        }
    }

    fn answered(&mut self, number: usize, reply: &Reply<'_>, now: Nanos) {
        let place = &mut self.places[number];
        let took = now.since(place.asked).0;
        let is_timed = match (place.doing, reply) {
            (Doing::Coming, Reply::HelloOk(ok)) => {
                place.member.welcomed(ok);
                let lived = std::mem::replace(&mut place.lives, true);
                self.wrong += u64::from(lived != ok.resumed);
                self.done.resumes += u64::from(ok.resumed);
                self.done.opened += u64::from(!ok.resumed);
                place.doing = Doing::Nothing;
                false
            }
            (Doing::Acquiring, Reply::Granted(granted)) => {
                place.doing = Doing::Nothing;
                place.token = granted.token;
                self.done.grants += 1;
                false
            }
            (Doing::Acquiring, Reply::Refused(refused)) if refused.status == Status::Timeout => {
                place.doing = Doing::Nothing;
                self.done.timeouts += 1;
                false
            }
            // The acquire's own answer comes before or after that of the cancel.
            (Doing::Cancelling, _) => {
                place.crossing -= 1;
                self.done.cancels += u64::from(matches!(reply, Reply::CancelDone(_)));
                if place.crossing == 0 {
                    place.doing = Doing::Nothing;
                }
                false
            }
            // Its lease was over before.
            (Doing::Releasing, Reply::Released(_) | Reply::Refused(_)) => {
                place.doing = Doing::Nothing;
                true
            }
            (Doing::Reading, Reply::GetReply(_)) => {
                place.doing = Doing::Nothing;
                self.done.reads += 1;
                true
            }
            _ => {
                self.wrong += 1;
                false
            }
        };
        if is_timed && self.slice.0 > 0 {
            let third = usize::from((self.slice.0 - 1).min(SLICES - 1) * 3 / SLICES);
            self.latencies[third].saturating_record(took);
        }
    }

    fn fail(&mut self, why: String) {
        self.trouble.get_or_insert(why);
    }
}

impl Stages for Bustle {
    type Stage = Slice;

    fn stage(&self) -> Slice {
        self.slice
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Traffic for Bustle {
    fn opened(&mut self, number: usize, _: Nanos, io: &mut Io) {
        let place = &mut self.places[number];
        let out = io.out(number);
        if place.lives {
            place.member.resume(out);
        } else {
            place.member.open(0, OnDisconnect::Release, out);
        }
    }

    fn received(&mut self, number: usize, bytes: &[u8], now: Nanos, _: &mut Io) -> usize {
        let mut taken = 0;
        loop {
            match next_frame(&bytes[taken..]) {
                Ok(None) => return taken,
                Ok(Some((_, message, length))) => {
                    taken += length;
                    // A Lost tells of a lease; the release that comes too late hears it again.
                    if let FromServer::Reply(reply) = message {
                        self.answered(number, &reply, now);
                    }
                }
                Err(why) => {
                    self.fail(why);
                    return bytes.len();
                }
            }
        }
    }

    fn closed(&mut self, number: usize, end: End, now: Nanos, _: &mut Io) {
        if let End::NotOpened(_) = end {
            self.again.push_back((now + PAUSE, number));
        } else {
            self.fail(crate::net::describe_end(end));
        }
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.began == Nanos::ZERO {
            self.began = now;
            (0..self.places.len()).for_each(|number| io.wish(Wish::Connect(number)));
        }
        self.slice = self.slice_at(now);
        if self.slice == Slice::OVER {
            return Next::Finished;
        }
        while let Some(&(at, number)) = self.again.front()
            && at <= now
        {
            self.again.pop_front();
            io.wish(Wish::Connect(number));
        }
        let due = |things: u64| {
            let after = u128::from(things) * u128::from(Nanos::SECOND.0);
            let after = after / u128::from(self.size.rate);
            self.began + Nanos(u64::try_from(after).unwrap_or(u64::MAX))
        };
        let mut next = due(self.things);
        let mut begun = 0;
        while next <= now {
            begun += 1;
            next = due(self.things + begun);
        }
        self.things += begun;
        (0..begun).for_each(|_| self.thing(now, io));
        // Ends of connections and keepalives need no timer: each session does something often.
        Next::At(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bustle(duration_ms: u64) -> Bustle {
        Bustle::new(Size {
            sessions: 4,
            rate: 1_000,
            duration: Nanos::from_ms(duration_ms),
            seed: 1,
        })
    }

    #[test]
    fn a_tenth_warms_up_and_the_rest_is_cut_into_slices() {
        let bustle = bustle(1_000);
        let slice = |ms| bustle.slice_at(Nanos::from_ms(ms)).0;
        assert_eq!([slice(0), slice(99), slice(100), slice(129)], [0, 0, 1, 1]);
        assert_eq!(
            [slice(130), slice(999), slice(1_000)],
            [2, SLICES, SLICES + 1]
        );
        assert_eq!(slice(1_000_000), SLICES + 1);
    }

    #[test]
    fn an_acquire_and_its_cancel_are_both_awaited_in_any_order() {
        let mut bustle = bustle(1_000);
        let place = &mut bustle.places[0];
        (place.doing, place.crossing) = (Doing::Cancelling, 2);
        let granted = locker_protocol::Granted {
            token: 1,
            until: 0,
            server_now: 0,
        };
        bustle.answered(0, &Reply::Granted(granted), Nanos(1));
        assert_eq!(bustle.places[0].doing, Doing::Cancelling);
        bustle.answered(0, &Reply::Granted(granted), Nanos(2));
        assert_eq!(bustle.places[0].doing, Doing::Nothing);
        assert_eq!(bustle.wrong(), 0);
        bustle.answered(0, &Reply::Granted(granted), Nanos(3));
        assert_eq!(bustle.wrong(), 1);
    }
}
