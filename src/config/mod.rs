//! Settings: raw flags, environment and TOML become one checked [`Config`].
//!
//! ```text
//! table ── flags ─┐
//!   │    LOCKER_* ┼─> Layers (text + origin) ── Config::check(host) ──> Config + MemoryPlan
//!   └─ TOML file ─┘                                                        │
//!                                                  `locker config print` <─┘
//! ```
//!
//! Each setting is defined once, in [`table`]. Nothing here opens, binds or starts anything; what
//! must be known of the host comes in as [`Host`].

pub mod address;
mod error;
pub mod flags;
mod host;
pub mod layers;
pub mod listen;
pub mod memory;
pub mod origin;
pub mod print;
mod raw;
pub mod setting;
pub mod table;
pub mod units;

pub use address::Address;
pub use error::ConfigError;
pub use flags::Flags;
pub use host::Host;
pub use layers::Layers;
pub use listen::{Listener, ShardPlace, ShardPorts};
pub use memory::MemoryPlan;
pub use origin::Origin;

use crate::config::listen::{check_listen, check_shard_ports};
use crate::config::memory::{
    Demand, LANE_BYTES_AUTO_MIN, connection_bytes, lane_bytes, lane_bytes_auto, session_bytes,
};
use crate::config::units::show_cpus;
use std::path::PathBuf;
use std::time::Duration;
use table as t;

/// A checked configuration: every value within its bounds, all of them together possible.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, in the order given.
    pub listen: Vec<Listener>,
    /// Mode of the files of Unix sockets.
    pub listen_mode: u32,
    /// The ports of single shards, beside those.
    pub shard_ports: Option<ShardPorts>,
    /// Number of shards, 1..=256.
    pub shards: usize,
    /// Cpus to pin shards to, in turn; never empty.
    pub cpus: Vec<usize>,
    /// Connections at most, over all shards.
    pub connections: u32,
    /// Sessions at most, over all shards.
    pub sessions: u32,
    /// Seats of a session.
    pub seats: u16,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// Bytes of a key at most.
    pub key_bytes_max: usize,
    /// Bytes of metadata at most.
    pub metadata_bytes_max: usize,
    /// TTL of a session that asks for none.
    pub ttl_ms_default: u32,
    /// Longest TTL.
    pub ttl_ms_max: u32,
    /// Shortest lease.
    pub lease_ms_min: u32,
    /// Longest lease.
    pub lease_ms_max: u32,
    /// Bytes of a lane, a power of two.
    pub lane_bytes: usize,
    /// Bytes of a request frame at most, header apart.
    pub frame_bytes_max: usize,
    /// How long a drain lasts at most.
    pub drain_ms: u32,
    /// Where the durable file is.
    pub data: DataPlace,
    /// How long a shard polls before it parks; 0 where shards share cpus.
    pub spin: Duration,
    /// The log filter; nothing if only the default stands.
    pub log: Option<String>,
    /// Whether the tables of locks take their memory at start.
    pub prefault: bool,
    /// How the memory is divided.
    pub memory: MemoryPlan,
    /// What was changed to fit the host: to be logged as warnings.
    pub warnings: Vec<String>,
}

/// Where the durable file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataPlace {
    /// Nowhere: nothing outlives the process.
    Ephemeral,
    /// In this directory.
    Directory(PathBuf),
}

