//! What the home shard remembers of each request slot: the last id, and its answer once settled.
//!
//! A record is four words, so that a session's seats are one zeroed array that costs no memory
//! before a seat is used:
//!
//! ```text
//!  word 0   sequence 48 | status 11 | op 3 | state 2
//!  word 1   running: the acquire id of a Cancel    done: token, limit or holds ended
//!  word 2   done: until (0 = as long as the session), value or closed_ms
//!  word 3   slot of the key 14 | done: server_now of the decision 50
//! ```
//!
//! A token alone does not say which hold it is: shards count apart, from the same epoch on. The
//! slot of the key does besides, for keys of two shards have two slots, and a shard grants no token
//! twice; so too for holds that were granted by two shards and taken back, after a restart, in one.
//! 50 bits of microseconds are 35 years of uptime.

use crate::canary::{self, Canary};
use crate::lock::effect::{Answer, CancelOutcome, Refusal};
use crate::time::Instant;
use locker_protocol::Status;

/// A record as it lies in the table.
pub type RecordWords = [u64; 4];

const SEQUENCE_SHIFT: u32 = 16;
const STATUS_SHIFT: u32 = 5;
const STATUS_MASK: u64 = (1 << 11) - 1;
const OP_MASK: u64 = 7;
const STATE_MASK: u64 = 3;
const RUNNING: u64 = 1;
const DONE: u64 = 2;
const KEY_SLOT_SHIFT: u32 = 50;
const AT_MASK: u64 = (1 << KEY_SLOT_SHIFT) - 1;

/// The requests that use a seat; a record keeps their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SeatOp {
    /// Ends the session.
    Close = 0,
    /// Asks for a hold.
    Acquire,
    /// Ends an acquire.
    Cancel,
    /// Ends a hold.
    Release,
    /// Moves a hold's deadline.
    Renew,
    /// Takes a hold over from before a restart.
    Reclaim,
    /// Ends other sessions' holds.
    ForceRelease,
}

/// What a request id means to its seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// New: the seat is free for it.
    Fresh,
    /// The same is running: its answer will come.
    Running,
    /// The same was answered: so again.
    Done(SeatOp, Settled),
    /// Out of order.
    Bad {
        /// The sequence last taken in, 0 if none.
        last: u64,
    },
}

/// An answer as the record keeps it: with the instant of its decision, so that a copy is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The answer.
    pub answer: Answer,
    /// When it was decided, on the raw clock.
    pub at: Instant,
}

/// One seat, seen through its words.
#[derive(Debug)]
pub struct Record<'a>(&'a mut RecordWords);

impl<'a> Record<'a> {
    /// The record that these words are; zeroed words are a seat never used.
    #[must_use]
    pub const fn new(words: &'a mut RecordWords) -> Self {
        Self(words)
    }

    /// Whether a request with this sequence is new, and the seat free for it.
    #[inline]
    #[must_use]
    pub fn is_fresh(&self, sequence: u64) -> bool {
        let again = canary::is(Canary::ReleaseRunsTwice) && self.is_release_again(sequence);
        sequence > self.sequence() && !self.is_running() || again
    }

    /// A Release that was answered is asked again.
    fn is_release_again(&self, sequence: u64) -> bool {
        sequence == self.sequence() && self.state() == DONE && self.op() == SeatOp::Release
    }

    /// What a request with this sequence would be; changes nothing.
    #[must_use]
    pub fn classify(&self, sequence: u64) -> Admission {
        let last = self.sequence();
        if sequence == last && sequence > 0 {
            return match self.settled() {
                None => Admission::Running,
                Some(settled) => Admission::Done(self.op(), settled),
            };
        }
        if self.is_fresh(sequence) {
            Admission::Fresh
        } else {
            Admission::Bad { last }
        }
    }

    /// Takes a fresh request in: it runs until [`Record::settle`].
    ///
    /// # Panics
    /// If it is not fresh.
    pub fn begin(&mut self, sequence: u64, op: SeatOp, key_slot: u16) {
        assert!(self.is_fresh(sequence), "classified first");
        let key_slot = u64::from(key_slot) << KEY_SLOT_SHIFT;
        *self.0 = [running(sequence, op), 0, 0, key_slot];
    }

    /// The slot of the last request's key, as it was noted.
    #[must_use]
    pub fn key_slot(&self) -> u16 {
        u16::try_from(self.0[3] >> KEY_SLOT_SHIFT).expect("14 bits")
    }

    /// Notes the acquire that a running Cancel speaks of.
    pub fn note_acquire(&mut self, acquire_id: u64) {
        self.0[1] = acquire_id;
    }

    /// The acquire that a running Cancel speaks of.
    #[must_use]
    pub fn noted_acquire(&self) -> u64 {
        self.0[1]
    }

    /// Keeps the answer of the running request.
    ///
    /// # Panics
    /// If nothing runs: an answer came twice, or to the wrong seat.
    pub fn settle(&mut self, answer: Answer, at: Instant) {
        assert_eq!(self.state(), RUNNING, "a request is answered once");
        let (status, a, b) = pack(answer);
        let at = self.0[3] & !AT_MASK | at.as_micros() & AT_MASK;
        *self.0 = [self.done(status), a, b, at];
    }

