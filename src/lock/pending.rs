//! Effects that found their lane full, one list per home shard.
//!
//! The block an effect speaks of is its own note: it stands in the list by its timer links and is
//! freed only when the effect has left. Once a home's list is not empty, later effects for that
//! home queue behind it, so their order is kept.

use crate::lock::block::Handle;
use crate::lock::op::ShardId;
use crate::lock::pool::Pool;

const NEXT: usize = 0;
const PREVIOUS: usize = 1;

/// The lists.
#[derive(Debug)]
pub(super) struct Pending {
    homes: Box<[Ends]>,
    len: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    first: Handle,
    last: Handle,
}

impl Pending {
    pub(super) fn new(shards: u16) -> Self {
        Self {
            homes: vec![Ends::default(); usize::from(shards)].into_boxed_slice(),
            len: 0,
        }
    }

    /// Home shards, with or without a list.
    pub(super) fn homes(&self) -> usize {
        self.homes.len()
    }

    /// Effects that wait, over all homes.
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// Whether an effect for that home must queue behind others.
    pub(super) fn is_empty(&self, home: ShardId) -> bool {
        self.homes[usize::from(home.0)].first.is_none()
    }

    /// The blocks that wait for the lane to a home, in order.
    pub(super) fn walk<'a>(
        &self,
        home: usize,
        pool: &'a Pool,
    ) -> impl Iterator<Item = Handle> + use<'a> {
        let first = Some(self.homes[home].first).filter(|first| first.is_some());
        std::iter::successors(first, |at| {
            let next = Handle(pool.at(*at).timer[NEXT]);
            next.is_some().then_some(next)
        })
    }

    /// The block whose turn it is once the lane to a home has room.
    pub(super) fn first(&self, home: usize) -> Handle {
        self.homes[home].first
    }

    /// Puts a block behind the others that wait for the lane to a home.
    pub(super) fn push(&mut self, pool: &mut Pool, home: ShardId, handle: Handle) {
        let ends = &mut self.homes[usize::from(home.0)];
        let last = std::mem::replace(&mut ends.last, handle);
        if last.is_none() {
            ends.first = handle;
        } else {
            pool.at_mut(last).timer[NEXT] = handle.0;
        }
        let block = pool.at_mut(handle);
        assert!(
            !block.is_pending(),
            "a block waits for one effect at a time"
        );
        block.set_pending(true);
        let mut links = [0; 2];
        links[PREVIOUS] = last.0;
        block.timer = links;
        self.len += 1;
    }

    /// Takes a block out of its home's list.
    pub(super) fn remove(&mut self, pool: &mut Pool, home: ShardId, handle: Handle) {
        let block = pool.at_mut(handle);
        assert!(block.is_pending(), "only what waits stops waiting");
        block.set_pending(false);
        let links = std::mem::take(&mut block.timer);
        let (next, previous) = (Handle(links[NEXT]), Handle(links[PREVIOUS]));
        let ends = &mut self.homes[usize::from(home.0)];
        if next.is_none() {
            ends.last = previous;
        } else {
            pool.at_mut(next).timer[PREVIOUS] = previous.0;
        }
        if previous.is_none() {
            ends.first = next;
        } else {
            pool.at_mut(previous).timer[NEXT] = next.0;
        }
        self.len -= 1;
    }
}
