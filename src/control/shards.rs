//! Builds the shards from the configuration, and is the control thread's way to them.

use crate::config::Config;
use crate::control::failure::Failure;
use crate::control::ledger::Ledger;
use crate::control::listening::Listening;
use crate::control::plane::Shards;
use crate::control::system;
use crate::control::watchdog::Sight;
use crate::driver::server_clock::ServerClock;
use crate::driver::start::{Running, ShardsSetup, start_shards};
use crate::limits::{KEY_WAITERS_MAX, TTL_MS_MAX};
use crate::lock::op::ShardId;
use crate::lock::{EngineConfig, TokenSource};
use crate::net::acceptor::REFUSED_MAX;
use crate::net::chunk::CHUNK_BYTES;
use crate::net::{RECEIVE_BUFFER_BYTES, RECEIVE_BUFFERS};
use crate::shard::core::Core;
use crate::shard::core_config::CoreConfig;
use crate::shard::io::{FromControl, ToControl};
use crate::time::{Instant, Millis};
use std::sync::mpsc::Sender;

/// Who this server run is.
#[derive(Clone, Debug)]
pub struct Identity {
    server_id: [u8; 16],
    /// The epoch of the run; for an ephemeral server seconds since 1970, which only names it.
    run: u64,
    tokens: TokenSource,
    hash_seed: [u64; 2],
    floor: u32,
    window_until: Option<Instant>,
    window: Millis,
    ttl_durable: Millis,
    ephemeral: bool,
}

impl Identity {
    /// From the ledger, or from clock and chance for an ephemeral server.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn of(ledger: Option<&Ledger>, window_until: Option<Instant>) -> Result<Self, Failure> {
        let seed: [u8; 16] = system::random()?;
        let (low, high) = seed.split_at(8);
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let hash_seed = [word(low), word(high)];
        Ok(match ledger {
            Some(ledger) => Self {
                server_id: ledger.opening().server_id,
                run: u64::from(ledger.run()),
                tokens: TokenSource::epoch(ledger.run()),
                hash_seed,
                floor: ledger.opening().floor,
                window_until,
                window: Millis(ledger.window_ms().unwrap_or(0)),
                ttl_durable: Millis(0),
                ephemeral: false,
            },
            None => Self {
                server_id: system::random()?,
                run: system::unix_micros() / 1_000_000,
                tokens: TokenSource::ephemeral(system::unix_micros()),
                hash_seed,
                floor: 0,
                window_until: None,
                window: Millis(0),
                ttl_durable: Millis(TTL_MS_MAX),
                ephemeral: true,
            },
        })
    }
}

/// The server's shards.
pub struct ServerShards {
    running: Running,
}

/// Starts the shards; clients are served from here on.
///
/// # Errors
/// The system has too little of something.
pub fn start(
    config: &Config,
    identity: &Identity,
    listening: &mut Listening,
    clock: ServerClock,
    to_control: Sender<(ShardId, ToControl)>,
) -> Result<ServerShards, Failure> {
    let ports = listening.shard_ports().to_vec();
    let setup = ShardsSetup {
        shards: count(config.shards),
        cpus: (0..config.shards)
            .map(|shard| config.cpu_of(shard))
            .collect(),
        lane_bytes: config.lane_bytes,
        chunks: chunks(config),
        connections_max: config.connections,
        spin: config.spin,
        listeners: listening.take_sockets(),
        clock,
        to_control,
    };
    let (core, engine) = (
        core_config(config, identity, ports),
        engine_config(config, identity),
    );
    let prefault = config.prefault;
    let running = start_shards(setup, move |shard| {
        let core = CoreConfig {
            shard,
            ..core.clone()
        };
        let engine = EngineConfig {
            shard,
            now: clock.now(),
            ..engine.clone()
        };
        let mut core = Core::new(core, engine)?;
        if prefault {
            core.prefault()?;
        }
        Ok(core)
    });
    let running = running.map_err(|source| Failure::Shard { source })?;
    Ok(ServerShards { running })
}

impl ServerShards {
    /// Ends the shards and waits for that.
    pub fn stop(self) {
        self.running.stop();
    }
}

impl Shards for ServerShards {
    fn tell(&self, shard: ShardId, word: FromControl) {
        self.running.tell(shard, word);
    }

    fn tell_all(&self, word: FromControl) {
        self.running.tell_all(word);
    }

    fn sight(&self, shard: usize) -> Sight {
        let signal = self.running.signals().nth(shard).expect("a shard of ours");
        Sight {
            turns: signal.turns(),
            asleep: signal.sleeper.is_asleep(),
        }
    }

    fn rouse(&self, shard: usize) {
        let signal = self.running.signals().nth(shard).expect("a shard of ours");
        log::warn!("shard {shard} stood still for 100 ms and is roused");
        signal.rouse();
    }

    fn has_connections(&self) -> bool {
        self.running
            .signals()
            .any(|signal| signal.connections() > 0)
    }
}

fn core_config(config: &Config, identity: &Identity, ports: Vec<u16>) -> CoreConfig {
    CoreConfig {
        shard: ShardId(0),
        shards: count(config.shards),
        // The shell may put any client, and those over the limit that it lets go, into any slot.
        connections_max: config.connections + u32::try_from(REFUSED_MAX).expect("a small constant"),
        sessions_max: sessions_per_shard(config),
        seats: config.seats,
        lane_bytes: config.lane_bytes,
        key_bytes_max: narrow(config.key_bytes_max),
        metadata_bytes_max: narrow(config.metadata_bytes_max),
        frame_bytes_max: u32::try_from(config.frame_bytes_max).expect("at most 64 KiB"),
        lease_min: Millis(config.lease_ms_min),
        lease_max: Millis(config.lease_ms_max),
        ttl_default: Millis(config.ttl_ms_default),
        ttl_max: Millis(config.ttl_ms_max),
        ttl_durable: identity.ttl_durable,
        ephemeral: identity.ephemeral,
        server_id: identity.server_id,
        run: identity.run,
        floor: identity.floor.into(),
        grace_until: identity.window_until,
        grace: identity.window,
        ports,
    }
}

fn engine_config(config: &Config, identity: &Identity) -> EngineConfig {
    let blocks = u32::try_from(config.memory.blocks_per_shard).expect("the plan bounds blocks");
    EngineConfig {
        shard: ShardId(0),
        shards: count(config.shards),
        sessions_per_shard: sessions_per_shard(config),
        blocks,
        block_bytes: config.block_bytes,
        // The last eighth is for tries: new waiters are refused before them.
        waiters_max: blocks - blocks / 8,
        key_waiters_max: KEY_WAITERS_MAX,
        seed: identity.hash_seed,
        tokens: identity.tokens.clone(),
        grace_until: identity.window_until,
        now: Instant::START,
    }
}

fn sessions_per_shard(config: &Config) -> u32 {
    config.sessions.div_ceil(u32::from(count(config.shards)))
}

/// Chunks of a shard: its buffers less the ring that receives.
fn chunks(config: &Config) -> u32 {
    let receive = RECEIVE_BUFFER_BYTES * usize::from(RECEIVE_BUFFERS);
    let receive = u64::try_from(receive).expect("a small constant");
    let chunk = u64::try_from(CHUNK_BYTES).expect("a small constant");
    let rest = config.memory.buffer_bytes_per_shard() - receive;
    u32::try_from(rest / chunk).expect("the plan bounds buffers")
}

fn count(shards: usize) -> u16 {
    u16::try_from(shards).expect("at most 256 shards")
}

fn narrow(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("the table bounds keys and metadata")
}
