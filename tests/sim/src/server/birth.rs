//! The start of a server run: the record, then the shards, as `control::opening` and
//! `control::shards` make them.

use super::bell::Bell;
use super::disk::{Disk, DiskStore};
use super::kernel::SimKernel;
use super::shard::{Parts, Shard};
use super::shell::Shell;
use crate::dice::Dice;
use crate::moment::{Clock, Moment};
use crate::plan::Sizes;
use locker::control::ledger::{Ledger, Start};
use locker::control::plane::Books;
use locker::control::store::{Loaded, Store as _};
use locker::driver::lane;
use locker::lock::op::ShardId;
use locker::lock::{EngineConfig, TokenSource};
use locker::net::chunk::ChunkPool;
use locker::net::connections::Connections;
use locker::net::words;
use locker::shard::io::ShellCounters;
use locker::shard::{Core, CoreConfig};
use locker::time::{Instant, Millis};
use std::cell::RefCell;
use std::rc::Rc;

/// Takes up what the disk holds and makes this start durable, in both copies.
pub(super) fn open(
    disk: &Rc<RefCell<Disk>>,
    sizes: &Sizes,
    now: Moment,
    dice: &mut Dice,
) -> Option<Books<DiskStore>> {
    let mut store = DiskStore(Rc::clone(disk));
    let loaded = store.load().ok()?;
    let start = Start {
        epoch_of_clock: u32::try_from(now.0 / 10_000_000).expect("a short run") + 1,
        ttl_ms_default: sizes.ttl_ms_default,
        ttl_ms_max: sizes.ttl_ms_max,
        server_id: u128::from(dice.draw()).to_le_bytes(),
    };
    let version = match loaded {
        Loaded::Empty => None,
        Loaded::Whole { version, .. } | Loaded::Older { version, .. } => Some(version),
    };
    let ledger = Ledger::start(&loaded, &start).ok()?;
    let first = store.compare_and_set(version, ledger.opening()).ok()?;
    let version = store.compare_and_set(Some(first), ledger.opening()).ok()?;
    disk.borrow_mut().commit();
    Some(Books {
        ledger,
        store,
        version,
    })
}

/// The shards with the lanes between them.
pub(super) fn make_shards(
    sizes: &Sizes,
    ledger: &Ledger,
    window_until: Option<Instant>,
    clock: Clock,
    bells: &[Rc<Bell>],
    dice: &mut Dice,
) -> Vec<Shard> {
    let seed = [dice.draw(), dice.draw()];
    let count = bells.len();
    let mut outbound: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut inbound: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    for (from, outbound) in outbound.iter_mut().enumerate() {
        for (to, inbound) in inbound.iter_mut().enumerate() {
            if from == to {
                outbound.push(None);
                continue;
            }
            let (sender, receiver) = lane::lane(sizes.lane_bytes);
            outbound.push(Some(sender));
            inbound.push((id(from), receiver));
        }
    }
    let lanes = outbound.into_iter().zip(inbound).enumerate();
    let shards = lanes.map(|(index, (lanes, inbound))| {
        let me = id(index);
        let core = core_config(sizes, ledger, window_until, me);
        let engine = engine_config(sizes, ledger, window_until, me, seed);
        let core = Core::new(core, engine).expect("a small table finds memory");
        let pool = ChunkPool::new(sizes.chunks);
        let slots = usize::try_from(sizes.connections).expect("few");
        let words = words::slow_reader();
        Shard::new(Parts {
            core,
            shell: Shell {
                me,
                connections: Connections::new(pool, slots, &words),
                lanes,
                bells: bells.to_vec(),
                to_control: Vec::new(),
                counters: ShellCounters::default(),
                input_waits: false,
                dice: Dice::of(dice.draw(), 0),
            },
            kernel: SimKernel::new(sizes.buffers, sizes.slices, Dice::of(dice.draw(), 1)),
            inbound,
            bell: Rc::clone(&bells[index]),
            clock,
            sizes: sizes.turn,
        })
    });
    shards.collect()
}

fn id(index: usize) -> ShardId {
    ShardId(u8::try_from(index).expect("few shards"))
}

fn core_config(
    sizes: &Sizes,
    ledger: &Ledger,
    window_until: Option<Instant>,
    shard: ShardId,
) -> CoreConfig {
    CoreConfig {
        shard,
        shards: sizes.shards,
        // Those that are closing have slots, too.
        connections_max: 2 * sizes.connections + 16,
        sessions_max: sizes.sessions,
        seats: sizes.seats,
        lane_bytes: sizes.lane_bytes,
        key_bytes_max: sizes.key_bytes_max,
        metadata_bytes_max: 64,
        frame_bytes_max: sizes.frame_bytes_max,
        lease_min: Millis(10),
        lease_max: Millis(86_400_000),
        ttl_default: Millis(sizes.ttl_ms_default),
        ttl_max: Millis(sizes.ttl_ms_max),
        ttl_durable: Millis(0),
        ephemeral: false,
        server_id: ledger.opening().server_id,
        run: u64::from(ledger.run()),
        floor: u64::from(ledger.opening().floor),
        grace_until: window_until,
        grace: Millis(ledger.window_ms().unwrap_or(0)),
        ports: (0..sizes.shards).map(|shard| 7_000 + shard).collect(),
    }
}

fn tokens(sizes: &Sizes, ledger: &Ledger) -> TokenSource {
    let mut tokens = TokenSource::epoch(ledger.run());
    if sizes.tokens_left > 0 {
        tokens.skip_to_last(sizes.tokens_left);
    }
    tokens
}

fn engine_config(
    sizes: &Sizes,
    ledger: &Ledger,
    window_until: Option<Instant>,
    shard: ShardId,
    seed: [u64; 2],
) -> EngineConfig {
    EngineConfig {
        shard,
        shards: sizes.shards,
        sessions_per_shard: sizes.sessions,
        blocks: sizes.blocks,
        block_bytes: sizes.block_bytes,
        waiters_max: sizes.blocks - sizes.blocks / 8,
        key_waiters_max: sizes.key_waiters_max,
        seed,
        tokens: tokens(sizes, ledger),
        grace_until: window_until,
        now: Instant::START,
    }
}