    /// The hold of that token ended, on a key of this record's slot: the record of its grant or
    /// reclaim becomes `Lost`.
    pub fn lose(&mut self, token: u64) -> bool {
        if self.granted_token() != Some(token) {
            return false;
        }
        let lost = Refusal {
            status: Status::Lost,
            limit: 0,
            value: token,
        };
        let (status, a, b) = pack(Answer::Refused(lost));
        self.0[0] = self.done(status);
        self.0[1] = a;
        self.0[2] = b;
        true
    }

    /// The token that this seat's last request, an acquire or a reclaim, was answered with.
    #[must_use]
    pub fn granted_token(&self) -> Option<u64> {
        let holds = matches!(self.op(), SeatOp::Acquire | SeatOp::Reclaim);
        let granted = self.state() == DONE && holds && self.status() == 0;
        granted.then_some(self.0[1])
    }

    /// The operation of the last request taken in.
    #[must_use]
    pub fn op(&self) -> SeatOp {
        match self.0[0] >> 2 & OP_MASK {
            0 => SeatOp::Close,
            1 => SeatOp::Acquire,
            2 => SeatOp::Cancel,
            3 => SeatOp::Release,
            4 => SeatOp::Renew,
            5 => SeatOp::Reclaim,
            _ => SeatOp::ForceRelease,
        }
    }

    /// Whether a request waits for its answer.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state() == RUNNING
    }

    /// The sequence last taken in on this seat; 0 if none.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0[0] >> SEQUENCE_SHIFT
    }

    /// The answer of the last request, if it has one.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        if self.state() != DONE {
            return None;
        }
        Some(Settled {
            answer: self.unpack(),
            at: Instant(self.0[3] & AT_MASK),
        })
    }

    /// The first word of the same request, answered with that status.
    fn done(&self, status: Status) -> u64 {
        let same = self.0[0] & !(STATUS_MASK << STATUS_SHIFT | STATE_MASK);
        same | u64::from(status.code()) << STATUS_SHIFT | DONE
    }

    fn status(&self) -> u64 {
        self.0[0] >> STATUS_SHIFT & STATUS_MASK
    }

    fn state(&self) -> u64 {
        self.0[0] & STATE_MASK
    }

    fn unpack(&self) -> Answer {
        let [_, a, b, _] = *self.0;
        if self.status() != 0 {
            let code = u16::try_from(self.status()).expect("11 bits");
            let status = Status::from_code(code).expect("packed from a status");
            return Answer::Refused(Refusal {
                status,
                limit: a,
                value: b,
            });
        }
        match self.op() {
            SeatOp::Acquire => Answer::Granted {
                token: a,
                until: until(b),
            },
            SeatOp::Reclaim if a != 0 => Answer::Reclaimed {
                token: a,
                until: until(b),
            },
            SeatOp::Renew | SeatOp::Reclaim => Answer::Renewed { until: until(b) },
            SeatOp::Cancel => Answer::CancelDone {
                outcome: outcome(b),
                token: a,
            },
            SeatOp::ForceRelease => Answer::Forced {
                ended: low(a),
                closed_ms: low(b),
            },
            SeatOp::Release | SeatOp::Close => Answer::Released,
        }
    }
}

const fn running(sequence: u64, op: SeatOp) -> u64 {
    sequence << SEQUENCE_SHIFT | (op as u64) << 2 | RUNNING
}

fn pack(answer: Answer) -> (Status, u64, u64) {
    let instant = |until: Option<Instant>| until.map_or(0, Instant::as_micros);
    match answer {
        Answer::Granted { token, until } => (Status::Ok, token, instant(until)),
        Answer::Reclaimed { token, until } => (Status::Ok, token, instant(until)),
        Answer::Renewed { until } => (Status::Ok, 0, instant(until)),
        Answer::Released => (Status::Ok, 0, 0),
        Answer::CancelDone { outcome, token } => (Status::Ok, token, code(outcome)),
        Answer::Forced { ended, closed_ms } => (Status::Ok, ended.into(), closed_ms.into()),
        Answer::Refused(refusal) => (refusal.status, refusal.limit, refusal.value),
    }
}

fn until(word: u64) -> Option<Instant> {
    (word != 0).then_some(Instant(word))
}

fn low(word: u64) -> u32 {
    u32::try_from(word).expect("packed from 32 bits")
}

fn code(outcome: CancelOutcome) -> u64 {
    match outcome {
        CancelOutcome::Cancelled => 0,
        CancelOutcome::Released => 1,
        CancelOutcome::Kept => 2,
        CancelOutcome::NotFound => 3,
    }
}

fn outcome(code: u64) -> CancelOutcome {
    match code {
        0 => CancelOutcome::Cancelled,
        1 => CancelOutcome::Released,
        2 => CancelOutcome::Kept,
        _ => CancelOutcome::NotFound,
    }
}

#[cfg(test)]
mod tests;
