//! One client: a place on a connection that runs one cycle at a time.

use super::keys::Slice;
use crate::nanos::Nanos;
use crate::verify::{AcquireId, Want};

/// Bits of an owner for the client's place on its connection; above them counts the hold.
const PLACE_BITS: u32 = 16;

/// What a client is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing: between cycles.
    Idle,
    /// In a cycle that began with its connection not open yet.
    Connecting,
    /// Waits for the answer to an acquire.
    Acquiring,
    /// Holds until a timer.
    Holding,
    /// Waits for the answer to a release.
    Releasing,
    /// Waits for the answer to a renewal.
    Renewing,
    /// Done for good.
    Retired,
}

/// A client and its cycle.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) connection: usize,
    /// Its place on the connection.
    pub(super) place: u16,
    pub(super) doing: Doing,
    /// The keys that it draws from.
    pub(super) slice: Slice,
    /// Counts its draws.
    pub(super) turn: u32,
    pub(super) key: u32,
    pub(super) want: Want,
    /// Which acquire: its number over all threads, and a count.
    pub(super) acquire: AcquireId,
    /// Of the hold; 0 = none is held.
    pub(super) token: u64,
    /// When its cycle should have begun.
    pub(super) intended: Nanos,
    /// When the first request of its cycle was sent.
    pub(super) sent: Nanos,
    pub(super) granted: Nanos,
    /// When the release should be sent, and was.
    pub(super) release_intended: Nanos,
    pub(super) released: Nanos,
    /// Answers that a pair in one write waits for.
    pub(super) pair_left: u8,
    /// How the release of such a pair was refused.
    pub(super) pair_refusal: Option<u16>,
    /// The acquire that a read asks about.
    pub(super) looked_for: u64,
}

impl Client {
    /// Between cycles; `number` is over all threads.
    pub(super) fn new(connection: usize, place: u16, number: u32, slice: Slice) -> Self {
        Self {
            connection,
            place,
            doing: Doing::Idle,
            slice,
            turn: 0,
            key: 0,
            want: Want::Exclusive,
            acquire: AcquireId {
                client: number,
                count: 0,
            },
            token: 0,
            intended: Nanos::ZERO,
            sent: Nanos::ZERO,
            granted: Nanos::ZERO,
            release_intended: Nanos::ZERO,
            released: Nanos::ZERO,
            pair_left: 0,
            pair_refusal: None,
            looked_for: 0,
        }
    }

    /// The owner of its newest acquire: fresh for each.
    #[inline]
    pub(super) fn owner(&self) -> u64 {
        owner(self.acquire.count, self.place)
    }
}

/// The owner of a client's hold: no other of its session has the same.
#[inline]
pub(super) fn owner(count: u64, place: u16) -> u64 {
    count << PLACE_BITS | u64::from(place)
}

/// Count and place of an owner.
pub(super) fn count_and_place(owner: u64) -> (u64, u16) {
    let place = owner & ((1 << PLACE_BITS) - 1);
    let place = u16::try_from(place).expect("masked");
    (owner >> PLACE_BITS, place)
}
