//! All requests of a machine: queued for a seat, or sent and unanswered.
//!
//! Invariants: a call is in exactly one queue iff it was not sent; a queue is in order of calls,
//! so of age; a sent request other than a read owns the seat of its id; requests leave by
//! [`Requests::remove`] alone.

use std::collections::{BTreeMap, VecDeque};

use super::call::CallId;
use super::instant::Instant;
use super::request::{Queue, Request, Sent};
use super::seats::Seats;

/// Requests by call, the queues of the unsent, and the seats.
#[derive(Debug, Default)]
pub(super) struct Requests {
    table: BTreeMap<CallId, Request>,
    reclaims: VecDeque<CallId>,
    ahead: VecDeque<CallId>,
    tries: VecDeque<CallId>,
    waits: VecDeque<CallId>,
    seatless: VecDeque<CallId>,
    seats: Seats,
    sent_count: u64,
}

impl Requests {
    /// Queues a request.
    pub(super) fn push(&mut self, call: CallId, request: Request) {
        self.queue(request.queue()).push_back(call);
        let before = self.table.insert(call, request);
        assert!(before.is_none(), "a call is used once");
    }

    pub(super) fn request(&self, call: CallId) -> Option<&Request> {
        self.table.get(&call)
    }

    pub(super) fn request_mut(&mut self, call: CallId) -> Option<&mut Request> {
        self.table.get_mut(&call)
    }

    /// The sent, unanswered request of a reply's id.
    pub(super) fn by_id(&self, id: u64) -> Option<CallId> {
        let call = Seats::seatless_call(id).or_else(|| self.seats.call(id))?;
        let sent = self.table.get(&call)?.sent?;
        (sent.id == id && !sent.answered).then_some(call)
    }

    /// Takes the next request that can go out; from now on it counts as sent. Without `waits_go`
    /// the acquires that may wait stay queued: the server is about to restart.
    pub(super) fn send_next(&mut self, now: Instant, waits_go: bool) -> Option<CallId> {
        if let Some(call) = self.seatless.pop_front() {
            self.mark_sent(call, Seats::seatless(call), now);
            return Some(call);
        }
        for queue in [Queue::Reclaims, Queue::Ahead, Queue::Tries, Queue::Waits] {
            if queue == Queue::Waits && !waits_go {
                continue;
            }
            let Some(&call) = self.queue(queue).front() else {
                continue;
            };
            let id = self.seats.take(call, queue == Queue::Waits)?;
            self.queue(queue).pop_front();
            self.mark_sent(call, id, now);
            return Some(call);
        }
        None
    }

    /// Queues an answered request again, in its old place among those that wait: it is asked anew.
    pub(super) fn requeue(&mut self, call: CallId) {
        let request = self.table.get_mut(&call).expect("it was answered just now");
        let queue = request.queue();
        if let Some(sent) = request.sent.take() {
            self.seats.free(sent.id);
        }
        self.enqueue(queue, call);
    }

    /// Removes a request, from its queue or from its seat.
    ///
    /// A search, and the ids on the shorter side of its queue move up: hundreds of thousands may go
    /// at once, when the holds of a lost server are given up.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Request> {
        let request = self.table.remove(&call)?;
        match request.sent {
            None => {
                let queue = self.queue(request.queue());
                let place = queue.binary_search(&call);
                queue.remove(place.expect("what was not sent is queued"));
            }
            Some(sent) if request.queue() != Queue::Seatless => self.seats.free(sent.id),
            Some(_) => {}
        }
        Some(request)
    }

    /// The calls that a resume sends again, in the order of their first transmission.
    pub(super) fn to_resend(&self) -> Vec<CallId> {
        let mut sent: Vec<(u64, CallId)> = self
            .table
            .iter()
            .filter_map(|(&call, request)| request.sent.map(|sent| (sent, call)))
            .filter(|(sent, _)| !sent.answered)
            .map(|(sent, call)| (sent.order, call))
            .collect();
        sent.sort_unstable();
        sent.into_iter().map(|(_, call)| call).collect()
    }

    /// All calls, oldest first.
    pub(super) fn calls(&self) -> Vec<CallId> {
        self.table.keys().copied().collect()
    }

    /// Forgets that anything was sent: everything left queues again, by its age. For a new
    /// session, which knows none of the old ids.
    pub(super) fn unsend_all(&mut self) {
        for call in self.to_resend() {
            let request = self.table.get_mut(&call).expect("listed a moment ago");
            request.sent = None;
            let queue = request.queue();
            self.enqueue(queue, call);
        }
        self.seats = Seats::default();
    }

    /// Takes over the seats of a new session.
    pub(super) fn seats_granted(&mut self, count: u16) {
        self.seats = Seats::granted(count);
    }

    fn mark_sent(&mut self, call: CallId, id: u64, now: Instant) {
        self.sent_count += 1;
        let sent = Sent {
            id,
            first_at: now,
            order: self.sent_count,
            answered: false,
        };
        let request = self
            .table
            .get_mut(&call)
            .expect("a queued call has its request");
        request.sent = Some(sent);
    }

    fn enqueue(&mut self, queue: Queue, call: CallId) {
        let queue = self.queue(queue);
        let place = queue.partition_point(|&queued| queued < call);
        queue.insert(place, call);
    }

    fn queue(&mut self, queue: Queue) -> &mut VecDeque<CallId> {
        match queue {
            Queue::Reclaims => &mut self.reclaims,
            Queue::Ahead => &mut self.ahead,
            Queue::Tries => &mut self.tries,
            Queue::Waits => &mut self.waits,
            Queue::Seatless => &mut self.seatless,
        }
    }
}
