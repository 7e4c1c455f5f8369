//! How a client is made.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::backoff::Backoff;
use super::client::Client;
use super::driver::{Driver, Route};
use super::resolver::Resolver;
use super::shared::Shared;
use crate::error::Error;
use crate::machine::{Machine, OnDisconnect, Purpose, Settings};

/// Settings of a client; start with [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder connects nothing before `connect`"]
pub struct Builder {
    settings: Settings,
    addresses: Vec<String>,
    connect_timeout: Duration,
    patience: Duration,
    backoff_max: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings::default(),
            addresses: Vec::new(),
            connect_timeout: Duration::from_secs(3),
            patience: Duration::ZERO,
            backoff_max: Duration::from_secs(1),
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

    /// Connects and waits for the server's greeting.
    ///
    /// # Errors
    /// [`Error::Unreachable`]; [`Error::Refused`] if the server is full, stopping or will not have
    /// this client; [`Error::NoAnswer`] if something else answers or nothing does.
    pub fn connect(self) -> Result<Client, Error> {
        let resolver = Resolver::new(self.addresses);
        let addresses = resolver.resolve()?;
        let seed = jitter_seed();
        let backoff = Backoff::new(self.backoff_max, seed);
        let connect_timeout = self.connect_timeout;
        let route = Route {
            addresses,
            resolver,
            connect_timeout,
            backoff,
        };
        let shared = Shared::new(Machine::new(self.settings)).map_err(no_resources)?;
        let shared = Arc::new(shared);
        let driver = Driver::new(Arc::clone(&shared), route);
        thread::Builder::new()
            .name("locker-client".to_owned())
            .spawn(move || driver.run())
            .map_err(no_resources)?;
        let client = Client::new(shared);
        client.wait_for_contact(self.patience)?;
        Ok(client)
    }
}

/// Jitter needs only that clients differ; without randomness from the system the clock will do.
fn jitter_seed() -> u64 {
    let mut seed = [0; 8];
    match rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::NONBLOCK) {
        Ok(8) => u64::from_ne_bytes(seed),
        _ => {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
            u64::try_from(now.tv_nsec).unwrap_or(1)
        }
    }
}

/// No thread or no descriptor: nothing can be reached.
fn no_resources(source: io::Error) -> Error {
    Error::Unreachable {
        address: "the system".to_owned(),
        source,
    }
}
