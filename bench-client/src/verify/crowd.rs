//! The state of a key that a cell has no room for: several holds, known arrivals, older tokens.

use std::collections::VecDeque;

use super::cell::{Cell, Class, Tenant, Top};
use super::sessions::{NO_SESSION, SessionDeadlines};
use super::stairs::{Stairs, Step};
use super::violation::Breach;
use super::{AcquireId, Want};
use crate::nanos::Nanos;

/// Crowds that are kept with all they know though nobody holds or waits; beyond them a key that
/// falls free goes back to its cell and forgets all tokens but the greatest.
const KEPT_MAX: usize = 1 << 16;
/// Arrivals are cleared of ended ones when so many came, or twice those that stayed last time.
const ARRIVED_MIN: usize = 64;

/// A grant that its client may still believe in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) client: u32,
    pub(super) class: Class,
    pub(super) until: Nanos,
    pub(super) session: u32,
}

/// One key's.
#[derive(Debug)]
pub(super) struct Crowd {
    holds: Vec<Hold>,
    /// How many of `holds` are of each class.
    open: [usize; 3],
    /// The limit that the newest permit was granted under.
    limit: usize,
    /// The greatest token of each class.
    pub(super) tops: [Top; 3],
    pub(super) stairs: Stairs,
    /// Acquires that are known to have queued, since when; some have ended.
    pub(super) arrived: VecDeque<(Nanos, AcquireId)>,
    arrived_max: usize,
    /// As in a cell.
    pub(super) released_at: Nanos,
}

impl Crowd {
    fn new() -> Self {
        Self {
            holds: Vec::new(),
            open: [0; 3],
            limit: 0,
            tops: [Top::NONE; 3],
            stairs: Stairs::default(),
            arrived: VecDeque::new(),
            arrived_max: ARRIVED_MIN,
            released_at: Nanos::ZERO,
        }
    }

    /// Begins where a cell ended.
    fn begin(&mut self, cell: Cell) {
        self.tops = [Top::NONE; 3];
        self.stairs.clear();
        self.released_at = Nanos::ZERO;
        let top = cell.top;
        if top.token != 0 {
            self.tops[top.class as usize] = top;
            let step = Step {
                known: top.at,
                granted: top.at,
                token: top.token,
            };
            self.stairs.add(step, 0);
        }
        match cell.tenant {
            Tenant::One {
                client,
                until,
                session,
            } => {
                let class = Class::Exclusive;
                let hold = Hold {
                    client,
                    class,
                    until,
                    session,
                };
                self.add(hold, Want::Exclusive);
            }
            Tenant::Nobody { released_at } => self.released_at = released_at,
            Tenant::Crowd { .. } => {}
        }
    }

    /// The cell that says most of it; nobody holds the key.
    fn end(&self) -> Cell {
        let tops = self.tops.iter().copied();
        let top = tops.max_by_key(|top| top.token).unwrap_or(Top::NONE);
        let released_at = self.released_at;
        let tenant = Tenant::Nobody { released_at };
        Cell { top, tenant }
    }

    /// Adds a hold and tells its place, and whether it may conflict with others.
    pub(super) fn add(&mut self, hold: Hold, want: Want) -> (usize, bool) {
        if let Want::Permit(limit) = want {
            self.limit = limit as usize;
        }
        self.holds.push(hold);
        self.open[hold.class as usize] += 1;
        (self.holds.len() - 1, self.is_suspect())
    }

    fn is_suspect(&self) -> bool {
        let [exclusive, shared, permits] = self.open;
        let together = usize::from(shared > 0) + usize::from(permits > 0) + exclusive;
        together > 1 || permits > self.limit
    }

    /// Takes a client's hold, which is likely at `place`; tells where it was.
    pub(super) fn remove(&mut self, client: u32, place: usize) -> Option<(Hold, usize)> {
        let is_its = |hold: &Hold| hold.client == client;
        let place = match self.holds.get(place).is_some_and(is_its) {
            true => place,
            false => self.holds.iter().position(is_its)?,
        };
        let hold = self.holds.swap_remove(place);
        self.open[hold.class as usize] -= 1;
        Some((hold, place))
    }

    /// Leaves a client's hold to `nobody`, until `until` at the latest, whatever its session does.
    pub(super) fn strand(&mut self, client: u32, nobody: u32, until: Nanos) {
        let mut holds = self.holds.iter_mut();
        if let Some(hold) = holds.find(|hold| hold.client == client) {
            hold.client = nobody;
            hold.until = hold.until.min(until);
            hold.session = NO_SESSION;
        }
    }

    /// The client whose hold is at a place.
    pub(super) fn client_at(&self, place: usize) -> Option<u32> {
        self.holds.get(place).map(|hold| hold.client)
    }

    /// Notes a release of a hold that was just removed: whether it made way for somebody.
    pub(super) fn released(&mut self, hold: Hold, at: Nanos) {
        let left = self.open[hold.class as usize];
        let makes_way = match hold.class {
            Class::Exclusive => true,
            Class::Shared => left == 0,
            Class::Permit => left + 1 >= self.limit,
        };
        if makes_way {
            self.released_at = at;
        }
    }

    /// Drops the holds that are over right after `at`, then looks for some that do not go
    /// together.
    pub(super) fn conflict(&mut self, at: Nanos, sessions: &SessionDeadlines) -> Option<Breach> {
        let lives = |hold: &Hold| hold.until > at && sessions.until(hold.session) > at;
        self.holds.retain(lives);
        self.open = [0; 3];
        for hold in &self.holds {
            self.open[hold.class as usize] += 1;
        }
        if !self.is_suspect() {
            return None;
        }
        for (index, one) in self.holds.iter().enumerate() {
            let others = &self.holds[index + 1..];
            if let Some(other) = others.iter().find(|hold| hold.class.conflicts(one.class)) {
                let clients = [one.client, other.client];
                return Some(Breach::Overlap { clients });
            }
        }
        let (limit, held) = (self.limit, self.holds.len());
        Some(Breach::TooManyPermits { limit, held })
    }

    /// Notes that an acquire is in the queue; `waits` tells of earlier ones whether they still
    /// wait.
    pub(super) fn arrive(
        &mut self,
        at: Nanos,
        acquire: AcquireId,
        mut waits: impl FnMut(AcquireId) -> bool,
    ) {
        if self.arrived.len() >= self.arrived_max {
            self.arrived.retain(|(_, acquire)| waits(*acquire));
            self.arrived_max = ARRIVED_MIN.max(2 * self.arrived.len());
        }
        self.arrived.push_back((at, acquire));
    }
}

/// All crowds.
#[derive(Debug, Default)]
pub(super) struct Crowds {
    slots: Vec<Crowd>,
    free: Vec<u32>,
}

impl Crowds {
    pub(super) fn at(&mut self, index: u32) -> &mut Crowd {
        &mut self.slots[index as usize]
    }

    /// A crowd that goes on from a cell.
    pub(super) fn take(&mut self, cell: Cell) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Crowd::new());
            u32::try_from(self.slots.len() - 1).expect("at most one per key")
        });
        self.at(index).begin(cell);
        index
    }

    /// The cell to go back to, if nobody needs the crowd and there are many.
    pub(super) fn give_back(&mut self, index: u32) -> Option<Cell> {
        if self.slots.len() - self.free.len() <= KEPT_MAX {
            return None;
        }
        let crowd = &self.slots[index as usize];
        if !crowd.holds.is_empty() || !crowd.arrived.is_empty() {
            return None;
        }
        self.free.push(index);
        Some(self.slots[index as usize].end())
    }
}
