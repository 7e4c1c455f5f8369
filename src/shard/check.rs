//! Checks the invariants of a shard's core between two turns, its engine's among them; O(its
//! tables), for tests.
//!
//! Numbers are those of the lock engine's page.

use crate::session::table::Life;
use crate::shard::connection::Phase;
use crate::shard::core::Core;
use crate::shard::deadlines::Due;
use crate::shard::home::Home;

impl Core {
    /// Asserts every invariant that one moment can show.
    ///
    /// # Panics
    /// If one is broken.
    pub fn check_invariants(&mut self) {
        self.engine.check_invariants();
        self.home.check_sessions();
        self.home.check_connections();
        self.home.deadlines.check_invariants();
    }
}

impl Home {
    fn check_sessions(&mut self) {
        let mut running = 0;
        for slot in 0..self.sessions.capacity() {
            let is_armed = self.deadlines.is_armed(Due::Session(slot));
            let Some((session, kept)) = self.sessions.in_slot(slot) else {
                assert!(!is_armed, "8: a vacant slot has no TTL");
                continue;
            };
            let (life, connection, waiting) = (kept.life, kept.connection, kept.running);
            let is_alive = matches!(life, Life::Attached | Life::Detached);
            assert_eq!(
                is_armed, is_alive,
                "8: a live session has its TTL: {life:?}"
            );
            assert!(
                life != Life::Attached || connection.is_some(),
                "7: something carries an attached session"
            );
            if let Some(connection) = connection {
                let carrier = self.connections.find(connection);
                let carried = carrier.and_then(|carrier| carrier.session());
                assert_eq!(carried, Some(session), "7: it knows whom it carries");
            }
            let seats = 0..self.sessions.seats_used(session);
            let records = seats.filter(|seat| {
                let record = self.sessions.record(session, *seat);
                record.is_some_and(|record| record.is_running())
            });
            let records = u32::try_from(records.count()).expect("seats are few");
            assert_eq!(records, waiting, "4: a request runs until it is answered");
            running += waiting;
        }
        assert_eq!(self.running, running, "4: requests that run are counted");
    }

    fn check_connections(&self) {
        for slot in 0..self.connections.slots() {
            let found = self.connections.in_slot(slot);
            let phase = found.map_or(Phase::Vacant, |(_, connection)| connection.phase);
            let is_armed = self.deadlines.is_armed(Due::Connection(slot));
            // The time for Hello may pass while its answer is withheld.
            let is_right = match phase {
                Phase::Greeting => is_armed,
                Phase::Withheld(_) => true,
                _ => !is_armed,
            };
            assert!(is_right, "8: Hello has its time: {phase:?}, {is_armed}");
            if let Some((id, connection)) = found
                && let Some(session) = connection.session()
            {
                let kept = self.sessions.at(session);
                assert_eq!(kept.connection, Some(id), "7: one connection carries it");
            }
        }
    }
}
