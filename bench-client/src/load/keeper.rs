//! Locks that stay held in the background while a run loads others: so a full table can be loaded.
//!
//! They are acquired before the run in the order of their numbers, which follow those of the run's
//! own keys, by sessions of their own that ask on all their seats at once. Nothing of it is
//! measured or checked. Afterwards the sessions say a word before each TTL would end, until they
//! are told to let go.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use locker_protocol::{
    Acquire, FRAME_BYTES_MAX, FromServer, Granted, HelloOk, Mode, OnDisconnect, Ping, Push, Reply,
    RequestId, Status, WAIT_TRY, split_frame,
};

use super::keys::{Home, Keys};
use crate::greeting::open_session;
use crate::nanos::Nanos;
use crate::plan::Plan;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// The longest TTL that servers grant unless told otherwise.
const TTL_MS: u32 = 3_600_000;
/// Hello and Ping use no seat: any number but 0, on a seat that is never asked for.
const OWN_SEAT: u16 = u16::MAX;
const FRAME_MAX: u32 = 1 << 16;
const _: () = assert!(FRAME_MAX as usize == FRAME_BYTES_MAX);
/// It looks so often if it shall let go.
const LOOK: Nanos = Nanos::from_ms(200);

/// How the keeping stands, for who waits for it.
#[derive(Debug, Default)]
pub struct Keeping {
    held: AtomicU32,
    let_go: AtomicBool,
    failure: OnceLock<String>,
}

impl Keeping {
    /// Locks held so far.
    #[must_use]
    pub fn held(&self) -> u32 {
        self.held.load(Ordering::Acquire)
    }

    /// Why not all of them are held, or some are no more.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Ends the keeping.
    pub fn let_go(&self) {
        self.let_go.store(true, Ordering::Release);
    }

    /// Something went wrong; the first reason stands.
    pub fn fail(&self, why: String) {
        let _ = self.failure.set(why);
    }

    fn is_over(&self) -> bool {
        self.let_go.load(Ordering::Acquire)
    }
}

/// One connection and its session.
#[derive(Clone, Debug, Default)]
struct Holder {
    /// Whose keys it asks for, if not for all.
    home: Option<Home>,
    /// The key that each seat asks for.
    asked: Vec<u32>,
    /// Counts its requests.
    count: u64,
    /// Time after which it says a word; 0 before HelloOk.
    keepalive: Nanos,
}

/// Acquires a plan's held locks and keeps them.
#[derive(Debug)]
pub struct Keeper<'a> {
    keeping: &'a Keeping,
    keys: Keys,
    holders: Vec<Holder>,
    /// Whether each connection asks for keys of its shard alone.
    shard_aware: bool,
    wanted: u32,
    held: u32,
    /// The next number to be looked at, of all shards or of each; and the end of the numbers.
    next: Vec<u32>,
    end: u32,
    has_begun: bool,
    speak_at: Nanos,
}

impl<'a> Keeper<'a> {
    /// For so many connections; with `shard_aware` they are spread over the shards.
    #[must_use]
    pub fn new(plan: &Plan, connections: usize, shard_aware: bool, keeping: &'a Keeping) -> Self {
        let first = plan.workload.keys;
        Self {
            keeping,
            keys: Keys::new(&plan.workload, 1),
            holders: vec![Holder::default(); connections],
            shard_aware,
            wanted: plan.held,
            held: 0,
            next: vec![first],
            end: first + plan.held,
            has_begun: false,
            speak_at: Nanos::FOREVER,
        }
    }

    #[cold]
    fn fail(&self, why: String) {
        self.keeping.fail(why);
    }

    fn welcomed(&mut self, connection: usize, ok: &HelloOk<'_>, now: Nanos, io: &mut Io) {
        let shards = ok.shards.max(1);
        if self.shard_aware {
            let first = self.next[0];
            self.next.resize(usize::from(shards), first);
        }
        let holder = &mut self.holders[connection];
        let home = Home {
            shard: ok.shard,
            shards,
        };
        holder.home = self.shard_aware.then_some(home);
        holder.asked = vec![0; usize::from(ok.seats)];
        holder.keepalive = Nanos::from_ms(u64::from(ok.keepalive_ms.max(1)));
        self.speak_at = self.speak_at.min(now + holder.keepalive);
        for seat in 0..ok.seats {
            self.ask_next(connection, seat, io);
        }
    }

    /// The next key that a connection may ask for.
    fn next_key(&mut self, home: Option<Home>) -> Option<u32> {
        let shard = home.map_or(0, |home| usize::from(home.shard));
        while self.next[shard] < self.end {
            let number = self.next[shard];
            self.next[shard] += 1;
            if home.is_none_or(|home| self.keys.is_at(number, home)) {
                return Some(number);
            }
        }
        None
    }

