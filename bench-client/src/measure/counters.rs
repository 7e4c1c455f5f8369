//! What a server counted of its own work, all shards together.

use locker_protocol::CounterId;

/// Counters that tell how a server spent its turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests decoded.
    pub requests: u64,
    /// Turns of the shards' loops.
    pub turns: u64,
    /// Messages that went from shard to shard.
    pub lane_messages: u64,
    /// Shards woken by others.
    pub lane_wakes: u64,
    /// Requests refused because a lane between shards was full.
    pub lane_busy: u64,
}

impl Counters {
    /// Adds a shard's counter; those that are of no use here are skipped.
    pub fn add(&mut self, id: u16, value: u64) {
        let counters = [
            (CounterId::Requests, &mut self.requests),
            (CounterId::Turns, &mut self.turns),
            (CounterId::LaneMessages, &mut self.lane_messages),
            (CounterId::LaneWakes, &mut self.lane_wakes),
            (CounterId::LaneBusy, &mut self.lane_busy),
        ];
        for (known, counter) in counters {
            if known.code() == id {
                *counter += value;
            }
        }
    }

    /// What was counted since an earlier reading of the same server.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            turns: self.turns.saturating_sub(earlier.turns),
            lane_messages: self.lane_messages.saturating_sub(earlier.lane_messages),
            lane_wakes: self.lane_wakes.saturating_sub(earlier.lane_wakes),
            lane_busy: self.lane_busy.saturating_sub(earlier.lane_busy),
        }
    }

    /// Messages between shards per request.
    #[must_use]
    pub fn messages_per_request(&self) -> f64 {
        self.lane_messages as f64 / self.requests as f64
    }

    /// Shards woken by others per request.
    #[must_use]
    pub fn wakes_per_request(&self) -> f64 {
        self.lane_wakes as f64 / self.requests as f64
    }

    /// Requests per turn of a shard.
    #[must_use]
    pub fn requests_per_turn(&self) -> f64 {
        self.requests as f64 / self.turns as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_add_up_and_an_earlier_reading_is_taken_off() {
        let mut earlier = Counters::default();
        earlier.add(CounterId::Requests.code(), 100);
        let mut now = earlier;
        for shard in [300, 100] {
            now.add(CounterId::Requests.code(), shard);
            now.add(CounterId::Turns.code(), 20);
            now.add(CounterId::LaneMessages.code(), shard);
            now.add(CounterId::LaneWakes.code(), 5);
        }
        now.add(9_999, 77);
        let counted = now.since(&earlier);
        assert_eq!(counted.requests, 400);
        assert_eq!(counted.messages_per_request(), 1.0);
        assert_eq!(counted.wakes_per_request(), 0.025);
        assert_eq!(counted.requests_per_turn(), 10.0);
    }
}
