//! Connections that are not read for now, in order of arrival, by what they wait for.
//!
//! Intrusive lists over the connection slots: O(1) to join, leave and take the first, no allocation
//! after start. A connection stands in one list at most.

use crate::limits::SHARDS_MAX;
use crate::lock::op::ShardId;

/// Connections read again in one turn at most.
pub(super) const PASSES_PER_TURN_MAX: usize = 128;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Room in the lane to that shard, or for the answer on the way back.
    Lane(ShardId),
    /// The same, for an acquire: behind all others, and for a bounded time.
    LaneOrBusy(ShardId),
    /// The next turn: it has had its share of this one.
    Turn,
    /// The durable bound: its HelloOk is withheld.
    Bound,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was taken.
    Taken,
    /// It is a read, and was taken.
    Read,
    /// It was not taken: its connection is to wait.
    Wait(WaitsFor),
}

const LISTS_OR_BUSY: usize = SHARDS_MAX;
const LIST_TURN: usize = 2 * SHARDS_MAX;
const LIST_BOUND: usize = LIST_TURN + 1;
const LISTS: usize = LIST_TURN + 2;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    behind: u32,
    list: u16,
}

const UNLINKED: Link = Link {
    before: NONE,
    behind: NONE,
    list: u16::MAX,
};

/// The lists.
#[derive(Debug)]
pub struct Paused {
    links: Vec<Link>,
    ends: Box<[(u32, u32); LISTS]>,
    len: u32,
}

impl Paused {
    /// Empty lists over so many connection slots.
    #[must_use]
    pub fn new(connections: u32) -> Self {
        Self {
            links: vec![UNLINKED; connections as usize],
            ends: Box::new([(NONE, NONE); LISTS]),
            len: 0,
        }
    }

    /// Connections in all lists.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether nobody waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the connection in this slot waits for.
    #[must_use]
    pub fn waits_for(&self, slot: u32) -> Option<WaitsFor> {
        match usize::from(self.links[slot as usize].list) {
            LIST_TURN => Some(WaitsFor::Turn),
            LIST_BOUND => Some(WaitsFor::Bound),
            list => {
                let shard = u8::try_from(list % SHARDS_MAX).ok().map(ShardId);
                match list / LISTS_OR_BUSY {
                    0 => shard.map(WaitsFor::Lane),
                    1 => shard.map(WaitsFor::LaneOrBusy),
                    _ => None,
                }
            }
        }
    }

    /// The first that waits for this.
    #[must_use]
    pub fn first(&self, waits_for: WaitsFor) -> Option<u32> {
        let (first, _) = self.ends[list_of(waits_for)];
        (first != NONE).then_some(first)
    }

    /// Puts a connection behind those that wait for the same.
    ///
    /// # Panics
    /// If it waits already.
    pub fn push(&mut self, slot: u32, waits_for: WaitsFor) {
        let list = list_of(waits_for);
        assert_eq!(self.waits_for(slot), None, "a connection waits once");
        let (_, last) = self.ends[list];
        self.links[slot as usize] = Link {
            before: last,
            behind: NONE,
            list: u16::try_from(list).expect("lists are few"),
        };
        match last {
            NONE => self.ends[list].0 = slot,
            last => self.links[last as usize].behind = slot,
        }
        self.ends[list].1 = slot;
        self.len += 1;
    }

    /// Takes a connection out of its list, if it is in one.
    pub fn remove(&mut self, slot: u32) {
        let Link {
            before,
            behind,
            list,
        } = self.links[slot as usize];
        let list = usize::from(list);
        if list >= LISTS {
            return;
        }
        match before {
            NONE => self.ends[list].0 = behind,
            before => self.links[before as usize].behind = behind,
        }
        match behind {
            NONE => self.ends[list].1 = before,
            behind => self.links[behind as usize].before = before,
        }
        self.links[slot as usize] = UNLINKED;
        self.len -= 1;
    }
}

fn list_of(waits_for: WaitsFor) -> usize {
    match waits_for {
        WaitsFor::Lane(shard) => usize::from(shard.0),
        WaitsFor::LaneOrBusy(shard) => LISTS_OR_BUSY + usize::from(shard.0),
        WaitsFor::Turn => LIST_TURN,
        WaitsFor::Bound => LIST_BOUND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_wait_for_the_same_come_in_order() {
        let mut paused = Paused::new(8);
        let lane = WaitsFor::Lane(ShardId(2));
        for slot in [5, 1, 7] {
            paused.push(slot, lane);
        }
        paused.push(3, WaitsFor::Turn);
        paused.remove(1);
        assert_eq!(paused.first(lane), Some(5));
        paused.remove(5);
        assert_eq!(paused.first(lane), Some(7));
        paused.remove(7);
        assert_eq!(paused.first(lane), None);
        assert_eq!(paused.first(WaitsFor::Turn), Some(3));
        assert_eq!(paused.waits_for(3), Some(WaitsFor::Turn));
        assert_eq!(paused.waits_for(7), None);
        assert_eq!(paused.len(), 1);
    }

    #[test]
    fn each_list_is_told_from_all_others() {
        let last = ShardId(u8::MAX);
        let all = [
            WaitsFor::Lane(ShardId(0)),
            WaitsFor::Lane(last),
            WaitsFor::LaneOrBusy(ShardId(0)),
            WaitsFor::LaneOrBusy(last),
            WaitsFor::Turn,
            WaitsFor::Bound,
        ];
        let mut paused = Paused::new(8);
        for (slot, waits_for) in (0..).zip(all) {
            paused.push(slot, waits_for);
        }
        for (slot, waits_for) in (0..).zip(all) {
            assert_eq!(paused.waits_for(slot), Some(waits_for));
            assert_eq!(paused.first(waits_for), Some(slot));
        }
    }

    #[test]
    fn leaving_twice_is_leaving_once() {
        let mut paused = Paused::new(2);
        paused.push(1, WaitsFor::Bound);
        paused.remove(1);
        paused.remove(1);
        assert!(paused.is_empty());
        assert_eq!(paused.first(WaitsFor::Bound), None);
    }
}
