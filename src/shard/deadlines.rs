//! The home shard's deadlines: each session's TTL, each connection's Hello. One wheel for both.
//!
//! Timer ids: sessions first, by slot, then connections, by slot. A deadline that moves later is
//! one store; the wheel finds out when it looks.

use crate::clock::WheelClock;
use crate::time::{Instant, Millis};
use crate::wheel::{Links, Timers, Wheel, low32};

/// Timers looked at in one turn at most.
const BUDGET_PER_TURN: u32 = 1_024;

/// Whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The session in this slot was silent for its TTL.
    Session(u32),
    /// The connection in this slot did not say Hello.
    Connection(u32),
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    links: Links,
    deadline: u32,
}

#[derive(Debug)]
struct Storage(Vec<Timer>);

impl Timers for Storage {
    fn links(&self, id: u32) -> Links {
        self.0[id as usize].links
    }

    fn set_links(&mut self, id: u32, links: Links) {
        self.0[id as usize].links = links;
    }

    fn deadline(&self, id: u32) -> u32 {
        self.0[id as usize].deadline
    }
}

/// The deadlines.
#[derive(Debug)]
pub struct Deadlines {
    wheel: Wheel,
    timers: Storage,
    sessions: u32,
    clock: WheelClock,
    budget: u32,
}

impl Deadlines {
    /// Deadlines for so many sessions and connections, none armed.
    #[must_use]
    pub fn new(sessions: u32, connections: u32, now: Instant) -> Self {
        let clock = WheelClock::new(now);
        let unarmed = Timer {
            links: Links::UNARMED,
            deadline: 0,
        };
        let timers = vec![unarmed; sessions as usize + connections as usize];
        Self {
            wheel: Wheel::new(clock.now_ms()),
            timers: Storage(timers),
            sessions,
            clock,
            budget: 0,
        }
    }

    /// Begins a turn.
    pub fn turn(&mut self, now: Instant) {
        let idle_until_ms = self.wheel.next_wake();
        let idle_until_ms = idle_until_ms.map(|wake| wake.max(self.clock.now_ms()));
        self.clock.advance(now, idle_until_ms);
        self.wheel.skip_to(self.clock.now_ms());
        self.budget = BUDGET_PER_TURN;
    }

    /// The session's TTL counts from now.
    pub fn session_seen(&mut self, slot: u32, ttl: Millis) {
        self.arm_or_extend(slot, ttl);
    }

    /// The session is over.
    pub fn session_over(&mut self, slot: u32) {
        self.wheel.disarm(&mut self.timers, slot);
    }

    /// The connection has this long to say Hello.
    pub fn connection_opened(&mut self, slot: u32, within: Millis) {
        self.arm_or_extend(self.sessions + slot, within);
    }

    /// The connection said Hello, or is gone.
    pub fn connection_greeted(&mut self, slot: u32) {
        self.wheel.disarm(&mut self.timers, self.sessions + slot);
    }

    /// The next whose time has come; `None` if there is none, or the turn's share is used up.
    pub fn poll(&mut self) -> Option<Due> {
        let now_ms = self.clock.now_ms();
        let id = self
            .wheel
            .poll(&mut self.timers, now_ms, &mut self.budget)?;
        Some(match id.checked_sub(self.sessions) {
            None => Due::Session(id),
            Some(slot) => Due::Connection(slot),
        })
    }

    /// When to look again at the latest, on the raw clock.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.wheel.next_wake().map(|at_ms| self.clock.raw(at_ms))
    }

    /// Milliseconds that stalls took so far.
    #[must_use]
    pub const fn stalled_ms(&self) -> u64 {
        self.clock.stalled_ms()
    }

    /// Whether that deadline is watched.
    pub(super) fn is_armed(&self, which: Due) -> bool {
        let id = match which {
            Due::Session(slot) => slot,
            Due::Connection(slot) => self.sessions + slot,
        };
        self.wheel.is_armed(&self.timers, id)
    }

    /// Asserts the invariants of the wheel; O(slots), for tests.
    pub(super) fn check_invariants(&self) {
        let timers = u32::try_from(self.timers.0.len()).expect("built from two u32");
        self.wheel.check_invariants(&self.timers, timers);
    }

    fn arm_or_extend(&mut self, id: u32, length: Millis) {
        // One more than asked: the clock was rounded down.
        let deadline_ms = self.clock.now_ms() + u64::from(length.0) + 1;
        self.timers.0[id as usize].deadline = low32(deadline_ms);
        if !self.wheel.is_armed(&self.timers, id) {
            self.wheel.arm(&mut self.timers, id, deadline_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_after_weeks_without_one_has_its_time_for_hello() {
        const DAY_US: u64 = 86_400_000_000;
        let mut deadlines = Deadlines::new(1, 1, Instant(0));
        deadlines.turn(Instant(25 * DAY_US));
        deadlines.connection_opened(0, Millis(5_000));
        assert_eq!(deadlines.poll(), None);
        let mut woken = Instant(0);
        let due = std::iter::repeat_with(|| {
            woken = deadlines.wake_at().expect("the hello timer is armed");
            deadlines.turn(woken);
            deadlines.poll()
        });
        assert_eq!(due.flatten().next(), Some(Due::Connection(0)));
        assert_eq!(woken, Instant(25 * DAY_US + 5_001_000));
    }
}
