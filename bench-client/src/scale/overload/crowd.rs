//! Clients that behave, and beside them sessions that do not: the traffic of the scenario. Pure.
//!
//! A worker takes and gives back locks of its own, each pair an *exchange*, and meanwhile holds one
//! lock that it renews four times within its lease. An exchange counts as goodput if both its
//! answers came well and within [`BOUND`] of the time at which it was due. An arrival that finds
//! none of its worker's seats free is shed by the worker itself.

use std::collections::BTreeMap;

use locker_protocol::{FromServer, OnDisconnect, Push, Reply, Status};

use super::goodput::{Goodput, Pacer};
use super::rowdies::{Conduct, Rowdy};
use crate::nanos::Nanos;
use crate::scale::member::{Ask, Member, key_of, next_frame, seat_of};
use crate::scale::staged::Stages;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// An exchange that takes longer is of no use to its client.
pub(super) const BOUND: Nanos = Nanos::SECOND;
/// TTL of the workers' sessions, and lease of the lock that each holds.
const TTL_MS: u32 = 3_000;
const RENEWALS_PER_LEASE: u32 = 4;
/// Seats of exchanges; seat 0 is that of Hello and of the lock that is held.
const SEATS: u16 = super::rowdies::SEATS;
const WARM: Nanos = Nanos::from_ms(500);
/// What is under way at the peak is over by then.
const SETTLE: Nanos = Nanos::from_ms(500);
/// Who comes anew after the storm tries so often.
const AGAIN: Nanos = Nanos::from_ms(50);
const TICK: Nanos = Nanos::from_ms(1);

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Workers open their sessions.
    Open,
    /// As fast as the answers come.
    Warm,
    /// The same, measured.
    Peak,
    /// At the modest rate; the end of what the peak had under way.
    Settle,
    /// At the modest rate, measured.
    Before,
    /// The overload.
    Storm,
    /// At the modest rate again.
    After,
    /// Over.
    Over,
}

/// What a crowd is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Workers.
    pub(super) workers: u32,
    /// Exchanges under way per worker at the peak.
    pub(super) depth: u16,
    /// Length of each measured stage.
    pub(super) span: Nanos,
    /// The modest rate as a share of the peak.
    pub(super) share: f64,
    /// The workers' rate in the storm as a multiple of the peak; none = the modest rate.
    pub(super) storm: Option<f64>,
    /// Rowdy sessions in the storm, and what they do.
    pub(super) rowdies: Option<(u32, Conduct)>,
}

/// What is counted beside goodput.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Workers that lost their connection, or could not open a session.
    pub(super) cut: u64,
    /// Locks and sessions that the server took from workers.
    pub(super) lost: u64,
    /// Renewals that were refused.
    pub(super) renewals_refused: u64,
    /// The longest that a renewal took, since it was due.
    pub(super) renewal_longest: Nanos,
    /// Exchanges that were over too late in the storm.
    pub(super) late: u64,
    /// Exchanges in the storm for which the worker had no seat.
    pub(super) shed: u64,
    /// Arrivals in the storm.
    pub(super) offered: u64,
    /// Refusals to workers and rowdies, by status.
    pub(super) refused: BTreeMap<u16, u64>,
    /// From the end of the storm until a new session was open.
    pub(super) newcomer: Option<Nanos>,
}

#[derive(Debug)]
struct Worker {
    member: Member,
    /// Seats without an exchange.
    free: Vec<u16>,
    /// When the exchange of each seat was due.
    due: Vec<Nanos>,
    held: Option<u64>,
    renewed_at: Option<Nanos>,
    is_gone: bool,
}

/// The traffic.
#[derive(Debug)]
pub(super) struct Crowd {
    shape: Shape,
    stage: Stage,
    began: Nanos,
    workers: Vec<Worker>,
    rowdies: Vec<Rowdy>,
    holding: u32,
    arrivals: Pacer,
    renewals: Pacer,
    turn: usize,
    renewing: usize,
    peak: f64,
    good: Goodput,
    /// Goodput of stages that are over.
    pub(super) told: Vec<(Stage, Goodput)>,
    pub(super) seen: Seen,
    newcomer_at: Nanos,
    trouble: Option<String>,
}

