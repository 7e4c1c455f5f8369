//! The settings: the one place where their names, bounds, defaults and texts stand.
//!
//! Flags (`config::flags`), environment names, TOML keys (`config::layers`) and the table in
//! docs/OPERATIONS.md are made from this list; a test compares the docs with it.

use crate::config::setting::{AUTO, Kind, NONE, Place, Setting};
use crate::limits;

const KIB: u64 = 1 << 10;
const TIB: u64 = 1 << 40;
const MS: u64 = 1_000;
const SECOND: u64 = 1_000 * MS;

/// Defines a setting that costs no memory to speak of and may stand in the file.
const fn plain(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        kind,
        default,
        help,
        memory: "",
        place: Place::File,
    }
}

/// Defines a setting that costs memory.
const fn costly(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
    memory: &'static str,
) -> Setting {
    Setting {
        name,
        kind,
        default,
        help,
        memory,
        place: Place::File,
    }
}

/// Configuration file.
pub const CONFIG: Setting = Setting {
    name: "config",
    kind: Kind::Path,
    default: "",
    help: "Configuration file in TOML; its keys are the long flags",
    memory: "",
    place: Place::NotFile,
};

/// Addresses to listen on.
pub const LISTEN: Setting = plain(
    "listen",
    Kind::Addresses,
    "127.0.0.1:5625",
    "Addresses to listen on: IP:port, where port 0 lets the system choose one, or a Unix socket \
     as unix:/path",
);

/// Mode of the files of Unix sockets.
pub const LISTEN_MODE: Setting = plain(
    "listen-mode",
    Kind::Mode,
    "0600",
    "Mode of the files of Unix sockets, whatever the umask: who may write to the file may connect",
);

/// Ports of single shards.
pub const SHARD_PORT_BASE: Setting = plain(
    "shard-port-base",
    Kind::Count {
        min: 0,
        max: u16::MAX as u64,
    },
    NONE,
    "Port of shard 0, and those of the other shards one by one above it, on each IP address of \
     --listen and beside its port: a client that opens a connection per shard there spares every \
     request the hop between shards; 0 lets the system choose each",
);

/// Which listeners serve force-release, list and sessions.
pub const ADMIN: Setting = plain(
    "admin",
    Kind::Choice(&["loopback", "all", "none"]),
    "loopback",
    "Listeners whose clients may force-release, list locks and list sessions; a Unix socket is \
     loopback",
);

/// Number of shards.
pub const SHARDS: Setting = costly(
    "shards",
    Kind::Count {
        min: 1,
        max: limits::SHARDS_MAX as u64,
    },
    AUTO,
    "Shards, each a thread with a slice of the keys; auto = one per cpu, as far as their lanes \
     take at most an eighth of the memory",
    "shards x (shards - 1) lanes, and a stub of each session in each shard",
);

/// Cpus to pin shards to.
pub const CPUS: Setting = plain(
    "cpus",
    Kind::Cpus,
    AUTO,
    "Cpus that shards are pinned to, in turn; auto = those that the process may use",
);

/// Total memory.
pub const MEMORY: Setting = costly(
    "memory",
    Kind::Size {
        min: 16 << 20,
        max: 16 * TIB,
    },
    "1GiB",
    "Memory of all shards together; lanes, sessions, connections and buffers come first, locks \
     get the rest",
    "this much",
);

/// Block size.
pub const BLOCK_SIZE: Setting = costly(
    "block-size",
    Kind::OneOf(&[96, 128, 192, 256, 512, 1024]),
    "128",
    "Bytes of a block; a lock with its first hold is one block, each further hold or waiter and \
     a long key or metadata take more",
    "per block, and 15 B of index",
);

/// Memory at start.
pub const PREFAULT: Setting = costly(
    "prefault",
    Kind::Switch,
    "false",
    "Take the memory of all locks at start rather than as they come, so that no request waits for \
     a page; the start takes 0.05 s per GiB, on a virtual machine the first time up to 3 s",
    "all of --memory but sessions and buffers, resident from the start",
);

/// Connections at most.
pub const CONNECTIONS: Setting = costly(
    "connections",
    Kind::Count {
        min: 1,
        max: 10_000_000,
    },
    "100000",
    "Connections at most; lowered with a warning to what the descriptor limit allows",
    "256 B each in every shard",
);

/// Sessions at most.
pub const SESSIONS: Setting = costly(
    "sessions",
    Kind::Count {
        min: 1,
        max: 10_000_000,
    },
    AUTO,
    "Sessions at most, those without a connection included; auto = a quarter more than \
     connections",
    "384 B each, its seats, and 80 B in every shard",
);

/// Seats of a session.
pub const SEATS: Setting = costly(
    "seats",
    Kind::Count {
        // With one alone an acquire that waits would leave none for the release it waits for.
        min: 2,
        max: limits::SEATS_MAX as u64,
    },
    "64",
    "Requests that one session may have running at once",
    "32 B each, times sessions; touched only once used",
);