    fn ask_next(&mut self, connection: usize, seat: u16, io: &mut Io) {
        let home = self.holders[connection].home;
        if let Some(number) = self.next_key(home) {
            self.ask(connection, seat, number, io);
        }
    }

    fn ask(&mut self, connection: usize, seat: u16, number: u32, io: &mut Io) {
        let holder = &mut self.holders[connection];
        holder.asked[usize::from(seat)] = number;
        holder.count += 1;
        let sequence = holder.count;
        let acquire = Acquire {
            owner: u64::from(number) + 1,
            wait_ms: WAIT_TRY,
            lease_ms: 0,
            permits: 0,
            limit: 0,
            mode: Mode::Exclusive,
            resize: false,
            key: self.keys.write(number),
            metadata: &[],
        };
        acquire.encode(RequestId { seat, sequence }.pack(), io.out(connection));
    }

    /// An acquire was answered.
    fn answered(&mut self, connection: usize, seat: u16, status: u16, io: &mut Io) {
        let known = self.holders[connection].asked.get(usize::from(seat));
        let Some(number) = known.copied() else {
            return self.fail("an answer that nobody asked for".to_owned());
        };
        if status == Status::Ok.code() {
            self.held += 1;
            self.ask_next(connection, seat, io);
        } else if status == Status::Busy.code() {
            self.ask(connection, seat, number, io);
        } else if status == Status::TableFull.code() {
            let held = self.held;
            self.fail(format!(
                "the table was full with {held} locks: give the server more --memory"
            ));
        } else {
            self.fail(format!("an acquire was refused with status {status}"));
        }
    }

    fn heard(&mut self, connection: usize, message: &FromServer<'_>, now: Nanos, io: &mut Io) {
        match message {
            FromServer::Reply(Reply::HelloOk(ok)) => self.welcomed(connection, ok, now, io),
            FromServer::Reply(Reply::Pong(_)) => {}
            FromServer::Push(Push::GoAway(_)) => self.fail("the server is stopping".to_owned()),
            other => self.fail(format!("the server said {other:?}")),
        }
    }

    fn speak(&mut self, now: Nanos, io: &mut Io) {
        self.speak_at = Nanos::FOREVER;
        for (connection, holder) in self.holders.iter_mut().enumerate() {
            if holder.keepalive == Nanos::ZERO {
                continue;
            }
            holder.count += 1;
            let id = RequestId {
                seat: OWN_SEAT,
                sequence: holder.count,
            };
            Ping.encode(id.pack(), io.out(connection));
            self.speak_at = self.speak_at.min(now + holder.keepalive);
        }
    }
}

impl Traffic for Keeper<'_> {
    fn opened(&mut self, connection: usize, _now: Nanos, io: &mut Io) {
        let id = RequestId {
            seat: OWN_SEAT,
            sequence: 1,
        };
        self.holders[connection].count = 1;
        let out = io.out(connection);
        open_session(id.pack(), TTL_MS, OnDisconnect::Release, out);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let mut taken = 0;
        loop {
            let (frame, length) = match split_frame(&bytes[taken..], FRAME_MAX) {
                Ok(Some(split)) => split,
                Ok(None) => break,
                Err(error) => {
                    self.fail(error.to_string());
                    taken = bytes.len();
                    break;
                }
            };
            taken += length;
            let header = frame.header;
            if header.op == Granted::OP {
                let seat = RequestId::unpack(header.request_id).seat;
                self.answered(connection, seat, header.status, io);
                continue;
            }
            match FromServer::decode(&frame) {
                Ok(message) => self.heard(connection, &message, now, io),
                Err(error) => self.fail(error.to_string()),
            }
        }
        self.keeping.held.store(self.held, Ordering::Release);
        taken
    }

    fn closed(&mut self, connection: usize, end: End, _now: Nanos, _io: &mut Io) {
        self.fail(format!("connection {connection} ended: {end:?}"));
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if !self.has_begun {
            self.has_begun = true;
            (0..self.holders.len()).for_each(|connection| io.wish(Wish::Connect(connection)));
        }
        if self.keeping.is_over() || self.keeping.failure().is_some() {
            (0..self.holders.len())
                .for_each(|connection| io.wish(Wish::Close(connection, Close::Orderly)));
            return Next::Finished;
        }
        if now >= self.speak_at && self.held == self.wanted {
            self.speak(now, io);
        }
        Next::At(self.speak_at.max(now + Nanos(1)).min(now + LOOK))
    }
}

#[cfg(test)]
mod tests;