impl Crowd {
    pub(super) fn new(shape: Shape) -> Self {
        let worker = || Worker {
            member: Member::default(),
            free: (1..=SEATS).rev().collect(),
            due: vec![Nanos::ZERO; usize::from(SEATS) + 1],
            held: None,
            renewed_at: None,
            is_gone: false,
        };
        let rowdies = shape.rowdies.map_or(0, |(count, _)| count);
        Self {
            shape,
            stage: Stage::Open,
            began: Nanos::ZERO,
            workers: (0..shape.workers).map(|_| worker()).collect(),
            rowdies: (0..rowdies).map(Rowdy::new).collect(),
            holding: 0,
            arrivals: Pacer::new(Nanos::ZERO, 0.0),
            renewals: Pacer::new(Nanos::ZERO, 0.0),
            turn: 0,
            renewing: 0,
            peak: 0.0,
            good: Goodput::default(),
            told: Vec::new(),
            seen: Seen::default(),
            newcomer_at: Nanos::FOREVER,
            trouble: None,
        }
    }

    /// Connections: workers, rowdies, and one that comes anew after the storm.
    pub(super) fn connections(&self) -> usize {
        self.newcomer() + 1
    }

    /// Exchanges per second at the peak.
    pub(super) const fn peak(&self) -> f64 {
        self.peak
    }

    /// Exchanges per second that were due before and after the storm.
    pub(super) fn modest(&self) -> f64 {
        self.peak * self.shape.share
    }

    fn newcomer(&self) -> usize {
        self.workers.len() + self.rowdies.len()
    }

    fn fail(&mut self, why: String) {
        self.trouble.get_or_insert(why);
    }

    fn is_closed_loop(&self) -> bool {
        matches!(self.stage, Stage::Warm | Stage::Peak)
    }

    fn length(&self) -> Nanos {
        match self.stage {
            Stage::Open | Stage::Over => Nanos::FOREVER,
            Stage::Warm => WARM,
            Stage::Settle => SETTLE,
            Stage::Peak | Stage::Before | Stage::Storm | Stage::After => self.shape.span,
        }
    }

    fn exchange(&mut self, worker: usize, seat: u16, due: Nanos, io: &mut Io) {
        let place = &mut self.workers[worker];
        place.due[usize::from(seat)] = due;
        let key = exchange_key(worker, seat);
        let ask = Ask::plain(seat.into());
        place.member.acquire(seat, &key, ask, io.out(worker));
    }

    fn arrive(&mut self, now: Nanos, io: &mut Io) {
        while let Some(due) = self.arrivals.due(now) {
            self.turn = (self.turn + 1) % self.workers.len();
            let worker = &mut self.workers[self.turn];
            let is_storm = self.stage == Stage::Storm;
            self.seen.offered += u64::from(is_storm);
            let free = if worker.is_gone {
                None
            } else {
                worker.free.pop()
            };
            match free {
                Some(seat) => self.exchange(self.turn, seat, due, io),
                None => self.seen.shed += u64::from(is_storm),
            }
        }
    }

    fn renew(&mut self, now: Nanos, io: &mut Io) {
        while let Some(due) = self.renewals.due(now) {
            let worker = self.renewing;
            self.renewing = (worker + 1) % self.workers.len();
            let place = &mut self.workers[worker];
            let Some(token) = place.held.filter(|_| place.renewed_at.is_none()) else {
                continue;
            };
            place.renewed_at = Some(due);
            let (key, out) = (held_key(worker), io.out(worker));
            place.member.renew(0, &key, (1, token), TTL_MS, out);
        }
    }

