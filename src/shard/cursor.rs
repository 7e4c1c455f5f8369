//! Cursors of List, Sessions and Stats: how a reader walks over all shards, page by page.
//!
//! A cursor is `shard + 1` in the top 16 bits and a position within that shard below: a bucket of
//! the index for List, a slot of the session table for Sessions, 0 for Stats. 0 asks for the start,
//! and tells the end. A page is served by one shard alone.

use crate::limits::SHARDS_MAX;
use crate::lock::op::ShardId;

const POSITION_BITS: u32 = 48;
/// Positions end below this.
pub const POSITION_MAX: u64 = 1 << POSITION_BITS;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The shard that serves the page.
    pub shard: ShardId,
    /// Where in that shard, below [`POSITION_MAX`].
    pub position: u64,
}

impl Cursor {
    /// The cursor on the wire; `None` if there is no such shard among `shards`.
    #[must_use]
    pub fn from_wire(wire: u64, shards: u16) -> Option<Self> {
        let position = wire % POSITION_MAX;
        match wire >> POSITION_BITS {
            0 => (position == 0).then_some(Self {
                shard: ShardId(0),
                position: 0,
            }),
            number if number <= u64::from(shards) => Some(Self {
                shard: ShardId(u8::try_from(number - 1).ok()?),
                position,
            }),
            _ => None,
        }
    }

    /// What the client sends to read on from here.
    ///
    /// # Panics
    /// If the position is too large.
    #[must_use]
    pub fn to_wire(self) -> u64 {
        assert!(self.position < POSITION_MAX, "a position has 48 bits");
        (u64::from(self.shard.0) + 1) << POSITION_BITS | self.position
    }

    /// What the client sends when `shard` has been read to its end: the next one's start, or 0.
    #[must_use]
    pub fn wire_after(shard: ShardId, shards: u16) -> u64 {
        assert!(usize::from(shards) <= SHARDS_MAX, "a shard has 8 bits");
        match shard.0.checked_add(1) {
            Some(next) if u16::from(next) < shards => Self {
                shard: ShardId(next),
                position: 0,
            }
            .to_wire(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_visits_every_shard_and_ends() {
        for shards in [1, 2, 256] {
            let mut wire = 0;
            for shard in 0..shards {
                let cursor = Cursor::from_wire(wire, shards).expect("a page");
                assert_eq!(u16::from(cursor.shard.0), shard);
                let further = Cursor {
                    position: 77,
                    ..cursor
                };
                assert_eq!(Cursor::from_wire(further.to_wire(), shards), Some(further));
                wire = Cursor::wire_after(cursor.shard, shards);
            }
            assert_eq!(wire, 0, "the end");
        }
    }

    #[test]
    fn a_cursor_to_no_shard_is_none() {
        assert_eq!(Cursor::from_wire(3 << POSITION_BITS, 2), None);
        assert_eq!(Cursor::from_wire(u64::MAX, 256), None);
        assert_eq!(Cursor::from_wire(5, 2), None);
    }
}
