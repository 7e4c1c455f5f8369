//! One request from the call to its answer.

use std::sync::Arc;

use super::call::{Acquire, CallId, ForceRelease, HoldId, Mode, Read, Wait};
use super::instant::Instant;

/// A request that waits to be sent or to be answered.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) body: Body,
    /// Whether somebody waits for the outcome; a request nobody hears of still runs to its end.
    pub(super) heard: bool,
    /// When the timer of this request is armed; [`Instant::NEVER`] = not at all.
    pub(super) timer_at: Instant,
    /// When the caller is told that no answer came.
    pub(super) give_up_at: Instant,
    pub(super) sent: Option<Sent>,
}

/// How a request went out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) id: u64,
    /// Before the first byte of the first transmission; a resend does not change it.
    pub(super) first_at: Instant,
    /// Place among all first transmissions: the order of a resend.
    pub(super) order: u64,
    /// The answer came; the seat is kept because a cancel still names the id.
    pub(super) answered: bool,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Body {
    Acquire {
        acquire: Acquire,
        wait_until: Instant,
        cancel: Option<CallId>,
    },
    Cancel {
        acquire: CallId,
        acquire_id: u64,
        key: Arc<[u8]>,
    },
    Release {
        hold: HoldId,
        token: u64,
        key: Arc<[u8]>,
        why: ReleaseFor,
    },
    Renew {
        hold: HoldId,
        token: u64,
        key: Arc<[u8]>,
        to: RenewTo,
    },
    Reclaim(Box<Reclaim>),
    ForceRelease(ForceRelease),
    Close,
    Read(Read),
    Keepalive,
}

/// A hold of a former session, asked for in the present one.
#[derive(Debug)]
pub(super) struct Reclaim {
    pub(super) hold: HoldId,
    pub(super) token: u64,
    /// The server run that last granted or reclaimed it.
    pub(super) run: u64,
    pub(super) key: Arc<[u8]>,
    pub(super) mode: Mode,
    /// The lease in wire form.
    pub(super) lease_ms: u32,
    pub(super) metadata: Arc<[u8]>,
    /// The attach number under which it was first sent.
    pub(super) attach: u32,
}

/// What a renewal does, and on whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RenewTo {
    /// Asks after a resume whether the hold still stands. Only the answer to a question asked on
    /// the present attach number counts: an older one may be a record of before the loss.
    Confirm { attach: u32 },
    /// Replaces the deadline, by a lease in wire form.
    Lease(u32),
}

/// On whose behalf a hold is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReleaseFor {
    /// Its owner gave it back.
    Owner,
    /// The client declared it lost, or nobody waits for it any more: the server may still have it.
    Settling,
}

/// Which queue a request waits in before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Holds of a former session: there is a time for them, and it runs out.
    Reclaims,
    /// Releases, renewals, settling: before every acquire, so that no key is used again before it
    /// is settled, and a hold is never kept because others wait.
    Ahead,
    /// Acquires that do not wait at the server.
    Tries,
    /// Acquires that may keep their seat for as long as somebody else likes.
    Waits,
    /// Reads and pings: they take no seat.
    Seatless,
}

impl Request {
    /// A request that nobody waits for.
    pub(super) fn unheard(body: Body) -> Self {
        Self::new(body, false, Instant::NEVER, Instant::NEVER)
    }

    pub(super) fn new(body: Body, heard: bool, timer_at: Instant, give_up_at: Instant) -> Self {
        Self {
            body,
            heard,
            timer_at,
            give_up_at,
            sent: None,
        }
    }

    pub(super) fn queue(&self) -> Queue {
        match &self.body {
            Body::Read(_) | Body::Keepalive => Queue::Seatless,
            Body::Reclaim(_) => Queue::Reclaims,
            Body::Acquire { acquire, .. } if acquire.wait == Wait::Try => Queue::Tries,
            Body::Acquire { .. } => Queue::Waits,
            _ => Queue::Ahead,
        }
    }
}