impl Config {
    /// Checks every setting and all of them together against the host.
    ///
    /// # Errors
    /// The first value that cannot be used, with what could.
    pub fn check(layers: &Layers, host: &Host) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let cpus = check_cpus(layers, host)?;
        let lane_given = layers.number_or_auto(&t::LANE_BYTES)?;
        let lane_given = lane_given.map(u64::next_power_of_two);
        let shards = check_shards(layers, &cpus, lane_given.unwrap_or(LANE_BYTES_AUTO_MIN))?;
        let memory_bytes = layers.number(&t::MEMORY)?;
        let lane_auto = lane_bytes_auto(memory_bytes, as_u64(shards));
        let lane_bytes = as_size(lane_given.unwrap_or(lane_auto));
        let listen = check_listen(layers)?;
        let shard_ports = check_shard_ports(layers, &listen, shards)?;
        let places = shard_ports.as_ref().map_or(0, |ports| ports.places.len());
        let reserved = reserved_descriptors(shards) + as_u64(places * shards);
        let connections = check_connections(layers, host, shards, reserved, &mut warnings)?;
        let memory = check_memory(layers, shards, lane_bytes, connections)?;
        let (ttl_ms_default, ttl_ms_max) = check_ordered(layers, &t::TTL, &t::TTL_MAX)?;
        let (lease_ms_min, lease_ms_max) = check_ordered(layers, &t::LEASE_MIN, &t::LEASE_MAX)?;
        let config = Self {
            listen,
            listen_mode: layers.mode(&t::LISTEN_MODE)?,
            shard_ports,
            shards,
            connections,
            sessions: as_u32(memory.demand.sessions),
            seats: u16::try_from(memory.demand.seats).expect("the table bounds seats"),
            block_bytes: as_size(memory.demand.block_bytes),
            key_bytes_max: as_size(layers.number(&t::KEY_BYTES_MAX)?),
            metadata_bytes_max: as_size(layers.number(&t::METADATA_BYTES_MAX)?),
            ttl_ms_default,
            ttl_ms_max,
            lease_ms_min,
            lease_ms_max,
            lane_bytes,
            frame_bytes_max: as_size(layers.number(&t::FRAME_BYTES_MAX)?),
            drain_ms: layers.millis(&t::DRAIN)?,
            data: check_data(layers, host)?,
            spin: check_spin(layers, shards, cpus.len(), &mut warnings)?,
            log: check_log(layers)?,
            prefault: layers.switch(&t::PREFAULT)?,
            cpus,
            memory,
            warnings,
        };
        Ok(config)
    }

    /// The cpu that a shard is pinned to.
    #[must_use]
    pub fn cpu_of(&self, shard: usize) -> usize {
        self.cpus[shard % self.cpus.len()]
    }
}

fn check_cpus(layers: &Layers, host: &Host) -> Result<Vec<usize>, ConfigError> {
    let Some(cpus) = layers.cpus(&t::CPUS)? else {
        return Ok(host.cpus.clone());
    };
    if let Some(cpu) = cpus.iter().find(|cpu| !host.cpus.contains(*cpu)) {
        let have = show_cpus(&host.cpus);
        let reason = format!("cpu {cpu} is not available: this process may use {have}");
        return Err(layers.bad(&t::CPUS, Some(&reason)));
    }
    Ok(cpus)
}

/// One shard per cpu unless told otherwise, as far as the lanes take an eighth of the memory: their
/// number grows with the square of the shards.
fn check_shards(layers: &Layers, cpus: &[usize], lane: u64) -> Result<usize, ConfigError> {
    if let Some(shards) = layers.number_or_auto(&t::SHARDS)? {
        return Ok(as_size(shards));
    }
    let room = layers.number(&t::MEMORY)? / 8;
    let most = cpus.len().min(crate::limits::SHARDS_MAX);
    let fits = |shards: &usize| lane_bytes(as_u64(*shards), lane) <= room;
    Ok((1..=most).rev().find(fits).unwrap_or(1))
}

/// Descriptors that are no client's: standard streams, rings, eventfds, listeners, data dir; but
/// for the ports of single shards.
fn reserved_descriptors(shards: usize) -> u64 {
    64 + 16 * as_u64(shards)
}

fn check_connections(
    layers: &Layers,
    host: &Host,
    shards: usize,
    reserved: u64,
    warnings: &mut Vec<String>,
) -> Result<u32, ConfigError> {
    let mut connections = layers.number(&t::CONNECTIONS)?;
    let needed = connections + reserved;
    if host.descriptors < needed {
        let allowed = host.descriptors.saturating_sub(reserved);
        if allowed == 0 {
            return Err(ConfigError::Contradiction(format!(
                "the descriptor limit of {} leaves no connection: raise it with `ulimit -n` or \
                 LimitNOFILE= in the systemd unit",
                host.descriptors
            )));
        }
        warnings.push(format!(
            "connections lowered from {connections} to {allowed}: the hard descriptor limit is \
             {}; raise it to {needed} (`ulimit -Hn`, LimitNOFILE= in the systemd unit), or set \
             --connections {allowed} to be rid of this warning",
            host.descriptors
        ));
        connections = allowed;
    }
    // A default that nobody chose gives way to a small memory; a number given is kept or refused.
    if layers.of(&t::CONNECTIONS).origin == Origin::Default {
        let room = layers.number(&t::MEMORY)? / 8 / connection_bytes(as_u64(shards));
        connections = connections.min(room);
    }
    Ok(as_u32(connections))
}

