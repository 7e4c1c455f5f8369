//! The request slots that the server granted to the session.
//!
//! A seat carries one request at a time; its id is the seat in the low 16 bits and a sequence that
//! grows with every use above them. The server answers each id once and remembers the answer until
//! the seat is used again, which is what makes a resend harmless.
//!
//! Acquires may wait for hours. If they could take every seat, the release that they wait for
//! could find none, so an eighth of the seats is kept for everything else.

use super::call::CallId;

/// The seat number that no server grants: requests that take no seat carry it in their ids.
const SEATLESS: u64 = 0xFFFF;
/// Sequences that fit above the seat.
const SEQUENCE_MAX: u64 = (1 << 48) - 1;

/// Seats by number, the free ones as a stack.
#[derive(Debug, Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    free: Vec<u16>,
    waits: usize,
    waits_max: usize,
}

#[derive(Debug, Default)]
struct Seat {
    sequence: u64,
    call: Option<CallId>,
    waits: bool,
}

impl Seats {
    /// All seats of a new session, unused.
    pub(super) fn granted(count: u16) -> Self {
        let count = count.max(1);
        let mut seats = Vec::new();
        seats.resize_with(usize::from(count), Seat::default);
        let reserve = usize::from(count).div_ceil(8);
        Self {
            seats,
            free: (0..count).rev().collect(),
            waits: 0,
            waits_max: (usize::from(count) - reserve).max(1),
        }
    }

    /// Takes a seat for `call` and gives the request id, or nothing when none is left for its kind.
    pub(super) fn take(&mut self, call: CallId, waits: bool) -> Option<u64> {
        if waits && self.waits == self.waits_max {
            return None;
        }
        let number = self.free.pop()?;
        let seat = &mut self.seats[usize::from(number)];
        assert!(seat.call.is_none(), "a free seat carries no call");
        assert!(
            seat.sequence < SEQUENCE_MAX,
            "a seat is used at most 2^48 times"
        );
        seat.sequence += 1;
        seat.call = Some(call);
        seat.waits = waits;
        self.waits += usize::from(waits);
        Some(seat.sequence << 16 | u64::from(number))
    }

    /// The call that runs under `id`; nothing for an id that is not the seat's present one.
    pub(super) fn call(&self, id: u64) -> Option<CallId> {
        let seat = self.seats.get(usize::try_from(id & SEATLESS).ok()?)?;
        if seat.sequence == id >> 16 {
            seat.call
        } else {
            None
        }
    }

    /// Frees the seat of `id` after its answer.
    ///
    /// # Panics
    /// If no call runs under `id`.
    pub(super) fn free(&mut self, id: u64) {
        assert!(
            self.call(id).is_some(),
            "only the running request frees its seat"
        );
        let number = u16::try_from(id & SEATLESS).expect("masked to 16 bits");
        let seat = &mut self.seats[usize::from(number)];
        seat.call = None;
        self.waits -= usize::from(seat.waits);
        self.free.push(number);
    }

    /// The id of a request that takes no seat.
    pub(super) fn seatless(call: CallId) -> u64 {
        call.0 << 16 | SEATLESS
    }

    /// The call of a seatless id.
    pub(super) fn seatless_call(id: u64) -> Option<CallId> {
        (id & SEATLESS == SEATLESS).then_some(CallId(id >> 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_seat_below_and_a_growing_sequence_above() {
        let mut seats = Seats::granted(16);
        assert_eq!(seats.take(CallId(1), true), Some(1 << 16));
        assert_eq!(seats.take(CallId(2), true), Some(1 << 16 | 1));
        seats.free(1 << 16);
        assert_eq!(seats.take(CallId(3), false), Some(2 << 16));
        assert_eq!(seats.call(2 << 16), Some(CallId(3)));
    }

    #[test]
    fn an_answer_to_an_earlier_use_of_the_seat_finds_no_call() {
        let mut seats = Seats::granted(16);
        let first = seats.take(CallId(1), true).expect("a seat is free");
        seats.free(first);
        seats.take(CallId(2), true).expect("a seat is free");
        assert_eq!(seats.call(first), None);
    }

    #[test]
    fn waiting_acquires_leave_an_eighth_of_the_seats_to_everything_else() {
        let mut seats = Seats::granted(64);
        let taken = (0..64)
            .filter(|&call| seats.take(CallId(call), true).is_some())
            .count();
        assert_eq!(taken, 56);
        let taken = (0..64)
            .filter(|&call| seats.take(CallId(call), false).is_some())
            .count();
        assert_eq!(taken, 8);
    }

    #[test]
    fn a_single_seat_serves_everything() {
        let mut seats = Seats::granted(1);
        assert!(seats.take(CallId(1), true).is_some());
        assert!(seats.take(CallId(2), false).is_none());
    }

    #[test]
    fn a_seatless_id_leads_back_to_its_call_and_is_never_a_seat() {
        let id = Seats::seatless(CallId(9));
        assert_eq!(Seats::seatless_call(id), Some(CallId(9)));
        assert_eq!(Seats::granted(4_096).call(id), None);
        assert_eq!(Seats::seatless_call(5 << 16 | 3), None);
    }
}
