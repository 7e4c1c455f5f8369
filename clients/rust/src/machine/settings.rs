//! What a machine is made with, and what the server granted it.

use std::time::Duration;

use super::clock::Margin;

/// Whether the connection is for locking or only for looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Opens a session, keeps it alive and resumes it.
    Locks,
    /// Opens no session: only reads and pings are served.
    Inspect,
}

/// What the server does with the session when its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisconnect {
    /// The session lives on until its TTL passes, so that the client can resume it.
    Grace,
    /// An orderly end of the connection ends the session. A crash of the process is orderly too:
    /// the kernel closes its sockets. So is a proxy that closes an idle connection.
    Release,
}

/// What a machine is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Locking or looking.
    pub purpose: Purpose,
    /// The session's name, shown to whoever inspects; at most 32 bytes.
    pub name: String,
    /// Name and version of the program or library; at most 64 bytes.
    pub library: String,
    /// How long the server keeps the session without hearing of it; `None` = its default.
    pub ttl: Option<Duration>,
    /// What the end of the connection means.
    pub on_disconnect: OnDisconnect,
    /// How long past its wait a call waits for its answer, contact or not.
    pub answer_timeout: Duration,
    /// How long a new connection may take to be greeted.
    pub hello_timeout: Duration,
    /// Ties several sessions of one program together for inspect; zeros = none.
    pub group: [u8; 16],
    /// What the clock behind the instants given to the machine needs: every deadline is taken
    /// earlier by this, or by what the server demands where that is more.
    pub margin: Margin,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            purpose: Purpose::Locks,
            name: String::new(),
            library: format!("locker-client {}", env!("CARGO_PKG_VERSION")),
            ttl: None,
            on_disconnect: OnDisconnect::Grace,
            answer_timeout: Duration::from_secs(5),
            hello_timeout: Duration::from_secs(5),
            group: [0; 16],
            margin: Margin::TWO_CLOCKS,
        }
    }
}

/// What the server said of itself in its latest greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The server's identity.
    pub server_id: [u8; 16],
    /// Which run of the server.
    pub run: u64,
    /// The session's id; 0 without a session.
    pub session_id: u64,
    /// The session's TTL.
    pub ttl: Duration,
    /// Requests that may be under way at once.
    pub seats: u16,
    /// Shards of the server.
    pub shards: u16,
    /// The shard that serves this session.
    pub shard: u16,
    /// Each shard's own port, on which sessions of that shard are opened; none if there is one
    /// address for all.
    pub ports: Box<[u16]>,
    /// Whether List, Sessions and ForceRelease are served on this connection.
    pub admin: bool,
    /// Whether the server keeps nothing over a restart: no exclusion across one.
    pub ephemeral: bool,
    /// Whether holds can be had back after a restart of the server.
    pub reclaim: bool,
    /// How long keys stay closed after the server's restart, counted from the greeting.
    pub grace_left: Duration,
    /// Key bytes at most.
    pub key_max: u16,
    /// Metadata bytes at most.
    pub metadata_max: u16,
    /// Leases are clamped to at least this.
    pub lease_min: Duration,
    /// Leases are clamped to at most this.
    pub lease_max: Duration,
}
