//! What happened, hashed as a whole and kept for its last part.

use crate::agenda::Due;
use crate::moment::Moment;
use crate::observed::Observed;
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// Entries kept.
const KEPT_MAX: usize = 4_000;

/// The last things seen, and a hash of everything.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    seen: VecDeque<(Moment, Observed)>,
    hash: Fnv,
    keeps_all: bool,
}

/// FNV-1a over 64-bit words; told apart are runs, not attackers.
#[derive(Clone, Copy, Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

impl Trace {
    /// Forgets nothing.
    pub fn keep_all(&mut self) {
        self.keeps_all = true;
    }

    /// An event of the simulator.
    pub fn due(&mut self, at: Moment, due: Due) {
        (at, due).hash(&mut self.hash);
    }

    /// Something was seen.
    pub fn saw(&mut self, at: Moment, event: Observed) {
        (at, event).hash(&mut self.hash);
        if self.seen.len() == KEPT_MAX && !self.keeps_all {
            self.seen.pop_front();
        }
        self.seen.push_back((at, event));
    }

    /// The same for two runs that went alike.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }

    /// What was seen last.
    pub fn last(&self) -> impl DoubleEndedIterator<Item = &(Moment, Observed)> {
        self.seen.iter()
    }
}
