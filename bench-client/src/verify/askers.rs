//! What each client waits for, and what the token of its grant must lie between.

use super::AcquireId;
use crate::nanos::Nanos;

/// An acquire that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    count: u64,
    /// Its place among all acquires that were asked.
    sequence: u64,
    pub(super) asked_at: Nanos,
    /// Since when it is known to be in the key's queue; `FOREVER` if it is not.
    pub(super) known: Nanos,
    /// Its token lies above that of each that was sent ahead of it on its connection ...
    pub(super) above: u64,
    /// ... and below that of each that is known to have come behind it.
    pub(super) below: u64,
    /// When the first such grant was received.
    pub(super) overtaken_at: Nanos,
}

const NONE: Ask = Ask {
    count: 0,
    sequence: 0,
    asked_at: Nanos::ZERO,
    known: Nanos::FOREVER,
    above: 0,
    below: u64::MAX,
    overtaken_at: Nanos::FOREVER,
};

/// What every client waits for. A client waits for one key at a time.
#[derive(Debug)]
pub(super) struct Askers {
    /// Clients of one connection stand side by side.
    inflight: u32,
    /// The key that each client waits for, plus 1: apart, for it is searched.
    keys: Vec<u32>,
    asks: Vec<Ask>,
    /// The greatest count answered, per client.
    answered: Vec<u64>,
    sequence: u64,
}

impl Askers {
    pub(super) fn new(connections: u32, inflight: u16) -> Self {
        let clients = connections as usize * usize::from(inflight);
        Self {
            inflight: u32::from(inflight),
            keys: vec![0; clients],
            asks: vec![NONE; clients],
            answered: vec![0; clients],
            sequence: 0,
        }
    }

    pub(super) fn ask(&mut self, acquire: AcquireId, key: u32, at: Nanos) {
        self.sequence += 1;
        let client = acquire.client as usize;
        self.keys[client] = key + 1;
        self.asks[client] = Ask {
            count: acquire.count,
            sequence: self.sequence,
            asked_at: at,
            ..NONE
        };
    }

    /// The acquire, if it waits for the key.
    #[inline]
    pub(super) fn waiting(&mut self, acquire: AcquireId, key: u32) -> Option<&mut Ask> {
        let client = acquire.client as usize;
        if self.keys[client] != key + 1 {
            return None;
        }
        let ask = &mut self.asks[client];
        (ask.count == acquire.count).then_some(ask)
    }

    /// Ends its waiting, if it waited for the key.
    #[inline]
    pub(super) fn end(&mut self, acquire: AcquireId, key: u32) -> Option<Ask> {
        let ask = *self.waiting(acquire, key)?;
        self.keys[acquire.client as usize] = 0;
        Some(ask)
    }

    /// Notes that it was answered; false if it was before.
    #[inline]
    pub(super) fn answer(&mut self, acquire: AcquireId) -> bool {
        let answered = &mut self.answered[acquire.client as usize];
        let is_first = acquire.count > *answered;
        *answered = acquire.count.max(*answered);
        is_first
    }

    /// The acquire `ask` of a client got a token: holds it against the others that wait for the
    /// key on the same connection, whose acquires arrive in the order of sending.
    pub(super) fn granted(&mut self, client: u32, ask: &Ask, key: u32, token: u64, at: Nanos) {
        if self.inflight == 1 {
            return;
        }
        let from = (client - client % self.inflight) as usize;
        let places = from..from + self.inflight as usize;
        for place in places {
            if self.keys[place] != key + 1 {
                continue;
            }
            let other = &mut self.asks[place];
            if other.sequence < ask.sequence {
                other.overtaken(token, at);
            } else {
                other.above = other.above.max(token);
            }
        }
    }
}

impl Ask {
    /// Whether its place among others of its connection is known.
    #[inline]
    pub(super) fn has_neighbours(&self) -> bool {
        self.above != 0 || self.below != u64::MAX
    }

    /// One that came behind it got a token.
    pub(super) fn overtaken(&mut self, token: u64, at: Nanos) {
        self.below = self.below.min(token);
        self.overtaken_at = self.overtaken_at.min(at);
    }
}
