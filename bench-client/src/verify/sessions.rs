//! Until when each session is known to live: written by the threads, read by the check.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::nanos::Nanos;

/// Deadlines are kept in units of 2^10 ns.
const UNIT_BITS: u32 = 10;
/// Bits of a slot for the deadline, about nine years; above them stands the life.
const UNTIL_BITS: u32 = 48;
const UNTIL_MAX: u64 = (1 << UNTIL_BITS) - 1;
const LIFE_MASK: u32 = 0xFFFF;
/// A slot is written anew only for a gain of about a millisecond, so that threads do not take
/// cache lines from each other at each answer. The check then sees a session end a little early,
/// which can only make it miss something.
const GAIN_MIN: u64 = 1_000;

/// The session of a hold that has a deadline of its own: it never ends. No session has this number.
pub(super) const NO_SESSION: u32 = u32::MAX;

/// The deadline of each connection's newest session: the newest answered request's sending plus
/// TTL, less the margins.
///
/// **Why a deadline that was extended after an instant says something about that instant.** An
/// answered request proves that the server had the session when it got the request, and that it
/// keeps it for the TTL from then on. A session that ended never comes back. So whatever is the
/// newest deadline, the session lived at every instant before it, and its holds stood unless a
/// release or a lease had ended them; a conflicting grant before it is the server's fault even if
/// the client did not know at that instant that it still was a holder.
///
/// One thread extends a session at a time; anybody reads. 8 B per connection.
#[derive(Debug)]
pub struct SessionDeadlines {
    slots: Vec<AtomicU64>,
}

impl SessionDeadlines {
    /// For so many connections; no session lives yet.
    #[must_use]
    pub fn new(connections: u32) -> Self {
        let slots = (0..connections.max(1)).map(|_| AtomicU64::new(0));
        Self {
            slots: slots.collect(),
        }
    }

    /// The number of a connection's session: `life` counts its sessions from 0.
    #[must_use]
    pub fn session(&self, connection: u32, life: u32) -> u32 {
        let connections = self.connections();
        let lives = u32::MAX / connections;
        connection + connections * (life % lives)
    }

    /// The session lives until then at least; a new life replaces the one before.
    #[inline]
    pub fn extend(&self, session: u32, until: Nanos) {
        let (slot, life) = self.place(session);
        let until = (until.0 >> UNIT_BITS).min(UNTIL_MAX);
        let old = slot.load(Ordering::Relaxed);
        if old >> UNTIL_BITS != life || until >= (old & UNTIL_MAX) + GAIN_MIN {
            slot.store(life << UNTIL_BITS | until, Ordering::Relaxed);
        }
    }

    /// Until when the session is known to live; [`Nanos::ZERO`] if nothing is known of it, as of
    /// one whose connection has begun another life.
    #[inline]
    #[must_use]
    pub fn until(&self, session: u32) -> Nanos {
        if session == NO_SESSION {
            return Nanos::FOREVER;
        }
        let (slot, life) = self.place(session);
        let slot = slot.load(Ordering::Relaxed);
        if slot >> UNTIL_BITS != life {
            return Nanos::ZERO;
        }
        Nanos((slot & UNTIL_MAX) << UNIT_BITS)
    }

    fn connections(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("made for a 32-bit number")
    }

    /// The slot of a session's connection, and its life as slots show it.
    fn place(&self, session: u32) -> (&AtomicU64, u64) {
        let connections = self.connections();
        let slot = &self.slots[(session % connections) as usize];
        (slot, u64::from((session / connections) & LIFE_MASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_until_its_latest_deadline_to_within_a_millisecond() {
        let sessions = SessionDeadlines::new(3);
        let session = sessions.session(2, 0);
        assert_eq!(sessions.until(session), Nanos::ZERO);
        sessions.extend(session, Nanos::from_ms(5_000));
        sessions.extend(session, Nanos::from_ms(4_000));
        let until = sessions.until(session);
        assert!(until <= Nanos::from_ms(5_000), "never later: {until:?}");
        assert!(until > Nanos::from_ms(4_998), "not much earlier: {until:?}");
        sessions.extend(session, Nanos::from_ms(6_000));
        assert!(sessions.until(session) > Nanos::from_ms(5_998));
        assert_eq!(sessions.until(sessions.session(1, 0)), Nanos::ZERO);
    }

    #[test]
    fn nothing_is_known_of_a_session_whose_connection_began_another() {
        let sessions = SessionDeadlines::new(2);
        let (old, new) = (sessions.session(1, 0), sessions.session(1, 1));
        sessions.extend(old, Nanos::from_ms(9_000));
        sessions.extend(new, Nanos::from_ms(1_000));
        assert_eq!(sessions.until(old), Nanos::ZERO);
        assert!(sessions.until(new) > Nanos::from_ms(998));
    }

    #[test]
    fn no_session_never_ends_and_is_nobodys() {
        let sessions = SessionDeadlines::new(1);
        assert_eq!(sessions.until(NO_SESSION), Nanos::FOREVER);
        assert_ne!(sessions.session(0, u32::MAX - 1), NO_SESSION);
    }

    #[test]
    fn the_end_of_time_is_far_away() {
        let sessions = SessionDeadlines::new(100_000);
        let session = sessions.session(99_999, 70_000);
        sessions.extend(session, Nanos::FOREVER);
        assert!(sessions.until(session) > Nanos(1 << 57));
    }
}
