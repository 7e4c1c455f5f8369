//! Request ids: a seat and a sequence number in one u64.

/// A seat (low 16 bits) and its sequence number (high 48 bits, from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// Which of the session's request slots.
    pub seat: u16,
    /// Counts the requests of the seat, 1..2^48.
    pub sequence: u64,
}

impl RequestId {
    /// The largest sequence number.
    pub const SEQUENCE_MAX: u64 = (1 << 48) - 1;

    /// The id as it travels.
    ///
    /// # Panics
    /// If the sequence needs more than 48 bits.
    #[inline]
    #[must_use]
    pub const fn pack(self) -> u64 {
        assert!(
            self.sequence <= Self::SEQUENCE_MAX,
            "a sequence number has 48 bits"
        );
        self.sequence << 16 | self.seat as u64
    }

    /// Seat and sequence of an id.
    #[inline]
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the seat is the low 16 bits"
    )]
    pub const fn unpack(id: u64) -> Self {
        Self {
            seat: id as u16,
            sequence: id >> 16,
        }
    }
}

impl From<RequestId> for u64 {
    fn from(id: RequestId) -> Self {
        id.pack()
    }
}

impl From<u64> for RequestId {
    fn from(id: u64) -> Self {
        Self::unpack(id)
    }
}
