//! The holds that the client was granted, and until when it may believe in each.
//!
//! A hold stays in the table until its release is answered, so that a loss that crosses the
//! release on the wire is told as the release's outcome. A lost hold stays until it is released
//! too: releasing is how the owner says that it has heard.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::call::{AutoRenew, CallId, HoldId, Mode};
use super::event::LostReason;
use super::instant::Instant;

/// One granted acquisition.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) key: Arc<[u8]>,
    pub(super) mode: Mode,
    pub(super) metadata: Arc<[u8]>,
    pub(super) token: u64,
    pub(super) state: HoldState,
    pub(super) standing: Standing,
    /// The server run that last granted or reclaimed it.
    pub(super) run: u64,
    /// The lease's end on the client's clock, [`Instant::NEVER`] for a session lease.
    pub(super) lease_deadline: Instant,
    /// While a resumed session has not confirmed the hold, or a new one not given it back: the
    /// session's deadline before that.
    pub(super) unconfirmed_deadline: Instant,
    /// While renewals are under way: the nearest end that one of them may have given the lease.
    pub(super) renewing_deadline: Instant,
    /// Renewals that were sent and not answered.
    pub(super) renewals: u32,
    /// The lease in wire form.
    pub(super) lease_ms: u32,
    pub(super) granted_at: Instant,
    pub(super) auto_renew: Option<AutoRenew>,
    /// When the renewal timer is armed, or was due while nothing could be sent.
    pub(super) renew_at: Instant,
    /// When the deadline timer is armed.
    pub(super) timer_at: Instant,
}

/// What the client knows of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoldState {
    /// Believed in until its deadlines.
    Held,
    /// Given back; the server may not have heard yet.
    Releasing,
    /// Ended by somebody else.
    Lost(LostReason),
}

/// Where the server's side of a hold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In the present session.
    Here,
    /// In a session that the server does not know any more, and not asked for.
    Former,
    /// Asked for in the present session, by a call that is queued or unanswered.
    Asked(CallId),
    /// Asked for in vain.
    Refused,
}

/// Holds by id.
#[derive(Debug, Default)]
pub(super) struct Holds {
    table: BTreeMap<HoldId, Hold>,
    held_count: usize,
}

impl Hold {
    /// The hold's own deadline, whatever the session's is.
    pub(super) fn deadline(&self) -> Instant {
        self.lease_end().min(self.unconfirmed_deadline)
    }

    /// The lease's end, [`Instant::NEVER`] for a session lease. A renewal replaces a lease as soon
    /// as the server has it, and may shorten it: so until its answer both ends count.
    pub(super) fn lease_end(&self) -> Instant {
        self.lease_deadline.min(self.renewing_deadline)
    }
}

impl Holds {
    pub(super) fn insert(&mut self, id: HoldId, hold: Hold) {
        assert_eq!(hold.state, HoldState::Held, "a hold begins held");
        self.held_count += 1;
        let before = self.table.insert(id, hold);
        assert!(before.is_none(), "an owner is used once");
    }

    pub(super) fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.table.get(&id)
    }

    pub(super) fn hold_mut(&mut self, id: HoldId) -> Option<&mut Hold> {
        self.table.get_mut(&id)
    }

    /// Moves a hold to `state`; `None` if there is no such hold.
    pub(super) fn set_state(&mut self, id: HoldId, state: HoldState) -> Option<&mut Hold> {
        let hold = self.table.get_mut(&id)?;
        self.held_count -= usize::from(hold.state == HoldState::Held);
        self.held_count += usize::from(state == HoldState::Held);
        hold.state = state;
        Some(hold)
    }

    pub(super) fn remove(&mut self, id: HoldId) -> Option<Hold> {
        let hold = self.table.remove(&id)?;
        self.held_count -= usize::from(hold.state == HoldState::Held);
        Some(hold)
    }

    /// The holds believed in, oldest first.
    pub(super) fn held(&self) -> Vec<HoldId> {
        let held = |hold: &Hold| hold.state == HoldState::Held;
        self.table
            .iter()
            .filter(|(_, hold)| held(hold))
            .map(|(&id, _)| id)
            .collect()
    }

    /// How many holds are believed in.
    pub(super) const fn held_count(&self) -> usize {
        self.held_count
    }
}
