//! The session as the client knows it: identity, proof of life, the server's clock.

use super::clock::{Anchor, Margin, ServerClock};
use super::instant::Instant;

/// One session; or, for a connection without one, only the server's clock.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) secret: [u8; 16],
    /// The greatest attach number that was ever sent.
    pub(super) attach: u32,
    pub(super) run: u64,
    pub(super) ttl_ms: u32,
    pub(super) keepalive_ms: u32,
    clock: ServerClock,
    /// When the newest answered request was first sent: the server has heard of the session since.
    proven_at: Instant,
}

impl Session {
    /// A session that was opened by a Hello sent at `anchor.sent_at`.
    pub(super) fn opened(
        id: u64,
        secret: [u8; 16],
        run: u64,
        (ttl_ms, keepalive_ms): (u32, u32),
        anchor: Anchor,
        margin: Margin,
    ) -> Self {
        let clock = ServerClock::new(anchor, margin);
        let proven_at = anchor.sent_at;
        Self {
            id,
            secret,
            attach: 0,
            run,
            ttl_ms,
            keepalive_ms,
            clock,
            proven_at,
        }
    }

    /// A request sent at `sent_at` was answered.
    pub(super) fn proven(&mut self, sent_at: Instant) {
        self.proven_at = self.proven_at.max(sent_at);
    }

    /// An answer carried the server's clock.
    pub(super) fn observe(&mut self, sent_at: Instant, server_now: u64) {
        self.clock.observe(Anchor {
            sent_at,
            server_now,
        });
    }

    /// Before this instant the server cannot have ended the session for silence.
    pub(super) fn deadline(&self) -> Instant {
        self.end_of(self.proven_at, self.ttl_ms)
    }

    /// Before this instant a period of `millis` cannot have ended that began after `start`.
    pub(super) fn end_of(&self, start: Instant, millis: u32) -> Instant {
        let micros = u64::from(millis) * 1_000;
        self.clock.margin().end_of(start, micros)
    }

    /// When the server should be asked for a sign of life.
    pub(super) fn keepalive_at(&self) -> Instant {
        self.proven_at.plus_millis(u64::from(self.keepalive_ms))
    }

    /// The client's instant of a deadline on the server's clock; 0 there means the session's end.
    pub(super) fn deadline_of(&self, until: u64) -> Instant {
        if until == 0 {
            Instant::NEVER
        } else {
            self.clock.deadline(until)
        }
    }
}
