//! Bytes as wishes: each names what to do and, by small numbers, with what.

use locker::lock::op::{ClosedFor, IfGranted, Lease, Mode, RenewTo, Wait, Want};
use locker::time::Millis;

/// What the next bytes ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// Something for the batch.
    Input(Wish),
    /// A turn, so much later.
    Turn { micros: u64 },
    /// From now on the lanes to these homes are full: a bit per home.
    Lanes { full: u8 },
    /// The grace window ends.
    OpenKeys,
    /// The server begins to stop.
    Drain,
}

/// A request or word, by numbers that the homes make fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Which session, key, hold or word: taken modulo what there is.
    pub(super) session: u8,
    pub(super) key: u8,
    pub(super) pick: u8,
    pub(super) what: What,
}

/// What is wished for.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Acquire {
        want: Want,
        wait: Wait,
        lease: Lease,
    },
    /// Of a hold that the session has heard of, or by token 0, or of a wrong token.
    Release,
    Renew(RenewTo),
    /// Of a hold of before the restart.
    Reclaim {
        want: Want,
        lease: Lease,
    },
    /// Of a request that runs, or of a hold.
    Cancel(IfGranted),
    Force {
        all: bool,
        closed: ClosedFor,
    },
    EndSession,
    Told,
    Get,
    List,
}

/// Reads bytes to their end.
pub(super) struct Script<'a> {
    bytes: &'a [u8],
}

const WAITS: [Wait; 6] = [
    Wait::Try,
    Wait::For(Millis(1)),
    Wait::For(Millis(40)),
    Wait::For(Millis(150)),
    Wait::Forever,
    Wait::Forever,
];

const LEASES: [Lease; 4] = [
    Lease::Session,
    Lease::For(Millis(10)),
    Lease::For(Millis(60)),
    Lease::For(Millis(500)),
];

const CLOSED: [ClosedFor; 4] = [
    ClosedFor::For(Millis(0)),
    ClosedFor::For(Millis(1)),
    ClosedFor::For(Millis(80)),
    ClosedFor::HolderTtl,
];

/// Steps of the clock: none, less than a tick, exactly a deadline, a stall.
const STEPS_US: [u64; 8] = [0, 1, 500, 1_000, 10_000, 40_000, 60_000, 700_000];

impl<'a> Script<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next action; `None` at the end.
    pub(super) fn action(&mut self) -> Option<Action> {
        let code = self.next()?;
        let what = match code % 32 {
            0..=8 => self.acquire()?,
            9..=11 => What::Release,
            12 | 13 => What::Renew(self.renewal()?),
            14 | 15 => What::Cancel(match self.next()? % 2 {
                0 => IfGranted::Keep,
                _ => IfGranted::Release,
            }),
            16 => What::Force {
                all: self.next()?.is_multiple_of(2),
                closed: pick(&CLOSED, self.next()?),
            },
            17 => What::EndSession,
            18 => What::Told,
            19 => What::Get,
            20 => What::List,
            21 => {
                let full = self.next()?;
                return Some(Action::Lanes { full });
            }
            22 => return Some(Action::OpenKeys),
            24..=26 => What::Reclaim {
                want: want(self.next()?),
                lease: pick(&LEASES, self.next()?),
            },
            // A server stops once at most; a script that does so early tests little else.
            23 if code >= 248 => return Some(Action::Drain),
            _ => {
                let micros = pick(&STEPS_US, self.next()?);
                return Some(Action::Turn { micros });
            }
        };
        Some(Action::Input(Wish {
            session: self.next()?,
            key: self.next()?,
            pick: self.next()?,
            what,
        }))
    }

    fn acquire(&mut self) -> Option<What> {
        Some(What::Acquire {
            want: want(self.next()?),
            wait: pick(&WAITS, self.next()?),
            lease: pick(&LEASES, self.next()?),
        })
    }

    fn renewal(&mut self) -> Option<RenewTo> {
        let code = self.next()?;
        Some(match code % 4 {
            0 => RenewTo::Keep,
            _ => RenewTo::Lease(pick(&LEASES, code / 4)),
        })
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }
}

fn pick<T: Copy>(list: &[T], code: u8) -> T {
    list[usize::from(code) % list.len()]
}

fn want(code: u8) -> Want {
    let exclusive = Want {
        mode: Mode::Exclusive,
        permits: 0,
        limit: 0,
        resize: false,
    };
    match code % 8 {
        0..=2 => exclusive,
        3..=4 => Want {
            mode: Mode::Shared,
            ..exclusive
        },
        _ => Want {
            mode: Mode::Permit,
            permits: u32::from(code / 8 % 4) + 1,
            limit: u32::from(code / 32 % 3) + 3,
            resize: code >= 192,
        },
    }
}
