//! Fencing tokens: one counter per shard, never per key, so that every token is greater than all
//! earlier ones of its key, whatever became of blocks and runs.
//!
//! A token has 63 bits: epoch 28 | counter 35. Epochs come from one durable allocator and only
//! grow; the next one is asked for when 90 % of the counter is used. Without any, acquires are
//! refused rather than a token used twice. Each waiter has a token in reserve, so that a grant
//! never fails.

use crate::canary::{self, Canary};

/// Bits of the counter.
const COUNTER_BITS: u32 = 35;
/// Bits of an epoch.
const EPOCH_BITS: u32 = 28;

/// Where a shard's tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource {
    next: u64,
    /// One past the last of the current epoch.
    end: u64,
    /// From here on the next epoch is wanted.
    low_water: u64,
    spare: Option<u32>,
}

impl TokenSource {
    /// Tokens of an epoch that the durable allocator gave to this shard alone.
    ///
    /// # Panics
    /// If the epoch is 0 or has more than 28 bits.
    #[must_use]
    pub fn epoch(epoch: u32) -> Self {
        let (next, end) = range(epoch);
        Self {
            next,
            end,
            low_water: end - (end - next) / 10,
            spare: None,
        }
    }

    /// Tokens of a server without a data dir, from the wall clock in microseconds since 1970.
    ///
    /// Two starts more than a moment apart do not overlap below 2,048 grants per microsecond.
    ///
    /// # Panics
    /// If the clock is 0 or beyond the year 2112.
    #[must_use]
    pub fn ephemeral(unix_micros: u64) -> Self {
        assert!(unix_micros > 0, "a token is never 0");
        assert!(unix_micros < 1 << 52, "a token has 63 bits");
        let end = 1 << 63;
        Self {
            next: unix_micros << 11,
            end,
            low_water: end,
            spare: None,
        }
    }

    /// The epoch that a token is of.
    #[must_use]
    pub const fn epoch_of(token: u64) -> u64 {
        token >> COUNTER_BITS
    }

    /// Whether a next epoch is wanted and not there.
    #[must_use]
    pub const fn wants_epoch(&self) -> bool {
        self.next >= self.low_water && self.spare.is_none()
    }

    /// Takes in the next epoch.
    ///
    /// # Panics
    /// If it is not greater than the current one.
    pub fn add_epoch(&mut self, epoch: u32) {
        let (first, _) = range(epoch);
        assert!(first >= self.end, "epochs only grow");
        assert!(self.spare.is_none(), "one epoch in reserve");
        self.spare = Some(epoch);
    }

    /// Uses up all tokens of the current epoch but `left`: a test's or simulation's way to its end.
    pub const fn skip_to_last(&mut self, left: u64) {
        self.next = self.end - left;
    }

    /// Tokens left, the next epoch's included.
    pub(super) const fn left(&self) -> u64 {
        let spare = if self.spare.is_some() {
            1 << COUNTER_BITS
        } else {
            0
        };
        self.end - self.next + spare
    }

    /// The next token.
    ///
    /// # Panics
    /// If none is left: look at `left` first.
    pub(super) fn take(&mut self) -> u64 {
        if self.next == self.end && canary::is(Canary::TokenReused) {
            self.next = self.end - (1 << COUNTER_BITS);
        }
        if self.next == self.end {
            let epoch = self
                .spare
                .take()
                .expect("a token is taken when one is left");
            *self = Self::epoch(epoch);
        }
        self.next += 1;
        self.next - 1
    }
}

/// First token of an epoch, and one past its last.
fn range(epoch: u32) -> (u64, u64) {
    assert!(epoch > 0, "epochs begin at 1");
    assert!(epoch < 1 << EPOCH_BITS, "an epoch has 28 bits");
    let epoch = u64::from(epoch);
    (epoch << COUNTER_BITS, (epoch + 1) << COUNTER_BITS)
}
