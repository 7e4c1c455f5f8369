//! What the home part of a shard counts; see the counters of the wire table.

use crate::lock::effect::Answer;
use crate::session::SeatOp;
use locker_protocol::Status;

/// Counters of the home part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HomeCounters {
    /// Frames taken in as requests.
    pub requests: u64,
    /// Acquires.
    pub acquires: u64,
    /// Acquires that queued here, whatever their home.
    pub queued: u64,
    /// Acquires granted.
    pub grants: u64,
    /// Acquires whose wait ended.
    pub timeouts: u64,
    /// Other answers that are refusals.
    pub refusals: u64,
    /// Reclaims refused.
    pub reclaims_refused: u64,
    /// Holds released by their holders.
    pub releases: u64,
    /// Deadlines moved or asked.
    pub renewals: u64,
    /// Cancels answered.
    pub cancels: u64,
    /// Frames that break the protocol.
    pub bad_frames: u64,
    /// Sessions opened.
    pub sessions_opened: u64,
    /// Sessions ended by their TTL.
    pub sessions_expired: u64,
    /// Resumes.
    pub resumes: u64,
    /// Requests refused because a lane was nearly full.
    pub lane_busy: u64,
    /// Times that a connection was not read for want of room.
    pub reads_paused: u64,
}

impl HomeCounters {
    /// Counts an answer.
    pub(super) fn settled(&mut self, op: SeatOp, answer: &Answer) {
        match (op, answer) {
            (_, Answer::Refused(refusal)) if refusal.status == Status::Timeout => {
                self.timeouts += 1;
            }
            (_, Answer::Refused(_)) => {
                self.refusals += 1;
                self.reclaims_refused += u64::from(op == SeatOp::Reclaim);
            }
            (SeatOp::Acquire, _) => self.grants += 1,
            (SeatOp::Release, _) => self.releases += 1,
            (SeatOp::Renew, _) => self.renewals += 1,
            (SeatOp::Cancel, _) => self.cancels += 1,
            _ => {}
        }
    }
}