    fn advance(&mut self, now: Nanos, io: &mut Io) {
        let next = match self.stage {
            Stage::Open => Stage::Warm,
            Stage::Warm => Stage::Peak,
            Stage::Peak => Stage::Settle,
            Stage::Settle => Stage::Before,
            Stage::Before => Stage::Storm,
            Stage::Storm => Stage::After,
            Stage::After | Stage::Over => Stage::Over,
        };
        let good = std::mem::replace(&mut self.good, Goodput::from(now));
        if self.stage == Stage::Peak {
            self.peak = good.rate(now.since(self.began));
        }
        self.told.push((self.stage, good));
        (self.stage, self.began) = (next, now);
        let rate = match (next, self.shape.storm) {
            (Stage::Storm, Some(multiple)) => self.peak * multiple,
            _ => self.modest(),
        };
        self.arrivals = Pacer::new(now, rate);
        match next {
            Stage::Warm => {
                let each = f64::from(TTL_MS / RENEWALS_PER_LEASE) / 1e3;
                self.renewals = Pacer::new(now, self.workers.len() as f64 / each);
                let depth = self.shape.depth.min(SEATS);
                for worker in 0..self.workers.len() {
                    for _ in 0..depth {
                        let seat = self.workers[worker].free.pop();
                        self.exchange(worker, seat.expect("all are free"), now, io);
                    }
                }
            }
            Stage::Storm => self
                .rowdy_places()
                .for_each(|place| io.wish(Wish::Connect(place))),
            Stage::After => {
                for place in self.rowdy_places() {
                    io.wish(Wish::Close(place, Close::Orderly));
                }
                self.newcomer_at = now;
            }
            _ => {}
        }
    }

    fn rowdy_places(&self) -> std::ops::Range<usize> {
        self.workers.len()..self.newcomer()
    }

    fn note(&mut self, status: Status) {
        *self.seen.refused.entry(status.code()).or_default() += 1;
    }

    fn hear(&mut self, worker: usize, id: u64, reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        let seat = seat_of(id);
        if seat == 0 {
            return self.hear_holder(worker, reply, now, io);
        }
        let place = &mut self.workers[worker];
        match reply {
            Reply::Granted(granted) => {
                let (key, out) = (exchange_key(worker, seat), io.out(worker));
                let (owner, token) = (seat.into(), granted.token);
                place.member.release(seat, &key, owner, token, out);
                return;
            }
            Reply::Released(_) => {
                let is_late = now.since(place.due[usize::from(seat)]) > BOUND;
                match is_late {
                    false => self.good.add(now),
                    true => self.seen.late += u64::from(self.stage == Stage::Storm),
                }
            }
            Reply::Refused(refusal) => {
                self.note(refusal.status);
            }
            other => return self.fail(format!("a worker got {other:?}")),
        }
        match self.is_closed_loop() {
            true => self.exchange(worker, seat, now, io),
            false => self.workers[worker].free.push(seat),
        }
    }

    /// Hello, or the lock that a worker holds.
    fn hear_holder(&mut self, worker: usize, reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        let place = &mut self.workers[worker];
        match reply {
            Reply::HelloOk(ok) => {
                place.member.welcomed(ok);
                let ask = Ask {
                    owner: 1,
                    wait_ms: 0,
                    lease_ms: TTL_MS,
                };
                let out = io.out(worker);
                place.member.acquire(0, &held_key(worker), ask, out);
            }
            Reply::Granted(granted) => {
                place.held = Some(granted.token);
                self.holding += 1;
            }
            Reply::Renewed(_) => {
                let due = place.renewed_at.take().unwrap_or(now);
                let longest = &mut self.seen.renewal_longest;
                *longest = now.since(due).max(*longest);
            }
            Reply::Refused(refusal) => {
                place.renewed_at = None;
                let status = refusal.status;
                self.seen.renewals_refused += 1;
                self.note(status);
            }
            other => self.fail(format!("a holder got {other:?}")),
        }
    }