fn check_memory(
    layers: &Layers,
    shards: usize,
    lane_bytes: usize,
    connections: u32,
) -> Result<MemoryPlan, ConfigError> {
    let total = layers.number(&t::MEMORY)?;
    let seats = layers.number(&t::SEATS)?;
    let shards = as_u64(shards);
    let sessions = layers.number_or_auto(&t::SESSIONS)?.unwrap_or_else(|| {
        let room = total / 4 / session_bytes(seats, shards);
        (u64::from(connections) * 5)
            .div_ceil(4)
            .clamp(1, room.max(1))
    });
    let demand = Demand {
        total,
        shards,
        lane_bytes: as_u64(lane_bytes),
        connections: u64::from(connections),
        sessions,
        seats,
        block_bytes: layers.number(&t::BLOCK_SIZE)?,
    };
    let plan = demand.plan();
    plan.map_err(|reason| layers.bad(&t::MEMORY, Some(&reason)))
}

/// Two durations in milliseconds of which the first must not be the longer one.
fn check_ordered(
    layers: &Layers,
    short: &'static setting::Setting,
    long: &'static setting::Setting,
) -> Result<(u32, u32), ConfigError> {
    let (least, most) = (layers.millis(short)?, layers.millis(long)?);
    if least > most {
        let reason = format!("is longer than {} = `{}`", long.name, layers.of(long).text);
        return Err(layers.bad(short, Some(&reason)));
    }
    Ok((least, most))
}

fn check_data(layers: &Layers, host: &Host) -> Result<DataPlace, ConfigError> {
    let directory = layers.path(&t::DATA_DIR)?;
    if layers.switch(&t::EPHEMERAL)? {
        return match directory {
            None => Ok(DataPlace::Ephemeral),
            Some(_) => Err(layers.bad(&t::DATA_DIR, Some(&"--ephemeral keeps no data dir"))),
        };
    }
    let directory = directory.or_else(|| host.data_dir_default());
    directory.map(DataPlace::Directory).ok_or_else(|| {
        ConfigError::Contradiction(
            "no place for the data dir: neither XDG_STATE_HOME nor HOME is set; give \
             --data-dir PATH or --ephemeral"
                .to_owned(),
        )
    })
}

fn check_spin(
    layers: &Layers,
    shards: usize,
    cpus: usize,
    warnings: &mut Vec<String>,
) -> Result<Duration, ConfigError> {
    let spin = layers.duration(&t::SPIN)?;
    if shards > cpus {
        warnings.push(format!(
            "{shards} shards share {cpus} cpus: they do not spin, and latency suffers"
        ));
        return Ok(Duration::ZERO);
    }
    Ok(spin)
}

/// The filter if anybody gave one, so that `RUST_LOG` can stand in for the default.
///
/// A word that is no level would be read as the name of a module, and hide every line.
fn check_log(layers: &Layers) -> Result<Option<String>, ConfigError> {
    let given = layers.of(&t::LOG);
    for part in given.text.split(',') {
        let level = part.split_once('=').map_or(part, |(_, level)| level);
        if level.trim().parse::<log::LevelFilter>().is_err() {
            return Err(layers.bad(&t::LOG, None));
        }
    }
    Ok((given.origin != Origin::Default).then(|| given.text.clone()))
}

fn as_u32(value: u64) -> u32 {
    u32::try_from(value).expect("the table bounds counts below 2^32")
}

fn as_size(value: u64) -> usize {
    usize::try_from(value).expect("a 64-bit machine")
}

fn as_u64(value: usize) -> u64 {
    u64::try_from(value).expect("sizes have at most 64 bits")
}

#[cfg(test)]
mod tests;
