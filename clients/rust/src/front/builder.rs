//! How a client is made.

use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::fleet::Fleet;
use super::opener::Opener;
use crate::error::Error;
use crate::machine::{Margin, OnDisconnect, Purpose, Settings};

/// Settings of a client; start with [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder connects nothing before `connect`"]
pub struct Builder {
    settings: Settings,
    addresses: Vec<String>,
    connect_timeout: Duration,
    patience: Duration,
    backoff_max: Duration,
    is_shard_aware: bool,
    has_one_clock: bool,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings::default(),
            addresses: Vec::new(),
            connect_timeout: Duration::from_secs(3),
            patience: Duration::ZERO,
            backoff_max: Duration::from_secs(1),
            is_shard_aware: false,
            has_one_clock: false,
        }
    }

    /// Adds an address: `host`, `host:port` or `[v6]:port`, with port 5625 if none is said; or a
    /// Unix socket of this machine, `unix:/path` or `unix:@name` for an abstract one. Several
    /// addresses of one server are tried in turn; all addresses that a name has are tried.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Names the session for whoever inspects the server; at most 32 bytes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// How long the server keeps the session's locks without hearing from this process: after a
    /// crash or a network failure others wait this long. 1 s to 1 h; the server's default is 10 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = Some(ttl);
        self
    }

    /// Ends the session at once when its connection is closed in an orderly way, as the kernel does
    /// for a process that dies. Behind a proxy that closes connections this loses locks.
    pub fn release_on_disconnect(mut self) -> Self {
        self.settings.on_disconnect = OnDisconnect::Release;
        self
    }

    /// By how much deadlines are taken earlier than the server's, for what the clocks of the two
    /// machines may differ by in rate; [`Margin::TWO_CLOCKS`], 1 % + 2 ms, if not said. To be
    /// raised where this machine's clocks are worse than that, as some virtual ones are.
    pub fn margin(mut self, margin: Margin) -> Self {
        self.settings.margin = margin;
        self
    }

    /// Reckons by the standard library's monotonic clock alone, with [`Margin::ONE_CLOCK`], 10 % +
    /// 2 ms, unless [`margin`](Self::margin) is said after this. For sandboxes and hosts whose
    /// `CLOCK_MONOTONIC_RAW` or `CLOCK_BOOTTIME` is missing or wrong. That clock may be slewed by
    /// time synchronisation, which the margin is for; where it stands still while the machine is
    /// suspended, as on Linux, the machine must not be suspended.
    pub fn one_clock(mut self) -> Self {
        self.has_one_clock = true;
        self.margin(Margin::ONE_CLOCK)
    }

    /// Opens no session: only inspecting is served, and nothing has to be kept alive.
    pub fn inspect_only(mut self) -> Self {
        self.settings.purpose = Purpose::Inspect;
        self
    }

    /// Ties the sessions of one program together for whoever inspects the server.
    pub fn group(mut self, group: [u8; 16]) -> Self {
        self.settings.group = group;
        self
    }

    /// How long one attempt to connect may take, and then the greeting. 3 s and 5 s if not said.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self.settings.hello_timeout = timeout;
        self
    }

    /// How long a call waits for its answer past its own wait, in contact or not; 5 s if not said.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.settings.answer_timeout = timeout;
        self
    }

    /// How long [`connect`](Self::connect) goes on trying. Not said: each address is tried once.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The longest wait between two attempts to reconnect; 1 s if not said.
    pub fn backoff_max(mut self, longest: Duration) -> Self {
        self.backoff_max = longest;
        self
    }

    /// Opens one connection and session per shard of the server, all of one group, and sends each
    /// request to the shard of its key, so that none has to cross from one core to another there.
    ///
    /// For servers with `--shard-port-base`; with others the client works as without this. It is
    /// to be asked for because every shard's port must be reachable under the address that was
    /// connected to, which a NAT, a proxy or a firewall may prevent, and because a server of many
    /// shards then keeps as many connections, sessions and TTLs per client. Over a Unix socket
    /// there is one session in any case.
    ///
    /// Only speed depends on it. While a shard's session is out of contact, the first session
    /// takes its requests; a shard whose port cannot be reached is served through the common
    /// address. [`Client::shards_reached`] tells how many shards are served directly.
    pub fn shard_aware(mut self) -> Self {
        self.is_shard_aware = true;
        self
    }

    /// Connects and waits for the server's greeting; then, if
    /// [`shard_aware`](Self::shard_aware), until each shard's session is there or was tried once.
    ///
    /// # Errors
    /// [`Error::Unreachable`]; [`Error::Refused`] if the server is full, stopping or will not have
    /// this client; [`Error::NoAnswer`] if something else answers or nothing does.
    pub fn connect(mut self) -> Result<Client, Error> {
        if self.is_shard_aware && self.settings.group == [0; 16] {
            self.settings.group = random_group();
        }
        let opener = Opener {
            settings: self.settings,
            names: self.addresses.into(),
            connect_timeout: self.connect_timeout,
            backoff_max: self.backoff_max,
            has_one_clock: self.has_one_clock,
            common: Arc::default(),
        };
        let home = opener.open()?;
        home.wait_for_contact(self.patience)?;
        let fleet = self.is_shard_aware.then(|| Fleet::open(opener, &home));
        Ok(Client::new(home, fleet))
    }
}

/// A group that no other client has. Without randomness from the system it stays unnamed: groups
/// only help whoever inspects the server.
fn random_group() -> [u8; 16] {
    let mut group = [0; 16];
    match rustix::rand::getrandom(&mut group, rustix::rand::GetRandomFlags::NONBLOCK) {
        Ok(16) => group,
        _ => [0; 16],
    }
}
