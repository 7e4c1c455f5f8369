//! A set of shards as 256 bits.

use crate::limits::SHARDS_MAX;
use crate::lock::op::ShardId;

const WORDS: usize = SHARDS_MAX / 64;

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSet([u64; WORDS]);

impl ShardSet {
    /// Whether no shard is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// Whether the shard is in it.
    #[must_use]
    pub fn contains(&self, shard: ShardId) -> bool {
        self.0[usize::from(shard.0 / 64)] >> (shard.0 % 64) & 1 == 1
    }

    /// Puts the shard in.
    pub fn insert(&mut self, shard: ShardId) {
        self.0[usize::from(shard.0 / 64)] |= 1 << (shard.0 % 64);
    }

    /// Takes the shard out; whether it was in.
    pub fn remove(&mut self, shard: ShardId) -> bool {
        let was_in = self.contains(shard);
        self.0[usize::from(shard.0 / 64)] &= !(1 << (shard.0 % 64));
        was_in
    }

    /// The shards in it, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = ShardId> {
        (0..=u8::MAX)
            .map(ShardId)
            .filter(move |shard| self.contains(*shard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_in_and_not_taken_out() {
        let mut set = ShardSet::default();
        for shard in [0, 63, 64, 255] {
            set.insert(ShardId(shard));
        }
        assert!(set.remove(ShardId(64)));
        assert!(!set.remove(ShardId(64)));
        assert!(set.iter().eq([0, 63, 255].map(ShardId)));
        assert!(!set.is_empty());
        for shard in [0, 63, 255] {
            set.remove(ShardId(shard));
        }
        assert!(set.is_empty());
    }
}
