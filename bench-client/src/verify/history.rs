//! The last events of all keys, from which the story of one is told.

use super::Event;

/// Events that are kept: 72 B each, so 4.7 MB.
const EVENTS: usize = 1 << 16;
/// Events that a story has at most.
const STORY_MAX: usize = 60;

/// A ring of events.
#[derive(Debug)]
pub(super) struct History {
    ring: Vec<Event>,
    /// Where the next goes once the ring is full.
    next: usize,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            ring: Vec::new(),
            next: 0,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, event: &Event) {
        if self.ring.len() < EVENTS {
            self.ring.push(*event);
        } else {
            self.ring[self.next] = *event;
            self.next = (self.next + 1) % EVENTS;
        }
    }

    /// The last events of a key, oldest first, and how many older ones are left out. O(ring).
    pub(super) fn story(&self, key: u32) -> (Vec<Event>, usize) {
        let (newer, older) = self.ring.split_at(self.next);
        let all = older.iter().chain(newer);
        let mut events: Vec<Event> = all.filter(|event| event.key == key).copied().collect();
        let left_out = events.len().saturating_sub(STORY_MAX);
        events.drain(..left_out);
        (events, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nanos::Nanos;
    use crate::verify::{AcquireId, What};

    #[test]
    fn a_story_has_the_last_events_of_its_key_in_order() {
        let mut history = History::new();
        for count in 0..EVENTS as u64 + 1_000 {
            history.add(&Event {
                at: Nanos(count),
                key: u32::from(count % 1_000 == 0),
                acquire: AcquireId { client: 0, count },
                what: What::Released,
            });
        }
        let (story, left_out) = history.story(1);
        assert_eq!(story.len(), STORY_MAX);
        assert_eq!(left_out, EVENTS / 1_000 + 1 - STORY_MAX);
        assert!(story.is_sorted_by_key(|event| event.at));
        assert_eq!(story[STORY_MAX - 1].at, Nanos(66_000));
    }
}