    fn hear_other(&mut self, place: usize, id: u64, reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        if place == self.newcomer() {
            match reply {
                Reply::HelloOk(_) => {
                    let took = now.since(self.began);
                    self.seen.newcomer.get_or_insert(took);
                }
                _ => self.newcomer_at = now + AGAIN,
            }
            return;
        }
        let Some((_, conduct)) = self.shape.rowdies else {
            return;
        };
        let rowdy = &mut self.rowdies[place - self.workers.len()];
        if let Some(status) = rowdy.hear(conduct, id, reply, io.out(place)) {
            self.note(status);
        }
    }

    fn come_anew(&mut self, now: Nanos, io: &mut Io) {
        if now >= self.newcomer_at && self.seen.newcomer.is_none() {
            self.newcomer_at = now + Nanos::SECOND;
            io.wish(Wish::Connect(self.newcomer()));
        }
    }
}

fn exchange_key(worker: usize, seat: u16) -> [u8; 32] {
    let number = u32::try_from(worker).expect("workers are few") * 64 + u32::from(seat);
    key_of(b'x', number)
}

fn held_key(worker: usize) -> [u8; 32] {
    key_of(b'k', u32::try_from(worker).expect("workers are few"))
}

impl Stages for Crowd {
    type Stage = Stage;

    fn stage(&self) -> Stage {
        self.stage
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

impl Traffic for Crowd {
    fn opened(&mut self, place: usize, _: Nanos, io: &mut Io) {
        let out = io.out(place);
        if let Some(worker) = self.workers.get_mut(place) {
            worker.member.open(TTL_MS, OnDisconnect::Grace, out);
        } else if place < self.newcomer() {
            self.rowdies[place - self.workers.len()].begin(out);
        } else {
            Member::default().open(0, OnDisconnect::Release, out);
        }
    }

    fn received(&mut self, place: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let mut taken = 0;
        loop {
            match next_frame(&bytes[taken..]) {
                Ok(None) => return taken,
                Ok(Some((id, FromServer::Reply(reply), length))) => {
                    taken += length;
                    match place < self.workers.len() {
                        true => self.hear(place, id, &reply, now, io),
                        false => self.hear_other(place, id, &reply, now, io),
                    }
                }
                Ok(Some((_, FromServer::Push(push), length))) => {
                    taken += length;
                    let is_loss = matches!(push, Push::Lost(_) | Push::SessionEnded(_));
                    self.seen.lost += u64::from(is_loss && place < self.workers.len());
                    if let Push::Fault(refusal) = push {
                        self.note(refusal.status);
                    }
                }
                Err(why) => {
                    self.fail(why);
                    return bytes.len();
                }
            }
        }
    }

    fn closed(&mut self, place: usize, _: End, now: Nanos, _: &mut Io) {
        if let Some(worker) = self.workers.get_mut(place) {
            worker.is_gone = true;
            self.seen.cut += 1;
        } else if place == self.newcomer() {
            self.newcomer_at = now + AGAIN;
        }
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.began == Nanos::ZERO {
            self.began = now;
            (0..self.workers.len()).for_each(|place| io.wish(Wish::Connect(place)));
        }
        let all_hold = self.holding == self.shape.workers;
        if now.since(self.began) >= self.length() || self.stage == Stage::Open && all_hold {
            self.advance(now, io);
        }
        if self.stage == Stage::Open {
            if now.since(self.began) > Nanos::from_ms(30_000) {
                self.fail("the workers' sessions do not open".to_owned());
            }
            return Next::At(now + TICK);
        }
        self.renew(now, io);
        if !self.is_closed_loop() {
            self.arrive(now, io);
        }
        self.come_anew(now, io);
        match self.stage {
            Stage::Over => Next::Finished,
            _ if self.is_closed_loop() => Next::At(now + TICK),
            _ => Next::At(self.arrivals.wake_at().min(now + TICK)),
        }
    }
}

#[cfg(test)]
mod tests;
