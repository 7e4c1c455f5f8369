//! How `--memory` is divided: lanes, sessions, connections and buffers first, locks get the rest.
//!
//! Everything here is arithmetic on settings, so that `locker config print` tells the capacity
//! without starting anything.

use crate::config::units::show_size;

/// Bytes of a session in its home shard's tables, seats apart.
pub const SESSION_BYTES: u64 = 384;
/// Bytes of one seat: the last request id and its answer.
pub const SEAT_BYTES: u64 = 32;
/// Bytes of the stub that each owner shard keeps of a session.
pub const STUB_BYTES: u64 = 80;
/// Bytes of a connection's slot in the tables of a shard. Every shard has a slot for each, because
/// any may come to it by a resume.
pub const CONNECTION_SLOT_BYTES: u64 = 256;
/// Bytes of index per block, rounded up; `Engine::bytes_for` is the exact figure.
pub const INDEX_BYTES_PER_BLOCK: u64 = 15;
/// Blocks of one shard at most: a block is named by 31 bits.
pub const BLOCKS_MAX: u64 = (1 << 31) - 2;
/// Buffers of one shard, at least and at most; between them a sixteenth of the memory.
pub const BUFFER_BYTES_MIN: u64 = 4 << 20;
/// See [`BUFFER_BYTES_MIN`].
pub const BUFFER_BYTES_MAX: u64 = 64 << 20;
/// Blocks of one shard at least: fewer make no useful server.
pub const BLOCKS_MIN: u64 = 4_096;

/// Bytes of a lane that nobody set, at least and at most.
pub const LANE_BYTES_AUTO_MIN: u64 = 256 << 10;
/// See [`LANE_BYTES_AUTO_MIN`].
pub const LANE_BYTES_AUTO_MAX: u64 = 1 << 20;

/// What the plan is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The memory of all shards together in bytes.
    pub total: u64,
    /// Number of shards.
    pub shards: u64,
    /// Bytes of a lane.
    pub lane_bytes: u64,
    /// Connections at most, over all shards.
    pub connections: u64,
    /// Sessions at most, over all shards.
    pub sessions: u64,
    /// Seats of a session.
    pub seats: u64,
    /// Bytes of a block.
    pub block_bytes: u64,
}

/// Bytes by use, over all shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// What the plan was made from.
    pub demand: Demand,
    /// All lanes.
    pub lanes: u64,
    /// Sessions with their seats, and their stubs in every shard.
    pub sessions: u64,
    /// Connection tables.
    pub connections: u64,
    /// Receive and output buffers.
    pub buffers: u64,
    /// Index buckets.
    pub index: u64,
    /// Blocks.
    pub blocks: u64,
    /// Number of blocks in one shard.
    pub blocks_per_shard: u64,
}

impl Demand {
    /// Divides the memory.
    ///
    /// # Errors
    /// Less than [`BLOCKS_MIN`] blocks per shard would be left: a text that names the parts, the
    /// least memory that does, and what can be lowered instead.
    pub fn plan(self) -> Result<MemoryPlan, String> {
        let lanes = lane_bytes(self.shards, self.lane_bytes);
        let sessions = self.sessions * session_bytes(self.seats, self.shards);
        let connections = self.connections * connection_bytes(self.shards);
        let buffers_each =
            (self.total / 16 / self.shards).clamp(BUFFER_BYTES_MIN, BUFFER_BYTES_MAX);
        let buffers = self.shards * buffers_each;
        let fixed = lanes + sessions + connections + buffers;
        let per_block = self.block_bytes + INDEX_BYTES_PER_BLOCK;
        let blocks_per_shard = self.total.saturating_sub(fixed) / self.shards / per_block;
        let blocks_per_shard = blocks_per_shard.min(BLOCKS_MAX);
        if blocks_per_shard < BLOCKS_MIN {
            return Err(self.too_small(fixed, lanes, sessions, connections, buffers));
        }
        let blocks_all = blocks_per_shard * self.shards;
        Ok(MemoryPlan {
            demand: self,
            lanes,
            sessions,
            connections,
            buffers,
            index: blocks_all * INDEX_BYTES_PER_BLOCK,
            blocks: blocks_all * self.block_bytes,
            blocks_per_shard,
        })
    }

    fn too_small(self, fixed: u64, lanes: u64, sessions: u64, conns: u64, buffers: u64) -> String {
        let blocks = self.shards * BLOCKS_MIN * (self.block_bytes + INDEX_BYTES_PER_BLOCK);
        // Buffers grow with the memory, by a sixteenth at most; 8/7 of the sum covers that.
        let least = (fixed + blocks) * 8 / 7;
        let least_mib = least.div_ceil(1 << 20).max(16);
        format!(
            "{} is too little for these settings: lanes take {}, sessions {}, connections {}, \
             buffers {}, and {} locks per shard are the least; give `--memory {least_mib}MiB` or \
             more, or lower --sessions, --seats, --connections or --shards",
            show_size(self.total),
            show_mib(lanes),
            show_mib(sessions),
            show_mib(conns),
            show_mib(buffers),
            BLOCKS_MIN,
        )
    }
}