/// Key bytes at most.
pub const KEY_BYTES_MAX: Setting = plain(
    "key-bytes-max",
    Kind::Count {
        min: 1,
        max: limits::KEY_BYTES_MAX as u64,
    },
    "256",
    "Bytes of a key at most",
);

/// Metadata bytes at most.
pub const METADATA_BYTES_MAX: Setting = plain(
    "metadata-bytes-max",
    Kind::Count {
        min: 0,
        max: limits::METADATA_BYTES_MAX as u64,
    },
    "256",
    "Bytes of a hold's metadata at most",
);

/// Default TTL.
pub const TTL: Setting = plain(
    "ttl",
    Kind::Duration {
        min: limits::TTL_MS_MIN as u64 * MS,
        max: limits::TTL_MS_MAX as u64 * MS,
    },
    "10s",
    "TTL of a session that asks for none: silence after which it and its locks end",
);

/// Greatest TTL.
pub const TTL_MAX: Setting = plain(
    "ttl-max",
    Kind::Duration {
        min: limits::TTL_MS_MIN as u64 * MS,
        max: limits::TTL_MS_MAX as u64 * MS,
    },
    "1h",
    "Longest TTL that a session gets; also how long keys stay closed after a start that finds \
     the newer copy of the data-dir file corrupt",
);

/// Least lease.
pub const LEASE_MIN: Setting = plain(
    "lease-min",
    Kind::Duration {
        min: limits::LEASE_MS_MIN as u64 * MS,
        max: limits::LEASE_MS_MAX as u64 * MS,
    },
    "10ms",
    "Shortest lease; a shorter one asked for becomes this",
);

/// Greatest lease.
pub const LEASE_MAX: Setting = plain(
    "lease-max",
    Kind::Duration {
        min: limits::LEASE_MS_MIN as u64 * MS,
        max: limits::LEASE_MS_MAX as u64 * MS,
    },
    "24d",
    "Longest lease; a longer one asked for becomes this",
);

/// Bytes of a lane.
pub const LANE_BYTES: Setting = costly(
    "lane-bytes",
    Kind::Size {
        min: 128 * KIB,
        max: 64 * KIB * KIB,
    },
    AUTO,
    "Bytes of the ring between two shards, each way; rounded up to a power of two. auto = as much \
     as takes a 64th of the memory, between 256KiB and 1MiB",
    "times shards x (shards - 1)",
);

/// Frame bytes at most.
pub const FRAME_BYTES_MAX: Setting = plain(
    "frame-bytes-max",
    Kind::Size {
        min: 2 * KIB,
        max: locker_protocol::FRAME_BYTES_MAX as u64,
    },
    "64KiB",
    "Bytes of a request frame at most, its header not counted",
);

/// Bound of the drain.
pub const DRAIN: Setting = plain(
    "drain",
    Kind::Duration {
        min: 0,
        max: 3_600 * SECOND,
    },
    "5s",
    "Time that SIGTERM or SIGINT gives holders to release before the server stops",
);

/// Data directory.
pub const DATA_DIR: Setting = plain(
    "data-dir",
    Kind::Path,
    AUTO,
    "Directory of the small durable file that keeps exclusion and token order over restarts; \
     auto = /var/lib/locker for root, else locker in $XDG_STATE_HOME or ~/.local/state",
);

/// No data directory.
pub const EPHEMERAL: Setting = plain(
    "ephemeral",
    Kind::Switch,
    "false",
    "Keep nothing over a restart: no data dir, no grace window, no exclusion across restarts",
);

/// Spin before parking.
pub const SPIN: Setting = plain(
    "spin",
    Kind::Duration {
        min: 0,
        max: 100 * MS,
    },
    "0",
    "Time that a shard without work polls before it parks; 0 when shards share cpus",
);

/// Log filter.
pub const LOG: Setting = plain(
    "log",
    Kind::LogFilter,
    "info",
    "What is logged on stderr: a level, or a filter such as locker=debug; RUST_LOG is read where \
     this is not given",
);

/// All settings, in the order of `--help` and of the docs.
pub const SETTINGS: [&Setting; 26] = [
    &CONFIG,
    &LISTEN,
    &LISTEN_MODE,
    &SHARD_PORT_BASE,
    &ADMIN,
    &SHARDS,
    &CPUS,
    &MEMORY,
    &BLOCK_SIZE,
    &PREFAULT,
    &CONNECTIONS,
    &SESSIONS,
    &SEATS,
    &KEY_BYTES_MAX,
    &METADATA_BYTES_MAX,
    &TTL,
    &TTL_MAX,
    &LEASE_MIN,
    &LEASE_MAX,
    &LANE_BYTES,
    &FRAME_BYTES_MAX,
    &DRAIN,
    &DATA_DIR,
    &EPHEMERAL,
    &SPIN,
    &LOG,
];
