//! Brings the events of several threads into the order of time.
//!
//! A thread's own events come in order. Those that are earlier than what every thread is known
//! to have told in full are safe to take; the others wait here.

use std::collections::VecDeque;

use super::Event;
use crate::nanos::Nanos;

/// Events that wait for slower threads.
#[derive(Debug)]
pub(super) struct Merge {
    queues: Vec<VecDeque<Event>>,
    known: Vec<Nanos>,
}

impl Merge {
    pub(super) fn new(threads: u16) -> Self {
        let threads = usize::from(threads);
        Self {
            queues: vec![VecDeque::new(); threads],
            known: vec![Nanos::ZERO; threads],
        }
    }

    /// Whether events need no merging.
    pub(super) fn is_single(&self) -> bool {
        self.queues.len() == 1
    }

    /// Adds events of a thread, all of whose events before `known_until` are here with them.
    pub(super) fn add(&mut self, thread: u16, events: &mut Vec<Event>, known_until: Nanos) {
        let thread = usize::from(thread);
        self.queues[thread].extend(events.drain(..));
        self.known[thread] = self.known[thread].max(known_until);
    }

    /// No thread has more to tell.
    pub(super) fn end(&mut self) {
        self.known.fill(Nanos::FOREVER);
    }

    /// All events before this instant are here, or were taken.
    pub(super) fn known_until(&self) -> Nanos {
        self.known.iter().copied().min().unwrap_or(Nanos::FOREVER)
    }

    /// Takes the earliest event if none can come before it. O(threads).
    pub(super) fn next(&mut self, known_until: Nanos) -> Option<Event> {
        let heads = self.queues.iter_mut().filter(|queue| !queue.is_empty());
        let earliest = heads.min_by_key(|queue| queue[0].at)?;
        match earliest[0].at < known_until {
            true => earliest.pop_front(),
            false => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{AcquireId, What};

    fn event(at: u64) -> Event {
        let acquire = AcquireId {
            client: 0,
            count: 1,
        };
        Event {
            at: Nanos(at),
            key: 0,
            acquire,
            what: What::Released,
        }
    }

    #[test]
    fn events_come_in_the_order_of_time_once_none_can_come_before() {
        let mut merge = Merge::new(2);
        let take = |merge: &mut Merge| -> Vec<u64> {
            let known = merge.known_until();
            std::iter::from_fn(|| merge.next(known).map(|e| e.at.0)).collect()
        };
        merge.add(0, &mut vec![event(1), event(5), event(9)], Nanos(10));
        assert_eq!(take(&mut merge), [0; 0], "thread 1 said nothing yet");
        merge.add(1, &mut Vec::new(), Nanos(5));
        assert_eq!(take(&mut merge), [1], "thread 1 may yet tell of 5");
        merge.add(1, &mut vec![event(7)], Nanos(8));
        assert_eq!(take(&mut merge), [5, 7]);
        merge.end();
        assert_eq!(take(&mut merge), [9]);
    }
}