impl MemoryPlan {
    /// Locks with one hold, short keys and no waiters that fit.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.blocks_per_shard * self.demand.shards
    }

    /// Bytes of the receive and output buffers of one shard.
    #[must_use]
    pub const fn buffer_bytes_per_shard(&self) -> u64 {
        self.buffers / self.demand.shards
    }

    /// The parts with their bytes, in the order of the division.
    #[must_use]
    pub const fn parts(&self) -> [(&'static str, u64); 6] {
        [
            ("lanes", self.lanes),
            ("sessions", self.sessions),
            ("connections", self.connections),
            ("buffers", self.buffers),
            ("index", self.index),
            ("blocks", self.blocks),
        ]
    }
}

/// Bytes of all lanes between `shards` shards.
#[must_use]
pub const fn lane_bytes(shards: u64, lane: u64) -> u64 {
    shards * (shards - 1) * lane
}

/// Bytes of a lane that nobody set: all of them together a 64th of the memory, within bounds.
#[must_use]
pub fn lane_bytes_auto(total: u64, shards: u64) -> u64 {
    let lanes = (shards * (shards - 1)).max(1);
    let share = (total / 64 / lanes).clamp(LANE_BYTES_AUTO_MIN, LANE_BYTES_AUTO_MAX);
    // Rounded down to a power of two.
    1 << share.ilog2()
}

/// Bytes that one session costs over all shards.
#[must_use]
pub const fn session_bytes(seats: u64, shards: u64) -> u64 {
    SESSION_BYTES + seats * SEAT_BYTES + shards * STUB_BYTES
}

/// Bytes that one connection costs over all shards.
#[must_use]
pub const fn connection_bytes(shards: u64) -> u64 {
    shards * CONNECTION_SLOT_BYTES
}

/// A size in MiB with one decimal, for people.
#[must_use]
pub fn show_mib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10).div_ceil(1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const DEMAND: Demand = Demand {
        total: 1 << 30,
        shards: 2,
        lane_bytes: 256 << 10,
        connections: 20_000,
        sessions: 25_000,
        seats: 64,
        block_bytes: 128,
    };

    #[test]
    fn the_parts_stay_within_the_memory_and_use_nearly_all_of_it() {
        for shards in [1, 2, 7, 16] {
            for block_bytes in [96, 128, 1024] {
                let plan = Demand {
                    shards,
                    block_bytes,
                    ..DEMAND
                }
                .plan()
                .unwrap();
                let sum: u64 = plan.parts().iter().map(|(_, bytes)| bytes).sum();
                assert!(sum <= DEMAND.total);
                assert!(sum + shards * (block_bytes + INDEX_BYTES_PER_BLOCK) >= DEMAND.total);
                assert_eq!(plan.capacity(), plan.blocks_per_shard * shards);
            }
        }
    }

    #[test]
    fn lanes_are_large_where_shards_are_few() {
        let auto = |total, shards| lane_bytes_auto(total, shards) >> 10;
        assert_eq!(auto(1 << 30, 1), 1024);
        assert_eq!(auto(1 << 30, 2), 1024);
        assert_eq!(auto(1 << 30, 5), 512);
        assert_eq!(auto(1 << 30, 64), 256);
        assert_eq!(auto(16 << 20, 2), 256);
    }

    #[test]
    fn the_costs_are_those_of_the_tables() {
        use crate::lock::Engine;
        assert_eq!(Engine::stub_bytes_for(1), STUB_BYTES);
        // A slot of the slab, a timer of the wheel, a place in line for its end.
        let session = size_of::<crate::session::Session>() + 8 + 12 + 16;
        assert!(
            u64::try_from(session).unwrap() <= SESSION_BYTES,
            "{session}"
        );
        let seat = size_of::<crate::session::seat::RecordWords>();
        assert_eq!(u64::try_from(seat).unwrap(), SEAT_BYTES);
        for blocks in [1_000_000, u32::try_from(BLOCKS_MIN).unwrap()] {
            let index = Engine::bytes_for(blocks, 128) - (u64::from(blocks) + 1) * 128;
            assert!(
                index <= u64::from(blocks) * INDEX_BYTES_PER_BLOCK,
                "{index}"
            );
        }
    }

    #[test]
    fn the_least_memory_that_a_refusal_names_is_enough() {
        let small = Demand {
            total: 16 << 20,
            ..DEMAND
        };
        let text = small.plan().unwrap_err();
        let mib = text.split("--memory ").nth(1).unwrap();
        let mib: u64 = mib.split("MiB").next().unwrap().parse().unwrap();
        assert!(
            Demand {
                total: mib << 20,
                ..DEMAND
            }
            .plan()
            .is_ok(),
            "{text}"
        );
        assert!(
            Demand {
                total: (mib << 20) / 2,
                ..DEMAND
            }
            .plan()
            .is_err()
        );
    }
}
